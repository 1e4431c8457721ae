"""The quick start runs, and its result is the one it promises."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "start" / "quickstart.md"


def run(code, capsys, monkeypatch):
    """The output of a page's code in the root of the repository."""
    monkeypatch.chdir(ROOT)
    exec(compile(code, str(PAGE), "exec"), {})
    return capsys.readouterr().out


def test_quick_start_fits_both_meshes_alike(capsys, monkeypatch):
    page = PAGE.read_text()
    fit, model = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    shown = dict(line.split() for line in run(fit, capsys, monkeypatch).splitlines())
    delaunay, ours = float(shown["Delaunay"]), float(shown["KNNBarycentric"])
    assert ours == pytest.approx(delaunay, rel=1e-9)
    (promised,) = re.findall(r"the same log evidence, ([\d.]+)\. ", page)
    assert ours == pytest.approx(float(promised), rel=1e-8)
    assert "ConstantSplit" in run(model, capsys, monkeypatch)
