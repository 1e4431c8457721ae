"""Vertices inserted one by one make the Delaunay triangulation, in whatever order they come."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import backend, oracle, triangulate
from delaunax.insertion import coarse_to_fine, first_triangle, insert
from delaunax.kd_tree import build_kd_tree
from delaunax.tables import neighbors_from
from delaunax.triangulation import effort_of

import point_sets

pytestmark = pytest.mark.skipif(
    backend.xla_metadata_call is None, reason="JAX before 0.11 inserts no vertices one by one"
)


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 8, 9, 100])
def test_an_order_from_coarse_to_fine_holds_every_number_once_and_halves_its_steps(number):
    order = coarse_to_fine(number)
    assert sorted(order.tolist()) == list(range(number))
    for taken in range(2, number):
        gaps = np.diff(np.sort(order[:taken]))
        assert gaps.max() <= 2 * gaps.min()


def inserted(points):
    """The tables of `insert` for (N, 2) points, in the order of their numbers."""
    points = jnp.asarray(points, float)
    tree = build_kd_tree(points)
    first, found = jax.jit(backend.fused(first_triangle))(points, tree)
    assert found
    others = np.setdiff1d(np.flatnonzero(tree.first), np.asarray(first)).astype(np.int32)
    order = jnp.zeros(len(points), jnp.int32).at[: len(others)].set(others)
    return map(np.asarray, jax.jit(backend.fused(insert))(tree.points, points, order, len(others), first))


@pytest.mark.parametrize("name", [name for name in point_sets.EVERY if name not in point_sets.WITHOUT_TRIANGLE])
def test_the_order_of_insertion_does_not_matter(name):
    """All the more where floating point cannot decide: `triangulate` has inserted its vertices in another one."""
    points = point_sets.EVERY[name]
    simplices, neighbors, exact = inserted(points)
    assert point_sets.simplices_of(simplices) == point_sets.simplices_of(triangulate(points).simplices)
    assert (neighbors == neighbors_from(jnp.asarray(simplices))).all()
    assert exact < 10 * len(points)
    used = simplices[:, 0] >= 0
    assert (np.diff(used.astype(int)) <= 0).all()
    assert (simplices[used][:, :1] < simplices[used][:, 1:]).all()
    assert (simplices[~used] == -1).all() and (neighbors[~used] == -1).all()


@pytest.mark.parametrize("number", [3, 4, 12])
def test_a_hull_that_every_vertex_belongs_to(number):
    simplices, _, _ = inserted(point_sets.circle(number))
    assert len(point_sets.simplices_of(simplices)) == number - 2


def test_only_what_is_in_doubt_is_decided_exactly():
    points = point_sets.random(2000)
    assert effort_of(points).exact == 0
    around = points[np.abs(points - 0.5).max(axis=1) > 0.1]
    assert 25 <= effort_of(np.concatenate([around, 0.45 + 0.02 * point_sets.grid(6)])).exact < 250


FLAT = {**point_sets.WITHOUT_TRIANGLE, **point_sets.ROUNDED_LINES}


@pytest.mark.parametrize("name", FLAT)
def test_a_first_triangle_is_found_unless_all_are_on_one_line(name):
    points = jnp.asarray(point_sets.EVERY[name], float)
    triangle, found = jax.jit(backend.fused(first_triangle))(points, build_kd_tree(points))
    assert bool(found) == (name not in point_sets.WITHOUT_TRIANGLE)
    if found:
        assert oracle.orientation(*oracle.integer_points(np.asarray(points)[np.asarray(triangle)])) > 0
