"""Vertices inserted one by one make the Delaunay triangulation, in whatever order they come."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import triangulate
from delaunax.insertion.incremental import coarse_to_fine, insert
from delaunax.platform import backend
from delaunax.tables.kd_tree import build_kd_tree
from delaunax.tables.simplices import neighbors_from
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
    distinct = np.flatnonzero(tree.first)
    along = distinct[np.argsort(np.asarray(tree.rank)[distinct])]
    ends = along[[0, -1]].astype(np.int32)
    others = np.setdiff1d(distinct, ends).astype(np.int32)
    order = jnp.zeros(len(points), jnp.int32).at[: len(others)].set(others)
    return map(np.asarray, jax.jit(backend.fused(insert))(tree.points, points, order, len(others), ends))


@pytest.mark.parametrize("name", point_sets.EVERY)
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


@pytest.mark.parametrize("off", [-1.0, 1.0])
@pytest.mark.parametrize("place", [0, 50, 99])
def test_vertices_on_the_line_through_both_ends_wait_until_one_is_off_it(place, off):
    points = np.insert(point_sets.line(99) * [1.0, 0.0], place, [49.5, off], axis=0)
    along = np.delete(np.arange(100), place)
    simplices, _, _ = inserted(points)
    expected = {tuple(sorted((*pair, place))) for pair in zip(along[:-1].tolist(), along[1:].tolist(), strict=True)}
    assert point_sets.simplices_of(simplices) == expected
