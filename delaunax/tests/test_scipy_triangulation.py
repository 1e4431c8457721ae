"""The facts that SciPy and matplotlib assert in their own tests hold here, for triangulations, hulls, neighbours and location.

Every test names the fact, not the code that first had it. Differences are asserted as differences.
"""

from itertools import combinations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay

from delaunax import (
    barycentric_weights,
    convex_hull,
    find_simplex,
    locate,
    oracle,
    triangulate,
    vertex_neighbor_vertices,
)

import point_sets

SQUARE = np.array([[0.0, 0.0], [2.0, 0.0], [2.0, 2.0], [0.0, 2.0]])
SITES = np.array([[0.1, 0.2], [1.0, 0.0], [0.9, 1.1], [0.0, 0.8], [0.4, 0.5]])
"""Five points: four of a hull and one inside."""


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
    exact = oracle.integer_points(points)
    assert all(oracle.orientation(*(exact[vertex] for vertex in row)) > 0 for row in rows_of(triangulate(points)))


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


def test_a_tolerance_can_be_closed_over():
    triangulation, tol = triangulate(SQUARE), jnp.asarray(0.1)
    rows = jax.jit(lambda queries: find_simplex(triangulation, SQUARE, queries, tol=tol))
    assert (rows(jnp.array([[1.0, -0.1], [1.0, 0.5]])) >= 0).tolist() == [True, True]


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
