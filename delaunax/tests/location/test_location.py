"""Every query finds its triangle, or its nearest vertex outside the hull, in exact arithmetic and on both platforms."""

from functools import cache

import numpy as np
import pytest
from scipy.spatial import cKDTree

from delaunax import oracle

import point_sets
from programs import PLATFORMS, located, queries_for, triangulation_of, weights_of

EPS = 2.0**-52

on_both_platforms = pytest.mark.parametrize("platform", PLATFORMS)
of_every_set = pytest.mark.parametrize("name", point_sets.EVERY)


@cache
def judge_of(name):
    """The integer coordinates of a set and its queries, and the integer sides of its bounding box."""
    points, queries = point_sets.EVERY[name], queries_for(name)
    together = oracle.integer_points(np.concatenate([points, queries]))
    sites = together[: len(points)]
    sides = [(max(axis) - min(axis)) or 1 for axis in zip(*sites, strict=True)]
    return sites, together[len(points) :], sides


@cache
def squared_miss(name, triangle, query):
    """The squared distance of a query from a triangle that does not contain it, as a numerator and a denominator.

    The unit is the side of the bounding box along each axis.
    """
    sites, places, (width, height) = judge_of(name)
    corners = [sites[vertex] for vertex in triangle]
    x, y = places[query]
    edges = list(zip(corners, [*corners[1:], corners[0]], strict=True))
    if all(oracle.orientation(*edge, (x, y)) >= 0 for edge in edges):
        return 0, 1
    nearest = None
    for (ax, ay), (bx, by) in edges:
        # In units of the box divided by width times height.
        ax, bx, ay, by = (ax - x) * height, (bx - x) * height, (ay - y) * width, (by - y) * width
        dx, dy = bx - ax, by - ay
        along, length = -(ax * dx + ay * dy), dx * dx + dy * dy
        if along <= 0:
            found = ax * ax + ay * ay, 1
        elif along >= length:
            found = bx * bx + by * by, 1
        else:
            found = (ax * by - ay * bx) ** 2, length
        if nearest is None or found[0] * nearest[1] < nearest[0] * found[1]:
            nearest = found
    return nearest[0], nearest[1] * (width * height) ** 2


def misses_by_more(name, triangle, query, epsilons):
    numerator, denominator = squared_miss(name, triangle, query)
    return numerator << 104 > round(epsilons**2) * denominator


@cache
def interpolation_of(name, platform):
    """The mappings and weights of all queries of a set."""
    queries = queries_for(name)
    mappings = located(name, queries, platform)
    return mappings, weights_of(point_sets.EVERY[name], queries, mappings, platform)


def hull_edges_of(name):
    """(H, 2): the edges on the hull, counter-clockwise."""
    triangulation = triangulation_of(name)
    rows, columns = np.nonzero((triangulation.neighbors < 0) & (triangulation.simplices >= 0))
    simplices = triangulation.simplices[rows]
    return np.stack([simplices[np.arange(len(rows)), (columns + k) % 3] for k in (1, 2)], axis=1).tolist()


def are_nearest(points, queries, vertices):
    """Whether vertices are the nearest ones of queries, in units of the largest coordinate."""
    exponent = -int(np.frexp(np.abs(points).max())[1])
    points, queries = (np.ldexp(each, exponent) for each in (points, queries))
    distance = np.hypot(*(queries - points[vertices]).T)
    return np.allclose(distance, cKDTree(points).query(queries)[0], rtol=1.0e-12, atol=1.0e-150)


@on_both_platforms
@of_every_set
def test_a_query_is_in_its_triangle(name, platform):
    """In rational arithmetic; or misses it by at most 4 epsilons of the extent along each axis."""
    mappings, _ = interpolation_of(name, platform)
    missed = [
        query
        for query, triangle in enumerate(map(tuple, mappings.tolist()))
        if triangle[1] >= 0 and misses_by_more(name, triangle, query, 4.0)
    ]
    assert missed == []
    if name not in point_sets.WITHOUT_TRIANGLE:
        assert (mappings[:, 1] >= 0).mean() > 0.05


