"""The committed sweep: every lens passed, and its page is written from its JSON."""

import json

from jax_profiling.gate.verdict import DEFAULT_RUNG
from jax_profiling.sweep import summary
from jax_profiling.sweep.__main__ import ROOT

FOLDER = ROOT / "results" / "sweep"


def test_the_page_is_written_from_what_was_found():
    found = json.loads((FOLDER / "summary.json").read_text())
    assert summary.markdown_from(found) == (FOLDER / "summary.md").read_text()


def test_the_default_is_a_drop_in_on_every_lens_of_the_population():
    found = json.loads((FOLDER / "summary.json").read_text())
    assert found["passed"] and len(found["lenses"]) >= 300
    for lens in found["lenses"]:
        assert lens["candidates"][DEFAULT_RUNG]["verdict"] == "drop-in"
        assert len(lens["noise"]) == 9


def test_a_sweep_without_a_result_has_a_summary_too(tmp_path):
    found = {
        "versions": {"autolens": "2026.10.26.1"},
        "devices": [],
        "settings": {"rungs": [DEFAULT_RUNG]},
        "lenses": [],
        "failed": {"lens.0-1": "lens/data.fits: missing; put the FITS image there."},
        "passed": False,
    }
    summary.write(found, tmp_path)
    text = (tmp_path / "summary.md").read_text()
    assert "| lens.0-1 | lens/data.fits: missing; put the FITS image there. |" in text
    assert "FAILED" in text
