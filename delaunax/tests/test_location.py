"""Every query finds its triangle, or its nearest vertex outside the hull, in exact arithmetic and on both platforms."""

from functools import cache

import jax
import numpy as np
import pytest
from scipy.spatial import Delaunay, cKDTree

from delaunax import barycentric_weights, locate, oracle, triangulate

import point_sets
from programs import PLATFORMS, compiled, located, triangulated, triangulation_of, weights_of

EPS = 2.0**-52

EDGE_QUERIES = 120
"""How many of the last queries are on edges, or within one ulp of edges."""

on_both_platforms = pytest.mark.parametrize("platform", PLATFORMS)
of_every_set = pytest.mark.parametrize("name", point_sets.EVERY)


@cache
def queries_for(name):
    """(Q, 2): all vertices, then places everywhere in and around a set, on edges, and within one ulp of edges and the hull."""
    points, simplices = point_sets.EVERY[name], triangulation_of(name).simplices
    rng, edges = np.random.default_rng(6), simplices[simplices[:, 0] >= 0][:, :2]
    if len(edges) == 0:
        edges = np.zeros((1, 2), int)
    one, other = points[edges[rng.integers(0, len(edges), EDGE_QUERIES // 2)]].swapaxes(0, 1)
    on = one + rng.choice([0.5, 0.25, 1.0 / 3.0], (len(one), 1)) * (other - one)
    ulp = np.where(rng.random(on.shape) < 0.5, np.inf, -np.inf)
    with np.errstate(under="ignore"):
        around = point_sets.queries_of(points, 150)
    return np.concatenate([points, around, on, np.nextafter(on, ulp)])


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
    if name in point_sets.WITHOUT_TRIANGLE:
        assert (mappings[:, 1] == -1).all()
    else:
        assert interpolant[first] == pytest.approx(values[first], abs=1.0e-9)


@on_both_platforms
@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED})
def test_location_agrees_with_find_simplex(name, platform):
    """Inside or outside as Qhull says, and the same interpolant where the triangles are the same."""
    points, queries = point_sets.ALL[name], queries_for(name)
    qhull, mappings = Delaunay(points), interpolation_of(name, platform)[0].copy()
    simplex = qhull.find_simplex(queries)
    # It misses thin triangles with a query within one ulp of their edges.
    mappings[-EDGE_QUERIES:], simplex[-EDGE_QUERIES:] = -1, -1

    # On the hull itself, rounding may put a query to either side: there, both answers are right.
    scale = np.ptp(points, axis=0).max()
    inside, theirs = mappings[:, 1] >= 0, simplex >= 0
    for query in queries[inside != theirs]:
        corners = qhull.points[qhull.convex_hull]
        edge, offset = corners[:, 1] - corners[:, 0], query - corners[:, 0]
        along = np.clip((edge * offset).sum(axis=1) / (edge**2).sum(axis=1), 0.0, 1.0)
        assert np.hypot(*(offset - along[:, None] * edge).T).min() < 1.0e-12 * scale

    same = inside & theirs
    triangles = np.where(theirs[:, None], qhull.simplices[simplex], mappings)
    if name in point_sets.TIED:
        same &= (np.sort(mappings, axis=1) == np.sort(triangles, axis=1)).all(axis=1)
    values = points @ [0.7, -1.3] / scale + np.sin(5.0 * points[:, 0] / scale)
    ours, expected = (
        (weights_of(points, queries, rows) * values[np.maximum(rows, 0)]).sum(axis=1)[same]
        for rows in (mappings, triangles.astype(np.int32))
    )
    assert np.allclose(ours, expected, rtol=0.0, atol=1.0e-11)


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


@on_both_platforms
@pytest.mark.parametrize("angle", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("straight", ["hull", "lattice"])
def test_a_hull_straight_up_to_rounding_interpolates(straight, angle, platform):
    """Triangles along it have no area except by rounding. Any query on its line is on their edges."""
    random = np.random.default_rng(3)
    points = random.uniform(0.0, 19.0, (400, 2))
    points[:280, 1] = 0.0
    points = {"hull": points, "lattice": point_sets.grid(20)}[straight]
    along = points[points[:, 1] == 0.0, 0]
    number = len(queries_for("random"))
    queries = np.stack([random.uniform(along.min(), along.max(), number), np.zeros(number)], axis=-1)
    points, queries = (point_sets.rotated(each, angle) for each in (points, queries))
    mappings = located_in(points, queries, platform)
    inside, slope = mappings[:, 1] >= 0, np.array([0.7, -1.3])
    assert inside.mean() > 0.3
    interpolant = (weights_of(points, queries, mappings) * (points @ slope)[np.maximum(mappings, 0)]).sum(axis=1)
    assert np.abs(interpolant - queries @ slope)[inside].max() < 1.0e-12


def located_in(points, queries, platform="cpu"):
    return compiled(locate, platform)(triangulated(points, platform), points, queries)


def test_one_ulp_decides_nothing_at_the_hull():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.4]])
    x = np.linspace(0.05, 0.95, 7)
    far_outside = np.stack([x, np.full(7, -1.0e-9)], axis=1)
    far_inside = np.stack([x, np.full(7, 1.0e-9)], axis=1)
    triangulation = triangulate(points)
    assert (locate(triangulation, points, far_inside)[:, 1] >= 0).all()
    assert (locate(triangulation, points, far_outside)[:, 1] == -1).all()
    for y in (np.nextafter(0.0, -1.0), 0.0, np.nextafter(0.0, 1.0)):
        queries = np.stack([x, np.full(7, y)], axis=1)
        mappings = locate(triangulation, points, queries)
        weights = barycentric_weights(points, queries, mappings)
        assert ((weights >= 0.0) & (weights <= 1.0)).all()
        assert np.allclose((weights[..., None] * points[mappings]).sum(axis=1), queries, atol=1.0e-15)


