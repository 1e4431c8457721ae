"""Verdicts and drift follow from the numbers alone."""

import json
from dataclasses import replace

import autolens as al
import numpy as np
import pytest

from jax_profiling.gate.drift import drift_of, update_pin
from jax_profiling.gate.report.summary import summary_from

from gate_results import UNSTABLE, candidate_of, compared_with, gate_of, reference_of


@pytest.mark.parametrize(
    "nats, verdict", [(0.0, "drop-in"), (0.09, "drop-in"), (0.11, "opt-in"), (1.1, "marginal"), (11.0, "abandon")]
)
def test_verdict_follows_the_worst_draw(nats, verdict):
    candidate = candidate_of([0.0, -nats, 0.0])
    assert candidate.verdict == verdict
    assert candidate.nats == 0.0
    assert candidate.worst_nats == pytest.approx(nats)
    assert candidate.draws == 2


def test_nan_evidence_is_the_worst_there_is():
    candidate = candidate_of([0.0, np.nan])
    assert candidate.verdict == "abandon"
    assert candidate.worst_nats == np.inf


def test_an_undefined_vector_judges_nothing():
    reference = reference_of([-1000.0, np.nan])
    candidate = compared_with(reference, np.array([-1000.0, -5.0]), perturbed=[[np.nan]], certified=[True, False, True])
    assert candidate.verdict == "drop-in" and candidate.is_delaunay
    assert candidate.draws == 0
    assert candidate.certified


def test_the_gate_fails_without_a_defined_vector():
    candidate = compared_with(reference_of([np.nan]), np.array([np.nan]), perturbed=[[np.nan]])
    assert not gate_of(candidate).passed


@pytest.mark.parametrize("own, error", [(-997.0, 0.0), (-995.0, 0.0), (-1004.5, 0.5), (-990.0, 5.0), (np.nan, 0.0)])
def test_unstable_vectors_judge_beyond_the_tripled_range(own, error):
    candidate = compared_with(reference_of(UNSTABLE), np.array([-1000.0, own]), perturbed=[[-1000.0, -1000.0]])
    assert candidate.errors.tolist() == [0.0, error]
    assert candidate.unexplained.tolist() == [False, error > 0.0]


def test_nan_is_judged_as_a_share():
    values = np.full((30, 5), -1000.0)
    values[:, 2] = np.nan
    reference = reference_of(values)
    as_often = compared_with(
        reference, np.full(30, -1000.0), perturbed=np.where(np.arange(4) == 1, np.nan, np.full((30, 4), -1000.0))
    )
    always = compared_with(reference, np.full(30, np.nan), perturbed=np.full((30, 4), np.nan))
    assert as_often.nan_shares == (0.2, 0.2) and as_often.verdict == "drop-in" and as_often.is_delaunay
    assert always.nan_shares == (1.0, 0.2) and always.verdict == "abandon" and not always.is_delaunay


def test_all_nan_is_infinitely_wrong_at_one_vector():
    reference = reference_of([[*range(-1000, -987)]])
    assert compared_with(reference, np.array([np.nan]), perturbed=[[np.nan] + 11 * [-990.0]]).errors[0] == 0.0
    assert compared_with(reference, np.array([np.nan]), perturbed=[12 * [np.nan]]).errors[0] == np.inf


@pytest.mark.parametrize("perturbations", [1, 2, 4])
def test_a_mesh_that_is_nan_throughout_fails_where_the_reference_never_is(perturbations):
    mesh = compared_with(reference_of(UNSTABLE), np.array([-1000.0, np.nan]), perturbed=[perturbations * [np.nan]])
    assert mesh.errors[1] == np.inf and mesh.verdict == "abandon" and not mesh.is_delaunay
    sometimes = reference_of([[-1000.0, -1000.0, -1000.0], [-1000.0, -998.0, np.nan]])
    as_often = compared_with(sometimes, np.array([-1000.0, np.nan]), perturbed=[[np.nan]])
    assert as_often.errors[1] == 0.0 and as_often.is_delaunay


