"""The triangulation is Delaunay in exact arithmetic, whatever the points, and says so when it is not."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import triangle
from scipy.spatial import ConvexHull, Delaunay

from delaunax import oracle, triangulate
from delaunax.certificate import ties_from
from delaunax.platform import dispatch as platforms
from delaunax.triangulation import effort_of

import point_sets


def used(triangulation):
    return triangulation.simplices[triangulation.simplices[:, 0] >= 0]


@pytest.mark.parametrize("name", point_sets.EVERY)
def test_is_delaunay_in_rational_arithmetic(name):
    points = point_sets.EVERY[name]
    triangulation = triangulate(points)
    assert triangulation.certified
    assert oracle.fault_of(points, triangulation.simplices) is None
    assert not np.isnan(triangulation.dual_areas).any()


@pytest.mark.parametrize("name", point_sets.UNIQUE)
def test_equals_qhull_where_its_triangulation_is_unique(name):
    points = point_sets.UNIQUE[name]
    assert point_sets.simplices_of(triangulate(points).simplices) == point_sets.simplices_of(Delaunay(points).simplices)


@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED})
def test_agrees_with_the_exact_predicates_of_triangle(name):
    """A second opinion, on the oracle too: Shewchuk's Triangle decides by adaptive exact arithmetic, in C."""
    points = point_sets.ALL[name]
    theirs = triangle.triangulate({"vertices": points})["triangles"]
    ours = triangulate(points)
    assert oracle.fault_of(points, theirs) is None
    if name in point_sets.UNIQUE:
        assert point_sets.simplices_of(ours.simplices) == point_sets.simplices_of(theirs)
    else:
        assert len(used(ours)) == len(theirs)
    assert oracle.ties_of(points, theirs) == 0 or name in point_sets.TIED


@pytest.mark.parametrize("largest", [1.0e300, 1.7e308, np.float32(3.3e38)])
def test_areas_that_are_out_of_range_are_infinite(largest):
    points = largest * (2.0 * point_sets.random(40) - 1.0).astype(np.asarray(largest).dtype)
    assert np.isinf(triangulate(points).dual_areas).all()


@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED, **point_sets.FINE})
def test_dual_areas_share_the_hull_and_duplicates_have_none(name):
    points = point_sets.ALL[name]
    triangulation = triangulate(points)
    # The offset is taken away first: with it, areas of order 1 come from products of order 1e12.
    hull_area = ConvexHull(points - points.mean(axis=0)).volume
    assert triangulation.dual_areas.sum() == pytest.approx(hull_area, rel=1.0e-9)
    first = np.unique(points, axis=0, return_index=True)[1]
    assert set(np.unique(used(triangulation))) == set(first)
    assert (triangulation.dual_areas[np.setdiff1d(np.arange(len(points)), first)] == 0.0).all()


@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED, **point_sets.FINE})
def test_adjacency_is_symmetric(name):
    triangulation = triangulate(point_sets.ALL[name])
    simplices, neighbors = triangulation.simplices, triangulation.neighbors
    for row, k in product(np.flatnonzero(simplices[:, 0] >= 0), range(3)):
        across = neighbors[row, k]
        if across >= 0:
            assert row in neighbors[across]
            assert set(simplices[row]) - {simplices[row, k]} <= set(simplices[across])
    assert (neighbors[simplices[:, 0] < 0] == -1).all()
    owned = triangulation.vertex_simplex >= 0
    vertices = np.arange(len(owned))[owned]
    assert (simplices[triangulation.vertex_simplex[owned]] == vertices[:, None]).any(axis=1).all()


@pytest.mark.parametrize("name", {**point_sets.TIED, **point_sets.EXACT})
def test_co_circular_points_are_a_fan_around_the_first_of_them(name):
    """Exactly: on both sides of an edge whose other diagonal is as good, the edge has the smallest number of the four."""
    points = point_sets.EVERY[name]
    triangulation = triangulate(points)
    sites = oracle.integer_points(points)
    for row, column in product(np.flatnonzero(triangulation.simplices[:, 0] >= 0), range(3)):
        across = triangulation.neighbors[row, column]
        if across >= 0:
            apex, tail, head = (int(triangulation.simplices[row, column - k]) for k in (0, 2, 1))
            (tip,) = set(triangulation.simplices[across].tolist()) - {tail, head}
            if oracle.in_circle(*(sites[vertex] for vertex in (apex, tail, head, tip))) == 0:
                assert min(tail, head) < min(apex, tip)


@pytest.mark.parametrize("name", ["grid", "integers with duplicates", "folded onto itself", "300 on a circle"])
@pytest.mark.parametrize("exponent", [-300, -7, 11, 300])
def test_ties_do_not_depend_on_the_scale(name, exponent):
    points = point_sets.EVERY[name]
    assert np.array_equal(triangulate(points * 2.0**exponent).simplices, triangulate(points).simplices)


@pytest.mark.parametrize("platform, number", [("cpu", 4000), ("gpu", 3999)])
def test_little_of_a_large_set_is_decided_exactly(monkeypatch, platform, number):
    """Of stars some along the hull and some that the tree cut off, of insertions none: far from all."""
    monkeypatch.setattr(platforms, "forced", platform)
    effort = effort_of(point_sets.random(number))
    assert effort.rounds <= 2
    assert effort.exact < 400


