"""Interpolation by natural neighbours passes through JAX's transformations, and its derivatives are right."""

from functools import partial

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import NaturalNeighborInterpolator, griddata, natural_neighbor_weights, triangulate
from delaunax.interpolation.natural_neighbors.shares import KINDS

import point_sets
from programs import PLATFORMS, compiled

POINTS = point_sets.random(120)
QUERIES = 0.1 + 0.8 * point_sets.random(60, seed=3)
VALUES = np.random.default_rng(4).standard_normal(120)
"""All tests have as many points and queries, because every other number is another compilation."""


def padded(rows, number):
    """Rows, with copies of the first one up to a number."""
    rows = np.asarray(rows, dtype=float)
    return np.concatenate([rows, np.repeat(rows[:1], number - len(rows), axis=0)])


def interpolate(points, values, queries, kind="sibson", fill_value=np.nan):
    return NaturalNeighborInterpolator(points, values, kind, fill_value)(queries)


def by_table(points, values, queries, kind="sibson"):
    vertices, weights, _ = natural_neighbor_weights(triangulate(points), points, queries, kind, 20)
    return (weights * jnp.where(vertices < 0, 0.0, jnp.asarray(values)[vertices])).sum(axis=1)


FUNCTIONS = {"interpolator": interpolate, "table": by_table}


@pytest.mark.parametrize("kind", KINDS)
def test_equals_the_table(kind):
    np.testing.assert_allclose(
        interpolate(POINTS, VALUES, QUERIES, kind), by_table(POINTS, VALUES, QUERIES, kind), rtol=1.0e-12, atol=1.0e-12
    )


def test_values_of_any_shape_and_dtype():
    values = np.random.default_rng(5).standard_normal((120, 2, 3)) + 1j
    found = interpolate(POINTS, values, QUERIES)
    assert found.shape == (60, 2, 3)
    np.testing.assert_allclose(found[:, 1, 2].real, interpolate(POINTS, values[:, 1, 2].real, QUERIES), rtol=1.0e-12)
    np.testing.assert_allclose(found.imag, 1.0, rtol=1.0e-14)
    integers = interpolate(POINTS, np.arange(120), QUERIES)
    np.testing.assert_allclose(integers, interpolate(POINTS, np.arange(120.0), QUERIES))
    assert interpolate(POINTS, VALUES, np.zeros((0, 2))).shape == (0,)


@pytest.mark.parametrize(
    "name", ["random", "grid", "folded onto itself", "every point three times", "clusters of 1e-9"]
)
def test_reproduces_the_values_at_the_points(name):
    points = point_sets.ALL[name][:120]
    values = np.random.default_rng(0).random(120)
    first = np.unique(points, axis=0, return_index=True)[1][:60]
    found = interpolate(points, values, padded(points[first], 60))
    assert np.array_equal(found[: len(first)], values[first])


def test_outside_the_hull_is_the_fill_value():
    queries = padded([[0.5, 0.5], [-1.0, 0.5], [0.5, 7.0]], 60)
    found = interpolate(POINTS, VALUES, queries, fill_value=-7.0)
    assert np.isfinite(found[0]) and found[1:3].tolist() == [-7.0, -7.0]
    assert np.isnan(interpolate(POINTS, VALUES, queries)[1:3]).all()


def test_the_gradient_at_a_point_is_given_as_zero():
    slope = jax.grad(lambda at: interpolate(POINTS, VALUES, at, fill_value=0.0).sum())(jnp.asarray(POINTS[:60]))
    assert (slope == 0.0).all()


def test_griddata_natural_fills_outside_the_hull():
    queries = padded([[0.5, 0.5], [-1.0, 0.5]], 60)
    found = griddata(POINTS, VALUES, queries, method="natural", fill_value=-7.0)
    assert found[1] == -7.0 and found[0] == interpolate(POINTS, VALUES, queries)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_on_a_hull_edge_it_is_linear(kind):
    points = padded([[0.0, 0.0], [4.0, 1.0], [3.0, 4.0], [1.0, 3.0], [2.0, 2.0]], 120)
    queries = points[0] + np.linspace(0.25, 0.75, 3)[:, None] * (points[1] - points[0])
    values = padded([1.0, 5.0, -3.0, 2.0, 9.0], 120)
    inside = queries + 1.0e-9 * np.array([-1.0, 4.0])
    queries = padded(np.concatenate([queries, inside]), 60)
    found = interpolate(points, values, queries, kind)
    np.testing.assert_allclose(found[:3], [2.0, 3.0, 4.0], rtol=1.0e-14)
    np.testing.assert_allclose(found[3:6], [2.0, 3.0, 4.0], atol=1.0e-7)
    slope = jax.grad(lambda at: interpolate(points, values, at, kind).sum())(jnp.asarray(queries))
    np.testing.assert_allclose(slope[:6] @ (points[1] - points[0]), 4.0, rtol=1.0e-6)


