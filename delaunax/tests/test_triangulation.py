"""The triangulation is Delaunay in exact arithmetic, whatever the points, and says so when it is not."""

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import triangle
from scipy.spatial import ConvexHull, Delaunay

from delaunax import oracle, triangulate

import point_sets
from programs import PLATFORMS, exact_count, triangulated, triangulation_of

on_both_platforms = pytest.mark.parametrize("platform", PLATFORMS)

WITH_TRIANGLES = {**point_sets.UNIQUE, **point_sets.TIED, **point_sets.FINE}

WITH_TIES = [
    "grid",
    "shifted grid",
    "rotated grid",
    "300 on a circle",
    "concentric rings",
    "square",
    "one place, many times, and five others",
    "offset by 1e15",
    "clusters of 1e-16",
    "folded onto itself",
    "grid moved by last bits",
    "grid of 2^-45 and far points",
    "grid of last bits and far points",
    "a row stepped by single bits",
    "integers with duplicates",
    "half-integers with duplicates",
    "integers on two circles",
    "parabola",
    "subnormal integers",
]
"""Sets with exactly co-circular points."""


def used(triangulation):
    return triangulation.simplices[triangulation.simplices[:, 0] >= 0]


def tied_edges(points, triangulation):
    """The vertices a, b, c and d of every edge b-c with an equally good other diagonal a-d, in rational arithmetic."""
    sites = oracle.integer_points(points)
    for row, column in product(np.flatnonzero(triangulation.simplices[:, 0] >= 0), range(3)):
        across = triangulation.neighbors[row, column]
        if across >= 0:
            a, b, c = (int(triangulation.simplices[row, column - k]) for k in (0, 2, 1))
            (d,) = set(triangulation.simplices[across].tolist()) - {b, c}
            if oracle.in_circle(*(sites[vertex] for vertex in (a, b, c, d))) == 0:
                yield a, b, c, d


@on_both_platforms
@pytest.mark.parametrize("name", point_sets.EVERY)
def test_triangles_are_delaunay_in_rational_arithmetic(name, platform):
    points, triangulation = point_sets.EVERY[name], triangulation_of(name, platform)
    assert triangulation.certified
    assert oracle.fault_of(points, triangulation.simplices) is None
    tables = triangulation.simplices, triangulation.neighbors, triangulation.vertex_simplex
    assert oracle.fault_of_tables(points, *tables) is None
    assert (triangulation.neighbors[triangulation.simplices[:, 0] < 0] == -1).all()
    assert not np.isnan(triangulation.dual_areas).any()


@pytest.mark.parametrize("name", point_sets.EVERY)
def test_both_algorithms_find_the_same_triangles(name):
    one, other = (point_sets.simplices_of(triangulation_of(name, platform).simplices) for platform in PLATFORMS)
    assert one == other


@pytest.mark.parametrize("name", point_sets.UNIQUE)
def test_unique_triangles_are_those_of_qhull(name):
    theirs = Delaunay(point_sets.UNIQUE[name]).simplices
    assert point_sets.simplices_of(triangulation_of(name).simplices) == point_sets.simplices_of(theirs)


@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED})
def test_triangles_are_those_of_exact_predicates(name):
    """A second opinion, on the oracle too: Shewchuk's Triangle decides by adaptive exact arithmetic, in C."""
    points, ours = point_sets.ALL[name], triangulation_of(name)
    theirs = triangle.triangulate({"vertices": points})["triangles"]
    assert oracle.fault_of(points, theirs) is None
    if name in point_sets.UNIQUE:
        assert point_sets.simplices_of(ours.simplices) == point_sets.simplices_of(theirs)
    else:
        assert len(used(ours)) == len(theirs)
    assert oracle.ties_of(points, theirs) == 0 or name in point_sets.TIED


@pytest.mark.parametrize("largest", [1.0e300, 1.7e308, np.float32(3.3e38)])
def test_areas_out_of_range_are_infinite(largest):
    points = largest * (2.0 * point_sets.random(40) - 1.0).astype(np.asarray(largest).dtype)
    assert np.isinf(triangulated(points).dual_areas).all()


def test_areas_that_underflow_are_zero():
    triangulation = triangulation_of("scaled by 1e-200")
    assert triangulation.certified and (triangulation.dual_areas == 0.0).all()


