"""`is_delaunay` and the certificate accept exactly the tables that rational arithmetic accepts."""

import jax
import numpy as np
import pytest
from scipy.spatial import Delaunay

from delaunax import is_delaunay, oracle, platform, triangulate
from delaunax.certificate import certify, checks_of
from delaunax.platform.dispatch import by_platform
from delaunax.tables.kd_tree import build_kd_tree
from delaunax.tables.simplices import neighbors_from, vertex_simplex_from

import point_sets
from programs import compiled, triangulated

SIDE = 4

TABLES = 160
"""How many tables are judged together: the right one, repeated, fills up."""


@by_platform
def is_certified(points, simplices):
    """Whether the certificate accepts a (2N, 3) table, with the tie rule."""
    neighbors = neighbors_from(simplices)
    tree = build_kd_tree(points)
    checks = platform.fused(checks_of)(tree, simplices, neighbors, vertex_simplex_from(simplices, neighbors))
    return platform.fused(certify)(tree, checks)


accept_each, certify_each = (jax.vmap(function, (None, 0)) for function in (is_delaunay, is_certified))


def small_sets():
    """Meshes of 16 vertices in which floating point decides little: (name, points)."""
    lattice = point_sets.grid(SIDE) + 1.0
    for seed in range(6):
        yield f"lattice moved by last bits {seed}", point_sets.moved_by_bits(lattice, 1, seed)
    yield "lattice", lattice
    yield "integers", point_sets.integers(16, 5, 0)
    yield "random", point_sets.random(16)
    yield "circle", point_sets.circle(16)
    yield "rounded line", point_sets.rotated(point_sets.line(16))
    yield "lattice and a far point", np.vstack([lattice[:15], [[100.0, 3.0]]])


SMALL = dict(small_sets())


def other_diagonals(simplices, neighbors):
    """Every table with one diagonal replaced by the other one."""
    for row, column in np.argwhere(neighbors >= 0):
        across = neighbors[row, column]
        if across < row:
            continue
        a, b, c = np.roll(simplices[row], -column)
        (d,) = set(simplices[across].tolist()) - {b, c}
        changed = simplices.copy()
        changed[row], changed[across] = (a, b, d), (a, d, c)
        yield changed


def other_faults(simplices, seed):
    """Tables with lost, doubled, flipped, swapped and replaced triangles."""
    rng = np.random.default_rng(seed)
    used = np.flatnonzero(simplices[:, 0] >= 0)
    number = len(simplices) // 2
    for row in used:
        lost = simplices.copy()
        lost[row] = -1
        yield lost
        doubled = simplices.copy()
        doubled[np.flatnonzero(simplices[:, 0] < 0)[0]] = simplices[row]
        yield doubled
        swapped = simplices.copy()
        swapped[row, rng.integers(3)] = rng.integers(number)
        yield swapped
        replaced = simplices.copy()
        replaced[row] = simplices[rng.choice(used)]
        yield replaced


@pytest.mark.parametrize("name", SMALL)
def test_tables_are_judged_as_in_rational_arithmetic(name):
    points, triangulation = SMALL[name], triangulated(SMALL[name])
    simplices, neighbors = triangulation.simplices, triangulation.neighbors
    tables = [simplices, *other_diagonals(simplices, neighbors), *other_faults(simplices, 0)]
    right = [oracle.fault_of(points, table) is None for table in tables]
    assert right[0] and not all(right)
    number = len(tables)
    tables += (TABLES - number) * [simplices]
    accepted = compiled(accept_each)(points, np.stack(tables))[:number]
    assert accepted.tolist() == right
    certified = compiled(certify_each)(points, np.stack(tables))
    # With the tie rule, only one table is right, whatever the order of its rows.
    same = [point_sets.simplices_of(table) == point_sets.simplices_of(simplices) for table in tables[:number]]
    assert certified[:number].tolist() == [bool(ok and as_first) for ok, as_first in zip(right, same, strict=True)]


