"""The facts that SciPy and matplotlib assert in their own tests hold here, for interpolators and `griddata`.

Every test names the fact, not the code that first had it. Differences are asserted as differences.
"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np
import pytest
from scipy import interpolate
from scipy.spatial import cKDTree

from delaunax import (
    LinearInterpolator,
    NaturalNeighborInterpolator,
    griddata,
    linear_interpolate,
    triangulate,
)
from delaunax.location.queries import located_by, nearest_vertices
from delaunax.platform.dispatch import platform_override

import point_sets

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
SITES = np.array([[0.1, 0.2], [1.0, 0.0], [0.9, 1.1], [0.0, 0.8], [0.4, 0.5]])
"""Five points: four of a hull and one inside."""

VALUES = np.array([3.0, -1.0, 4.0, 1.0, -5.0])


def rows_of(triangulation):
    return triangulation.simplices[triangulation.simplices[:, 0] >= 0]


@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("method", ["linear", "nearest"])
@pytest.mark.parametrize(
    "values", [VALUES, VALUES + 2.0j, np.stack([VALUES, -VALUES], axis=1)], ids=["real", "complex", "two"]
)
def test_the_points_have_their_values(values, method, rescale):
    for points, queries in ((SITES, SITES), (tuple(SITES.T), tuple(SITES.T))):
        assert np.allclose(
            griddata(points, values, queries, method=method, rescale=rescale), values, rtol=0.0, atol=1.0e-14
        )


@pytest.mark.parametrize("rescale", [False, True])
@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_griddata_is_scipys(method, rescale):
    points, queries = point_sets.random(40) * [10.0, 100.0], (1.2 * point_sets.random(30, seed=3) - 0.1) * [10.0, 100.0]
    values = np.sin(points).sum(axis=1)
    arguments = points, values, queries.reshape(5, 6, 2)
    ours, theirs = (each(*arguments, method=method, rescale=rescale) for each in (griddata, interpolate.griddata))
    assert ours.shape == (5, 6)
    assert np.allclose(ours, theirs, rtol=0.0, atol=1.0e-12, equal_nan=True)


def test_outside_the_hull_is_the_fill_value():
    points, queries = [(0, 0), (0, 2), (2, 0)], [(2, 2), (2, 3), (0, 0)]
    assert griddata(points, [1, 2, 3], queries, fill_value=-1).tolist() == [-1.0, -1.0, 1.0]
    assert np.isnan(griddata(points, [1, 2, 3], queries)[:2]).all()


def test_a_query_of_nan_is_nan_and_not_the_fill_value():
    """A difference: SciPy fills it."""
    queries = np.array([[np.nan, 0.5], [0.5, 0.5]])
    assert np.isnan(linear_interpolate(SITES, VALUES, queries, fill_value=7.0)).tolist() == [True, False]
    assert np.isnan(griddata(SITES, VALUES, queries, method="nearest")).tolist() == [True, False]


def test_one_query_is_one_coordinate():
    """A difference: SciPy gives it an axis of length one. Other lengths are errors in both."""
    single, batch = (griddata(SITES, VALUES, query) for query in (np.array([0.5, 0.5]), np.array([[0.5, 0.5]])))
    assert single.shape == () and batch.tolist() == [single]
    for query in (np.array([0.5]), np.array([0.5, 0.5, 0.5])):
        with pytest.raises(ValueError, match="`xi` has shape"):
            griddata(SITES, VALUES, query)


def test_points_of_one_coordinate_are_rejected():
    """A difference: SciPy interpolates along one axis, too."""
    with pytest.raises(ValueError, match=r"`points` has shape \(5,\)"):
        griddata(SITES[:, 0], VALUES, SITES)


@pytest.mark.parametrize("method", ["linear", "nearest"])
def test_queries_broadcast(method):
    x, y = np.meshgrid(np.linspace(0.0, 1.0, 6), np.linspace(0.0, 1.0, 5))
    full = griddata(SITES.tolist(), VALUES, np.stack([x, y], axis=-1), method=method)
    assert np.array_equal(griddata(SITES, VALUES, (x, y), method=method), full, equal_nan=True)
    assert np.array_equal(griddata(SITES, VALUES, (x[0], y[:, :1]), method=method), full, equal_nan=True)
    assert griddata(SITES, VALUES, (x, 0.4), method=method).shape == (5, 6)


def test_read_only_arrays_are_taken():
    arrays = [each.copy() for each in (SITES, VALUES, SITES)]
    for each in arrays:
        each.setflags(write=False)
    assert np.allclose(linear_interpolate(*arrays), VALUES)


def test_a_square_is_cut_through_its_lowest_index():
    values = np.array([1.0, 2.0, -3.0, 5.0])
    x, y = (each.ravel() for each in np.meshgrid(np.linspace(0.0, 2.0, 6), np.linspace(0.0, 2.0, 6)))
    below = values[0] + (values[1] - values[0]) * x / 2.0 + (values[2] - values[1]) * y / 2.0
    above = values[0] + (values[3] - values[0]) * y / 2.0 + (values[2] - values[3]) * x / 2.0
    found = LinearInterpolator(SQUARE, values)(np.stack([x, y], axis=1))
    assert np.allclose(found, np.where(y <= x, below, above), rtol=0.0, atol=1.0e-14)


def test_rescaling_undoes_units():
    """The interpolant of points in other units is the interpolant of the unit square's."""
    units = np.array([10.0, 987654.321])
    queries = point_sets.random(30, seed=3)
    box = np.vstack([SQUARE / 2.0, [[0.1, 0.05]]])
    for method in ("linear", "nearest"):
        expected = griddata(box, VALUES, queries, method=method)
        assert np.allclose(
            griddata(box * units, VALUES, queries * units, method=method, rescale=True), expected, atol=1.0e-9
        )


