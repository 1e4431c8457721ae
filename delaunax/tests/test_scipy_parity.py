"""The facts that SciPy and matplotlib assert in their own tests hold here, for triangulations and linear interpolators.

Every test names the fact, not the code that first had it. Differences are asserted as differences.
"""

import pickle
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import interpolate
from scipy.spatial import Delaunay, cKDTree

from delaunax import (
    LinearInterpolator,
    barycentric_weights,
    convex_hull,
    find_simplex,
    griddata,
    linear_interpolate,
    locate,
    oracle,
    triangulate,
    vertex_neighbor_vertices,
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


def edges_of(hull):
    return {tuple(sorted(edge)) for edge in np.asarray(hull).tolist() if edge[0] >= 0}


# Triangulations


def test_a_triangle_is_one_row_without_neighbours():
    triangulation = triangulate([[0, 0], [1, 0], [0, 1]])
    assert triangulation.simplices[0].tolist() == [0, 1, 2]
    assert (triangulation.neighbors == -1).all() and (triangulation.simplices[1:] == -1).all()


def test_a_square_is_two_triangles_that_are_neighbours():
    triangulation = triangulate(SQUARE)
    assert len(rows_of(triangulation)) == 2
    assert triangulation.neighbors[:2].max(axis=1).tolist() == [1, 0]
    assert (triangulation.neighbors[:2] == -1).sum() == 4


def test_the_diagonal_of_a_square_starts_at_the_lowest_index():
    """A difference from SciPy, which takes the other one here; both are Delaunay."""
    assert point_sets.simplices_of(triangulate(SQUARE).simplices) == {(0, 1, 2), (0, 2, 3)}
    assert oracle.fault_of(SQUARE, Delaunay(SQUARE).simplices) is None


def test_a_lattice_has_eulers_counts():
    x, y = np.meshgrid(np.linspace(0.0, 3.0, 8), np.linspace(-1.0, 1.0, 5))
    points = np.stack([x.ravel(), y.ravel()], axis=1)
    triangulation = triangulate(points)
    rows = rows_of(triangulation)
    edges = {tuple(sorted(pair)) for row in rows.tolist() for pair in combinations(row, 2)}
    assert len(rows) == 2 * 7 * 4
    assert len(edges) == 3 * 40 - 2 * 8 - 2 * 5 + 1
    assert np.unique(rows).tolist() == list(range(40))
    assert len(edges_of(convex_hull(triangulation))) == 2 * (7 + 4)


def test_every_triangle_is_counter_clockwise():
    """Also along hulls that are straight to rounding, where one of Qhull's is not."""
    points = point_sets.rotated(point_sets.grid(), 0.4)
    a, b, c = (points[rows_of(triangulate(points))[:, k]] for k in range(3))
    areas = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (areas > -1.0e-12).all()


def test_duplicates_are_in_no_triangle():
    points = point_sets.random(40)
    points[20:] = points[:20]
    triangulation = triangulate(points)
    assert np.unique(rows_of(triangulation)).tolist() == list(range(20))
    assert (triangulation.vertex_simplex[20:] == -1).all()


def test_a_large_offset_keeps_the_triangles():
    points = np.vstack([SQUARE, [[1.0, 1.0]]])
    expected = point_sets.simplices_of(triangulate(points).simplices)
    assert point_sets.simplices_of(triangulate(points + 1.0e10).simplices) == expected


@pytest.mark.parametrize("places", [[0, 1, 0, 1, 1], [0, 0, 0, 0, 0]])
def test_fewer_than_three_places_are_certified_without_triangles(places):
    """A difference: SciPy and matplotlib raise an error."""
    triangulation = triangulate(SITES[places])
    assert triangulation.certified and (triangulation.simplices == -1).all()


def test_a_point_beside_a_line_makes_it_triangulable():
    """A difference: points on one line raise an error in matplotlib, and have no triangle here."""
    line = np.stack([np.arange(39.0), np.arange(39.0)], axis=1)
    assert len(rows_of(triangulate(np.vstack([line, [[2.0, 7.0]]])))) == 38
    assert len(rows_of(triangulate(np.vstack([line, [[39.0, 39.0]]])))) == 0


def test_points_that_are_not_finite_are_not_certified():
    """A difference: SciPy raises ValueError, which a traced program cannot do."""
    triangulation = triangulate(np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, np.nan]]))
    assert not triangulation.certified
    assert (convex_hull(triangulation) == -1).all()
    assert (vertex_neighbor_vertices(triangulation).indices == -1).all()


def test_masked_points_raise_an_error():
    with pytest.raises(ValueError, match="masked"):
        triangulate(np.ma.masked_less(SITES, 0.05))


def test_near_ties_of_a_lattice_overlap_nowhere():
    lattice = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [0.5, 0.9], [1.5, 0.9], [2.5, 0.9]])
    points = point_sets.moved_by_bits(lattice * 0.2165063509461097 - 0.5, bits=3)
    assert oracle.fault_of(points, triangulate(points).simplices) is None