QHULL_FAILS = {"a row stepped by single bits", "one needle", "grid of last bits and far points"}
"""Sets that Qhull takes for lines."""


@pytest.mark.parametrize(
    "name",
    sorted((point_sets.ALL | point_sets.EXACT).keys() - point_sets.WITHOUT_TRIANGLE.keys() - QHULL_FAILS),
)
def test_tables_of_qhull_are_judged_as_in_rational_arithmetic(name):
    points = point_sets.EVERY[name]
    simplices = np.full((2 * len(points), 3), -1)
    theirs = Delaunay(points).simplices
    simplices[: len(theirs)] = theirs
    assert bool(compiled(is_delaunay)(points, simplices)) == (oracle.fault_of(points, simplices) is None)


def accepts(points, *rows):
    """Whether `is_delaunay` accepts the triangles of four points, by one program."""
    return bool(is_delaunay(np.array(points), np.array([*rows, *[(-1, -1, -1)] * (3 - len(rows))])))


def test_both_diagonals_of_a_square_are_delaunay():
    square = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    for table in ([[0, 1, 2], [0, 2, 3]], [[0, 1, 3], [1, 2, 3]], [[2, 1, 0], [3, 2, 0]]):
        assert accepts(square, *table)
        assert is_delaunay(np.array(square), np.array(table))
    assert not accepts(square, [0, 1, 2], [0, 1, 3])
    assert not accepts(square, [0, 1, 2], [0, 2, 4])


def test_any_of_coincident_points_may_be_used():
    points = [[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 0.0]]
    assert accepts(points, [0, 1, 2])
    assert accepts(points, [0, 3, 2])
    assert not accepts(points, [0, 1, 2], [0, 3, 2])


@pytest.mark.parametrize("name", point_sets.WITHOUT_TRIANGLE)
def test_no_triangle_is_right_on_a_line_only(name):
    points, empty = point_sets.WITHOUT_TRIANGLE[name], np.full((3, 3), -1)
    assert is_delaunay(points, empty)
    if len(points) > 2:
        off = points.copy()
        off[1] = np.nextafter(off[1], [np.inf, -np.inf])
        off[0] -= 1.0
        assert bool(is_delaunay(off, empty)) == (oracle.fault_of(off, empty) is None)


def test_points_that_are_not_finite_have_no_triangulation():
    points = point_sets.random(16)
    simplices = triangulate(points).simplices
    points[3, 1] = np.nan
    assert not is_delaunay(points, simplices)


@pytest.mark.parametrize("simplices", [np.zeros((4, 2), int), np.zeros((4, 3)), [[0, 1]]])
def test_wrong_tables_are_rejected_by_name(simplices):
    with pytest.raises(ValueError, match="`simplices` has shape"):
        is_delaunay(point_sets.random(5), simplices)


def test_tables_that_are_no_arrays_are_rejected_by_name():
    for simplices in ([[0, 1, 2], [3]], np.ma.masked_array([[0, 1, 2]])):
        with pytest.raises(
            ValueError, match="`simplices` (has rows of different lengths|is a masked array); give an array"
        ):
            is_delaunay(point_sets.random(5), simplices)


def test_large_indices_are_no_vertices():
    """A cast to 32 bits makes 3 + 2^32 and 3 - 2^32 the vertex 3."""
    points = point_sets.random(20)
    right = np.asarray(triangulate(points).simplices)
    right = right[right[:, 0] >= 0].astype(np.int64)
    assert is_delaunay(points, right)
    for wrong in (right + (right == 3) * 2**32, right - (right == 3) * 2**32, np.where(right == 3, 20, right)):
        assert not is_delaunay(points, wrong)
    assert is_delaunay(points, right.astype(np.uint8))


def test_unused_rows_may_hold_anything():
    points = point_sets.random(20)
    right = np.asarray(triangulate(points).simplices)
    assert is_delaunay(points, np.where(right < 0, np.array([-1, 5, 100]), right))
