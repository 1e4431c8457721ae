"""Verdicts, drift and reports follow from the numbers alone."""

import io
import json

import autolens as al
import numpy as np
import pytest
from rich.console import Console

from jax_profiling.gate import report, verdict
from jax_profiling.gate.drift import Drift, drift_of, update_pin
from jax_profiling.gate.likelihood import Evidence
from jax_profiling.gate.reference import Reference


def _reference(values, tied=False, dropped=False, faults=None, qhull=np.nan, permuted=np.nan):
    """A reference of (V, 1 + M) values, or of V values that nothing moves."""
    values = np.asarray(values, dtype=float)
    values = values if values.ndim == 2 else np.stack([values, values], axis=1)
    count = len(values)
    tied, dropped = np.broadcast_to(tied, count), np.broadcast_to(dropped, count)
    qhull, permuted = np.full(count, qhull), np.full(count, permuted)
    return Reference(
        list(np.zeros((*values.shape, 1))),
        list(values),
        np.zeros(count),
        tied,
        dropped,
        qhull,
        permuted,
        faults or (None,) * count,
    )


def _candidate(differences, reference=-1000.0, rung="delaunay", certified=True):
    references = np.full(len(differences), reference)
    return _compared(_reference(references), references + differences, certified=certified, rung=rung)


def _compared(reference, log_evidence, moved=(), certified=True, rung="delaunay"):
    """A mesh with so many log evidences at the vectors, followed by those at the moves of unstable ones."""
    log_evidence = np.concatenate([log_evidence, *moved])
    evidence = Evidence(
        log_evidence,
        np.zeros_like(log_evidence),
        np.broadcast_to(certified, log_evidence.shape),
        (),
        np.zeros((len(log_evidence), 3)),
    )
    return verdict._candidate(rung, reference, evidence, moves=len(moved[0]) if len(moved) else 0)


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


def test_a_vector_without_reference_judges_nothing():
    reference = _reference([-1000.0, np.nan])
    candidate = _compared(reference, np.array([-1000.0, -5.0]), moved=[[np.nan]], certified=[True, False, True])
    assert candidate.verdict == "drop-in" and candidate.is_delaunay
    assert candidate.draws == 0
    assert candidate.certified


def test_the_gate_fails_where_no_vector_has_a_reference():
    candidate = _compared(_reference([np.nan]), np.array([np.nan]), moved=[[np.nan]])
    assert not _gate(candidate).passed


UNSTABLE = [[-1000.0, -1000.0, -1000.0], [-1000.0, -998.0, -1001.0]]
"""A stable median, and a draw that last bits move by 3 nats."""


@pytest.mark.parametrize("own, excess", [(-997.0, 0.0), (-995.0, 0.0), (-1004.5, 0.5), (-990.0, 5.0), (np.nan, 0.0)])
def test_an_unstable_vector_judges_beyond_its_range_and_its_width_on_both_sides(own, excess):
    candidate = _compared(_reference(UNSTABLE), np.array([-1000.0, own]), moved=[[-1000.0, -1000.0]])
    assert candidate.errors.tolist() == [0.0, excess]
    assert candidate.unexplained.tolist() == [False, excess > 0.0]


def test_nan_where_the_reference_is_nan_sometimes_is_judged_as_a_share():
    values = np.full((30, 5), -1000.0)
    values[:, 2] = np.nan
    reference = _reference(values)
    as_often = _compared(
        reference, np.full(30, -1000.0), moved=np.where(np.arange(4) == 1, np.nan, np.full((30, 4), -1000.0))
    )
    always = _compared(reference, np.full(30, np.nan), moved=np.full((30, 4), np.nan))
    assert as_often.undefined == (0.2, 0.2) and as_often.verdict == "drop-in" and as_often.is_delaunay
    assert always.undefined == (1.0, 0.2) and always.verdict == "abandon" and not always.is_delaunay


def test_nan_at_one_vector_where_the_reference_is_hardly_ever_nan_is_infinitely_wrong():
    reference = _reference([[*range(-1000, -987)]])
    assert _compared(reference, np.array([np.nan]), moved=[[np.nan] + 11 * [-990.0]]).errors[0] == 0.0
    assert _compared(reference, np.array([np.nan]), moved=[12 * [np.nan]]).errors[0] == np.inf


def test_a_moved_value_outside_the_range_counts_too():
    candidate = _compared(_reference(UNSTABLE), np.array([-1000.0, -1000.0]), moved=[[-1000.0, -900.0]])
    assert candidate.errors[1] == 95.0


def test_nothing_is_judged_by_a_triangulation_that_the_oracle_refuses():
    reference = _reference([-1000.0], tied=True, faults=("a vertex has no triangle",))
    candidate = _compared(reference, np.array([-1000.0]))
    assert candidate.verdict == "abandon" and candidate.unexplained.all()
    assert "a vertex has no triangle" in report.conclusion_from(_gate(candidate))[-1]


