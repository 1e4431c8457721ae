"""The certificate accepts one triangulation and refuses every other, also where floating point cannot tell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import triangulate
from delaunax.arithmetic.scaling import largest_exponent, scaled
from delaunax.certificate import certainly_off_a_line, certificate
from delaunax.stars.star_splaying import vertices_from
from delaunax.tables.kd_tree import build_kd_tree
from delaunax.tables.simplices import neighbors_from, vertex_simplex_from

import point_sets


@jax.jit
def certified(points, simplices, neighbors, exact):
    vertices = vertices_from(points, build_kd_tree(points))
    return certificate(vertices, exact, simplices, neighbors, vertex_simplex_from(simplices, neighbors))[0]


def is_certified(points, simplices, neighbors=None, decided=False):
    """Whether tables pass, where all stars are exact or none is."""
    simplices = jnp.asarray(simplices)
    neighbors = neighbors_from(simplices) if neighbors is None else jnp.asarray(neighbors)
    return bool(certified(jnp.asarray(points), simplices, neighbors, jnp.full(len(points), decided)))


def tables(name):
    triangulation = triangulate(point_sets.EVERY[name])
    return np.array(triangulation.simplices), np.array(triangulation.neighbors)


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


def duplicate(simplices, neighbors):
    simplices[int(np.flatnonzero(simplices[:, 0] < 0)[0])] = simplices[0]


def turn_over(simplices, neighbors):
    simplices[0] = simplices[0][::-1].copy()


def swap_vertex(simplices, neighbors):
    far = next(row for row in simplices if not set(row) & set(simplices[0]))
    simplices[0, 0] = far[0]


@pytest.mark.parametrize("tamper", [flip, drop, drop_at_hull, duplicate, turn_over, swap_vertex])
@pytest.mark.parametrize("name", ["random", "scaled by 1e-12", "relocated onto an ellipse"])
def test_tables_that_were_tampered_with_are_refused(tamper, name):
    points = point_sets.EVERY[name]
    simplices, neighbors = tables(name)
    assert is_certified(points, simplices)
    tamper(simplices, neighbors)
    assert not is_certified(points, simplices)


def swap_neighbor(neighbors):
    """Let a triangle name another neighbour across an edge."""
    row = int(np.flatnonzero((neighbors >= 0).all(axis=1))[0])
    neighbors[row, 0] = next(each for each in range(len(neighbors)) if each not in (row, *neighbors[row]))


def forget_neighbor(neighbors):
    neighbors[int(np.flatnonzero((neighbors >= 0).all(axis=1))[0]), 1] = -1


@pytest.mark.parametrize("tamper", [swap_neighbor, forget_neighbor])
@pytest.mark.parametrize("decided", [False, True])
def test_an_adjacency_that_was_tampered_with_is_refused_even_of_exact_stars(tamper, decided):
    points = point_sets.EVERY["random"]
    simplices, neighbors = tables("random")
    assert is_certified(points, simplices, neighbors, decided)
    tamper(neighbors)
    assert not is_certified(points, simplices, neighbors, decided)


@pytest.mark.parametrize("tamper", [drop, drop_at_hull, duplicate])
@pytest.mark.parametrize("name", ["random", "grid"])
def test_a_hull_that_is_not_covered_once_is_refused_even_of_exact_stars(tamper, name):
    points = point_sets.EVERY[name]
    simplices, neighbors = tables(name)
    assert is_certified(points, simplices, decided=True)
    tamper(simplices, neighbors)
    assert not is_certified(points, simplices, decided=True)


@pytest.mark.parametrize("name", ["grid", "300 on a circle", "grid moved by last bits", "rounded line"])
def test_what_floating_point_cannot_tell_is_accepted_of_exact_stars_only(name):
    simplices, _ = tables(name)
    assert not is_certified(point_sets.EVERY[name], simplices)
    assert is_certified(point_sets.EVERY[name], simplices, decided=True)


@pytest.mark.parametrize("name", point_sets.EVERY)
def test_points_are_off_a_line_unless_all_are_on_one_to_rounding(name):
    points = jnp.asarray(point_sets.EVERY[name])
    finite = scaled(points, largest_exponent(points))
    thin = {*point_sets.WITHOUT_TRIANGLE, *point_sets.ROUNDED_LINES}
    assert bool(jax.jit(certainly_off_a_line)(finite)) == (name not in thin)
