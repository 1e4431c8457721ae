"""Neighbours, triangles of vertices and dual areas are those that a search by hand finds in the table."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax.tables.simplices import dual_areas_from, neighbors_from, vertex_simplex_from

import point_sets
import programs
from programs import PLATFORMS, compiled, triangulation_of

on_both_platforms = pytest.mark.parametrize("on", PLATFORMS)

NAMES = ["random", "grid", "relocated onto an ellipse", "one place, many times, and five others", "line"]


def shuffled_rows(name):
    """The triangles of a set in another order, each from another vertex, with unused rows in between."""
    rng, simplices = np.random.default_rng(0), triangulation_of(name).simplices
    turned = np.stack([np.roll(row, rng.integers(3)) for row in simplices])
    return rng.permutation(turned)


def neighbors_by_hand(simplices):
    row_of = {}
    for row, simplex in enumerate(simplices.tolist()):
        for k in range(3):
            row_of[simplex[k - 2], simplex[k - 1]] = row
    return [
        [row_of.get((simplex[k - 1], simplex[k - 2]), -1) if simplex[0] >= 0 else -1 for k in range(3)]
        for simplex in simplices.tolist()
    ]


@on_both_platforms
@pytest.mark.parametrize("name", NAMES)
def test_neighbors_are_across_the_opposite_edges(name, on):
    simplices = shuffled_rows(name)
    assert compiled(neighbors_from, on)(simplices).tolist() == neighbors_by_hand(simplices)


def test_three_keys_sort_as_one_integer():
    """In fp32 there is no 64-bit integer."""
    simplices = jnp.asarray(shuffled_rows("grid"))
    with programs.enable_x64(False):
        found = jax.jit(lambda simplices: neighbors_from(simplices))(simplices)
    assert found.tolist() == neighbors_by_hand(np.asarray(simplices))


def are_mutual(simplices, neighbors):
    """Whether every triangle has the edges of its neighbours, in the other direction."""
    return all(
        across < 0 or (row in neighbors[across] and set(np.delete(simplices[row], k)) <= set(simplices[across]))
        for row, each in enumerate(neighbors)
        for k, across in enumerate(each)
    )


def test_three_triangles_at_an_edge_are_not_mutual():
    rows = np.full((10, 3), -1, np.int32)
    rows[:2] = [[0, 1, 2], [0, 2, 3]]
    assert are_mutual(rows, compiled(neighbors_from)(rows))
    rows[2] = [0, 2, 4]
    assert not are_mutual(rows, compiled(neighbors_from)(rows))


@on_both_platforms
@pytest.mark.parametrize("name", NAMES)
def test_a_turn_starts_at_the_boundary(name, on):
    """A counter-clockwise turn from the triangle of a hull vertex meets all triangles before it ends."""
    simplices = shuffled_rows(name)
    neighbors = np.array(neighbors_by_hand(simplices))
    found = compiled(vertex_simplex_from, on)(simplices, neighbors.astype(np.int32))
    assert len(found) == len(simplices) // 2
    for vertex, row in enumerate(found.tolist()):
        theirs = np.flatnonzero((simplices == vertex).any(axis=1))
        if row < 0:
            assert len(theirs) == 0
            continue
        columns = [simplices[each].tolist().index(vertex) for each in theirs]
        at_boundary = theirs[neighbors[theirs, np.array(columns) - 1] < 0]
        assert row in (at_boundary if len(at_boundary) else theirs)


@on_both_platforms
def test_dual_areas_are_thirds_of_triangles(on):
    points, simplices = point_sets.UNIQUE["random"], shuffled_rows("random")
    expected = np.zeros(len(points))
    for a, b, c in simplices[simplices[:, 0] >= 0]:
        u, v = points[b] - points[a], points[c] - points[a]
        expected[[a, b, c]] += abs(u[0] * v[1] - u[1] * v[0]) / 6.0
    assert compiled(dual_areas_from, on)(points, simplices) == pytest.approx(expected, rel=1.0e-12)


def test_gradients_of_dual_areas_skip_unused_rows():
    points = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 6.0], [9.0, 9.0]])
    simplices = np.array([[0, 1, 2], *[[-1, -1, -1]] * 7], np.int32)
    gradient = jax.jacobian(lambda points: dual_areas_from(points, simplices))(jnp.asarray(points))
    # A third of half the product of both legs.
    assert gradient[0, 1].tolist() == [1.0, 0.0] and gradient[0, 2].tolist() == [0.0, 0.5]
    assert (gradient[3] == 0.0).all() and (gradient[:, 3] == 0.0).all()