def test_rescaling_a_rectangle_changes_nothing():
    rectangle, queries = SQUARE * [5.0, 50.0], point_sets.random(30, seed=4) * [10.0, 100.0]
    values = VALUES[:4]
    assert np.allclose(
        linear_interpolate(rectangle, values, queries), linear_interpolate(rectangle, values, queries, rescale=True)
    )


def test_rescaled_gradients_are_those_of_the_plain_interpolant():
    """Both interpolate in the same triangle, so their slopes are equal, too."""
    points, values, query = SITES[:3], VALUES[:3], np.array([[0.6, 0.4]])

    def total(points, values, queries, rescale):
        return linear_interpolate(points, values, queries, rescale=rescale).sum()

    plain, rescaled = (
        jax.grad(partial(total, rescale=rescale), argnums=(0, 1, 2))(points, values, query) for rescale in (False, True)
    )
    for one, other in zip(plain, rescaled):
        assert np.allclose(one, other, rtol=1.0e-10)


def test_a_plane_is_exact():
    points = np.stack([each.ravel() for each in np.meshgrid(np.arange(4.0), np.arange(4.0))], axis=1)
    interpolator = LinearInterpolator(points, 1.25 * points[:, 0] - 4.75 * points[:, 1])
    x, y = np.meshgrid(np.linspace(0.25, 2.75, 6), [0.25, 0.75, 1.5, 2.25, 2.75])
    assert np.allclose(interpolator(x, y), 1.25 * x - 4.75 * y, rtol=0.0, atol=1.0e-13)


def test_turning_everything_changes_no_value():
    points, queries = point_sets.random(40), 0.2 + 0.6 * point_sets.random(30, seed=6)
    values = np.cos(3.0 * points).sum(axis=1)
    turned = linear_interpolate(point_sets.rotated(points), values, point_sets.rotated(queries))
    assert np.allclose(turned, linear_interpolate(points, values, queries), rtol=0.0, atol=1.0e-12)


def test_nearest_is_the_nearest_everywhere():
    points = point_sets.random()
    queries = 1.4 * point_sets.random(400, seed=8) - 0.2
    found = griddata(points, np.arange(len(points)), queries, method="nearest")
    assert np.array_equal(found, cKDTree(points).query(queries)[1])


@pytest.mark.parametrize("platform", ["cpu", "gpu"])
def test_nearest_takes_the_lowest_index_of_a_tie(platform):
    points = point_sets.grid(4)[::-1]
    queries, triangulation = np.array([[0.5, 0.5], [1.5, 9.0], [-4.0, -4.0]]), triangulate(points)
    with platform_override(platform):
        nearest = jax.jit(lambda queries: located_by(nearest_vertices, triangulation, points, queries))(queries)
    assert nearest.tolist() == [10, 1, 15]


