"""Natural neighbours and their weights equal the oracle's, on every point set and both platforms."""

from functools import cache, partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from delaunax import NaturalNeighbors, locate, natural_neighbor_weights, oracle, triangulate
from delaunax.interpolation.natural_neighbors.shares import KINDS

import point_sets
from programs import PLATFORMS, compiled, triangulated

SIZE, QUERIES, WIDTH = 400, 64, 400
"""All sets are padded to these numbers, because every other number is another compilation."""

COMPARED = 14
"""How many of the queries are compared with the oracle."""

SMALL, SMALL_QUERIES, SMALL_WIDTH = 36, 121, 16
"""The same for small sets."""

MANY_NEIGHBORS = {
    "300 on a circle",
    "299 on a circle, and the centre",
    "circle moved by last bits",
    "all but one on a line",
}
"""Sets on which all queries have hundreds of neighbours, with which the oracle takes seconds: a few queries are compared."""

BEYOND_THE_RANGE = {"flattened by 2^-970"}
"""Meshes flatter than 2^-500, whose weights are finite only (`test_no_finite_mesh_gives_nan`)."""

SENSITIVE = {"spikes of 1e-12"}
"""Sets in which the last bit of a query moves weights by 1e-4."""

FAR_SCALES = {"scales from 1e-300 to 1"}
"""Sets in which areas of one cell are out of the range of another."""

SETS = {
    name: points for name, points in point_sets.EVERY.items() if len(points) <= SIZE and name not in BEYOND_THE_RANGE
}


def padded(points, size):
    """Points, with copies of the first one up to a size. Duplicates have no triangle."""
    return np.concatenate([points, np.repeat(points[:1], size - len(points), axis=0)])


def queries_of(points, triangulation, seed=0):
    """(QUERIES, 2): in triangles, on edges, next to vertices, on the hull, at vertices, and anywhere in the box."""
    rng = np.random.default_rng(seed)
    rows = triangulation.simplices[triangulation.simplices[:, 0] >= 0]
    low, high = points.min(axis=0), points.max(axis=0)
    anywhere = low + (high - low) * rng.random((QUERIES, 2))
    if len(rows) == 0:
        return anywhere
    corners = points[rows[rng.integers(0, len(rows), 9)]]
    inside = np.einsum("qk,qki->qi", rng.dirichlet([1.0, 1.0, 1.0], 4), corners[:4])
    middles = 0.5 * corners[4:6, 0] + 0.5 * corners[4:6, 1]
    on_edge = corners[6:7, 0] + 0.3 * (corners[6:7, 1] - corners[6:7, 0])
    off_vertex = corners[7:9, 0] * [1.0 + np.finfo(float).eps, 1.0]
    row, column = np.argwhere((triangulation.neighbors < 0) & (triangulation.simplices >= 0)).T
    pick = rng.integers(0, len(row), 2)
    tail, head = (points[triangulation.simplices[row[pick], (column[pick] + k) % 3]] for k in (1, 2))
    at_vertex = points[rng.integers(0, len(points), 2)]
    return np.concatenate([inside, middles, on_edge, off_vertex, 0.5 * tail + 0.5 * head, at_vertex, anywhere])[
        :QUERIES
    ]


@cache
def neighbors_of(kind, width):
    """`natural_neighbor_weights` as a function of arrays alone."""
    return partial(natural_neighbor_weights, kind=kind, max_neighbors=width)


def neighbors_in(points, queries, kind, width=WIDTH, platform="cpu"):
    """The natural neighbours of queries, by the programs of a platform."""
    return compiled(neighbors_of(kind, width), platform)(triangulated(points), points, queries)


def weights_of(found: NaturalNeighbors, row):
    """Vertex -> weight of a query."""
    return {int(vertex): weight for vertex, weight in zip(found.vertices[row], found.weights[row]) if vertex >= 0}


def difference(ours, theirs):
    return max(abs(float(ours.get(vertex, 0.0)) - float(theirs.get(vertex, 0))) for vertex in {*ours, *theirs})


def spread(points, query, kind, expected):
    """By how much the exact weights change as the query moves by its last bit: what rounding cannot be expected to know."""
    moved = [
        np.where(axis == np.arange(2), np.nextafter(query, to), query) for axis in range(2) for to in (-np.inf, np.inf)
    ]
    return max(difference(oracle.natural_neighbor_weights_of(points, each, kind), expected) for each in moved)


def assert_exact(points, query, kind, found, is_inside, bound):
    expected = oracle.natural_neighbor_weights_of(points, query, kind)
    assert np.isfinite(list(found.values())).all()
    if len(expected) == 1 and is_inside and len(found) == 2:
        # Outside the hull by less than rounding, where `locate` takes it for inside: linear on the hull edge.
        reproduced = sum(weight * points[vertex] for vertex, weight in found.items())
        assert np.abs(reproduced - query).max() <= 1.0e-12 * np.abs(points).max()
        return
    assert found.keys() == expected.keys()
    error = difference(found, expected)
    assert error <= bound or error <= spread(points, query, kind, expected)


