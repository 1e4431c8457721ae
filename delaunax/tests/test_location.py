"""Every query finds its triangle, or its nearest vertex outside the hull, as with Qhull and a k-d tree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay, cKDTree

from delaunax import barycentric_weights, locate, triangulate

import point_sets


def _interpolant(points, queries, mappings, values):
    weights = barycentric_weights(points, queries, mappings)
    return (weights * values[np.maximum(mappings, 0)]).sum(axis=1)


def _is_nearest(points, queries, vertices):
    distance = np.hypot(*(queries - points[vertices]).T)
    return np.allclose(distance, cKDTree(points).query(queries)[0], rtol=1.0e-12, atol=0.0)


@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED})
def test_agrees_with_find_simplex(name):
    """Inside or outside as Qhull says, the same interpolant where the triangles are the same, else the nearest vertex."""
    points = point_sets.ALL[name]
    queries = point_sets.queries_of(points)
    qhull = Delaunay(points)
    simplex = qhull.find_simplex(queries)
    mappings = locate(triangulate(points), points, queries)

    # On the hull itself, rounding may put a query to either side: there the two answers are equally right.
    scale = np.ptp(points, axis=0).max()
    inside, theirs = mappings[:, 1] >= 0, simplex >= 0
    for query in queries[inside != theirs]:
        equations = qhull.points[qhull.convex_hull]
        edge, offset = equations[:, 1] - equations[:, 0], query - equations[:, 0]
        along = np.clip((edge * offset).sum(axis=1) / (edge**2).sum(axis=1), 0.0, 1.0)
        assert np.hypot(*(offset - along[:, None] * edge).T).min() < 1.0e-12 * scale

    neither, same = ~inside & ~theirs, inside & theirs
    if name in point_sets.TIED:
        same[same] = (np.sort(mappings[same], axis=1) == np.sort(qhull.simplices[simplex[same]], axis=1)).all(axis=1)
    values = points @ [0.7, -1.3] / scale + np.sin(5.0 * points[:, 0] / scale)
    interpolant = _interpolant(points, queries[same], mappings[same], values)
    expected = _interpolant(points, queries[same], qhull.simplices[simplex[same]], values)
    assert np.allclose(interpolant, expected, rtol=0.0, atol=1.0e-11)
    assert (mappings[neither, 1:] == -1).all()
    assert _is_nearest(points, queries[neither], mappings[neither, 0])


@pytest.mark.parametrize("name", point_sets.ALL)
def test_nine_in_ten_outside(name):
    """As in wild draws, where nearly all data points lie outside the hull: each has its nearest vertex."""
    points = point_sets.ALL[name]
    spread = np.ptp(points, axis=0)
    queries = points.mean(axis=0) + np.where(spread > 0.0, spread, 1.0) * np.random.default_rng(5).uniform(
        -2.0, 2.0, (1500, 2)
    )
    mappings = locate(triangulate(points), points, queries)
    outside = mappings[:, 1] < 0
    assert outside.mean() > 0.9
    assert _is_nearest(points, queries[outside], mappings[outside, 0])


@pytest.mark.parametrize("name", point_sets.ALL)
def test_reproduces_a_linear_function_inside_and_the_nearest_vertex_outside(name):
    points = point_sets.ALL[name]
    queries = point_sets.queries_of(points)
    mappings = locate(triangulate(points), points, queries)
    inside = mappings[:, 1] >= 0
    assert (mappings[:, 0] >= 0).all()
    assert _is_nearest(points, queries[~inside], mappings[~inside, 0])

    centre, scale = points.mean(axis=0), np.ptp(points, axis=0) + (np.ptp(points, axis=0) == 0.0)
    slope = np.array([0.7, -1.3]) / scale
    interpolant = _interpolant(points, queries[inside], mappings[inside], (points - centre) @ slope)
    error = np.abs(interpolant - (queries[inside] - centre) @ slope)

    # Rounding of the coordinates turns into weights in proportion to how thin a triangle is, until it counts as a line.
    a, b, c = (points[mappings[inside, k]] for k in range(3))
    doubled = np.abs((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0])
    lengths = ((a - b) ** 2 + (b - c) ** 2 + (c - a) ** 2).sum(axis=1)
    thinness = lengths / np.maximum(doubled, 0.25 * np.sqrt(np.finfo(float).eps) * lengths)
    size = np.abs(queries[inside]).max(initial=0.0) / scale.min()
    assert (error <= 16.0 * np.finfo(float).eps * (1.0 + size) * thinness).all()


@pytest.mark.parametrize("angle", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("straight", ["hull", "lattice"])
def test_queries_on_a_hull_that_is_straight_to_rounding(straight, angle):
    """Triangles along it have no area but by rounding, and any query on its line is on their edges."""
    random = np.random.default_rng(3)
    points = random.uniform(0.0, 19.0, (400, 2))
    points[:280, 1] = 0.0
    points = {"hull": points, "lattice": point_sets.grid(20) - point_sets.grid(20).min(axis=0)}[straight]
    along = points[points[:, 1] == 0.0, 0]
    queries = np.stack([random.uniform(along.min(), along.max(), 500), np.zeros(500)], axis=-1)
    points, queries = (point_sets.rotated(each, angle) for each in (points, queries))
    mappings = locate(triangulate(points), points, queries)
    inside = mappings[:, 1] >= 0
    assert inside.mean() > 0.3
    slope = np.array([0.7, -1.3])
    error = _interpolant(points, queries[inside], mappings[inside], points @ slope) - queries[inside] @ slope
    assert np.abs(error).max() < 1.0e-9


def test_one_ulp_inside_and_outside_the_hull():
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


@pytest.mark.parametrize("seed", range(8))
def test_of_several_nearest_vertices_it_is_that_of_the_smallest_number(seed):
    """Five vertices on a circle around a query outside the hull, of which two at most are joined by an edge of it."""
    near = np.array([[3.0, 4.0], [4.0, 3.0], [5.0, 0.0], [4.0, -3.0], [3.0, -4.0]])
    order = np.random.default_rng(seed).permutation(9)
    points = np.concatenate([near, [[9.0, 1.0], [8.0, 5.0], [8.0, -5.0], [10.0, 0.0]]])[order]
    (mapping,) = locate(triangulate(points), points, np.zeros((1, 2)))
    assert mapping.tolist() == [np.flatnonzero(order < 5).min(), -1, -1]


def test_a_query_that_is_not_finite_has_no_vertex_and_nan_weights():
    points = point_sets.UNIQUE["random"]
    queries = np.array([[0.5, 0.5], [np.nan, 0.5], [0.5, np.inf]])
    mappings = locate(triangulate(points), points, queries)
    with np.errstate(invalid="ignore"):
        weights = barycentric_weights(points, queries, mappings)
    assert (mappings[1:] == -1).all()
    assert np.isnan(weights[1:]).all()
    assert np.isfinite(weights[0]).all()


@pytest.mark.parametrize("name", ["random", "grid", "line", "relocated onto an ellipse"])
def test_jit_and_vmap_give_the_eager_bits(name):
    points = point_sets.ALL[name]
    queries = point_sets.queries_of(points)
    triangulation = triangulate(points)
    eager = locate(triangulation, points, queries)
    assert np.array_equal(jax.jit(locate)(triangulation, points, queries), eager)
    lanes = jax.vmap(locate, in_axes=(None, None, 0))(triangulation, jnp.asarray(points), jnp.asarray(queries)[None])
    assert np.array_equal(lanes[0], eager)