def test_many_neighbors_need_no_limit():
    circle = point_sets.circle(120)
    values = circle @ [2.0, -1.0] + 3.0
    queries = 0.7 * (2.0 * point_sets.random(60, seed=8) - 1.0)
    np.testing.assert_allclose(interpolate(circle, values, queries), queries @ [2.0, -1.0] + 3.0, rtol=1.0e-12)


@pytest.mark.parametrize(("name", "kind"), [*(("interpolator", kind) for kind in KINDS), ("table", "laplace")])
def test_gradients_match_central_differences_forwards_and_in_reverse(name, kind):
    arguments = tuple(jnp.asarray(each) for each in (POINTS, VALUES, QUERIES))

    def total(*arguments):
        return (FUNCTIONS[name](*arguments, kind) * jnp.arange(60.0)).sum()

    @jax.jit
    def everything(arguments, tangents):
        return *jax.jvp(total, arguments, tangents), jax.grad(total, argnums=(0, 1, 2))(*arguments)

    for k in range(3):
        direction = jnp.asarray(np.random.default_rng(k).standard_normal(arguments[k].shape))
        tangents = tuple(direction if k == place else jnp.zeros_like(each) for place, each in enumerate(arguments))
        ends = []
        for step in (1.0e-6, -1.0e-6):
            moved = tuple(each + step * tangent for each, tangent in zip(arguments, tangents, strict=True))
            ends.append(float(everything(moved, tangents)[0]))
        _, pushed, gradients = everything(arguments, tangents)
        along = float((gradients[k] * direction).sum())
        assert along == pytest.approx((ends[0] - ends[1]) / 2.0e-6, rel=1.0e-4)
        assert float(pushed) == pytest.approx(along, rel=1.0e-10)


def slope_on(triangulation, points, queries):
    """The gradient of a sum of weights on a mesh that is triangulated already."""

    def total(points, queries):
        found = natural_neighbor_weights(triangulation, points, queries, max_neighbors=20)
        return (found.weights * jnp.cos(jnp.arange(20.0) + found.vertices.astype(float))).sum()

    return jax.grad(total, argnums=(0, 1))(points, queries)


def test_platforms_have_the_same_gradients():
    programs = (compiled(slope_on, platform, runs_once=True) for platform in PLATFORMS)
    one, other = (program(triangulate(POINTS), POINTS, QUERIES) for program in programs)
    for gradient, expected in zip(one, other, strict=True):
        np.testing.assert_allclose(gradient, expected, rtol=1.0e-9, atol=1.0e-9)


def test_sibsons_gradient_is_continuous_where_the_ring_changes():
    """A query crosses the circle through three points next to an edge, and the ring grows or shrinks."""
    simplices = np.asarray(triangulate(POINTS).simplices)
    pairs = []
    for a, b, c in POINTS[simplices[simplices[:, 0] >= 0]]:
        centre = np.linalg.solve(2.0 * np.array([b - a, c - a]), [b @ b - a @ a, c @ c - a @ a])
        outwards = 0.5 * (a + b) - centre
        outwards /= np.linalg.norm(outwards)
        pairs.append(centre + np.outer(np.linalg.norm(a - centre) + np.array([-1.0e-8, 1.0e-8]), outwards))
    pairs = np.array([pair for pair in pairs if (np.abs(pair - 0.5) < 0.4).all()])[:30]
    slope = jax.grad(lambda at: interpolate(POINTS, VALUES, at).sum())(jnp.asarray(pairs.reshape(60, 2)))
    count = np.asarray(
        natural_neighbor_weights(triangulate(POINTS), POINTS, pairs.reshape(60, 2), max_neighbors=20).count
    )
    assert (count[::2] != count[1::2]).all()
    np.testing.assert_allclose(slope[::2], slope[1::2], atol=1.0e-4 * np.abs(slope).max())


