"""Rows of natural neighbours hold what the wide table holds, whatever the width and the number of spare rows."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import natural_neighbor_rows, natural_neighbor_weights, triangulate
from delaunax.interpolation.natural_neighbors import ring_rows

import point_sets
from programs import compiled

WIDEST = 96

ANGLES = np.sort(2.0 * np.pi * point_sets.random(45)[:, 0])
"""Directions of 45 vertices near a circle, so that queries inside have up to 45 neighbours."""

POINTS = np.concatenate(
    [
        np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1) * (1.0 + 1.0e-3 * point_sets.random(45)[:, 1:]),
        2.5 * np.stack([np.cos(ANGLES[::3]), np.sin(ANGLES[::3])], axis=1),
    ]
)
QUERIES = np.concatenate(
    [
        2.0 * point_sets.random(50, seed=2) - 1.0,
        POINTS[:2],
        [0.5 * (POINTS[0] + POINTS[1]), [30.0, 40.0]],
    ]
)


def rows_of(points, queries, spare_rows, kind="sibson", width=8):
    return natural_neighbor_rows(triangulate(points), points, queries, spare_rows, kind, width)


def assembled(rows):
    """(Q, WIDEST) vertices and weights that the rows of every query hold together."""
    vertices, weights = np.full((len(rows.count), WIDEST), -1), np.zeros((len(rows.count), WIDEST))
    used = np.asarray(rows.vertices) >= 0
    place = np.asarray(rows.query)[:, None], np.asarray(rows.slot)[:, None] + np.arange(rows.vertices.shape[1])
    place = tuple(np.broadcast_to(each, used.shape)[used] for each in place)
    assert len(set(zip(*place))) == used.sum()
    vertices[place], weights[place] = rows.vertices[used], rows.weights[used]
    return vertices, weights


@pytest.mark.parametrize(
    ("kind", "width", "platform"), [("sibson", 8, "cpu"), ("laplace", 2, "cpu"), ("laplace", 2, "gpu")]
)
def test_rows_hold_the_wide_table(kind, width, platform):
    """The table of a CPU: `test_natural_neighbors` compares the tables of both platforms."""
    program = compiled(partial(rows_of, spare_rows=1500, kind=kind, width=width), platform, runs_once=True)
    rows = program(POINTS, QUERIES)
    wide = natural_neighbor_weights(triangulate(POINTS), POINTS, QUERIES, kind, WIDEST)
    vertices, weights = assembled(rows)
    assert rows.count.max() > 40 and np.array_equal(rows.count, wide.count)
    assert np.array_equal(vertices, wide.vertices)
    # Each program rounds products and sums of its own.
    assert np.allclose(weights, wide.weights, rtol=1.0e-13, atol=1.0e-15)


@pytest.mark.parametrize(
    ("edges_per_query", "number"), [(1, 38), pytest.param(64, 39, marks=pytest.mark.slow(reason="compiles for 25 s"))]
)
def test_lists_of_any_length_hold_the_rings(edges_per_query, number, monkeypatch):
    # A number of queries of its own: a program that is traced already keeps the length of its lists.
    queries = QUERIES[:number]
    on_cpu = jax.device_get(rows_of(POINTS, queries, 300))
    monkeypatch.setattr(ring_rows, "EDGES_PER_QUERY", edges_per_query)
    ring_rows.on_platform.cache_clear()
    found = compiled(lambda points: rows_of(points, queries, 300), "gpu", runs_once=True)(POINTS)
    ring_rows.on_platform.cache_clear()
    for name, one, other in zip(found._fields, found, on_cpu, strict=True):
        assert np.allclose(one, other, rtol=1.0e-13, atol=1.0e-15), name


@pytest.mark.parametrize("platform", ["cpu", pytest.param("gpu", marks=pytest.mark.slow(reason="compiles for 20 s"))])
def test_queries_without_room_are_nan_with_their_triangle(platform):
    rows = compiled(partial(rows_of, spare_rows=12), platform, runs_once=True)(POINTS, QUERIES)
    needed = -(-rows.count // 8) - 1
    has_room = np.cumsum(np.maximum(needed, 0)) <= 12
    is_nan = np.isnan(rows.weights[: len(QUERIES)]).any(axis=1)
    assert is_nan.sum() > 0 and np.array_equal(is_nan, (needed > 0) & ~has_room)
    assert (rows.triangle[is_nan] >= 0).all() and (rows.vertices[: len(QUERIES)][is_nan] == -1).all()
    corners = POINTS[rows.triangle[is_nan]]
    edges, offsets = corners[:, [1, 2, 0]] - corners, QUERIES[is_nan][:, None] - corners
    assert (np.linalg.det(np.stack([edges, offsets], axis=-2)) > -1.0e-15).all()
    # The first ring without room does not leave its beginning in the last rows.
    used = len(QUERIES) + np.maximum(needed, 0)[has_room].sum()
    assert used < len(rows.query)
    empty = rows.vertices[used:] == -1, rows.weights[used:] == 0.0, rows.query[used:] == 0
    assert all(each.all() for each in empty)


def test_derivatives_are_those_of_the_wide_table():
    heights, slopes = np.sin(np.arange(len(POINTS))), np.cos(np.arange(40))

    def by_rows(points, queries):
        rows = rows_of(points, queries, spare_rows=300)
        terms = rows.weights * jnp.asarray(heights)[jnp.maximum(rows.vertices, 0)]
        return (terms.sum(axis=1) * jnp.asarray(slopes)[rows.query]).sum()

    def by_wide_table(points, queries):
        found = natural_neighbor_weights(triangulate(points), points, queries, "sibson", WIDEST)
        return ((found.weights * jnp.asarray(heights)[jnp.maximum(found.vertices, 0)]).sum(axis=1) * slopes).sum()

    at, direction = (POINTS, QUERIES[:40]), (POINTS[::-1].copy(), QUERIES[40:0:-1].copy())
    found, expected = (jax.jit(jax.grad(function, (0, 1)))(*at) for function in (by_rows, by_wide_table))
    for one, other in zip(found, expected, strict=True):
        assert np.allclose(one, other, rtol=1.0e-11, atol=1.0e-12)
    along = sum((slope * step).sum() for slope, step in zip(expected, direction, strict=True))
    assert float(jax.jvp(by_rows, at, direction)[1]) == pytest.approx(float(along), rel=1.0e-11)


def test_lanes_have_rows_of_their_own():
    lanes = jnp.stack([POINTS, 1.5 * POINTS, POINTS[::-1]])
    found = jax.vmap(partial(rows_of, spare_rows=300), (0, None))(lanes, QUERIES)
    for lane, points in enumerate(lanes):
        alone = rows_of(points, QUERIES, 300)
        assert all(np.array_equal(one[lane], other, equal_nan=True) for one, other in zip(found, alone, strict=True))


def test_no_query_and_wrong_arguments():
    rows = rows_of(POINTS, np.zeros((0, 2)), spare_rows=3)
    assert rows.vertices.shape == (3, 8) and (rows.vertices == -1).all()
    for width in (1, 8.5):
        with pytest.raises(ValueError, match=f"`width` is {width}; give a whole number from 2 to"):
            rows_of(POINTS, QUERIES, 3, width=width)
    for spare_rows in (-1, 2.5):
        with pytest.raises(ValueError, match=f"`spare_rows` is {spare_rows}; give a whole number from 0 to"):
            rows_of(POINTS, QUERIES, spare_rows)
    with pytest.raises(ValueError, match="give one of 'sibson', 'laplace'"):
        rows_of(POINTS, QUERIES, 3, kind="watson")
    with pytest.raises(
        ValueError, match=r"`query_points` has shape \(2, 3, 2\); give query points of shape \(number, 2\)"
    ):
        rows_of(POINTS, QUERIES[:6].reshape(2, 3, 2), 3)