@pytest.mark.parametrize("name", [name for name in SETS if name not in FAR_SCALES])
def test_weights_are_those_of_rational_arithmetic(name):
    points = padded(SETS[name], SIZE)
    triangulation = triangulated(points)
    queries = queries_of(points, triangulation)
    inside = compiled(locate)(triangulation, points, queries)[:, 1] >= 0
    for kind in KINDS:
        found = neighbors_in(points, queries, kind)
        few = name in MANY_NEIGHBORS
        for row, query in enumerate(queries[: 3 if few else COMPARED]):
            if not (few and kind == "sibson" and found.count[row] > 60):
                assert_exact(points, query, kind, weights_of(found, row), inside[row], bound=1.0e-10)


@pytest.mark.parametrize("name", [*FAR_SCALES, *BEYOND_THE_RANGE])
def test_no_finite_mesh_gives_nan(name):
    points = padded(point_sets.EVERY[name], SIZE)
    triangulation = triangulated(points)
    for kind in KINDS:
        found = neighbors_in(points, queries_of(points, triangulation), kind)
        assert (found.weights >= 0.0).all()
        assert found.weights.sum(axis=1) == pytest.approx(1.0)


@pytest.mark.parametrize(
    "kind, name",
    [
        (kind, name)
        for kind in KINDS
        for name in SETS
        if name in ("random", "grid") or (kind == "sibson" and name not in FAR_SCALES)
    ],
)
def test_platforms_find_the_same_rings(kind, name):
    points = padded(SETS[name], SIZE)
    triangulation = triangulated(points)
    queries = queries_of(points, triangulation, seed=1)
    one, other = (neighbors_in(points, queries, kind, platform=platform) for platform in PLATFORMS)
    assert np.array_equal(one.vertices, other.vertices) and np.array_equal(one.count, other.count)
    bound = 1.0e-5 if name in SENSITIVE else 1.0e-10
    assert np.allclose(one.weights, other.weights, rtol=0.0, atol=bound)


def test_lattice_on_every_edge_and_vertex():
    """Queries at all vertices, in the middle of all edges, and in the middle of all cells, which are two triangles each."""
    points, queries = point_sets.grid(6), 0.5 * point_sets.grid(11)
    for kind in KINDS:
        found = neighbors_in(points, queries, kind, SMALL_WIDTH)
        for row, query in enumerate(queries):
            assert_exact(points, query, kind, weights_of(found, row), True, bound=1.0e-15)
            centre = (query % 1.0 == 0.5).all()
            assert not centre or sorted(weights_of(found, row).values()) == [0.25] * 4


@pytest.mark.parametrize("platform", PLATFORMS)
def test_hulls_that_are_straight_but_for_rounding(platform):
    """Rotated lattices: triangles along the hull are as thin as rounding, and rounding puts queries on the hull into them."""
    inside = 0
    for angle in (0.1, 0.3, 1.2):
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        points = np.argwhere(np.ones((6, 6))) @ turn
        side = np.linspace(0.0, 5.0, 31)
        queries = np.concatenate(
            [np.stack([side, np.full(31, at)], axis=1)[:, order] for at in (0.0, 5.0) for order in ([0, 1], [1, 0])]
        )
        queries = queries[:SMALL_QUERIES] @ turn
        for kind in KINDS:
            found = neighbors_in(points, queries, kind, SMALL_WIDTH, platform)
            rows = np.flatnonzero(found.count > 1)
            reproduced = np.einsum("qk,qki->qi", found.weights, points[found.vertices])[rows]
            assert np.abs(reproduced - queries[rows]).max() <= 1.0e-14
            inside += len(rows)
    assert inside > 300


settings.register_profile("reproducible", derandomize=True, deadline=None, max_examples=40)
settings.load_profile("reproducible")
small = st.integers(0, 5)


@given(
    st.lists(st.tuples(small, small), min_size=4, max_size=14, unique=True),
    st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=6, max_size=6),
)
def test_small_integers(points, quarters):
    points = padded(np.array(points, dtype=float), SMALL)
    queries = padded(0.25 * np.array(quarters, dtype=float), SMALL_QUERIES)
    triangulation = triangulated(points)
    inside = compiled(locate)(triangulation, points, queries)[:, 1] >= 0
    for kind in KINDS:
        found = neighbors_in(points, queries, kind, SMALL_WIDTH)
        for row in range(6):
            assert_exact(points, queries[row], kind, weights_of(found, row), inside[row], bound=1.0e-12)


@pytest.mark.parametrize("name", ["random", "clusters of 1e-6", "folded onto itself", "relocated onto an ellipse"])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_sum_to_one_and_reproduce_linear_functions(name, kind):
    points = padded(SETS[name], SIZE)
    queries = points.min(axis=0) + np.ptp(points, axis=0) * np.random.default_rng(4).random((QUERIES, 2))
    triangulation = triangulated(points)
    found = neighbors_in(points, queries, kind)
    inside = compiled(locate)(triangulation, points, queries)[:, 1] >= 0
    assert inside.mean() > 0.3
    assert (found.weights >= 0.0).all()
    assert found.weights.sum(axis=1) == pytest.approx(1.0, abs=1.0e-14)
    reproduced = (found.weights[:, :, None] * points[np.maximum(found.vertices, 0)]).sum(axis=1)
    assert np.abs(reproduced - queries)[inside].max() < 1.0e-10


