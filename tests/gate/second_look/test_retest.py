"""Chance at an unstable vector does not fail a mesh; a wrong mesh fails the retest too."""

import numpy as np
import pytest

from jax_profiling.gate import verdict
from jax_profiling.gate.likelihood import Evidence
from jax_profiling.gate.live_reference import EXTRA_PERTURBATIONS, PERTURBATIONS, RETEST_PERTURBATIONS
from knn_barycentric.mesh import KNNBarycentric


def _likelihood(change):
    """A likelihood with random log evidences between -1001 and -1000.

    For `KNNBarycentric` they are replaced by `change(log_evidence, calls)`, where `calls` counts the evaluations so far.
    """

    class Noisy:
        def __init__(self, lens, mesh_cls, use_jax=None):
            self.is_mesh, self.calls, self.noise = mesh_cls is KNNBarycentric, 0, np.random.default_rng(0)

        def mappers(self, parameters):
            return []

        def evidences(self, parameters, batch):
            log_evidence = -1000.0 - self.noise.random(len(parameters))
            if self.is_mesh:
                log_evidence = change(log_evidence, self.calls)
                self.calls += 1
            ones = np.ones(len(parameters), bool)
            return Evidence(log_evidence, np.zeros(len(ones)), ones, (), np.zeros((len(ones), 3)))

    return Noisy


def _compared(change):
    """The candidate, and whether it was retested."""
    messages = []
    reference, (candidate,), _ = verdict.compare(
        None, np.ones((1, 3)), ["delaunay"], PERTURBATIONS, messages.append, batch=1, likelihood=_likelihood(change)
    )
    assert candidate.reference is reference
    return candidate, "retest with fresh perturbations" in messages


CHANGES = {
    "undefined": lambda values: np.full_like(values, np.nan),
    "far": lambda values: values - np.append(0.0, np.full(len(values) - 1, 50.0)),
}
"""Wrong log evidences at 1 + P parameter vectors; "far" is right at the unperturbed one."""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_failure_by_chance_passes_the_retest(change):
    candidate, retested = _compared(lambda values, calls: change(values) if calls == 0 else values)
    assert retested
    assert candidate.is_delaunay and candidate.verdict == "drop-in"
    assert len(candidate.values[0]) == 1 + PERTURBATIONS
    assert len(candidate.reference.values[0]) == 1 + PERTURBATIONS + EXTRA_PERTURBATIONS + RETEST_PERTURBATIONS


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_wrong_mesh_fails_the_retest(change):
    candidate, retested = _compared(lambda values, calls: change(values))
    assert retested
    assert candidate.unexplained.all() and not candidate.is_delaunay and candidate.verdict != "drop-in"


def test_a_right_mesh_is_not_retested():
    candidate, retested = _compared(lambda values, calls: values)
    assert not retested
    assert candidate.is_delaunay
    assert len(candidate.reference.values[0]) == 1 + PERTURBATIONS + EXTRA_PERTURBATIONS
