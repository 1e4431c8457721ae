"""The code in delaunax's README and on its page for SciPy's users runs, and gives the results that the pages promise."""

import re
from pathlib import Path

import numpy as np

import delaunax

ROOT = Path(__file__).parents[2]
SCIPY_PAGE = ROOT / "docs" / "delaunax" / "scipy.md"


def examples_of(page):
    """The Python code blocks of a page."""
    return re.findall(r"```python\n(.*?)```", page.read_text(), flags=re.DOTALL)


def test_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    for example in examples_of(ROOT / "delaunax" / "README.md"):
        exec(compile(example, "delaunax/README.md", "exec"), names)
    queries, interpolator = names["queries"], names["interpolator"]
    np.testing.assert_array_equal(names["values"], interpolator(queries))
    np.testing.assert_array_equal(names["copy"](queries), interpolator(queries))
    with np.load("triangulation.npz") as saved:
        np.testing.assert_array_equal(saved["simplices"], names["triangulation"].simplices)


def test_scipy_and_delaunax_give_the_same():
    names, compared = {}, 0
    for example in examples_of(SCIPY_PAGE):
        exec(compile(example, SCIPY_PAGE.name, "exec"), names)
        if "there" in names:
            there, here = names.pop("there"), names.pop("here")
            if isinstance(there, set):
                assert there == here
            else:
                np.testing.assert_allclose(here, there, rtol=0.0, atol=1e-13)
            compared += 1
    assert compared == 10
    assert np.isfinite(names["slope"]).all()
    assert names["batch"].certified.all()


def test_readme_names_every_public_function():
    table = (ROOT / "delaunax" / "README.md").read_text().partition("## What is in it")[2].partition("##")[0]
    assert set(delaunax.__all__) - {"oracle"} <= set(re.findall(r"`(\w+)`", table)) | RESULTS


RESULTS = {"Explanation", "NaturalNeighborRows", "NaturalNeighbors", "Triangulation", "VertexNeighbors"}
"""What functions return; the API page describes them."""
