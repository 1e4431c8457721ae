"""Location and weights in triangles of any shape, judged in rational arithmetic."""

from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import barycentric_weights, locate, oracle

import point_sets
from programs import QUERIES, compiled, interpolation_in, triangulated, weights_of

EPS = {np.dtype(np.float64): 2.0**-52, np.dtype(np.float32): 2.0**-23}


def exact_coordinates(corners, query):
    """The barycentric coordinates of a query in a triangle, as fractions."""
    (ax, ay), (bx, by), (cx, cy) = ([Fraction(float(x)) for x in corner] for corner in corners)
    x, y = (Fraction(float(each)) for each in query)
    total = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    of_a = (bx - x) * (cy - y) - (by - y) * (cx - x)
    of_b = (cx - x) * (ay - y) - (cy - y) * (ax - x)
    return of_a / total, of_b / total, 1 - (of_a + of_b) / total


def faults_of(points, queries, mappings, weights):
    """Queries whose interpolant is wrong, with the reason.

    The weights must reproduce the query to a few epsilons of the extent along each axis. If the query is inside its triangle,
    they must be its barycentric coordinates, to a few epsilons times the conditioning of the coordinates where that is below
    the square root of an epsilon, and to a few epsilons in thinner triangles.
    """
    eps = EPS[points.dtype]
    extent = [Fraction(float(each)) or Fraction(1) for each in np.ptp(points.astype(float), axis=0)]
    faults = []
    for query, mapping, weight in zip(queries, mappings, weights, strict=True):
        if mapping[1] < 0:
            continue
        corners = points[mapping]
        exact = exact_coordinates(corners, query)
        weight = [Fraction(float(each)) for each in weight]
        edges = (corners - np.roll(corners, 1, axis=0)).astype(float) / np.array(extent, dtype=float)
        thinness = abs(edges[0, 0] * edges[1, 1] - edges[0, 1] * edges[1, 0]) / (edges**2).sum(axis=1).max()
        conditioning = 1.0 / thinness if thinness > 0.1 * np.sqrt(eps) else 1.0
        tolerance = Fraction(16.0 * eps * max(conditioning, 1.0))
        if min(weight) < 0 or abs(sum(weight) - 1) > 4 * eps:
            faults.append((query, "weights do not sum to one"))
        for axis in range(2):
            here = Fraction(float(query[axis]))
            off = abs(sum(w * (Fraction(float(corner[axis])) - here) for w, corner in zip(weight, corners)))
            off /= extent[axis]
            if off > max(tolerance, Fraction(12.0 * eps)):
                faults.append(
                    (query.tolist(), mapping.tolist(), f"axis {axis}: reproduced {float(off) / eps:.1f} eps off")
                )
        if min(exact) >= 0 and max(abs(w - e) for w, e in zip(weight, exact)) > tolerance:
            faults.append((query.tolist(), mapping.tolist(), "weights are not the barycentric coordinates"))
    return faults


def near_edges(points, simplices, number, seed=0):
    """(M, 2): places on edges of triangles, and within one unit in the last place of them."""
    rng = np.random.default_rng(seed)
    rows = simplices[rng.integers(0, len(simplices), number)]
    t = rng.random((number, 1)).astype(points.dtype)
    on = points[rows[:, 0]] + t * (points[rows[:, 1]] - points[rows[:, 0]])
    steps = np.where(rng.random(on.shape) < 0.5, np.inf, -np.inf).astype(points.dtype)
    return np.concatenate([on, np.nextafter(on, steps)])


