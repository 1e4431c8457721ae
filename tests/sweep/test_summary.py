"""The summary of a sweep is written from its JSON, also without any result."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from jax_profiling.gate.verdict import DEFAULT_RUNG
from jax_profiling.lenses.simulate import DATASETS
from jax_profiling.sweep import records, summary
from jax_profiling.sweep.__main__ import ROOT
from jax_profiling.sweep.chunks import Settings, chunks_of
from jax_profiling.sweep.records import record_of
from jax_profiling.terminal.command import BadInput

from gate_results import compared_with, reference_of

FOLDER = ROOT / "results" / "sweep"


def test_committed_page_matches_its_json():
    committed = json.loads((FOLDER / "summary.json").read_text())
    assert summary.markdown_from(committed) == (FOLDER / "summary.md").read_text()
    assert summary.text_of(committed) == (FOLDER / "summary.json").read_text()


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


def records_of(folder, *chunks, values=(-1000.0, -1000.0)):
    """Write the records of chunks with one value of the reference and of the mesh per vector."""
    for chunk in chunks:
        reference = reference_of([values[0]] * (chunk.last - chunk.first))
        record = record_of(reference, [compared_with(reference, np.full(len(reference.values), values[1]))])
        facts = {"device": "CPU", "facts": {}, "vertices": 3, "data_points": 7, "seconds": 1.0, "programs": 1}
        records.write(record | dataclasses.asdict(chunk) | facts, folder / f"{chunk.key}.json")


def test_a_lens_without_its_first_chunk_has_no_prior_median(tmp_path):
    chunks = chunks_of(["hst", "small"], draws=9)
    records_of(tmp_path, *chunks[1:])
    report = summary.summary_from(chunks, tmp_path, Settings(), {}, {chunks[0].key: "lost"})
    assert [lens["log_evidence"] for lens in report["lenses"]] == [None, -1000.0]
    assert not report["passed"]


def test_results_of_another_lens_of_the_name_are_rejected(tmp_path):
    lenses = [str(tmp_path / tile / "lens") for tile in ("tile_1", "tile_2")]
    for lens in lenses:
        Path(lens).mkdir(parents=True)
    records_of(tmp_path, *chunks_of(lenses[:1], draws=0))
    with pytest.raises(BadInput, match="has results of .*tile_1/lens, not of .*tile_2/lens"):
        summary.summary_from(chunks_of(lenses[1:], draws=0), tmp_path, Settings(), {}, {})


@pytest.mark.parametrize("text", ["[]", "{}", '{"lens": "small'])
def test_a_damaged_result_is_no_result(text, tmp_path):
    (chunk,) = chunks_of(["small"], draws=0)
    (tmp_path / f"{chunk.key}.json").write_text(text)
    assert records.of_chunk(chunk, tmp_path) is None


def test_a_result_of_other_files_of_the_lens_is_no_result(tmp_path):
    lens = shutil.copytree(DATASETS / "small", tmp_path / "a|b c")

    def result():
        (chunk,) = chunks_of([str(lens)], draws=0)
        return records.of_chunk(chunk, tmp_path)

    records_of(tmp_path, *chunks_of([str(lens)], draws=0))
    (lens / "expected.json").write_text("{}")
    assert result() is not None
    (lens / "info.json").write_text((lens / "info.json").read_text().replace("2.2", "1.8", 1))
    assert result() is None
    records_of(tmp_path, *chunks_of([str(lens)], draws=0))
    (lens / "psf.fits").unlink()
    assert result() is None


def test_the_command_that_repeats_a_gate_is_quoted(tmp_path):
    lens = shutil.copytree(DATASETS / "small", tmp_path / "a|b c")
    chunks = chunks_of([str(lens)], draws=0)
    records_of(tmp_path, *chunks)
    text = summary.markdown_from(summary.summary_from(chunks, tmp_path, Settings(), {}, {}))
    assert rf"--lens '{tmp_path}/a\|b c' --rungs" in text


@pytest.mark.parametrize("values", [(-1000.0, np.nan), (np.nan, np.nan), (-1000.0, 1.0e9)])
def test_any_values_have_a_summary_and_a_figure(tmp_path, values):
    chunks = chunks_of(["small"], draws=1)
    records_of(tmp_path / "chunks", *chunks, values=values)
    report = summary.summary_from(chunks, tmp_path / "chunks", Settings(log_det="accurate"), {}, {})
    assert not report["passed"]
    summary.write(report, tmp_path)
    assert "--draws 1 --log-det accurate`" in (tmp_path / "summary.md").read_text()
    assert (tmp_path / "sweep.png").exists()