def small_weights(kind, points, queries):
    """The neighbours in a small set, padded."""
    points, queries = padded(points, SMALL), padded(np.asarray(queries, dtype=float), SMALL_QUERIES)
    return neighbors_in(points, queries, kind, SMALL_WIDTH)


@pytest.mark.parametrize("kind", KINDS)
def test_square_has_four_quarters_at_its_centre_and_around_it(kind):
    square = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    angle = np.linspace(0.0, 2.0 * np.pi, 12, endpoint=False)
    around = 1.0e-9 * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    found = small_weights(kind, square, np.concatenate([np.zeros((1, 2)), around]))
    assert (found.count == 4).all()
    assert found.weights[0, :4].tolist() == [0.25] * 4
    assert np.abs(found.weights[:, :4] - 0.25).max() < 1.0e-8


@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_continuous_where_an_edge_flips(kind):
    limits, diagonals = [], []
    for step in (-1.0e-10, 0.0, 1.0e-10):
        points = np.array([[-1.0, 0.0], [0.0, -1.0 - step], [1.0, 0.0], [0.0, 1.0 + step], [3.0, 0.2], [-2.5, 0.1]])
        simplices = triangulated(padded(points, SMALL)).simplices
        diagonals.append(any({0, 2} <= set(row.tolist()) and min(row) >= 0 for row in simplices))
        found = small_weights(kind, points, [(0.1, 0.05), (0.4, -0.3), (0.0, 0.0)])
        rows = [weights_of(found, row) for row in range(3)]
        limits.append([[weights.get(vertex, 0.0) for vertex in range(6)] for weights in rows])
    assert diagonals[0] != diagonals[2]
    assert np.ptp(limits, axis=0).max() < 1.0e-8


def test_fp32_is_right_to_its_rounding():
    points = np.random.default_rng(1).random((SIZE, 2)).astype(np.float32)
    queries = np.random.default_rng(2).random((QUERIES, 2)).astype(np.float32)
    triangulation = triangulated(points)
    inside = compiled(locate)(triangulation, points, queries)[:, 1] >= 0
    for kind in KINDS:
        found = neighbors_in(points, queries, kind)
        assert found.weights.dtype == np.float32
        for row in np.flatnonzero(inside)[:30]:
            expected = oracle.natural_neighbor_weights_of(points, queries[row], kind)
            assert weights_of(found, row).keys() == expected.keys()
            assert difference(weights_of(found, row), expected) < 1.0e-4


def test_outside_the_hull_the_nearest_vertex_has_weight_one():
    points, queries = point_sets.random(SMALL), np.array([[-1.0, 0.3], [2.0, 2.0], [0.5, -3.0]])
    found = small_weights("sibson", points, queries)
    nearest = ((points[None] - queries[:, None]) ** 2).sum(axis=2).argmin(axis=1)
    assert [weights_of(found, row) for row in range(3)] == [{vertex: 1.0} for vertex in nearest.tolist()]
    assert found.count[:3].tolist() == [1] * 3


def test_rows_with_too_many_neighbors_are_nan_and_count_them():
    found = small_weights("sibson", point_sets.circle(30), [[0.1, 0.2], [2.0, 0.0]])
    assert found.count[:2].tolist() == [30, 1]
    assert np.isnan(found.weights[0]).all() and (found.vertices[0] == -1).all()
    assert weights_of(found, 1) == {0: 1.0}


def test_queries_that_are_not_finite_are_nan_and_nothing_else():
    points, queries = point_sets.random(SMALL), [[0.5, 0.5], [np.nan, 0.5], [0.5, np.inf]]
    found = small_weights("sibson", points, queries)
    assert np.isfinite(found.weights[0]).all() and np.isnan(found.weights[1:3]).all()
    assert found.count[1:3].tolist() == [0, 0] and (found.vertices[1:3] == -1).all()
    points[3, 0] = np.inf
    found = small_weights("sibson", points, queries)
    assert np.isnan(found.weights).all() and (found.count == 0).all()


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"kind": "sibsons"}, f"`kind` is 'sibsons'; give one of {', '.join(map(repr, KINDS))}."),
        ({"max_neighbors": 0}, "`max_neighbors` is 0; give a whole number from 1 to 2147483647."),
        ({"max_neighbors": 2.5}, "`max_neighbors` is 2.5; give a whole number from 1 to 2147483647."),
        ({"max_neighbors": 2**31}, "`max_neighbors` is 2147483648; give a whole number from 1 to 2147483647."),
        ({"kind": ["sibson"]}, "`kind` is ['sibson']; give one of 'sibson', 'laplace'."),
    ],
)
def test_wrong_arguments_are_named(arguments, message):
    points = point_sets.random(SMALL)
    with pytest.raises(ValueError) as error:
        natural_neighbor_weights(triangulate(points), points, points, **arguments)
    assert str(error.value) == message