def test_stars_along_a_border_are_not_sought_again(monkeypatch):
    """Of points that were relocated onto an ellipse nearly all are on the hull, and see it among those near them."""
    monkeypatch.setattr(platforms, "forced", "gpu")
    assert 0 < effort_of(point_sets.relocated(401)).exact < 100


def test_ties_are_counted():
    for name, ties in {
        "random": 0,
        "relocated onto an ellipse": 0,
        "grid": (point_sets.SIDE - 1) ** 2,
        "square": 1,
    }.items():
        points = point_sets.ALL[name]
        triangulation = triangulate(points)
        assert ties_from(points, triangulation.simplices, triangulation.neighbors) == ties, name
        assert oracle.ties_of(points, triangulation.simplices) == ties, name


@pytest.mark.parametrize("name", point_sets.WITHOUT_TRIANGLE)
def test_without_triangle(name):
    triangulation = triangulate(point_sets.WITHOUT_TRIANGLE[name])
    assert triangulation.certified
    assert (triangulation.simplices == -1).all()
    assert (triangulation.dual_areas == 0.0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_lane_that_is_not_finite_is_refused_and_changes_no_other(value):
    batch = np.stack([point_sets.random(60, seed) for seed in range(3)])
    spoilt = batch.copy()
    spoilt[1, 7, 0] = value
    lanes = jax.vmap(triangulate)(jnp.asarray(spoilt))
    assert lanes.certified.tolist() == [True, False, True]
    assert np.isnan(lanes.dual_areas[1]).all()
    for lane in (0, 2):
        for batched, alone in zip(lanes, triangulate(batch[lane]), strict=True):
            assert np.array_equal(batched[lane], alone)


@pytest.mark.parametrize("name", ["random", "grid", "folded onto itself"])
def test_jit_and_vmap_give_the_eager_bits(name):
    points = point_sets.ALL[name]
    alone = triangulate(points)
    lanes = jax.jit(jax.vmap(triangulate))(jnp.stack([points, points[::-1]]))
    for eager, jitted, batched in zip(alone, jax.jit(triangulate)(points), lanes, strict=True):
        assert np.array_equal(eager, jitted)
        assert np.array_equal(eager, batched[0])


def test_tables_have_qhull_meaning():
    points = point_sets.UNIQUE["random"]
    qhull, triangulation = Delaunay(points), triangulate(points)
    row_of = {tuple(sorted(row)): k for k, row in enumerate(qhull.simplices.tolist())}
    for simplex, neighbor in zip(triangulation.simplices.tolist(), triangulation.neighbors.tolist(), strict=True):
        if simplex[0] < 0:
            continue
        theirs = row_of[tuple(sorted(simplex))]
        for vertex, across in zip(simplex, neighbor, strict=True):
            their_across = qhull.neighbors[theirs][qhull.simplices[theirs].tolist().index(vertex)]
            assert (across < 0) == (their_across < 0)
            if across >= 0:
                assert set(triangulation.simplices[across]) == set(qhull.simplices[their_across])


@pytest.mark.parametrize("name", point_sets.ALL)
def test_one_turn_counter_clockwise_from_a_vertex_s_simplex_meets_all_its_triangles(name):
    triangulation = triangulate(point_sets.ALL[name])
    simplices, neighbors = triangulation.simplices.tolist(), triangulation.neighbors.tolist()
    for vertex, first in enumerate(triangulation.vertex_simplex.tolist()):
        met, row = [], first
        while row >= 0 and row not in met:
            met.append(row)
            row = neighbors[row][(simplices[row].index(vertex) + 1) % 3]
        assert sorted(met) == [row for row, simplex in enumerate(simplices) if vertex in simplex]


def test_gradient_of_dual_areas_is_that_of_the_frozen_triangles():
    points = point_sets.random(50)
    direction = point_sets.random(50, seed=3)
    weights = point_sets.random(50, seed=4)[:, 0]

    def total(points):
        return (triangulate(points).dual_areas * weights).sum()

    step = 1.0e-6
    numeric = (total(points + step * direction) - total(points - step * direction)) / (2.0 * step)
    gradient = jax.jit(jax.grad(total))(jnp.asarray(points))
    assert (gradient * direction).sum() == pytest.approx(numeric, rel=1.0e-7)


@pytest.mark.parametrize("points", [np.zeros((4, 3)), np.zeros(4), np.zeros((0, 2)), [1.0, 2.0]])
def test_wrong_shapes_are_refused_by_name(points):
    with pytest.raises(ValueError, match="`points` has shape"):
        triangulate(points)


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, complex, bool, object])
def test_wrong_dtypes_are_refused_by_name(dtype):
    with pytest.raises(TypeError, match="`points` has dtype .*; give float32 or float64"):
        triangulate(np.zeros((4, 2), dtype))


def test_lists_and_integers_are_taken():
    square = [[0, 0], [4, 0], [4, 4], [0, 4]]
    expected = triangulate(np.array(square, float))
    for points in (square, np.array(square), np.array(square, float).tolist()):
        assert np.array_equal(triangulate(points).simplices, expected.simplices)


@pytest.mark.parametrize("name", {**point_sets.ALL, **point_sets.EXACT, **point_sets.ROUNDED_LINES})
def test_fp32_is_the_triangulation_of_its_own_coordinates(name):
    points = point_sets.EVERY[name].astype(np.float32)
    triangulation = triangulate(points)
    assert triangulation.certified
    assert triangulation.dual_areas.dtype == np.float32
    assert oracle.fault_of(points, triangulation.simplices) is None