@pytest.mark.parametrize(
    "expected, drifted",
    [
        ({}, False),
        ({al.__version__: {"log_evidence": 10.0}}, False),
        ({al.__version__: {"log_evidence": 10.0 + 1.0e-4}}, False),
        ({al.__version__: {"log_evidence": 11.0}}, True),
        ({"2020.1.2.3": {"log_evidence": 10.0}}, False),
        ({"2020.1.2.3": {"log_evidence": 10.0}, "2020.10.1.1": {"log_evidence": 12.0}}, True),
    ],
)
def test_drift(expected, drifted):
    drift = drift_of(expected, live=10.0)
    assert (drift is not None) == drifted
    if drifted:
        assert drift.pinned == expected[drift.release]["log_evidence"]
        assert drift.release == max(expected, key=lambda release: int(release.split(".")[1]))


class _Lens:
    name, vertices, data_points = "toy", 3, 7


def _gate(*candidates, drift=None):
    return verdict.Gate(_Lens, candidates[0].reference, list(candidates), drift, mapper=None, sources={})


def test_summary_has_the_contract_and_is_json():
    peer = _candidate([np.nan], rung="autoarray DelaunayNN")
    found = _gate(_candidate([0.05]), peer, drift=Drift(pinned=-990.0, live=-1000.0, release="2026.1.1.1"))
    summary = json.loads(json.dumps(report.summary_from(found), allow_nan=False))
    assert list(summary) == [
        *("lens", "autolens", "jax", "device", "vertices", "data_points"),
        *("reference", "candidates", "drift", "passed"),
    ]
    assert list(summary["candidates"][0]) == [
        *("rung", "log_evidence", "nats", "relative_error", "worst_nats", "worst_relative_error"),
        *("unexplained", "worst_unexplained_nats", "draws", "certified", "verdict"),
    ]
    assert summary["reference"] == {
        "mesh": "Delaunay",
        "log_evidence": -1000.0,
        "log_det": "shipped",
        "noise_nats": 0.0,
        **dict.fromkeys(report.KINDS, 0.0),
    }
    assert summary["passed"] is True
    assert summary["drift"] == {"pinned": -990.0, "live": -1000.0, "release": "2026.1.1.1"}
    assert summary["candidates"][1]["nats"] is None


def test_the_table_is_whole_at_80_columns():
    peer = _candidate([3.0, 50.0], rung="autoarray KNearestNeighbor mended")
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(report.table_from(_gate(_candidate([0.05, 0.1]), peer)))
    text = console.export_text()
    assert "…" not in text and "5.0e-02 of 1" in text
    assert [line.split()[-1] for line in text.splitlines() if " of 1 " in line] == ["opt-in", "abandon"]


def test_drift_and_verdict_are_separate_sentences():
    passed, *_, drifted = report.conclusion_from(_gate(_candidate([0.05]), drift=Drift(-990.0, -1000.0, "2026.1.1.1")))
    assert "passed" in passed and "drift" not in passed
    assert "drifted" in drifted and "2026.1.1.1" in drifted
    failed, *_ = report.conclusion_from(_gate(_candidate([5.0])))
    assert "FAILED" in failed


def test_what_the_reference_is_worth_is_said_where_it_is_not_delaunay_as_it_stands():
    reference = _reference(UNSTABLE, tied=[True, False], dropped=[False, True], qhull=-1008.0, permuted=-1001.0)
    candidate = _compared(reference, np.array([-1000.0, -1000.0]), moved=[[-1000.0, -1000.0]])
    unstable, odd, unexplained = report.conclusion_from(_gate(candidate, _candidate([0.0])))[1:] + [""]
    assert "at 1 of 2 vectors" in unstable and "up to 3.0e+00 nats" in unstable
    assert "1 of 2 meshes have several" in odd and "of 1 Qhull leaves out" in odd
    assert "8.0e+00 nats away" in odd and "7.0e+00 with the order" in odd
    rows = report.rows_from(_gate(candidate))
    assert [row[0] for row in rows] == ["Delaunay (reference)", report.QHULL, "delaunay (default)"]
    assert rows[1][-1] == "judges nothing" and rows[0][4] == "3e+00 of noise"


def test_what_the_noise_does_not_explain_is_said():
    said = report.conclusion_from(_gate(_candidate([0.0, 0.05])))
    assert "at 1 of 2 vectors" in said[1] and "5.0e-02 nats at worst" in said[1]


def test_one_line_per_lens(tmp_path):
    reference = _reference(UNSTABLE, tied=[True, False], qhull=-1008.0)
    noisy = report.nonzero(_gate(_compared(reference, np.array([-1000.0, -1000.0]), moved=[[-1000.0, -1000.0]])))
    plain = report.nonzero(_gate(_candidate([0.05]), drift=Drift(-990.0, -1000.0, "2026.1.1.1")))
    assert noisy[4:11] == ("+0.0e+00", "0.0e+00", "0.0e+00", "1", "3.0e+00", "0, 1, 1, 0", "0")
    assert plain[4:] == (
        *("+5.0e-02", "-", "-", "0", "0.0e+00", "0, 0, 0, 0", "1", "drop-in", "passed", "from -990.000000"),
    )
    report.write_lines([list(plain), noisy], tmp_path)
    assert len((tmp_path / "summary.md").read_text().splitlines()) == 8


def test_gate_needs_its_default_rung():
    assert not _gate(_candidate([0.0], rung="autoarray DelaunayNN")).passed


def test_pin_is_not_updated_while_the_gate_fails():
    with pytest.raises(ValueError, match="gate fails"):
        update_pin(_gate(_candidate([50.0])))
