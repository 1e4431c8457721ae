"""Arguments are converted without loss, or rejected by the name of the argument."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay

from delaunax import (
    LinearInterpolator,
    NaturalNeighborInterpolator,
    barycentric_weights,
    find_simplex,
    griddata,
    linear_interpolate,
    locate,
    triangulate,
)
from delaunax.arguments import as_given, coordinates_from, points_and_queries, values_from

import point_sets
import programs

POINTS, QUERIES = point_sets.random(40), 1.2 * point_sets.random(30, seed=3) - 0.1
VALUES = np.sin(5.0 * POINTS[:, 0])
EXPECTED = linear_interpolate(POINTS, VALUES, QUERIES)


@pytest.fixture
def in_float32():
    """JAX as it starts without any setting."""
    with programs.enable_x64(False), jax.numpy_dtype_promotion("standard"):
        yield


def test_both_byte_orders_give_the_same_result():
    swapped = [each.astype(each.dtype.newbyteorder("S")) for each in (POINTS, VALUES, QUERIES)]
    assert np.array_equal(linear_interpolate(*swapped), EXPECTED, equal_nan=True)
    assert np.array_equal(triangulate(swapped[0]).simplices, triangulate(POINTS).simplices)


@pytest.mark.parametrize("dtypes", [("f4", "f4", "f8"), ("f4", "f8", "f8"), ("f8", "f8", "f4"), ("f4", "f8", "f4")])
def test_mixed_dtypes_are_interpolated_in_the_wider_one(dtypes):
    arrays = [each.astype(dtype) for each, dtype in zip((POINTS, VALUES, QUERIES), dtypes)]
    found = LinearInterpolator(*arrays[:2])(arrays[2])
    expected = linear_interpolate(*(each.astype(float) for each in arrays))
    assert found.dtype == float
    assert np.allclose(found, expected, rtol=0.0, atol=0.0 if dtypes[0] != dtypes[2] else 1.0e-5, equal_nan=True)


@pytest.mark.parametrize("cls", [LinearInterpolator, NaturalNeighborInterpolator])
@pytest.mark.parametrize("rescale", [False, True])
def test_float64_queries_at_float32_points_are_inside(cls, rescale):
    points = (3.0e4 * POINTS + 7.0).astype(np.float32)
    found = cls(points, VALUES, rescale=rescale)(points.astype(float))
    assert np.allclose(found, VALUES, rtol=0.0, atol=1.0e-5)


@pytest.mark.parametrize("cls", [LinearInterpolator, NaturalNeighborInterpolator])
def test_a_wider_triangulation_is_not_narrowed(cls):
    points = POINTS.astype(np.float32)
    given = triangulate(points.astype(float))
    found = cls(points, VALUES, triangulation=given)(points)
    assert found.dtype == np.float64 and np.allclose(found, VALUES, rtol=0.0, atol=1.0e-12)


def test_integer_points_take_queries_of_any_dtype():
    points = np.array([[0, 0], [4, 0], [0, 4], [4, 5]])
    for dtype in ("f4", "f8", "i4"):
        queries = np.array([[1, 1], [2, 1]], dtype)
        assert linear_interpolate(points, points[:, 0], queries).tolist() == [1.0, 2.0]


def test_float64_queries_see_what_underflows_among_float32_points():
    """Scaled by the farthest point, the others underflow in float32 but not in float64."""
    points = np.concatenate([1.0e-30 * POINTS[:-1], [[1.0e10, 1.0e10]]]).astype(np.float32)
    # Of the others, rounding of the farthest point decides whether they are outside.
    inside = Delaunay(POINTS[:-1]).find_simplex(QUERIES) >= 0
    queries = (1.0e-30 * QUERIES[inside]).astype(np.float32).astype(float)
    expected = linear_interpolate(points.astype(float), VALUES, queries, 7.0)
    assert np.array_equal(linear_interpolate(points, VALUES, queries, 7.0), expected)
    assert inside.sum() > 10 and (expected != 7.0).all()


def test_lists_take_the_default_float(in_float32):
    found = linear_interpolate(POINTS.tolist(), VALUES.tolist(), QUERIES.tolist())
    assert found.dtype == np.float32
    assert np.allclose(found, EXPECTED, atol=1.0e-5, equal_nan=True)


def test_float64_is_not_rounded_silently(in_float32):
    single = POINTS.astype(np.float32)
    with pytest.raises(TypeError, match="`points` is float64 but JAX runs in float32; set .* or cast to float32"):
        triangulate(POINTS)
    with pytest.raises(TypeError, match="`query_points` is float64 but JAX runs in float32"):
        LinearInterpolator(single, VALUES)(QUERIES)


@pytest.mark.parametrize("number", [2**53 + 1, -(2**53) - 1, 2**63 - 1])
def test_integers_without_an_exact_float_are_rejected(number):
    with pytest.raises(ValueError, match=f"`points` has the integer {number}, which float64 cannot hold"):
        triangulate(np.array([[0, 0], [1, 0], [number, 1]]))
    with pytest.raises(ValueError, match="`query_points` has the integer"):
        linear_interpolate(POINTS, VALUES, [[number, 0]])


def test_integers_without_an_exact_float32_are_rejected(in_float32):
    with pytest.raises(ValueError, match="`points` has the integer 16777217, which float32 cannot hold"):
        triangulate(np.array([[0, 0], [1, 0], [2**24 + 1, 1]]))
    assert coordinates_from("points", [[2**24, 2**30]]).tolist() == [[2.0**24, 2.0**30]]


@pytest.mark.parametrize("dtype, number", [("i8", -(2**63)), ("i8", 2**60), ("u8", 2**63), ("i1", 127), ("u1", 255)])
def test_integers_with_an_exact_float_are_taken(dtype, number):
    integers = np.array([[number, 1]], dtype)
    for take in (coordinates_from, jax.jit(coordinates_from, static_argnums=0)):
        assert take("points", integers).tolist() == [[float(number), 1.0]]


def test_integer_values_are_not_rounded_to_the_dtype_of_the_points():
    values = np.full(len(POINTS), 2**24 + 1)
    assert (values_from(values, jnp.asarray(POINTS, np.float32)) == 2**24 + 1).all()


def test_integer_values_beyond_32_bits_keep_their_size(in_float32):
    values = np.full(len(POINTS), 2**40)
    assert (values_from(values, jnp.asarray(POINTS, np.float32)) == 2.0**40).all()


def test_traced_integers_without_an_exact_float_are_nan():
    integers = np.array([[2**53 + 1, 2**53], [2**63 - 1, 3]])
    found = jax.jit(partial(coordinates_from, "points"))(integers)
    assert np.isnan(found[:, 0]).all() and found[:, 1].tolist() == [2.0**53, 3.0]


@pytest.mark.parametrize("name", ["points", "values", "query_points"])
def test_masked_arrays_are_rejected_by_name(name):
    arguments = {"points": POINTS, "values": VALUES, "query_points": QUERIES}
    arguments[name] = np.ma.masked_greater(arguments[name], 0.9)
    with pytest.raises(ValueError, match=f"`{name}` is a masked array; give an array of the rows that are not masked"):
        linear_interpolate(**arguments)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        (
            (POINTS, triangulate(POINTS), QUERIES),
            TypeError,
            "`triangulation` is of type ndarray; give what `triangulate` ",
        ),
        (
            (triangulate(POINTS), QUERIES, POINTS),
            ValueError,
            "`points` has 30 rows but `triangulation` has 40 vertices",
        ),
        ((triangulate(POINTS), POINTS[:-1], QUERIES), ValueError, "give the points that were triangulated"),
        ((triangulate(POINTS), POINTS, QUERIES[:, :1]), ValueError, r"`query_points` has shape \(30, 1\)"),
        ((triangulate(POINTS), POINTS, 0.5), ValueError, r"`query_points` has shape \(\); give .* a tuple \(x, y\)"),
        (
            (triangulate(POINTS), POINTS, (1, 2, 3)),
            ValueError,
            r"`query_points` is a tuple of 3; give a tuple \(x, y\)",
        ),
        ((triangulate(POINTS), POINTS, ([1, 2], [1, 2, 3])), ValueError, r"tuple of shapes \(2,\) and \(3,\)"),
        ((triangulate(POINTS), POINTS, [[1, 2], [3]]), ValueError, "`query_points` has rows of different lengths"),
        ((None, POINTS, QUERIES), TypeError, "`triangulation` is of type NoneType; give what `triangulate` returned"),
        ((triangulate(POINTS), POINTS, "here"), TypeError, "`query_points` has dtype <U4"),
        ((triangulate(POINTS), POINTS, None), TypeError, "`query_points` has dtype object"),
    ],
)
def test_wrong_arguments_of_location_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        find_simplex(*arguments)


@pytest.mark.parametrize(
    "fill_value, error, message",
    [
        ("nearest", TypeError, "`fill_value` is 'nearest'; give a number."),
        (None, TypeError, "`fill_value` is None; give a number."),
        (True, TypeError, "`fill_value` is True; give a number."),
        (1.0j, TypeError, "`fill_value` is complex but `values` are real"),
        ([1.0, 2.0], ValueError, r"`fill_value` has shape \(2,\), and one value has shape \(\); give a number."),
        ([[1], [2, 3]], TypeError, "`fill_value` is .*; give a number."),
    ],
)
def test_a_bad_fill_value_is_named(fill_value, error, message):
    with pytest.raises(error, match=message):
        LinearInterpolator(POINTS, VALUES, fill_value)


def test_a_fill_value_may_have_the_shape_of_one_value():
    values = np.stack([VALUES, 2.0 * VALUES], axis=1)
    found = LinearInterpolator(POINTS, values, [1, 2])(np.array([[9.0, 9.0], [0.5, 0.5]]))
    assert found[0].tolist() == [1.0, 2.0] and found[1, 1] == 2.0 * found[1, 0]
    with pytest.raises(ValueError, match=r"one value has shape \(2,\); give a number, or an array of shape \(2,\)"):
        LinearInterpolator(POINTS, values, np.zeros(3))


@pytest.mark.parametrize(
    "values", [["a"] * 40, [None] * 40, np.full(40, np.datetime64("2020")), np.ones(40, np.clongdouble)]
)
def test_values_that_are_no_numbers_are_named(values):
    with pytest.raises(TypeError, match="`values` has dtype .*; give real or complex numbers"):
        LinearInterpolator(POINTS, values)


def test_mappings_of_other_queries_are_rejected():
    with pytest.raises(ValueError, match=r"`mappings` has shape \(30, 3\), but `query_points` has shape \(29, 2\)"):
        barycentric_weights(POINTS, QUERIES[1:], locate(triangulate(POINTS), POINTS, QUERIES))


def test_an_unknown_method_is_named():
    with pytest.raises(ValueError, match='`method` is \'cubic\'; give "linear", "natural" or "nearest"'):
        griddata(POINTS, VALUES, QUERIES, method="cubic")


def test_rescaling_an_existing_triangulation_is_rejected():
    with pytest.raises(ValueError, match="give either `rescale=True` or `triangulation`"):
        LinearInterpolator(POINTS, VALUES, rescale=True, triangulation=triangulate(POINTS))


def test_a_triangulation_of_other_points_is_rejected():
    with pytest.raises(ValueError, match="`points` has 30 rows but `triangulation` has 40 vertices"):
        LinearInterpolator(QUERIES, VALUES[:30], triangulation=triangulate(POINTS))


@pytest.mark.parametrize("tol", [-1.0, np.nan, [0.1, 0.2], "a", 1j])
def test_a_bad_tolerance_is_named(tol):
    with pytest.raises(ValueError, match="`tol` is .*; give one number, zero or positive"):
        find_simplex(triangulate(POINTS), POINTS, QUERIES, tol=tol)


def test_queries_have_any_shape():
    interpolator = LinearInterpolator(POINTS, np.stack([VALUES, 2.0 * VALUES], axis=1), 0.0)
    flat = interpolator(QUERIES)
    x, y = QUERIES.T
    assert np.array_equal(interpolator(QUERIES.reshape(5, 3, 2, 2)), flat.reshape(5, 3, 2, 2))
    assert np.array_equal(interpolator((x, y)), flat)
    assert np.array_equal(interpolator(x, y), flat)
    assert np.array_equal(
        interpolator((x[:, None], y[:3])), interpolator(np.stack(np.broadcast_arrays(x[:, None], y[:3]), -1))
    )
    assert np.array_equal(interpolator(QUERIES[4]), flat[4])
    assert interpolator(np.zeros((0, 3, 2))).shape == (0, 3, 2)
    assert interpolator(0.5, 0.5).shape == (2,)


def test_a_single_query_passes_through_vmap():
    interpolator = LinearInterpolator(POINTS, VALUES)
    assert np.array_equal(jax.vmap(interpolator)(QUERIES), interpolator(QUERIES), equal_nan=True)
    slopes = jax.vmap(jax.grad(LinearInterpolator(POINTS, POINTS @ [2.0, -3.0], 0.0)))(
        jnp.asarray([[0.5, 0.5], [0.4, 0.6]])
    )
    assert np.allclose(slopes, [2.0, -3.0])


def test_points_may_be_a_tuple_of_x_and_y():
    found = linear_interpolate((POINTS[:, 0], POINTS[:, 1]), VALUES, QUERIES)
    assert np.array_equal(found, EXPECTED, equal_nan=True)


def test_numpy_in_numpy_out():
    interpolator = LinearInterpolator(POINTS, VALUES)
    x, y = QUERIES.T
    for numpy_queries in (QUERIES, (x, y), (x, 0.5), QUERIES[0]):
        assert isinstance(interpolator(numpy_queries), np.ndarray)
    for jax_queries in (jnp.asarray(QUERIES), (jnp.asarray(x), y), QUERIES.tolist()):
        assert isinstance(interpolator(jax_queries), jax.Array)
    for found in (griddata(POINTS, VALUES, QUERIES), find_simplex(triangulate(POINTS), POINTS, QUERIES)):
        assert isinstance(found, np.ndarray)


def test_under_a_trace_numpy_arguments_give_traced_results():
    def interpolated(scale):
        return linear_interpolate(POINTS, VALUES, QUERIES) * scale

    assert np.allclose(jax.jit(interpolated)(2.0), 2.0 * EXPECTED, equal_nan=True)
    assert jax.jit(lambda: as_given(POINTS, jnp.sum(jnp.asarray(POINTS))))() == pytest.approx(POINTS.sum())


def test_points_and_queries_keep_one_dtype():
    points, queries, shape = points_and_queries(POINTS.astype(np.float32), QUERIES.reshape(5, 6, 2))
    assert points.dtype == queries.dtype == float and queries.shape == (30, 2) and shape == (5, 6)
    assert np.array_equal(points, POINTS.astype(np.float32))


def test_mappings_may_be_a_list():
    mappings = locate(triangulate(POINTS), POINTS, QUERIES)
    expected = barycentric_weights(POINTS, QUERIES, mappings)
    np.testing.assert_array_equal(barycentric_weights(POINTS, QUERIES, mappings.tolist()), expected)


def test_mappings_that_are_no_integers_are_named():
    with pytest.raises(TypeError, match="`mappings` has dtype float64; give the integers that `locate` returned"):
        barycentric_weights(POINTS, POINTS, np.zeros((len(POINTS), 3)))
