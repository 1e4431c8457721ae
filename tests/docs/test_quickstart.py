"""The quick start runs, and its result is the one it promises."""

import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "start" / "quickstart.md"


def run(code, names, capsys):
    """The output of a page's code, with the names that code above it has defined."""
    exec(compile(code, str(PAGE), "exec"), names)
    return capsys.readouterr().out


def test_quick_start_fits_both_meshes_alike(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    page, names = PAGE.read_text(), {}
    fit, model = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    shown = dict(line.split() for line in run(fit, names, capsys).splitlines())
    delaunay, ours = float(shown["Delaunay"]), float(shown["KNNBarycentric"])
    assert ours == pytest.approx(delaunay, rel=1e-9)
    (promised,) = re.findall(r"the same log evidence, ([\d.]+)\. ", page)
    assert ours == pytest.approx(float(promised), rel=1e-8)
    assert "ConstantSplit" in run(model, names, capsys)
    assert names["model"].prior_count == 2  # the Einstein radius and the coefficient
    instance = names["model"].instance_from_prior_medians()
    assert np.isfinite(names["analysis"].log_likelihood_function(instance=instance))
