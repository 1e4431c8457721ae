"""What holds for every point set: found by hypothesis, random and adversarial, in one size (one compilation)."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull, Delaunay, QhullError

from knn_barycentric import barycentric_weights_from, locate, triangulate
from knn_barycentric.certificate import ties_from
from tests.meshes import simplices_of

SIZE = 40

settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("reproducible")

seeds = st.integers(0, 2**32 - 1)


def _array(coordinates):
    return st.lists(st.tuples(coordinates, coordinates), min_size=SIZE, max_size=SIZE).map(
        lambda p: np.array(p, dtype=float)
    )


def _random(seed):
    return np.random.default_rng(seed).standard_normal((SIZE, 2))


def _crowded(seed, exponent):
    """Random points on a lattice, moved by a tiny amount: near ties, near coincidences and needles."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 7, (SIZE, 2)) + 10.0**exponent * rng.standard_normal((SIZE, 2))


random = seeds.map(_random)
lattice = _array(st.integers(0, 9))
floats = _array(st.floats(-1.0e3, 1.0e3, allow_subnormal=False))
crowded = st.builds(_crowded, seeds, st.integers(-15, -1))
any_points = st.one_of(random, lattice, floats, crowded)


def _untied(points):
    """The triangulation of points that have one Delaunay triangulation only, to which Qhull agrees that all belong."""
    triangulation = triangulate(points)
    assume(triangulation.certified)
    assume(ties_from(points, triangulation.simplices, triangulation.neighbors) == 0)
    try:
        assume(len(Delaunay(points).coplanar) == 0)
    except QhullError:
        assume(False)
    return triangulation


@given(any_points)
def test_certified_means_valid(points):
    triangulation = triangulate(points)
    simplices = triangulation.simplices[triangulation.simplices[:, 0] >= 0]
    if not triangulation.certified:
        assert np.isnan(triangulation.dual_areas).all()
        return
    centred = points - points.mean(axis=0)
    a, b, c = (centred[simplices[:, k]] for k in range(3))
    doubled = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (doubled > 0.0).all()
    extent = np.ptp(points, axis=0).max()
    try:
        hull = ConvexHull(centred).volume
    except QhullError:
        hull = 0.0
    assert abs(0.5 * doubled.sum() - hull) <= 1.0e-9 * hull + 1.0e-12 * extent**2
    assert abs(triangulation.dual_areas.sum() - hull) <= 1.0e-9 * hull + 1.0e-12 * extent**2


@given(st.one_of(random, floats, crowded))
def test_triangles_are_qhulls_where_they_are_unique(points):
    triangulation = _untied(points)
    assert simplices_of(triangulation.simplices) == simplices_of(Delaunay(points).simplices)


@given(random, seeds)
def test_permutation_of_the_vertices_renumbers_the_triangles(points, seed):
    order = np.random.default_rng(seed).permutation(SIZE)
    expected, permuted = _untied(points), triangulate(points[order])
    renumbered = np.where(permuted.simplices < 0, -1, order[permuted.simplices])
    assert simplices_of(renumbered) == simplices_of(expected.simplices)


@given(random, st.floats(0.0, 2.0 * np.pi), st.booleans(), st.floats(-1.0e3, 1.0e3), st.integers(-12, 12))
def test_motions_and_scales_keep_the_triangles(points, angle, reflected, shift, exponent):
    expected = _untied(points)
    c, s = np.cos(angle), np.sin(angle)
    moved = points @ np.array([[c, s], [-s, c]])
    moved = (moved[:, ::-1] if reflected else moved) + shift
    assert simplices_of(triangulate(10.0**exponent * moved).simplices) == simplices_of(expected.simplices)


@given(any_points, seeds)
def test_interpolant_is_qhulls_wherever_their_triangles_are_the_same(points, seed):
    """Also on meshes with ties, in all triangles that are not part of one; and linear functions are reproduced in all."""
    triangulation = triangulate(points)
    try:
        qhull = Delaunay(points)
    except QhullError:
        assume(False)
    assume(triangulation.certified)
    rng = np.random.default_rng(seed)
    low, extent = points.min(axis=0), np.ptp(points, axis=0)
    queries = low + extent * rng.uniform(-0.2, 1.2, (200, 2))
    mappings = locate(triangulation, points, queries)
    simplex = qhull.find_simplex(queries)
    both = (mappings[:, 1] >= 0) & (simplex >= 0)
    same = both.copy()
    same[both] = (np.sort(mappings[both], axis=1) == np.sort(qhull.simplices[simplex[both]], axis=1)).all(axis=1)

    values = rng.standard_normal(SIZE)
    ours, theirs = (
        (barycentric_weights_from(queries[same], points, triangles) * values[triangles]).sum(axis=1)
        for triangles in (mappings[same], qhull.simplices[simplex[same]])
    )
    assert ours == pytest.approx(theirs, abs=1.0e-9)
    inside = mappings[:, 1] >= 0
    weights = barycentric_weights_from(queries[inside], points, mappings[inside])
    reproduced = (weights[:, :, None] * points[mappings[inside]]).sum(axis=1)
    assert np.abs(reproduced - queries[inside]).max(initial=0.0) <= 1.0e-9 * extent.max()