def test_is_a_pytree_through_jit_vmap_scan_and_grad():
    """With the kind that is not the default, which a pytree has to keep. `jit` closes over it, `scan` carries it."""
    kind = "laplace"
    interpolator = NaturalNeighborInterpolator(POINTS, VALUES, kind, 0.0)
    expected = interpolator(QUERIES)
    np.testing.assert_allclose(jax.jit(lambda at: interpolator(at))(QUERIES), expected, rtol=1.0e-12)

    several = jax.vmap(lambda values: NaturalNeighborInterpolator(POINTS, values, kind, 0.0))(
        np.stack([VALUES, -VALUES])
    )
    lanes = jax.vmap(lambda each: each(QUERIES))(several)
    np.testing.assert_allclose(lanes, np.stack([expected, -expected]), rtol=1.0e-12)

    _, scanned = jax.lax.scan(lambda carry, at: (carry, carry(at)), interpolator, jnp.stack([QUERIES, QUERIES]))
    np.testing.assert_allclose(scanned, jnp.stack([expected, expected]), rtol=1.0e-12)

    slope = jax.grad(lambda each: each(QUERIES).sum(), allow_int=True)(interpolator)
    assert slope.values.sum() == pytest.approx(60.0)


def test_lanes_have_gradients_of_their_own():
    lanes = np.stack([POINTS, 0.5 * POINTS[::-1]])
    queries = np.stack([QUERIES, 0.5 * QUERIES])

    def slope(points, queries):
        return jax.grad(lambda *both: interpolate(both[0], VALUES, both[1]).sum(), argnums=(0, 1))(points, queries)

    together = jax.jit(jax.vmap(slope))(lanes, queries)
    for lane in range(2):
        for one, alone in zip(together, slope(jnp.asarray(lanes[lane]), jnp.asarray(queries[lane])), strict=True):
            np.testing.assert_allclose(one[lane], alone, rtol=1.0e-9, atol=1.0e-9)
    # A batch of covectors for the same mesh.
    _, pull = jax.vjp(lambda points: interpolate(points, VALUES, QUERIES), jnp.asarray(POINTS))
    (rows,) = jax.vmap(pull)(jnp.eye(60)[:3])
    np.testing.assert_allclose(rows.sum(axis=0), pull((jnp.arange(60) < 3).astype(float))[0])


