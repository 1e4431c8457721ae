"""Vertices that are inserted one by one make the Delaunay triangulation, in whatever order they come."""

import numpy as np
import pytest

from delaunax import platform
from delaunax.insertion.incremental import coarse_to_fine, insert
from delaunax.platform import cpu
from delaunax.tables.kd_tree import build_kd_tree
from delaunax.tables.simplices import neighbors_from

import point_sets
from programs import compiled, exact_count, triangulation_of

pytestmark = pytest.mark.skipif(not cpu.can_fuse(), reason="JAX before 0.11 inserts no vertices one by one")


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 8, 9, 100])
def test_coarse_to_fine_halves_the_gaps(number):
    order = coarse_to_fine(number)
    assert sorted(order.tolist()) == list(range(number))
    for taken in range(2, number):
        gaps = np.diff(np.sort(order[:taken]))
        assert gaps.max() <= 2 * gaps.min()


def tables_by_insertion(tree, order, number, ends):
    """The tables of `insert`, with the neighbours that belong to its triangles."""
    simplices, neighbors, exact = platform.fused(insert)(tree.points, tree.unscaled, order, number, ends)
    return simplices, neighbors, neighbors_from(simplices), exact


def inserted(points):
    """`tables_by_insertion` of (N, 2) points, in the order of their indices."""
    tree = compiled(build_kd_tree)(points)
    distinct = np.flatnonzero(tree.distinct)
    along = distinct[np.argsort(tree.rank[distinct])]
    ends = along[[0, -1]].astype(np.int32)
    others = np.setdiff1d(distinct, ends)
    order = np.zeros(len(points), np.int32)
    order[: len(others)] = others
    return compiled(tables_by_insertion)(tree, order, np.int32(len(others)), ends)


@pytest.mark.parametrize("name", point_sets.EVERY)
def test_the_order_of_insertion_does_not_matter(name):
    """`triangulate` inserts vertices in another order. Even doubtful signs give the same triangles."""
    points = point_sets.EVERY[name]
    simplices, neighbors, expected_neighbors, exact = inserted(points)
    assert point_sets.simplices_of(simplices) == point_sets.simplices_of(triangulation_of(name).simplices)
    assert np.array_equal(neighbors, expected_neighbors)
    assert exact < 10 * len(points)
    used = simplices[:, 0] >= 0
    assert (np.diff(used.astype(int)) <= 0).all()
    assert (simplices[used][:, :1] < simplices[used][:, 1:]).all()
    assert (simplices[~used] == -1).all() and (neighbors[~used] == -1).all()


@pytest.mark.parametrize("number", [3, 4, 40])
def test_every_vertex_may_be_on_the_hull(number):
    simplices = inserted(point_sets.circle(number))[0]
    assert len(point_sets.simplices_of(simplices)) == number - 2


def test_only_doubtful_signs_are_decided_in_integers():
    points = point_sets.random(480)
    assert exact_count(points[: point_sets.SIZE]) == 0
    around = points[np.abs(points - 0.5).max(axis=1) > 0.1][: point_sets.SIZE - 36]
    assert 25 <= exact_count(np.concatenate([around, 0.45 + 0.02 * point_sets.grid(6)])) < 250


@pytest.mark.parametrize("off", [-1.0, 1.0])
@pytest.mark.parametrize("place", [0, 20, 39])
def test_collinear_vertices_wait_for_the_first_triangle(place, off):
    points = np.insert(point_sets.line(39) * [1.0, 0.0], place, [19.5, off], axis=0)
    along = np.delete(np.arange(40), place)
    simplices = inserted(points)[0]
    expected = {tuple(sorted((*pair, place))) for pair in zip(along[:-1].tolist(), along[1:].tolist(), strict=True)}
    assert point_sets.simplices_of(simplices) == expected