# Hull and neighbours


@pytest.mark.parametrize("name", ["random", "relocated onto an ellipse", "spiral"])
def test_the_hull_is_scipys_and_one_closed_turn(name):
    points = point_sets.EVERY[name]
    hull = convex_hull(triangulate(points))
    hull = hull[hull[:, 0] >= 0]
    assert edges_of(hull) == edges_of(Delaunay(points).convex_hull)
    assert np.array_equal(hull[:, 1], np.roll(hull[:, 0], -1))
    assert hull[0, 0] == hull.min()
    x, y = points[hull[:, 0]].T
    assert (x * np.roll(y, -1) - y * np.roll(x, -1)).sum() > 0.0


def test_the_hull_of_a_square_has_its_four_sides():
    assert convex_hull(triangulate(SQUARE)).tolist() == [[0, 1], [1, 2], [2, 3], [3, 0]]


def test_vertices_along_a_side_belong_to_the_hull():
    hull = convex_hull(triangulate(point_sets.grid()))
    assert len(edges_of(hull)) == 4 * (point_sets.SIDE - 1)


@pytest.mark.parametrize(
    "points",
    [SQUARE[:3], SQUARE, SITES, np.vstack([SITES, SITES[1:3]]), point_sets.random(), point_sets.grid()],
    ids=["triangle", "square", "five", "duplicates", "random", "grid"],
)
def test_neighbours_are_the_vertices_of_common_triangles(points):
    triangulation = triangulate(points)
    expected = [set() for _ in points]
    for row in rows_of(triangulation).tolist():
        for vertex in row:
            expected[vertex] |= set(row) - {vertex}
    indptr, indices = vertex_neighbor_vertices(triangulation)
    found = [indices[first:last].tolist() for first, last in zip(indptr[:-1], indptr[1:])]
    assert found == [sorted(each) for each in expected]
    assert (indices[indptr[-1] :] == -1).all()


def test_neighbours_are_scipys():
    points = point_sets.random()
    ours, theirs = vertex_neighbor_vertices(triangulate(points)), Delaunay(points).vertex_neighbor_vertices
    assert np.array_equal(ours.indptr, theirs[0])
    for first, last in zip(ours.indptr[:-1], ours.indptr[1:]):
        assert ours.indices[first:last].tolist() == sorted(theirs[1][first:last])


def test_the_graph_has_a_fixed_shape_in_jit_and_vmap():
    points = np.stack([point_sets.random(40, seed) for seed in range(2)])

    def graph(points):
        triangulation = triangulate(points)
        return convex_hull(triangulation), vertex_neighbor_vertices(triangulation)

    lanes = jax.jit(jax.vmap(graph))(points)
    for lane in range(2):
        jax.tree.map(lambda alone, many: np.testing.assert_array_equal(alone, many[lane]), graph(points[lane]), lanes)


# Location


@pytest.mark.parametrize(
    "name", ["random", "grid", "grid moved by last bits", "four places, a hundred times", "spiral"]
)
def test_the_centre_of_every_triangle_is_in_its_row(name):
    points = point_sets.EVERY[name]
    triangulation = triangulate(points)
    rows = rows_of(triangulation)
    a, b, c = (points[rows[:, k]] for k in range(3))
    found = find_simplex(triangulation, points, (a + b + c) / 3.0)
    areas = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    # The centre of a triangle as thin as rounding may round to a neighbour, or to the other side of the hull.
    assert np.array_equal(found[areas > 1.0e-10], np.flatnonzero(areas > 1.0e-10))


@pytest.mark.parametrize("name", ["random", "relocated onto an ellipse", "spiral"])
def test_rows_are_scipys(name):
    points = point_sets.EVERY[name]
    queries = point_sets.queries_of(points)[:1020]
    triangulation, qhull = triangulate(points), Delaunay(points)
    ours, theirs = find_simplex(triangulation, points, queries), qhull.find_simplex(queries)
    assert np.array_equal(ours < 0, theirs < 0)
    inside = ours >= 0
    assert 0.2 < inside.mean() < 0.9
    assert np.array_equal(np.sort(triangulation.simplices[ours[inside]]), np.sort(qhull.simplices[theirs[inside]]))


def test_rows_agree_with_the_mappings_of_locate():
    points = point_sets.grid()
    queries, triangulation = point_sets.queries_of(points), triangulate(points)
    mappings, rows = locate(triangulation, points, queries), find_simplex(triangulation, points, queries)
    assert np.array_equal(mappings[:, 1] >= 0, rows >= 0)
    assert np.array_equal(triangulation.simplices[rows[rows >= 0]], mappings[rows >= 0])


