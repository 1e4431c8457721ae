"""The regression with `--log-det accurate`. At the small coefficients of this lens both log determinants agree."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"


def test_accurate_log_determinant_passes_and_is_named(small, tmp_path):
    command = [sys.executable, SCRIPT, "--lens", small.folder, "--rungs", "delaunay", "--output", tmp_path]
    ran = subprocess.run([*command, "--log-det", "accurate"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.splitlines()[-1].startswith("Report: ") and ran.stdout.rstrip().endswith("report.html")
    page = (tmp_path / "report.html").read_text()
    assert "--draws 0 --log-det accurate --rungs delaunay" in page
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["reference"]["log_det"] == "accurate" and summary["passed"] and summary["drift"] is None
    assert summary["candidates"][0]["relative_error"] <= 1.0e-9
    (pinned,) = {each["log_evidence"] for each in small.expected.values()}
    assert summary["reference"]["log_evidence"] == pytest.approx(pinned, abs=1.0e-3)
