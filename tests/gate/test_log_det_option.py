"""The regression with `--log-det accurate`. At the small coefficients of this lens both log determinants agree."""

import json
import runpy
import shutil
from pathlib import Path

import autolens as al
import pytest

import knn_barycentric
from jax_profiling.gate import provenance
from jax_profiling.gate.drift import drift_of, update_pin
from jax_profiling.gate.patches import log_dets

from gate_results import candidate_of, gate_of

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]


@pytest.fixture
def unpatched():
    """autoarray as it was, after the test."""
    yield knn_barycentric.patch
    knn_barycentric.unpatch()


def test_accurate_log_determinants_have_no_pins(unpatched):
    expected = {al.__version__: {"log_evidence": 10.0}}
    assert drift_of(expected, live=11.0) is not None
    unpatched(log_det=True)
    assert drift_of(expected, live=11.0) is None
    with pytest.raises(ValueError, match="leave out --log-det accurate"):
        update_pin(gate_of(candidate_of([0.0])))


def test_a_patch_is_not_undone_behind_its_caller(unpatched):
    unpatched(log_det=True)
    for accurate in (True, False):
        with pytest.raises(RuntimeError, match="call unpatch"), log_dets(accurate):
            pass
    assert provenance.log_det() == "accurate"


def test_further_patches_end_with_the_log_determinants(unpatched):
    shipped = al.mesh.DelaunayNN
    with log_dets(accurate=True, natural_neighbors=True):
        assert provenance.log_det() == "accurate" and al.mesh.DelaunayNN is knn_barycentric.NaturalNeighbor
    assert provenance.log_det() == "shipped" and al.mesh.DelaunayNN is shipped


def test_two_lenses_of_one_folder_name_give_one_sentence(small, tmp_path, capfd):
    folder = shutil.copytree(small.folder, tmp_path / "small")
    assert main(["--lens", "small", "--lens", str(folder), "--rungs", "delaunay"]) == 2
    assert "small: two lenses write their report there" in capfd.readouterr().err


def test_accurate_log_determinant_passes_and_is_named(small, tmp_path, capfd):
    options = ["--lens", str(small.folder), "--rungs", "delaunay", "--output", str(tmp_path)]
    assert main([*options, "--log-det", "accurate"]) == 0
    printed = capfd.readouterr().out
    assert printed.splitlines()[-1].startswith("Report: ") and printed.rstrip().endswith("report.html")
    page = (tmp_path / "report.html").read_text()
    assert "--draws 0 --log-det accurate --rungs delaunay" in page
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["reference"]["log_det"] == "accurate" and summary["passed"] and summary["drift"] is None
    assert summary["candidates"][0]["relative_error"] <= 1.0e-9
    assert provenance.log_det() == "shipped"
    (pinned,) = {each["log_evidence"] for each in small.expected.values()}
    assert summary["reference"]["log_evidence"] == pytest.approx(pinned, abs=1.0e-3)
