"""The regression with `--log-det accurate`. At the small coefficients of this lens both log determinants agree."""

import json
import runpy
from pathlib import Path

import pytest

import knn_barycentric

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]


@pytest.fixture
def unpatched():
    """autoarray as it was, after the test: the command patches the process for good."""
    yield
    knn_barycentric.unpatch()


def test_accurate_log_determinant_passes_and_is_named(small, tmp_path, unpatched, capfd):
    options = ["--lens", str(small.folder), "--rungs", "delaunay", "--output", str(tmp_path)]
    assert main([*options, "--log-det", "accurate"]) == 0
    printed = capfd.readouterr().out
    assert printed.splitlines()[-1].startswith("Report: ") and printed.rstrip().endswith("report.html")
    page = (tmp_path / "report.html").read_text()
    assert "--draws 0 --log-det accurate --rungs delaunay" in page
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["reference"]["log_det"] == "accurate" and summary["passed"] and summary["drift"] is None
    assert summary["candidates"][0]["relative_error"] <= 1.0e-9
    (pinned,) = {each["log_evidence"] for each in small.expected.values()}
    assert summary["reference"]["log_evidence"] == pytest.approx(pinned, abs=1.0e-3)
