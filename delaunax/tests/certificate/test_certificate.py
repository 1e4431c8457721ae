"""The certificate accepts one triangulation and rejects every other one, by exact signs if need be."""

import numpy as np
import pytest

from delaunax import platform
from delaunax.arithmetic.scaling import largest_exponent, scaled
from delaunax.certificate import certify, checks_of
from delaunax.stars.faulty_vertices import faulty_vertices
from delaunax.stars.star_splaying import _certainly_off_a_line
from delaunax.tables.kd_tree import build_kd_tree
from delaunax.tables.simplices import neighbors_from, vertex_simplex_from

import point_sets
from programs import PLATFORMS, compiled, triangulation_of

on_both_platforms = pytest.mark.parametrize("on", PLATFORMS)


def verdicts(points, simplices, neighbors, exact):
    """Whether the certificate accepts tables, and whether `faulty_vertices` does if the stars of (N,) `exact` are trusted."""
    tree = build_kd_tree(points)
    checks = platform.fused(checks_of)(tree, simplices, neighbors, vertex_simplex_from(simplices, neighbors))
    return platform.fused(certify)(tree, checks), faulty_vertices(checks, exact)[0]


def verdicts_on(on, points, simplices, neighbors=None, trusted=False):
    neighbors = compiled(neighbors_from, on)(simplices) if neighbors is None else neighbors
    return tuple(map(bool, compiled(verdicts, on)(points, simplices, neighbors, np.full(len(points), trusted))))


def tables(name):
    """The simplices and neighbours of a set, to be changed."""
    triangulation = triangulation_of(name)
    return triangulation.simplices.copy(), triangulation.neighbors.copy()


def flip(simplices, neighbors):
    """Replace the diagonal of the first pair of triangles inside by the other one."""
    row = int(np.flatnonzero((simplices[:, 0] >= 0) & (neighbors >= 0).all(axis=1))[0])
    a, b, c = simplices[row]
    across = neighbors[row, 0]
    (d,) = set(simplices[across]) - {b, c}
    simplices[row], simplices[across] = (a, b, d), (a, d, c)


def drop(simplices, neighbors):
    simplices[int(np.flatnonzero((neighbors >= 0).all(axis=1))[0])] = -1


def drop_at_hull(simplices, neighbors):
    simplices[int(np.flatnonzero((simplices[:, 0] >= 0) & (neighbors < 0).any(axis=1))[0])] = -1


def double(simplices, neighbors):
    simplices[int(np.flatnonzero(simplices[:, 0] < 0)[0])] = simplices[0]


def reverse(simplices, neighbors):
    simplices[0] = simplices[0][::-1].copy()


def swap_vertex(simplices, neighbors):
    far = next(row for row in simplices if not set(row) & set(simplices[0]))
    simplices[0, 0] = far[0]


@on_both_platforms
@pytest.mark.parametrize("change", [flip, drop, drop_at_hull, double, reverse, swap_vertex])
@pytest.mark.parametrize("name", ["random", "scaled by 1e-12", "relocated onto an ellipse", "grid", "rotated grid"])
def test_changed_tables_are_not_certified(change, name, on):
    points, (simplices, neighbors) = point_sets.EVERY[name], tables(name)
    assert verdicts_on(on, points, simplices)[0]
    change(simplices, neighbors)
    certified, accepted = verdicts_on(on, points, simplices)
    assert not certified and not accepted


def swap_neighbor(neighbors):
    """Let a triangle name another neighbour across an edge."""
    row = int(np.flatnonzero((neighbors >= 0).all(axis=1))[0])
    neighbors[row, 0] = next(each for each in range(len(neighbors)) if each not in (row, *neighbors[row]))


def forget_neighbor(neighbors):
    neighbors[int(np.flatnonzero((neighbors >= 0).all(axis=1))[0]), 1] = -1


@on_both_platforms
@pytest.mark.parametrize("change", [swap_neighbor, forget_neighbor])
@pytest.mark.parametrize("trusted", [False, True])
def test_changed_neighbors_are_not_certified(change, trusted, on):
    points, (simplices, neighbors) = point_sets.EVERY["random"], tables("random")
    assert verdicts_on(on, points, simplices, neighbors, trusted) == (True, True)
    change(neighbors)
    assert verdicts_on(on, points, simplices, neighbors, trusted) == (False, False)


@on_both_platforms
@pytest.mark.parametrize("change", [drop, drop_at_hull, double])
@pytest.mark.parametrize("name", ["random", "grid"])
def test_trusted_stars_still_cover_the_hull_once(change, name, on):
    points, (simplices, neighbors) = point_sets.EVERY[name], tables(name)
    assert verdicts_on(on, points, simplices, trusted=True) == (True, True)
    change(simplices, neighbors)
    assert verdicts_on(on, points, simplices, trusted=True) == (False, False)


@on_both_platforms
@pytest.mark.parametrize("name", ["grid", "300 on a circle", "grid moved by last bits", "long rounded line"])
def test_doubtful_signs_are_decided_by_the_certificate(name, on):
    """Right tables are certified, and ones with another diagonal are not. `faulty_vertices` has to trust exact stars."""
    points, (simplices, neighbors) = point_sets.EVERY[name], tables(name)
    assert verdicts_on(on, points, simplices) == (True, False)
    assert verdicts_on(on, points, simplices, trusted=True) == (True, True)
    flip(simplices, neighbors)
    assert not verdicts_on(on, points, simplices)[0]


def is_off_a_line(points):
    return _certainly_off_a_line(scaled(points, largest_exponent(points)))


@pytest.mark.parametrize("name", point_sets.EVERY)
def test_points_are_off_a_line_beyond_rounding(name):
    thin = {*point_sets.WITHOUT_TRIANGLE, *point_sets.ROUNDED_LINES}
    assert bool(compiled(is_off_a_line)(point_sets.EVERY[name])) == (name not in thin)
