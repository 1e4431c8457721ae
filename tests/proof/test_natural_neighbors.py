"""The proof of natural neighbours finds wrong weights, and accepts what rounding decides outside the hull."""

import numpy as np
import pytest

from jax_profiling.proof import natural_neighbors as proof

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def weights(**by_vertex):
    found = np.zeros(len(SQUARE))
    for vertex, weight in by_vertex.items():
        found[int(vertex[1:])] = weight
    return found


@pytest.mark.parametrize(
    "query, found, error",
    [
        ((0.0, 0.0), weights(v0=0.25, v1=0.25, v2=0.25, v3=0.25), 0.0),
        # autoarray's weights on an inner edge (PyAutoArray 610).
        ((0.0, 0.0), weights(v0=0.5, v2=0.5), 0.25),
        ((0.0, 0.0), weights(v0=0.25, v1=0.25, v2=0.25), 0.25),
        ((1.0, 1.0), weights(v2=1.0), 0.0),
        ((1.0, 1.0), weights(v0=1.0), np.sqrt(2.0)),
        ((1.0, 1.0), weights(v2=0.5), 0.5),
        # As far from two vertices, of which rounding chooses one.
        ((0.0, 3.0), weights(v2=1.0), 0.0),
        ((0.0, 3.0), weights(v3=1.0), 0.0),
        ((0.0, 3.0), weights(v0=1.0), (np.hypot(1.0, 4.0) - np.hypot(1.0, 2.0)) / 2.0),
        # Outside by less than rounding: linear on the hull edge.
        ((0.5, 1.0 + 2.0**-52), weights(v2=0.75, v3=0.25), 0.0),
        ((0.5, 1.0 + 2.0**-52), weights(v2=0.25, v3=0.75), 0.5),
    ],
)
def test_errors_are_those_of_wrong_weights(query, found, error):
    assert proof.error_of(SQUARE, np.array(query), found) == pytest.approx(error, abs=1.0e-15)


def test_a_wrong_weight_fails(monkeypatch):
    right = [0, 0, 1.0e-9, np.ones(3, int), np.ones(3, int)]
    monkeypatch.setattr(proof, "judge", lambda *arguments: right)
    assert all(is_right for _, is_right in proof.draws_table(["Overlay"], 1, 0, 0))
    for wrong in ([1, *right[1:]], [0, 0, 1.0e-6, *right[3:]]):
        monkeypatch.setattr(proof, "judge", lambda *arguments, wrong=wrong: wrong)
        assert not any(is_right for _, is_right in proof.draws_table(["Overlay"], 1, 0, 0))
