"""Vertices inserted one by one make triangles that are each other's neighbours, Delaunay's but for what rounding decides."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import backend, triangulate
from delaunax.certificate import first_triangle
from delaunax.insertion import coarse_to_fine, insert
from delaunax.kd_tree import build_kd_tree
from delaunax.stars import agreement, stars_of, vertices_from

import point_sets


@pytest.mark.parametrize("number", [1, 2, 3, 4, 5, 7, 8, 9, 100])
def test_an_order_from_coarse_to_fine_holds_every_number_once_and_halves_its_steps(number):
    order = coarse_to_fine(number)
    assert sorted(order.tolist()) == list(range(number))
    for taken in range(2, number):
        gaps = np.diff(np.sort(order[:taken]))
        assert gaps.max() <= 2 * gaps.min()


def inserted(points, first=None):
    """The tables of `insert` and how many rows they have, for scaled points and, if none is given, a proper first triangle."""
    tree = build_kd_tree(jnp.asarray(points, float))
    first = first_triangle(tree.points)[0] if first is None else jnp.asarray(first, jnp.int32)
    others = np.setdiff1d(np.flatnonzero(tree.first), np.asarray(first)).astype(np.int32)
    order = jnp.zeros(len(points), jnp.int32).at[: len(others)].set(others)
    simplices, neighbors, number = jax.jit(backend.fused(insert))(tree.points, order, len(others), first)
    return np.asarray(simplices), np.asarray(neighbors), int(number)


def assert_that_neighbours_share_edges(simplices, neighbors, number):
    assert (simplices[:number] >= 0).all() and (simplices[number:] == -1).all() and (neighbors[number:] == -1).all()
    assert (simplices[:number, 0] < simplices[:number, 1:].min(axis=1)).all()
    for row, column in np.argwhere(neighbors >= 0):
        across = neighbors[row, column]
        back = np.flatnonzero(neighbors[across] == row)
        edge = simplices[row, column - 2], simplices[row, column - 1]
        assert edge[::-1] in [(simplices[across, k - 2], simplices[across, k - 1]) for k in back]


@pytest.mark.parametrize("name", point_sets.UNIQUE)
def test_triangles_are_those_of_the_triangulation_where_it_is_unique(name):
    points = point_sets.UNIQUE[name]
    simplices, neighbors, number = inserted(points)
    assert_that_neighbours_share_edges(simplices, neighbors, number)
    # Rounding may decide otherwise in a sliver or two, which the certificate then finds.
    theirs = point_sets.simplices_of(triangulate(points).simplices)
    assert len(point_sets.simplices_of(simplices) - theirs) <= 0.1 * len(theirs)


@pytest.mark.parametrize(
    "name", [name for name in point_sets.EVERY if len(np.unique(point_sets.EVERY[name], axis=0)) > 2]
)
def test_whatever_rounding_decides_it_is_a_table_in_which_all_stars_agree(name):
    points = point_sets.EVERY[name]
    simplices, neighbors, number = inserted(points)
    assert_that_neighbours_share_edges(simplices, neighbors, number)
    vertices = vertices_from(jnp.asarray(points), build_kd_tree(jnp.asarray(points)))
    assert agreement(stars_of(vertices, jnp.asarray(simplices), number)).all()


@pytest.mark.parametrize("first", [(0, 2, 1), (0, 1, 2), (5, 6, 7)])
def test_so_it_is_from_a_first_triangle_that_is_flat_or_clockwise(first):
    points = np.concatenate([point_sets.line(10), point_sets.random(50)])
    assert_that_neighbours_share_edges(*inserted(points, first))


@pytest.mark.parametrize("number", [3, 4, 12])
def test_a_hull_that_every_vertex_belongs_to(number):
    simplices, _, rows = inserted(point_sets.circle(number))
    assert rows == len(point_sets.simplices_of(simplices)) == number - 2