def test_an_export_for_two_platforms_runs_on_this_one():
    arguments = jax.tree.map(jnp.asarray, (POINTS, QUERIES))
    slope = jax.jit(partial(slope_on, jax.tree.map(jnp.asarray, triangulate(POINTS))))
    exported = jax.export.export(slope, platforms=("cpu", "cuda"))(*arguments)
    for ours, theirs in zip(exported.call(*arguments), slope(*arguments), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1.0e-12, atol=1.0e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_query_that_is_not_finite_does_not_reach_the_gradients_of_others(name):
    others = [[np.nan, 0.5], [0.5, np.inf], [9.0, 9.0], POINTS[0]]
    queries = np.concatenate([QUERIES[:56], others])

    def total(points, queries):
        found = FUNCTIONS[name](points, VALUES, queries)
        return jnp.where(jnp.isfinite(found), found, 0.0).sum()

    assert np.isnan(FUNCTIONS[name](POINTS, VALUES, queries)[56:58]).all()
    slopes = jax.grad(total, argnums=(0, 1))(jnp.asarray(POINTS), jnp.asarray(queries))
    alone = jax.grad(total, argnums=(0, 1))(
        jnp.asarray(POINTS), jnp.asarray(np.concatenate([QUERIES[:56], POINTS[:4]]))
    )
    assert np.isfinite(slopes[0]).all() and np.isfinite(slopes[1]).all()
    np.testing.assert_allclose(slopes[1][:56], alone[1][:56], rtol=1.0e-10)
    np.testing.assert_allclose(slopes[0], alone[0], rtol=1.0e-9, atol=1.0e-9)


def test_a_mesh_that_is_not_finite_is_nan():
    spoilt = POINTS.copy()
    spoilt[3, 0] = np.inf
    assert np.isnan(interpolate(spoilt, VALUES, QUERIES, fill_value=3.0)).all()


def test_an_infinite_value_stays_at_its_point():
    values = VALUES.copy()
    values[3] = np.inf
    found = interpolate(POINTS, values, np.concatenate([POINTS[3:4], QUERIES[1:]]))
    assert found[0] == np.inf


def test_second_derivatives_are_refused():
    slope = jax.grad(lambda at: interpolate(POINTS, VALUES, at).sum())
    with pytest.raises(
        NotImplementedError, match="Second derivatives of natural neighbour weights are not implemented"
    ):
        jax.jvp(slope, [jnp.asarray(QUERIES)], [jnp.asarray(QUERIES)])


@pytest.mark.parametrize("values", [np.zeros(3), np.zeros((3, 120)), 1.0])
def test_values_of_another_length_are_refused_by_name(values):
    with pytest.raises(ValueError, match="`values` has shape .*, but there are 120 points; give one value per point"):
        NaturalNeighborInterpolator(POINTS, values)


@pytest.mark.parametrize("stretch, rescale", [(1.0, False), (1.0e3, True)])
def test_griddata_natural_reproduces_linear_functions(stretch, rescale):
    """With queries of any shape, and with units of x and y that differ."""
    rng = np.random.default_rng(0)
    points, queries = rng.random((120, 2)), rng.random((3, 20, 2)) * 0.6 + 0.2
    units, slope = np.array([stretch, 1.0]), np.array([1.0, 2.0])
    found = griddata(points * units, points @ slope, queries * units, method="natural", rescale=rescale)
    assert isinstance(found, np.ndarray)
    np.testing.assert_allclose(found, queries @ slope, atol=1e-13)


def test_queries_may_have_any_shape_and_dtype():
    rng = np.random.default_rng(0)
    points, queries = rng.random((120, 2)).astype(np.float32), rng.random((3, 20, 2)) * 0.6 + 0.2
    interpolator = NaturalNeighborInterpolator(points, points @ np.array([1.0, 2.0], np.float32))
    found = interpolator(queries)
    assert found.dtype == np.float64 and found.shape == (3, 20)
    assert interpolator(queries[0, 0]) == found[0, 0]
    np.testing.assert_allclose(found, queries @ [1.0, 2.0], atol=1e-6)


def test_a_query_at_a_vertex_takes_no_other_value():
    values = np.where(np.arange(120) == 0, np.nan, VALUES)
    found = interpolate(POINTS, values, np.concatenate([POINTS[5:6], QUERIES[1:]]))
    assert found[0] == VALUES[5]


def test_gradients_know_that_the_unit_square_depends_on_the_points():
    """Weights of natural neighbours change with the ratio of the sides, unlike linear ones."""

    def total(points):
        return NaturalNeighborInterpolator(points, VALUES, fill_value=0.0, rescale=True)(QUERIES).sum()

    compiled_total, rightmost, step = jax.jit(total), POINTS[:, 0].argmax(), 1.0e-6
    slope = jax.jit(jax.grad(total))(jnp.asarray(POINTS))[rightmost, 0]
    moved = [compiled_total(jnp.asarray(POINTS).at[rightmost, 0].add(sign * step)) for sign in (1.0, -1.0)]
    assert abs(slope) > 0.0 and float(slope) == pytest.approx(float(moved[0] - moved[1]) / (2.0 * step), rel=1.0e-5)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_of_the_largest_coordinates_have_the_right_size(dtype):
    """The power of two that brings them to order one is out of range."""
    factor = 2.0 ** (np.finfo(dtype).maxexp - 1)

    def slope(factor):
        points, queries = (jnp.asarray(each * factor, dtype) for each in (POINTS, QUERIES))
        values = jnp.asarray(VALUES, dtype)
        moves = jnp.full_like(queries, factor / 8.0)
        return jax.jvp(lambda at: interpolate(points, values, at), (queries,), (moves,))[1]

    np.testing.assert_allclose(slope(factor), slope(1.0), rtol=1.0e-5)


def test_a_hull_edge_of_subnormal_extent_gives_no_nan():
    least = np.finfo(float).tiny
    corners = np.array([[least, 0.0], [least * (1.0 + 2.0**-50), 0.0], [0.5, 1.0]])
    found = interpolate(padded(corners, 120), VALUES, padded([[least * (1.0 + 2.0**-51), 0.0]], 60))
    assert np.isfinite(found[0])