@on_both_platforms
@pytest.mark.parametrize("name", WITH_TRIANGLES)
def test_dual_areas_share_the_hull(name, platform):
    """Duplicates have no share."""
    points, triangulation = point_sets.ALL[name], triangulation_of(name, platform)
    # Without the offset: with it, areas of order 1 come from products of order 1e12.
    hull_area = ConvexHull(points - points.mean(axis=0)).volume
    assert triangulation.dual_areas.sum() == pytest.approx(hull_area, rel=1.0e-9)
    first = np.unique(points, axis=0, return_index=True)[1]
    assert set(np.unique(used(triangulation))) == set(first)
    assert (triangulation.dual_areas[np.setdiff1d(np.arange(len(points)), first)] == 0.0).all()


@on_both_platforms
@pytest.mark.parametrize("name", {**point_sets.TIED, **point_sets.EXACT, **dict.fromkeys(WITH_TIES)})
def test_ties_are_a_fan_from_the_lowest_index(name, platform):
    """Exactly: where the other diagonal is as good, the edge has the lowest index of the four. Both are certified."""
    triangulation = triangulation_of(name, platform)
    assert triangulation.certified
    ties = list(tied_edges(point_sets.EVERY[name], triangulation))
    assert all(min(b, c) < min(a, d) for a, b, c, d in ties)
    assert (len(ties) > 0) == (name in WITH_TIES)


@pytest.mark.parametrize("name", WITH_TIES)
def test_the_opposite_fan_differs(name):
    """Otherwise the set would not notice another tie rule."""
    points = point_sets.EVERY[name]
    # Coincident points count as one, so the two differ by diagonals only.
    place = np.unique(points, axis=0, return_inverse=True)[1].reshape(-1)
    lowest, backwards = triangulation_of(name), triangulated(points[::-1].copy())
    highest = place[len(points) - 1 - used(backwards)]
    assert point_sets.simplices_of(place[used(lowest)]) != point_sets.simplices_of(highest)


@pytest.mark.parametrize("name", ["grid", "integers with duplicates", "folded onto itself", "300 on a circle"])
@pytest.mark.parametrize("exponent", [-300, -7, 11, 300])
def test_ties_do_not_depend_on_the_scale(name, exponent):
    moved = triangulated(point_sets.EVERY[name] * 2.0**exponent)
    assert np.array_equal(moved.simplices, triangulation_of(name).simplices)


@pytest.mark.parametrize(
    "number", [1300, pytest.param(4000, marks=pytest.mark.slow(reason="compiles another size, which takes 20 s"))]
)
@on_both_platforms
def test_little_of_a_large_set_is_exact(platform, number):
    """No insertion; some stars along the hull, and some that the tree cut off."""
    count = exact_count(point_sets.random(number), platform)
    assert count == 0 if platform == "cpu" else count < number // 10


def test_few_stars_along_a_border_are_exact():
    """Of points that were relocated onto an ellipse, nearly all are on the hull, and find it among near vertices."""
    assert 0 < exact_count(point_sets.relocated(point_sets.SIZE), "gpu") < 100


@pytest.mark.parametrize(
    "name, ties",
    [("random", 0), ("relocated onto an ellipse", 0), ("grid", (point_sets.SIDE - 1) ** 2), ("square", 1)],
)
def test_the_oracle_counts_ties(name, ties):
    points, triangulation = point_sets.ALL[name], triangulation_of(name)
    assert oracle.ties_of(points, triangulation.simplices) == ties
    assert len({frozenset(edge[1:3]) for edge in tied_edges(points, triangulation)}) == ties


@on_both_platforms
@pytest.mark.parametrize("name", point_sets.WITHOUT_TRIANGLE)
def test_points_on_a_line_have_no_triangle(name, platform):
    triangulation = triangulation_of(name, platform)
    assert triangulation.certified
    assert (triangulation.simplices == -1).all()
    assert (triangulation.dual_areas == 0.0).all()


