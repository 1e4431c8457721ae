"""Weights and their derivatives agree with exact barycentric coordinates, in triangles of any shape."""

from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import barycentric_weights, locate, oracle, triangulate

from programs import PLATFORMS, weights_of

on_both_platforms = pytest.mark.parametrize("platform", PLATFORMS)

NUMBER = 200

DTYPES = {np.float64: 2.0**-52, np.float32: 2.0**-23}
"""Machine epsilons."""


def triangles(height, dtype, seed=0):
    """Points, queries inside their triangles, and mappings: triangles of unit length and some height, rotated and moved."""
    rng = np.random.default_rng(seed)
    corners = np.stack([[0.0, 0.0], [1.0, 0.0], [rng.random(), height]]) + np.zeros((NUMBER, 1, 1))
    corners[:, 2, 0] = rng.random(NUMBER)
    angle, shift = rng.uniform(0.0, 2.0 * np.pi, (NUMBER, 1)), rng.uniform(-2.0, 2.0, (NUMBER, 1, 2))
    x, y = corners[..., 0], corners[..., 1]
    corners = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=-1) + shift
    corners = corners.astype(dtype)
    weights = rng.dirichlet(np.ones(3), NUMBER)
    queries = (weights[..., None] * corners).sum(axis=1).astype(dtype)
    mappings = np.arange(3 * NUMBER, dtype=np.int32).reshape(-1, 3)
    # Rounding may have turned a triangle over.
    sites = oracle.integer_points(corners.reshape(-1, 2))
    turned = [oracle.orientation(*(sites[vertex] for vertex in row)) < 0 for row in mappings.tolist()]
    mappings[turned] = mappings[turned][:, ::-1]
    return corners.reshape(-1, 2), queries, mappings


def fractions(place):
    return [Fraction(float(x)) for x in place]


def coordinates(corners, place):
    """Three fractions: the barycentric coordinates of a place, which is a pair of fractions; None in a flat triangle."""
    (ax, ay), (bx, by), (cx, cy), (x, y) = (*map(fractions, corners), place)
    total = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    if total == 0:
        return None
    of_a = (bx - x) * (cy - y) - (by - y) * (cx - x)
    of_b = (cx - x) * (ay - y) - (cy - y) * (ax - x)
    return of_a / total, of_b / total, 1 - (of_a + of_b) / total


@on_both_platforms
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("height", [1.0, 1.0e-2, 1.0e-4, 1.0e-6, 1.0e-9, 1.0e-12, 1.0e-15])
def test_weights_are_the_exact_coordinates(height, dtype, platform):
    """To a few epsilons times the conditioning; in triangles thinner than the root of an epsilon, to a few epsilons."""
    points, queries, mappings = triangles(height, dtype)
    weights = weights_of(points, queries, mappings, platform)
    assert weights.dtype == dtype
    eps, judged = DTYPES[dtype], 0
    conditioning = 1.0 / height if height > np.sqrt(eps) else 1.0
    for row, (weight, query) in enumerate(zip(weights.tolist(), queries, strict=True)):
        exact = coordinates(points[mappings[row]], fractions(query))
        if exact is not None and min(exact) >= 0:
            judged += 1
            assert max(abs(Fraction(w) - e) for w, e in zip(weight, exact, strict=True)) <= 16.0 * eps * conditioning
    assert judged > 0 or height < eps
    assert (weights >= 0.0).all() and (np.abs(weights.sum(axis=1) - 1.0) <= 4.0 * eps).all()


@on_both_platforms
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1.0e-15, 1.0e-20, 1.0e-30, 1.0e-37])
def test_weights_reproduce_queries_in_any_needle(width, dtype, platform):
    """Two corners so close that pairs of floats hardly resolve the area, or do not, and a query half-way to the third."""
    eps = DTYPES[dtype]
    error = 4.0 * eps + (8.0 * eps**2 / width if width > eps**1.5 else 0.0)
    points = np.array([[0.0, 0.0], [width, 0.0], [0.7, 0.9]], dtype)
    queries = np.array([[0.35, 0.45]], dtype)
    for mapping in ([0, 1, 2], [2, 0, 1], [1, 2, 0]):
        weights = weights_of(points, queries, np.array([mapping], np.int32), platform)
        np.testing.assert_allclose(weights @ points[mapping], queries, rtol=0.0, atol=error)
        np.testing.assert_allclose(weights.sum(axis=1), 1.0, rtol=0.0, atol=4.0 * eps)


@on_both_platforms
def test_small_triangles_next_to_far_points_have_weights(platform):
    """In fp32, the products of such edges are zero."""
    points = np.array([[0.0, 0.0], [1.0e-20, 0.0], [0.0, 1.0e-20], [1.0, 1.0]], np.float32)
    queries = np.array([[3.0e-21, 3.0e-21]], np.float32)
    weights = weights_of(points, queries, np.array([[0, 1, 2]], np.int32), platform)
    np.testing.assert_allclose(weights, [[0.4, 0.3, 0.3]], rtol=0.0, atol=1.0e-6)


