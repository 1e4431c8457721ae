"""Chance at an unstable vector does not fail a mesh, and what is wrong with it does, at the second look as well."""

import numpy as np
import pytest

from jax_profiling.gate import verdict
from jax_profiling.gate.likelihood import Evidence
from jax_profiling.gate.reference import AGAIN, MORE, MOVES
from knn_barycentric.mesh import KNNBarycentric


def _likelihood(change):
    """Likelihoods whose log evidence is anywhere between -1001 and -1000; the mesh's is what `change` makes of it and of how
    often it was asked."""

    class Noisy:
        def __init__(self, lens, mesh_cls, use_jax=None):
            self.is_mesh, self.calls, self.noise = mesh_cls is KNNBarycentric, 0, np.random.default_rng(0)

        def evidences(self, parameters, batch):
            log_evidence = -1000.0 - self.noise.random(len(parameters))
            if self.is_mesh:
                log_evidence = change(log_evidence, self.calls)
                self.calls += 1
            ones = np.ones(len(parameters), bool)
            return Evidence(log_evidence, np.zeros(len(ones)), ones, (), np.zeros((len(ones), 3)))

    return Noisy


def _compared(change):
    said = []
    reference, (candidate,), _ = verdict.compare(
        None, np.ones((1, 3)), ["delaunay"], MOVES, said.append, batch=1, likelihood=_likelihood(change)
    )
    assert candidate.reference is reference
    return candidate, "both at other moves" in said


CHANGES = {
    "undefined": lambda values: np.full_like(values, np.nan),
    "far": lambda values: values - np.append(0.0, np.full(len(values) - 1, 50.0)),
}
"""What a mesh may give of 1 + M values; "far" is right at the vector itself."""


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_does_not_come_again_was_chance(change):
    candidate, again = _compared(lambda values, calls: change(values) if calls == 0 else values)
    assert again
    assert candidate.is_delaunay and candidate.verdict == "drop-in"
    assert len(candidate.values[0]) == 1 + MOVES and len(candidate.reference.values[0]) == 1 + MOVES + MORE + AGAIN


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_what_comes_again_is_held_against_the_mesh(change):
    candidate, again = _compared(lambda values, calls: change(values))
    assert again
    assert candidate.unexplained.all() and not candidate.is_delaunay and candidate.verdict != "drop-in"


def test_a_mesh_that_is_right_is_looked_at_once():
    candidate, again = _compared(lambda values, calls: values)
    assert not again
    assert candidate.is_delaunay and len(candidate.reference.values[0]) == 1 + MOVES + MORE
