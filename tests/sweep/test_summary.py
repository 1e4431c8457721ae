"""The summary of a sweep. The committed one has a drop-in on every lens, and its page matches its JSON."""

import json

from jax_profiling.gate.verdict import DEFAULT_RUNG
from jax_profiling.sweep import summary
from jax_profiling.sweep.__main__ import ROOT

FOLDER = ROOT / "results" / "sweep"


def test_committed_page_matches_its_json():
    committed = json.loads((FOLDER / "summary.json").read_text())
    assert summary.markdown_from(committed) == (FOLDER / "summary.md").read_text()
    assert summary.json_from(committed) == (FOLDER / "summary.json").read_text()


def test_verdicts_follow_from_the_committed_errors():
    committed = json.loads((FOLDER / "summary.json").read_text())
    assert committed["passed"] and len(committed["lenses"]) >= 300
    rows = summary.vectors_of(committed, DEFAULT_RUNG)
    assert len(rows) == 9 * len(committed["lenses"]) - 2
    assert max(row["relative"] for row in rows) <= 1.0e-4
    for lens in committed["lenses"]:
        assert lens["candidates"][DEFAULT_RUNG]["verdict"] == "drop-in"


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