@pytest.mark.parametrize(("dtype", "width"), [(np.float32, 1.0e-20), (np.float64, 1.0e-200)])
def test_gradients_are_finite_in_any_needle(dtype, width):
    points = jnp.array([[0.0, 0.0], [width, 0.0], [0.7, 0.9]], dtype)
    queries = jnp.array([[0.35, 0.45]], dtype)
    for weight in range(3):
        slopes = jax.grad(lambda *both: barycentric_weights(*both, np.array([[0, 1, 2]]))[0, weight], argnums=(0, 1))
        assert all(jnp.isfinite(each).all() for each in slopes(points, queries))


@pytest.mark.parametrize(("dtype", "size"), [(np.float32, 1.0e-12), (np.float64, 1.0e-90)])
def test_gradients_next_to_far_points_are_those_without(dtype, size):
    """The square of a triangle's area underflows there, its area does not."""
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])

    def slopes(points, query):
        weight = jax.grad(lambda *both: barycentric_weights(*both, np.array([[0, 1, 2]]))[0, 0], argnums=(0, 1))
        of_points, of_query = weight(points.astype(dtype), query.astype(dtype))
        return of_points[:3], of_query

    expected = slopes(corners, np.array([[0.4, 0.3]]))
    found = slopes(np.concatenate([size * corners, [[1.0, 1.0]]]), size * np.array([[0.4, 0.3]]))
    for ours, theirs in zip(found, expected, strict=True):
        assert size * ours == pytest.approx(np.array(theirs), rel=1.0e-5, abs=1.0e-6)


@on_both_platforms
def test_a_query_just_outside_gets_the_nearest_place(platform):
    """On an edge of a triangle so thin that it counts as a line."""
    points = np.array([[0.0, 0.0], [1.0, 1.0], [0.5 - 1.0e-12, 0.5 + 1.0e-12]])
    queries = np.array(
        [[0.25, np.nextafter(0.25, 0.0)], [-1.0e-16, -1.0e-16], [1.0, np.nextafter(1.0, 0.0)], points[2]]
    )
    weights = weights_of(points, queries, np.tile(np.arange(3, dtype=np.int32), (4, 1)), platform)
    expected = [[0.75, 0.25, 0.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    assert weights == pytest.approx(np.array(expected), abs=1.0e-15)


@on_both_platforms
@pytest.mark.parametrize("scale", [5.0e-324, 1.0e-310, 1.0e-160, 1.0e160, 1.0e307])
def test_weights_are_those_of_any_scale(scale, platform):
    points = scale * np.array([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    queries = scale * np.array([[2.0, 2.0], [4.0, 4.0], [0.0, 0.0], [1.0, 5.0]])
    weights = weights_of(points, queries, np.tile(np.arange(3, dtype=np.int32), (4, 1)), platform)
    expected = [[0.5, 0.25, 0.25], [0.0, 0.5, 0.5], [1.0, 0.0, 0.0], [0.25, 0.125, 0.625]]
    assert weights == pytest.approx(np.array(expected), abs=1.0e-15)


@on_both_platforms
def test_rows_without_triangle_weigh_one_vertex(platform):
    points, queries = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]), np.full((3, 2), 0.25)
    mappings = np.array([[0, 1, 2], [2, -1, -1], [-1, -1, -1]], np.int32)
    weights = weights_of(points, queries, mappings, platform)
    assert weights[:2].tolist() == [[0.5, 0.25, 0.25], [1.0, 0.0, 0.0]] and np.isnan(weights[2]).all()


@pytest.mark.parametrize("height", [1.0, 1.0e-4, 1.0e-10])
def test_gradients_are_those_of_the_coordinates(height):
    """A weight is the area of the query and an edge over the area of the triangle."""
    points, queries, mappings = triangles(height, np.float64)
    direction = np.random.default_rng(1).standard_normal(queries.shape)

    def of(queries):
        return barycentric_weights(jnp.asarray(points), queries, mappings)

    _, found = jax.jvp(of, (jnp.asarray(queries),), (jnp.asarray(direction),))
    for row, (query, step) in enumerate(zip(queries, direction, strict=True)):
        corners = points[mappings[row]]
        exact = coordinates(corners, fractions(query))
        if min(exact) <= 1.0e-3:
            continue
        # Coordinates are linear in the query, so a difference of fractions is the derivative.
        moved = coordinates(corners, [x + dx for x, dx in zip(fractions(query), fractions(step), strict=True)])
        slopes = [float(after - before) for after, before in zip(moved, exact, strict=True)]
        assert found[row] == pytest.approx(np.array(slopes), abs=1.0e-14 / height**2, rel=1.0e-9)


@pytest.mark.parametrize("dtype", DTYPES)
def test_gradients_on_edges_are_those_of_a_triangle(dtype):
    """Rounding puts many of these queries just outside their triangle. All triangles have the slope of a linear function."""
    side, finer = (np.arange(number, dtype=dtype) * dtype(step) for number, step in ((8, 0.1), (15, 0.05)))
    points, queries = (np.stack(np.meshgrid(each, each), axis=-1).reshape(-1, 2) for each in (side, finer))
    mappings = locate(triangulate(points), points, queries)
    values = jnp.asarray(points @ np.array([1, 2], dtype))

    def total(queries):
        return (barycentric_weights(points, queries, mappings) * values[mappings]).sum()

    inside = mappings[:, 1] >= 0
    slopes = jax.grad(total)(jnp.asarray(queries))[inside]
    assert inside.sum() > 180
    assert np.abs(slopes - np.array([1, 2], dtype)).max() <= 200.0 * DTYPES[dtype]