def test_a_wrong_exact_triangulation_fails_where_its_log_evidence_is_nan():
    reference = reference_of([-1000.0, np.nan], tied=[False, True], faults=(None, "a vertex has no triangle"))
    mesh = compared_with(reference, np.array([-1000.0, np.nan]), perturbed=[[np.nan]])
    assert reference.undefined.tolist() == [False, True]
    assert mesh.relative_errors.tolist() == [0.0, np.inf] and mesh.verdict == "abandon"


def test_undefined_vectors_do_not_dilute_the_share_of_nan():
    """Of three unstable vectors 6 of 15 values are NaN, of the reference's 39 none."""
    rows = np.tile(np.arange(13.0), (3, 1)) - 1000.0
    nan = np.nan
    perturbed = [[nan, nan, nan, -990.0], [nan, nan, -990.0, -990.0], [nan, -990.0, -990.0, -990.0]]
    alone = compared_with(reference_of(rows), np.full(3, -990.0), perturbed=perturbed)
    undefined = reference_of(np.concatenate([rows, np.full((4, 13), nan)]))
    among = compared_with(undefined, np.full(7, -990.0), perturbed=perturbed + 4 * [4 * [-990.0]])
    assert alone.verdict == among.verdict == "abandon"
    assert alone.nan_shares == among.nan_shares == (0.4, 0.0)


def test_perturbed_values_outside_the_range_count():
    candidate = compared_with(reference_of(UNSTABLE), np.array([-1000.0, -1000.0]), perturbed=[[-1000.0, -900.0]])
    assert candidate.errors[1] == 95.0


def test_a_wrong_exact_triangulation_fails_every_mesh():
    reference = reference_of([-1000.0], tied=True, faults=("a vertex has no triangle",))
    candidate = compared_with(reference, np.array([-1000.0]))
    assert candidate.verdict == "abandon" and candidate.unexplained.all()


def test_gate_needs_its_default_rung():
    assert not gate_of(candidate_of([0.0], rung="autoarray DelaunayNN")).passed


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
def test_drift_is_the_distance_from_the_pin(expected, drifted):
    drift = drift_of(expected, live=10.0)
    assert (drift is not None) == drifted
    if drifted:
        assert drift.pinned == expected[drift.release]["log_evidence"]
        assert drift.release == max(expected, key=lambda release: int(release.split(".")[1]))


def test_an_undefined_reference_has_drifted_and_is_not_pinned():
    drift = drift_of({al.__version__: {"log_evidence": 10.0}}, live=np.nan)
    undefined = compared_with(reference_of([np.nan, -1000.0]), np.array([np.nan, -1000.0]), perturbed=[[np.nan]])
    gate = gate_of(undefined, drift=drift)
    assert json.loads(json.dumps(summary_from(gate), allow_nan=False))["drift"]["live"] is None
    with pytest.raises(ValueError, match="not finite"):
        update_pin(gate)


def test_pins_are_kept_while_the_gate_fails():
    with pytest.raises(ValueError, match="gate fails"):
        update_pin(gate_of(candidate_of([50.0])))


def test_a_pin_is_written_and_written_over(small, tmp_path):
    (tmp_path / "model.json").write_text("{}")
    pins = {"2020.1.2.3": {"log_evidence": 10.0}}
    for value, old in ((-1000.0, None), (-1001.0, -1000.0)):
        lens = replace(small, folder=tmp_path, model_path=tmp_path / "model.json", expected=pins)
        assert update_pin(replace(gate_of(candidate_of([0.0], reference=value)), lens=lens)) == (old, value)
        pins = json.loads((tmp_path / "expected.json").read_text())
        assert pins == {"2020.1.2.3": {"log_evidence": 10.0}, al.__version__: {"log_evidence": value}}


def test_the_model_of_a_search_is_not_pinned(small, tmp_path):
    gate = replace(gate_of(candidate_of([0.0])), lens=replace(small, folder=tmp_path))
    with pytest.raises(ValueError, match="the model of a search has no pins"):
        update_pin(gate)
    assert not list(tmp_path.iterdir())