def test_corners_and_sides_of_the_hull_are_inside():
    points = point_sets.grid(4)
    x = np.array([0.0, 3.0, 0.5, 1.5, 2.5, 0.5, 1.5, 2.5, 0.0, 3.0])
    y = np.array([0.0, 3.0, 0.0, 0.0, 0.0, 3.0, 3.0, 3.0, 1.5, 1.5])
    triangulation = triangulate(points)
    rows = find_simplex(triangulation, points, (x, y))
    assert (rows >= 0).all()
    weights = barycentric_weights(points, np.stack([x, y], axis=1), triangulation.simplices[rows])
    assert np.allclose(
        (weights[..., None] * points[triangulation.simplices[rows]]).sum(axis=1), np.stack([x, y], axis=1)
    )


def test_beyond_the_hull_there_is_no_row():
    points = point_sets.grid(4)
    x, y = np.meshgrid([-0.25, 3.25], [-0.25, 1.5, 3.25])
    rows = find_simplex(triangulate(points), points, (x, y))
    assert rows.shape == (3, 2) and (rows == -1).all()


@pytest.mark.parametrize("turned", [False, True])
def test_collinear_points_inside_a_mesh_are_no_obstacle(turned):
    """Five points along one line with one on either side: no flat triangle, and every place has its row."""
    points = np.array([[1.5, -1.0], [0.0, 0.0], [1.0, 0.0], [1.5, 0.0], [2.0, 0.0], [3.0, 0.0], [1.5, 1.0]])
    x, y = np.meshgrid([-0.1, 0.4, 0.9, 1.4, 1.9, 2.4, 2.9], [-0.1, 0.1])
    if turned:
        points, x, y = points[:, ::-1], y, x
    rows = find_simplex(triangulate(points), points, (x, y))
    along = y if turned else x
    assert np.array_equal(rows >= 0, (along > 0.0) & (along < 2.8))
    assert len(np.unique(rows[rows >= 0])) == 8


def test_a_tolerance_takes_queries_near_the_hull():
    triangulation = triangulate(SQUARE)
    queries = np.array([[1.0, -0.1], [1.0, -0.3], [2.02, 1.0], [-0.5, -0.5]])
    assert find_simplex(triangulation, SQUARE, queries).tolist() == [-1] * 4
    found = find_simplex(triangulation, SQUARE, queries, tol=0.1)
    assert np.array_equal(found >= 0, Delaunay(SQUARE).find_simplex(queries, tol=0.1) >= 0)
    assert (found >= 0).tolist() == [True, False, True, False]
    assert (find_simplex(triangulation, SQUARE, queries, tol=10.0) >= 0).all()


def test_a_tolerance_can_be_traced():
    triangulation = triangulate(SQUARE)
    rows = jax.jit(lambda tol: find_simplex(triangulation, SQUARE, jnp.array([[1.0, -0.1], [1.0, 0.5]]), tol=tol))
    assert (rows(0.1) >= 0).tolist() == [True, True] and (rows(0.01) >= 0).tolist() == [False, True]


def test_tolerances_agree_with_scipy():
    points = point_sets.random()
    queries = 1.4 * point_sets.random(400, seed=8) - 0.2
    triangulation, qhull = triangulate(points), Delaunay(points)
    for tol in (1.0e-10, 0.5, 3.0):
        ours, theirs = find_simplex(triangulation, points, queries, tol=tol), qhull.find_simplex(queries, tol=tol)
        # SciPy stops at the first triangle of its walk that is near enough; here it is the best of all.
        assert ((ours >= 0) | (theirs < 0)).all()
        assert ((ours >= 0) == (theirs >= 0)).mean() > 0.9


def test_a_query_that_is_not_finite_has_no_row():
    queries = np.array([[np.nan, 1.0], [1.0, np.inf], [1.0, 0.5]])
    for tol in (None, 0.1):
        assert (find_simplex(triangulate(SQUARE), SQUARE, queries, tol=tol) >= 0).tolist() == [False, False, True]


# Interpolation


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


def test_a_square_is_interpolated_in_its_two_triangles():
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


def test_complex_then_real_values_are_rejected_only_with_a_complex_fill_value():
    interpolator = LinearInterpolator(SITES, VALUES + 1.0j, 2.0j)
    with pytest.raises(TypeError, match="`fill_value` is complex but `values` are real"):
        interpolator.with_values(VALUES)


@pytest.mark.parametrize("rescale", [False, True])
def test_an_interpolator_can_be_pickled(rescale):
    first = LinearInterpolator(SITES, VALUES + 1.0j, rescale=rescale)
    second = pickle.loads(pickle.dumps(first))
    assert second(0.5, 0.5) == first(0.5, 0.5)


def test_a_triangulation_can_be_saved_and_loaded(tmp_path):
    triangulation = triangulate(SITES)
    leaves, structure = jax.tree.flatten(triangulation)
    np.savez(tmp_path / "mesh.npz", *leaves)
    with np.load(tmp_path / "mesh.npz") as file:
        loaded = jax.tree.unflatten(structure, file.values())
    assert np.allclose(LinearInterpolator(SITES, VALUES, triangulation=loaded)(SITES), VALUES)
    assert pickle.loads(pickle.dumps(triangulation)).certified


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