@on_both_platforms
@of_every_set
def test_a_query_without_triangle_is_outside(name, platform):
    """In rational arithmetic: it lies behind an edge of the hull. Its vertex is the nearest one."""
    points, queries = point_sets.EVERY[name], queries_for(name)
    mappings, _ = interpolation_of(name, platform)
    outside = mappings[:, 1] < 0
    assert (mappings[:, 0] >= 0).all()
    assert (mappings[outside, 1:] == -1).all()
    assert are_nearest(points, queries[outside], mappings[outside, 0])
    if name not in point_sets.WITHOUT_TRIANGLE:
        sites, places, _ = judge_of(name)
        hull = [(sites[tail], sites[head]) for tail, head in hull_edges_of(name)]
        inside = [
            query
            for query in np.flatnonzero(outside).tolist()
            if all(oracle.orientation(*edge, places[query]) >= 0 for edge in hull)
        ]
        assert inside == []


@on_both_platforms
@of_every_set
def test_weights_reproduce_the_query(name, platform):
    """To a few epsilons of the extent along each axis, times the conditioning of the coordinates in flat triangles."""
    points, queries = point_sets.EVERY[name], queries_for(name)
    mappings, weights = interpolation_of(name, platform)
    inside = mappings[:, 1] >= 0
    assert (weights[~inside] == [1.0, 0.0, 0.0]).all()
    weights, corners, queries = weights[inside], points[mappings[inside]], queries[inside]
    assert (weights >= 0.0).all() and (np.abs(weights.sum(axis=1) - 1.0) <= 4.0 * EPS).all()

    exponents = [-int(np.frexp(side or 1.0)[1]) for side in np.ptp(points, axis=0)]
    offsets = np.stack([np.ldexp(corners - queries[:, None], e)[..., k] for k, e in enumerate(exponents)], axis=-1)
    off = np.abs((weights[..., None] * offsets).sum(axis=1)).max(axis=1)
    edges = offsets - np.roll(offsets, 1, axis=1)
    doubled = np.abs(edges[:, 0, 0] * edges[:, 1, 1] - edges[:, 0, 1] * edges[:, 1, 0])
    flatness = doubled / np.maximum((edges**2).sum(axis=-1).max(axis=1), np.finfo(float).tiny)
    conditioning = np.where(flatness > 0.1 * np.sqrt(EPS), 1.0 / np.maximum(flatness, EPS), 1.0)
    assert (off <= 16.0 * EPS * conditioning).all()


FINER_THAN_LOCATION = {
    *point_sets.ROUNDED_LINES,
    "clusters of 1e-16",
    "grid of last bits and far points",
    "scales from 1e-300 to 1",
}
"""Sets with vertices that are less than 4 epsilons of the extent away from a triangle of others."""


@on_both_platforms
@of_every_set
def test_values_are_reproduced_at_the_vertices(name, platform):
    """Random values; in sets that are finer than location, values that vary slowly."""
    points = point_sets.EVERY[name]
    values = np.random.default_rng(0).random(len(points))
    if name in FINER_THAN_LOCATION:
        values = points @ np.array([0.7, -1.3]) / np.abs(points).max()
    mappings, weights = interpolation_of(name, platform)
    interpolant = (weights * values[np.maximum(mappings, 0)]).sum(axis=1)
    first = np.unique(points, axis=0, return_index=True)[1]
    assert interpolant[first] == pytest.approx(values[first], abs=1.0e-9)


@on_both_platforms
@of_every_set
def test_nearly_all_queries_may_be_outside(name, platform):
    """Each of them finds its nearest vertex."""
    points = point_sets.EVERY[name]
    spread = np.ptp(points, axis=0)
    around = np.random.default_rng(5).uniform(-2.0, 2.0, (len(queries_for(name)), 2))
    queries = points.mean(axis=0) + np.where(spread > 0.0, spread, 1.0) * around
    queries = np.where(np.isfinite(queries), queries, points[0])
    mappings = located(name, queries, platform)
    outside = mappings[:, 1] < 0
    assert outside.mean() > 0.8
    assert are_nearest(points, queries[outside], mappings[outside, 0])
