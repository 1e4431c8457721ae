"""The oracle finds every kind of fault, on triangulations that were right."""

import numpy as np
import pytest
from scipy.spatial import Delaunay

from delaunax import oracle

import point_sets

POINTS = point_sets.random(60)
TRIANGLES = Delaunay(POINTS).simplices


def test_random_triangles_of_qhull_are_right():
    assert oracle.fault_of(POINTS, TRIANGLES) is None
    assert oracle.ties_of(POINTS, TRIANGLES) == 0
    assert oracle.fault_of(POINTS, np.vstack([TRIANGLES, [[-1, -1, -1]]])) is None


def interior_row():
    return int(np.flatnonzero((Delaunay(POINTS).neighbors >= 0).all(axis=1))[0])


def flipped():
    """The diagonal of a convex pair of triangles replaced by the other one."""
    sites, neighbors = oracle.integer_points(POINTS), Delaunay(POINTS).neighbors
    for row, triangle in enumerate(TRIANGLES.tolist()):
        for column in range(3):
            across = neighbors[row, column]
            apex, tail, head = triangle[column], triangle[column - 2], triangle[column - 1]
            if across < 0:
                continue
            (tip,) = set(TRIANGLES[across].tolist()) - {tail, head}
            one, other = ((apex, tail, tip), (apex, tip, head))
            turns = [oracle.orientation(*(sites[vertex] for vertex in each)) for each in (one, other)]
            if turns[0] * turns[1] > 0:
                changed = TRIANGLES.copy()
                changed[row], changed[across] = one, other
                return changed
    raise AssertionError("no convex pair")


def without_a_vertex():
    """The triangulation of all vertices except one inside the hull."""
    inner = int(np.setdiff1d(np.arange(len(POINTS)), Delaunay(POINTS).convex_hull)[0])
    others = np.delete(np.arange(len(POINTS)), inner)
    return others[Delaunay(POINTS[others]).simplices]


@pytest.mark.parametrize(
    "simplices, fault",
    [
        (flipped(), "is inside the circle of"),
        (without_a_vertex(), "a vertex has no triangle"),
        (np.delete(TRIANGLES, interior_row(), axis=0), "the hull is not covered exactly once"),
        (np.vstack([TRIANGLES, TRIANGLES[:1]]), "two triangles lie on the same side"),
        (np.empty((0, 3), int), "the vertices are not on one line"),
        (np.vstack([TRIANGLES, [[0, 0, 1]]]), "is flat"),
    ],
)
def test_faults_are_named(simplices, fault):
    assert fault in oracle.fault_of(POINTS, simplices)


def test_signs_by_hand():
    a, b, c = (0, 0), (4, 0), (0, 4)
    assert oracle.orientation(a, b, c) == 16
    assert oracle.in_circle(a, b, c, (1, 1)) > 0
    assert oracle.in_circle(a, b, c, (4, 4)) == 0
    assert oracle.in_circle(a, b, c, (5, 5)) < 0


def test_points_count_as_they_are_stored():
    tiny = float(np.nextafter(0.1, 1.0))
    points = oracle.integer_points([[0.1, 0.0], [tiny, 0.0], [-0.0, 5.0e-324]])
    assert points[0] != points[1] and points[2] == (0, 1)


@pytest.mark.parametrize("order", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_nearest_of_the_oracle_has_the_lowest_index(order):
    """Two vertices are equally near to a query outside the hull."""
    points = np.array([[3.0, 4.0], [3.0, -4.0], [9.0, 0.0], [8.0, 1.0]])[order]
    weights = oracle.natural_neighbor_weights_of(points, np.zeros(2))
    assert weights == {min(order.index(0), order.index(1)): 1}