def queries_around(points, number=120):
    """(M, 2): on vertices, on edges, near edges and anywhere in the bounding box."""
    simplices = triangulated(points).simplices
    simplices = simplices[simplices[:, 0] >= 0]
    low, high = points.min(axis=0), points.max(axis=0)
    anywhere = low + (high - low) * np.random.default_rng(1).random((number, 2)).astype(points.dtype)
    vertices = points[np.random.default_rng(2).integers(0, len(points), number // 2)]
    edges = [near_edges(points, simplices, number)] if len(simplices) else []
    return np.concatenate([anywhere, vertices, *edges]).astype(points.dtype)


def check(points, queries, platform="cpu"):
    mappings, weights = interpolation_in(points, queries, platform)
    assert faults_of(points, queries, mappings, weights) == []
    return mappings


@pytest.mark.parametrize("name", [name for name in point_sets.EVERY if "scale" not in name and "subnormal" not in name])
def test_every_set_is_interpolated_exactly(name):
    points = point_sets.EVERY[name]
    mappings = check(points, queries_around(points))
    if name not in point_sets.WITHOUT_TRIANGLE:
        assert (mappings[:, 1] >= 0).mean() > 0.1


STRETCHES = {
    "1e3 along x": (1.0e3, 0.0),
    "1e6 along x": (1.0e6, 0.0),
    "1e9 along x": (1.0e9, 0.0),
    "1e12 along x": (1.0e12, 0.0),
    "1e12 along y": (1.0e-12, 0.0),
    "1e3 rotated": (1.0e3, 0.7),
    "1e6 rotated": (1.0e6, 0.7),
    "1e9 rotated": (1.0e9, 0.7),
}
"""Factor and angle of a stretch of 400 random points."""


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("stretch", STRETCHES)
def test_stretched_points_are_interpolated_exactly(stretch, dtype, platform):
    factor, angle = STRETCHES[stretch]
    points = point_sets.rotated(point_sets.random(400) * [factor, 1.0], angle).astype(dtype)
    if dtype == np.float32 and angle and factor > 1.0e3:
        pytest.skip("In fp32, rounding of the coordinates leaves nothing of this stretch.")
    mappings = check(points, queries_around(points), platform)
    assert (mappings[:, 1] >= 0).mean() > 0.5


def value_and_slope(points, queries, mappings):
    """The sum of the interpolated y of queries, with the values themselves, and its gradient."""

    def total(queries):
        values = (barycentric_weights(points, queries, mappings) * points[mappings, 1]).sum(axis=1)
        return jnp.where(mappings[:, 1] >= 0, values, 0.0).sum(), values

    return jax.value_and_grad(total, has_aux=True)(queries)


@pytest.mark.parametrize("dtype, bound", [(np.float64, 1.0e-14), (np.float32, 4.0e-6)])
@pytest.mark.parametrize("factor", [1.0e4, 1.0e6, 1.0e9])
def test_stretching_leaves_values_and_gradients(dtype, bound, factor):
    """The values are y, which no stretch along x changes; their derivative by y is one."""
    points = (point_sets.random(400) * [factor, 1.0]).astype(dtype)
    queries = (point_sets.random(QUERIES, 5) * [0.9 * factor, 0.9] + [0.05 * factor, 0.05]).astype(dtype)
    mappings, _ = interpolation_in(points, queries)
    inside = mappings[:, 1] >= 0
    assert inside.mean() > 0.9
    (_, found), slope = compiled(value_and_slope)(points, queries, mappings)
    assert np.abs(found - queries[:, 1])[inside].max() < bound
    assert np.abs(slope[:, 1] - 1.0)[inside].max() < 1.0e3 * bound
    assert np.abs(slope[:, 0] * factor)[inside].max() < 1.0e3 * bound


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
@pytest.mark.parametrize("seed", range(3))
def test_sides_of_polygons_hold_every_query(seed, platform):
    """Points along the sides of a polygon, rounded: walks went around in circles there."""
    rng = np.random.default_rng(seed)
    corners = rng.uniform(-50.0, 50.0, (3, 2))
    t = rng.random((3, 60, 1))
    sides = [a + t[k] * (b - a) for k, (a, b) in enumerate(zip(corners, np.roll(corners, -1, axis=0)))]
    points = np.concatenate([*sides, corners, corners.mean(axis=0, keepdims=True)])
    u = rng.random((3, 60, 1))
    on = np.concatenate([a + u[k] * (b - a) for k, (a, b) in enumerate(zip(corners, np.roll(corners, -1, axis=0)))])
    queries = np.concatenate([on, np.nextafter(on, np.inf), np.nextafter(on, -np.inf)])
    check(points, queries, platform)


CASES = Path(__file__).parent / "cases"
"""Points and a query at which the walk once went around in circles and returned an arbitrary triangle."""


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
@pytest.mark.parametrize("name", ["rounded_line", "sides_of_a_triangle"])
def test_walks_that_went_in_circles_arrive(name, platform):
    case = np.load(CASES / f"{name}.npz")
    points, query = case["points"], case["query"][None]
    # With their own number of points, because others would start the walk elsewhere.
    mappings = compiled(locate, platform)(triangulated(points, platform), points, query)
    assert faults_of(points, query, mappings, weights_of(points, query, mappings, platform)) == []
    assert (mappings[0] >= 0).all()


@pytest.mark.parametrize("scale", [1.0e-310, 1.0e-300, 1.0e150, 1.0e300])
def test_weights_do_not_depend_on_the_scale(scale):
    points, queries = scale * point_sets.random(60), scale * (0.2 + 0.6 * point_sets.random(40, 7))
    mappings, weights = interpolation_in(points, queries)
    inside = mappings[:, 1] >= 0
    assert inside.all()
    exact = [exact_coordinates(points[row], query) for row, query in zip(mappings, queries)]
    assert np.abs(weights - np.array(exact, dtype=float)).max() < 1.0e-13


def test_masked_queries_leave_gradients_finite():
    points = point_sets.random(60)
    queries = np.array([[0.5, 0.5], [np.nan, 0.5], [1.0e150, 0.5], [-1.0e300, 1.0e300], [np.inf, 0.0]])
    mappings, _ = interpolation_in(points, queries)

    def total(points, queries):
        weights = barycentric_weights(points, queries, mappings)
        return jnp.where(jnp.isfinite(queries).all(axis=1)[:, None], weights**2, 0.0).sum()

    for gradient in compiled(jax.grad(total, argnums=(0, 1)))(points, queries):
        assert np.isfinite(gradient).all()


def test_double_double_is_as_accurate_as_it_says():
    """Cross products of offsets whose terms cancel to 2^-80 of their size, against fractions."""
    from delaunax.arithmetic.double_double import cross_between

    rng = np.random.default_rng(0)
    cross = jax.jit(jax.vmap(cross_between))
    for dtype, eps in ((np.float64, 2.0**-53), (np.float32, 2.0**-24)):
        direction, t = rng.standard_normal((500, 2)), rng.random((3, 500, 1))
        origin, start, end = ((direction * each).astype(dtype) for each in t)
        found = np.asarray(cross(*map(jnp.asarray, (origin, start, end))))
        for k in range(500):
            (ox, oy), (sx, sy), (ex, ey) = ([Fraction(float(x)) for x in each[k]] for each in (origin, start, end))
            one, other = (sx - ox) * (ey - sy), (sy - oy) * (ex - sx)
            bound = eps * abs(one - other) + 16 * eps**2 * (abs(one) + abs(other))
            assert abs(Fraction(float(found[k])) - (one - other)) <= bound


def test_oracle_agrees_on_what_is_inside():
    """The check of this file itself: a query outside its triangle has a negative coordinate."""
    points = point_sets.random(30)
    sites = oracle.integer_points(points)
    exact = exact_coordinates(points[[0, 1, 2]], points[3])
    total = oracle.orientation(*(sites[k] for k in (0, 1, 2)))
    assert exact[0] == Fraction(oracle.orientation(*(sites[k] for k in (3, 1, 2))), total)
