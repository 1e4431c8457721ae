"""Verdicts, drift and reports follow from the numbers alone."""

import json

import numpy as np
import pytest

from jax_profiling.gate import report, verdict
from jax_profiling.gate.likelihood import Evidence


def _candidate(differences, reference=-1000.0, rung="delaunay", certified=True):
    references = np.full(len(differences), reference)
    return verdict._candidate(rung, references, _evidence(references + differences, certified))


def _evidence(log_evidence, certified=True, ties=0):
    shape = np.shape(log_evidence)
    return Evidence(
        log_evidence, np.broadcast_to(certified, shape), np.broadcast_to(ties, shape), np.zeros((*shape, 3))
    )


@pytest.mark.parametrize(
    "nats, verdict", [(0.0, "drop-in"), (0.09, "drop-in"), (0.11, "opt-in"), (1.1, "marginal"), (11.0, "abandon")]
)
def test_verdict_follows_the_worst_draw(nats, verdict):
    candidate = _candidate([0.0, -nats, 0.0])
    assert candidate.verdict == verdict
    assert candidate.nats == 0.0
    assert candidate.worst_nats == pytest.approx(nats)
    assert candidate.draws == 2


def test_nan_evidence_is_the_worst_there_is():
    candidate = _candidate([0.0, np.nan])
    assert candidate.verdict == "abandon"
    assert candidate.worst_nats == np.inf


def test_nan_at_the_prior_median_fails_even_where_the_reference_is_nan():
    references = np.array([np.nan, -1000.0])
    candidate = verdict._candidate("delaunay", references, _evidence(references))
    assert candidate.verdict == "abandon"


def test_a_draw_without_reference_judges_nothing():
    references = np.array([-1000.0, np.nan])
    candidate = verdict._candidate("delaunay", references, _evidence(np.array([-1000.0, -5.0]), [True, False]))
    assert candidate.verdict == "drop-in"
    assert candidate.draws == 0
    assert candidate.certified


@pytest.mark.parametrize(
    "expected, drifted",
    [
        ({}, False),
        ({verdict.al.__version__: {"log_evidence": 10.0}}, False),
        ({verdict.al.__version__: {"log_evidence": 10.0 + 1.0e-4}}, False),
        ({verdict.al.__version__: {"log_evidence": 11.0}}, True),
        ({"2020.1.2.3": {"log_evidence": 10.0}}, False),
        ({"2020.1.2.3": {"log_evidence": 10.0}, "2020.10.1.1": {"log_evidence": 12.0}}, True),
    ],
)
def test_drift(expected, drifted):
    drift = verdict.drift_of(expected, live=10.0)
    assert (drift is not None) == drifted
    if drifted:
        assert drift.pinned == expected[drift.release]["log_evidence"]
        assert drift.release == max(expected, key=lambda release: int(release.split(".")[1]))


class _Lens:
    name, vertices, data_points = "toy", 3, 7


def _gate(*candidates, drift=None, floor=None):
    return verdict.Gate(_Lens, -1000.0, list(candidates), floor, drift, mapper=None, sources={})


def test_summary_has_the_contract_and_is_json():
    peer = _candidate([np.nan], rung="autoarray DelaunayNN")
    found = _gate(_candidate([0.05]), peer, drift=verdict.Drift(pinned=-990.0, live=-1000.0, release="2026.1.1.1"))
    summary = json.loads(json.dumps(report.summary_from(found), allow_nan=False))
    assert list(summary) == [
        *("lens", "autolens", "jax", "device", "vertices", "data_points"),
        *("reference", "candidates", "drift", "passed"),
    ]
    assert list(summary["candidates"][0]) == [
        *("rung", "log_evidence", "nats", "relative_error", "worst_nats", "worst_relative_error"),
        *("draws", "certified", "verdict"),
    ]
    assert summary["reference"] == {"mesh": "Delaunay", "log_evidence": -1000.0, "log_det": "shipped"}
    assert summary["passed"] is True
    assert summary["drift"] == {"pinned": -990.0, "live": -1000.0, "release": "2026.1.1.1"}
    assert summary["candidates"][1]["nats"] is None


def test_drift_and_verdict_are_separate_sentences():
    passed, drifted = report.conclusion_from(
        _gate(_candidate([0.05]), drift=verdict.Drift(-990.0, -1000.0, "2026.1.1.1"))
    )
    assert "passed" in passed and "drift" not in passed
    assert "drifted" in drifted and "2026.1.1.1" in drifted
    (failed,) = report.conclusion_from(_gate(_candidate([5.0])))
    assert "FAILED" in failed


def test_ties_are_shown_apart_where_the_reference_is_finite():
    references = np.array([-1000.0, -1000.0, np.nan, -1000.0])
    evidences = _evidence(references + np.array([0.0, 0.5, 0.0, 0.01]), ties=np.array([0, 3, 5, 0]))
    candidate = verdict._candidate("delaunay", references, evidences)
    assert list(candidate.tied) == [False, True, False]
    sentence = report.conclusion_from(_gate(candidate, floor=_candidate([0.0, 0.7], rung=verdict.FLOOR)))[1]
    assert "1 of 3 meshes have ties" in sentence
    assert "moves by up to 7.0e-01 nats; apart from those the default rung is 1.0e-02 nats off" in sentence


def test_one_line_per_lens_shows_ties_apart(tmp_path):
    references = np.full(3, -1000.0)
    evidences = _evidence(references + np.array([0.5, 0.0, 0.01]), ties=np.array([4, 0, 0]))
    tied = report.nonzero(
        _gate(verdict._candidate("delaunay", references, evidences), floor=_candidate([0.7, 0.0], rung=verdict.FLOOR))
    )
    untied = report.nonzero(_gate(_candidate([0.05]), drift=verdict.Drift(-990.0, -1000.0, "2026.1.1.1")))
    assert tied[4:9] == ("tied", "1.0e-02", "1.0e-05", "2", "1, 5.0e-01, 7.0e-01")
    assert untied[4:] == ("+5.0e-02", "-", "-", "0", "none", "drop-in", "passed", "from -990.000000")
    report.write_lines([list(untied), tied], tmp_path)
    assert len((tmp_path / "summary.md").read_text().splitlines()) == 8


def test_noise_floor_stands_beside_the_differences():
    floor = _candidate([0.0, 0.2], rung=verdict.FLOOR)
    found = _gate(_candidate([0.0, 0.05]), floor=floor)
    rows = report.rows_from(found)
    assert [row[0] for row in rows] == ["Delaunay (reference)", verdict.FLOOR, "delaunay (default)"]
    assert rows[1][-1] == "noise floor"
    assert "2.0e-01 nats" in report.conclusion_from(found)[1]
    assert [each["rung"] for each in report.summary_from(found)["candidates"]] == ["delaunay"]
    assert found.passed


def test_gate_needs_its_default_rung():
    assert not _gate(_candidate([0.0], rung="autoarray DelaunayNN")).passed


def test_pin_is_not_updated_while_the_gate_fails():
    with pytest.raises(ValueError, match="gate fails"):
        verdict.update_pin(_gate(_candidate([50.0])))