@pytest.mark.parametrize(
    "platform", ["cpu", pytest.param("gpu", marks=pytest.mark.slow(reason="compiles two more sizes, 8 s each"))]
)
@pytest.mark.parametrize("number", [2, 3])
def test_the_fewest_points_need_no_duplicates(number, platform):
    triangulation = triangulated(point_sets.random(number), platform)
    assert triangulation.certified
    assert len(used(triangulation)) == number - 2


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_lane_with_infinity_leaves_the_others(value):
    batch = np.stack([point_sets.random(40, seed) for seed in range(3)])
    spoilt = batch.copy()
    spoilt[1, 7, 0] = value
    lanes = jax.vmap(triangulate)(jnp.asarray(spoilt))
    assert lanes.certified.tolist() == [True, False, True]
    assert np.isnan(lanes.dual_areas[1]).all()
    for lane in (0, 2):
        alone = triangulate(batch[lane])
        assert jax.tree.all(jax.tree.map(lambda lanes, one, k=lane: np.array_equal(lanes[k], one), lanes, alone))


@pytest.mark.parametrize("name", ["random", "grid", "folded onto itself"])
def test_jit_and_vmap_give_the_eager_bits(name):
    points = point_sets.ALL[name]
    eager, jitted = triangulate(points), jax.jit(triangulate)(points)
    lanes = jax.jit(jax.vmap(triangulate))(jnp.stack([points, points[::-1]]))
    assert jax.tree.all(jax.tree.map(np.array_equal, eager, jitted))
    assert jax.tree.all(jax.tree.map(lambda one, lanes: np.array_equal(one, lanes[0]), eager, lanes))


def test_tables_have_the_meaning_of_qhull():
    qhull, triangulation = Delaunay(point_sets.UNIQUE["random"]), triangulation_of("random")
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


@on_both_platforms
@pytest.mark.parametrize("name", point_sets.ALL)
def test_one_turn_meets_all_triangles_of_a_vertex(name, platform):
    """Counter-clockwise, from the triangle that `vertex_simplex` names."""
    triangulation = triangulation_of(name, platform)
    simplices, neighbors = triangulation.simplices.tolist(), triangulation.neighbors.tolist()
    rows_of = {}
    for row, simplex in enumerate(simplices):
        for vertex in simplex:
            rows_of.setdefault(vertex, []).append(row)
    for vertex, first in enumerate(triangulation.vertex_simplex.tolist()):
        met, row = [], first
        while row >= 0 and row not in met:
            met.append(row)
            row = neighbors[row][(simplices[row].index(vertex) + 1) % 3]
        assert sorted(met) == rows_of.get(vertex, [])


def test_gradients_of_areas_match_central_differences():
    points = point_sets.random(40)
    direction, weights = point_sets.random(40, seed=3), point_sets.random(40, seed=4)[:, 0]

    def total(points):
        return (triangulate(points).dual_areas * weights).sum()

    step = 1.0e-6
    numeric = (total(points + step * direction) - total(points - step * direction)) / (2.0 * step)
    gradient = jax.jit(jax.grad(total))(jnp.asarray(points))
    assert (gradient * direction).sum() == pytest.approx(numeric, rel=1.0e-7)


@pytest.mark.parametrize("points", [np.zeros((4, 3)), np.zeros(4), np.zeros((0, 2)), [1.0, 2.0]])
def test_wrong_shapes_are_rejected_by_name(points):
    with pytest.raises(ValueError, match="`points` has shape"):
        triangulate(points)


@pytest.mark.parametrize("dtype", [np.float16, jnp.bfloat16, complex, bool, object])
def test_wrong_dtypes_are_rejected_by_name(dtype):
    with pytest.raises(TypeError, match="`points` has dtype .*; give float32 or float64"):
        triangulate(np.zeros((4, 2), dtype))


def test_lists_and_integers_become_floats():
    square = [[0, 0], [4, 0], [4, 4], [0, 4]]
    expected = triangulate(np.array(square, float))
    for points in (square, np.array(square), np.array(square, float).tolist()):
        assert np.array_equal(triangulate(points).simplices, expected.simplices)


@pytest.mark.parametrize("name", {**point_sets.ALL, **point_sets.EXACT, **point_sets.ROUNDED_LINES})
def test_fp32_triangulates_its_own_coordinates(name):
    points, triangulation = point_sets.EVERY[name].astype(np.float32), triangulation_of(name, "cpu", np.float32)
    assert triangulation.certified
    assert triangulation.dual_areas.dtype == np.float32
    assert oracle.fault_of(points, triangulation.simplices) is None