def test_nearest_without_triangles_is_among_all_points():
    points, queries = np.stack([np.arange(40.0), np.arange(40.0)], axis=1), np.full((5, 6, 2), [2.2, 2.0])
    queries[0, 0] = 99.0, 0.0
    found = griddata(points, points[:, 0], queries, method="nearest")
    assert found[0, 0] == 39.0 and (found.ravel()[1:] == 2.0).all()


# Interpolators that are used again


def test_an_existing_triangulation_is_used():
    triangulation = triangulate(SITES)
    interpolator = LinearInterpolator(SITES, VALUES, triangulation=triangulation)
    assert interpolator.triangulation is triangulation
    assert np.allclose(interpolator(SITES), VALUES)


@pytest.mark.parametrize("values", [VALUES + 1.0j, np.stack([VALUES, -VALUES], axis=1), np.arange(5)])
@pytest.mark.parametrize("rescale", [False, True])
def test_new_values_need_no_new_triangulation(values, rescale):
    first = LinearInterpolator(SITES, VALUES, rescale=rescale)
    second = first.with_values(values)
    assert second.triangulation is first.triangulation
    assert np.allclose(second(SITES), values) and np.allclose(first(SITES), VALUES)
    assert np.isnan(second([9.0, 9.0])).all() and (second.with_values(values, 0.5)([9.0, 9.0]) == 0.5).all()
    assert second.with_values(VALUES)(SITES).dtype == float


def test_a_natural_neighbor_interpolator_takes_other_values():
    first = NaturalNeighborInterpolator(SITES, VALUES, "laplace", triangulation=triangulate(SITES))
    second = first.with_values(-VALUES)
    assert second.triangulation is first.triangulation and second.kind == "laplace"
    assert second(0.5, 0.5) == -first(0.5, 0.5)
    assert repr(second).startswith("NaturalNeighborInterpolator(points=float64[") and "kind='laplace'" in repr(second)


def test_complex_then_real_values_are_rejected_only_with_a_complex_fill_value():
    interpolator = LinearInterpolator(SITES, VALUES + 1.0j, 2.0j)
    with pytest.raises(TypeError, match="`fill_value` is complex but `values` are real"):
        interpolator.with_values(VALUES)


def test_threads_share_an_interpolator():
    interpolator = LinearInterpolator(SITES, VALUES)
    expected = interpolator(SITES)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda _: interpolator(SITES), range(16)))
    assert all(np.array_equal(each, expected) for each in found)


def test_an_interpolator_says_what_it_holds():
    text = repr(LinearInterpolator(SITES, VALUES, -1.0, rescale=True))
    assert text == "LinearInterpolator(points=float64[5, 2], values=float64[5], fill_value=-1.0, rescale=True)"
    traced = []
    jax.jit(lambda values: traced.append(repr(LinearInterpolator(SITES, values))))(VALUES)
    assert traced[0].startswith("LinearInterpolator(points=float64[5, 2], values=float64[5]")


def test_a_triangulation_says_what_it_holds():
    assert repr(triangulate(SITES)) == "Triangulation(5 vertices, certified=True)"
    assert repr(jax.tree.map(lambda _: 0, triangulate(SITES))) == "Triangulation(? vertices, certified=0)"


def test_the_version_and_the_oracle_need_no_import_of_their_own():
    import delaunax

    assert delaunax.__version__.count(".") == 2
    assert delaunax.oracle.fault_of(SITES, rows_of(triangulate(SITES))) is None
    with pytest.raises(AttributeError, match="module 'delaunax' has no attribute 'qhull'"):
        delaunax.qhull  # noqa: B018


def test_rescaled_points_may_be_as_large_as_floats_are():
    points = 1.0e307 * point_sets.random(120)
    found = LinearInterpolator(points, 1.0e-307 * points[:, 0], rescale=True)(points)
    np.testing.assert_allclose(found, 1.0e-307 * points[:, 0], rtol=1.0e-12)
