"""Splits and flips keep the invariants of a corner table, and do nothing where they must not happen."""

import jax.numpy as jnp
import numpy as np
import pytest

from delaunax.insertion.corner_table import (
    SPARE_CORNERS,
    edge_corners_of,
    flip,
    next_corner,
    previous_corner,
    rows_of,
    split,
    table_of_edge,
    vertices_of,
)
from delaunax.tables.simplices import neighbors_from

from programs import compiled

VERTICES = 12


def flip_at(table, corner, which):
    """Flip the edge opposite a corner; a is the vertex of the corner."""
    return flip(table, table.vertex[corner], edge_corners_of(table, corner), which)


def table_of(ends):
    return table_of_edge(np.int32(VERTICES), ends)


def rows_inside(table):
    return rows_of(np.int32(VERTICES), table)


def new_table():
    return compiled(table_of)(np.array([0, 1], np.int32))


def triangles_of(table, number):
    """The triangles in use, each from its lowest vertex."""
    rows = table.vertex[: 3 * number].reshape(-1, 3)
    return sorted(tuple(np.roll(row, -row.argmin()).tolist()) for row in rows)


def check(table, number):
    """Every corner faces another one across one edge, which both triangles run along in opposite directions."""
    vertex, opposite = table.vertex, table.opposite
    assert len(vertex) == 3 * (2 * VERTICES + 2) + SPARE_CORNERS
    every = np.arange(len(vertex), dtype=np.int32)
    following, before = compiled(next_corner)(every), compiled(previous_corner)(every)
    corners = every[: 3 * number]
    assert np.array_equal(opposite[opposite[corners]], corners)
    beyond = opposite[corners]
    assert np.array_equal(vertex[following[corners]], vertex[before[beyond]])
    assert np.array_equal(vertex[before[corners]], vertex[following[beyond]])
    for row in vertex[: 3 * number].reshape(-1, 3):
        assert len(set(row.tolist())) == 3


def grown(seed):
    """A table of all vertices, each split into a random triangle, with random flips in between, and its size."""
    rng, table, number = np.random.default_rng(seed), new_table(), 2
    for vertex in range(2, VERTICES):
        triangle = rng.integers(number)
        table = compiled(split)(table, np.int32(vertex), np.int32(triangle), np.int32(number), True)
        number += 2
        check(table, number)
        for corner in rng.integers(0, 3 * number, 3):
            edge = compiled(edge_corners_of)(table, np.int32(corner))
            # An edge of a vertex with three triangles has no other diagonal.
            connected = {
                frozenset(pair) for row in triangles_of(table, number) for pair in (row[:2], row[1:], row[::2])
            }
            if frozenset((int(table.vertex[corner]), int(edge.d))) not in connected:
                table = compiled(flip_at)(table, np.int32(corner), True)
                check(table, number)
    return table, number


def test_corners_of_a_triangle_follow_each_other():
    corners = np.arange(9, dtype=np.int32)
    assert compiled(next_corner)(corners).tolist() == [1, 2, 0, 4, 5, 3, 7, 8, 6]
    assert compiled(previous_corner)(corners).tolist() == [2, 0, 1, 5, 3, 4, 8, 6, 7]


def test_one_edge_has_a_triangle_on_each_side():
    table = new_table()
    check(table, 2)
    assert triangles_of(table, 2) == [(0, 1, VERTICES), (0, VERTICES, 1)]


def test_a_split_makes_three_triangles():
    table = compiled(split)(new_table(), np.int32(5), np.int32(0), np.int32(2), True)
    check(table, 4)
    assert triangles_of(table, 4) == [(0, 1, 5), (0, 5, VERTICES), (0, VERTICES, 1), (1, VERTICES, 5)]
    assert compiled(vertices_of)(table, np.int32(0))[0] == 5


def test_a_flip_replaces_the_diagonal():
    table = compiled(split)(new_table(), np.int32(5), np.int32(0), np.int32(2), True)
    # Triangle 0 has vertex 5 at its first corner, and faces the triangle on the other side of the edge 0-1 or of the hull.
    corner = next(3 * row for row in (0, 2, 3) if VERTICES not in table.vertex[3 * row + 1 : 3 * row + 3])
    flipped = compiled(flip_at)(table, np.int32(corner), True)
    check(flipped, 4)
    assert triangles_of(flipped, 4) == [(0, 5, VERTICES), (0, VERTICES, 5), (1, 5, VERTICES), (1, VERTICES, 5)]


@pytest.mark.parametrize("seed", range(4))
def test_random_splits_and_flips_keep_the_invariants(seed):
    table, number = grown(seed)
    assert number == 2 * VERTICES - 2
    assert set(table.vertex[: 3 * number].tolist()) == set(range(VERTICES + 1))


@pytest.mark.parametrize("corner", [0, 7, 20])
def test_nothing_happens_where_the_condition_is_false(corner):
    table, number = grown(0)
    for changed in (
        compiled(split)(table, np.int32(3), np.int32(corner // 3), np.int32(number), False),
        compiled(flip_at)(table, np.int32(corner), False),
    ):
        for one, other in zip(changed, table, strict=True):
            assert np.array_equal(one[: 3 * number], other[: 3 * number])


@pytest.mark.parametrize("seed", range(4))
def test_rows_leave_out_triangles_at_infinity(seed):
    table, number = grown(seed)
    simplices, neighbors = compiled(rows_inside)(table)
    inside = [row for row in triangles_of(table, number) if VERTICES not in row]
    used = simplices[:, 0] >= 0
    assert sorted(map(tuple, simplices[used].tolist())) == inside
    assert not used[len(inside) :].any()
    assert (neighbors[~used] == -1).all()
    rows = np.arange(len(simplices))
    for column in range(3):
        across = neighbors[:, column]
        assert ((across < 0) | (neighbors[across] == rows[:, None]).any(axis=1)).all()


def test_rows_have_the_neighbors_of_their_edges():
    table = compiled(split)(new_table(), np.int32(5), np.int32(0), np.int32(2), True)
    table = compiled(split)(table, np.int32(7), np.int32(1), np.int32(4), True)
    simplices, neighbors = compiled(rows_inside)(table)
    assert np.array_equal(neighbors, neighbors_from(jnp.asarray(simplices)))