@on_both_platforms
@pytest.mark.parametrize("seed", range(8))
def test_nearest_ties_go_to_the_lowest_index(seed, platform):
    """Five vertices on a circle around a query outside the hull. Edges join only some of them, by the tie rule."""
    near = np.array([[3.0, 4.0], [4.0, 3.0], [5.0, 0.0], [4.0, -3.0], [3.0, -4.0]])
    order = np.random.default_rng(seed).permutation(9)
    points = np.concatenate([near, [[9.0, 1.0], [8.0, 5.0], [8.0, -5.0], [10.0, 0.0]]])[order]
    (mapping,) = located_in(points, np.zeros((1, 2)), platform)
    assert mapping.tolist() == [np.flatnonzero(order < 5).min(), -1, -1]


@on_both_platforms
def test_infinite_queries_have_no_vertex(platform):
    """Their weights are NaN."""
    points, queries = point_sets.UNIQUE["random"], queries_for("random").copy()
    queries[1, 0], queries[2, 1] = np.nan, np.inf
    mappings = located("random", queries, platform)
    weights = weights_of(points, queries, mappings, platform)
    assert (mappings[1:3] == -1).all() and (mappings[3:, 0] >= 0).all()
    assert np.isnan(weights[1:3]).all() and not np.isnan(weights[3:]).any()


@pytest.mark.parametrize("name", ["random", "grid", "line", "relocated onto an ellipse"])
def test_jit_and_vmap_locate_as_the_eager_call(name):
    points, queries = point_sets.ALL[name], queries_for(name)
    triangulation = triangulation_of(name)
    eager = locate(triangulation, points, queries)
    assert np.array_equal(jax.jit(locate)(triangulation, points, queries), eager)
    lanes = jax.vmap(locate, in_axes=(None, None, 0))(triangulation, points, queries[None])
    assert np.array_equal(lanes[0], eager)
