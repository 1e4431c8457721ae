"""The summary of a sweep is written from its JSON, also without any result."""

import json

from jax_profiling.gate.verdict import DEFAULT_RUNG
from jax_profiling.sweep import summary
from jax_profiling.sweep.__main__ import ROOT

FOLDER = ROOT / "results" / "sweep"


def test_committed_page_matches_its_json():
    committed = json.loads((FOLDER / "summary.json").read_text())
    assert summary.markdown_from(committed) == (FOLDER / "summary.md").read_text()
    assert summary.json_from(committed) == (FOLDER / "summary.json").read_text()


def test_sweep_without_a_result_has_a_summary(tmp_path):
    empty = {
        "versions": {"autolens": "2026.10.26.1"},
        "devices": [],
        "settings": {"rungs": [DEFAULT_RUNG]},
        "lenses": [],
        "failures": {"lens.0-1": "lens/data.fits: missing; put the FITS image there."},
        "passed": False,
    }
    summary.write(empty, tmp_path)
    text = (tmp_path / "summary.md").read_text()
    assert "| lens.0-1 | lens/data.fits: missing; put the FITS image there. |" in text
    assert "FAILED" in text
