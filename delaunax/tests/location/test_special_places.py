"""Location at special places: on straight hulls, within one ulp of the hull, at ties, at infinity; and under JAX."""

import jax
import numpy as np
import pytest
from scipy.spatial import Delaunay

from delaunax import locate

import point_sets
from programs import (
    EDGE_QUERIES,
    PLATFORMS,
    QUERIES,
    interpolation_in,
    located,
    queries_for,
    triangulation_of,
    weights_of,
)

on_both_platforms = pytest.mark.parametrize("platform", PLATFORMS)


@on_both_platforms
@pytest.mark.parametrize("name", {**point_sets.UNIQUE, **point_sets.TIED})
def test_location_agrees_with_find_simplex(name, platform):
    """Inside or outside as Qhull says, and the same interpolant where the triangles are the same."""
    points, queries = point_sets.ALL[name], queries_for(name)
    qhull, mappings = Delaunay(points), located(name, queries, platform).copy()
    simplex = qhull.find_simplex(queries)
    # It misses thin triangles with a query within one ulp of their edges.
    mappings[-EDGE_QUERIES:], simplex[-EDGE_QUERIES:] = -1, -1

    # On the hull itself, rounding may put a query to either side: there, both answers are right.
    scale = np.ptp(points, axis=0).max()
    inside, theirs = mappings[:, 1] >= 0, simplex >= 0
    for query in queries[inside != theirs]:
        corners = qhull.points[qhull.convex_hull]
        edge, offset = corners[:, 1] - corners[:, 0], query - corners[:, 0]
        along = np.clip((edge * offset).sum(axis=1) / (edge**2).sum(axis=1), 0.0, 1.0)
        assert np.hypot(*(offset - along[:, None] * edge).T).min() < 1.0e-12 * scale

    same = inside & theirs
    triangles = np.where(theirs[:, None], qhull.simplices[simplex], mappings)
    if name in point_sets.TIED:
        same &= (np.sort(mappings, axis=1) == np.sort(triangles, axis=1)).all(axis=1)
    values = points @ [0.7, -1.3] / scale + np.sin(5.0 * points[:, 0] / scale)
    ours, expected = (
        (weights_of(points, queries, rows) * values[np.maximum(rows, 0)]).sum(axis=1)[same]
        for rows in (mappings, triangles.astype(np.int32))
    )
    assert np.allclose(ours, expected, rtol=0.0, atol=1.0e-11)


@on_both_platforms
@pytest.mark.parametrize("angle", [0.3, 1.0, 2.0])
@pytest.mark.parametrize("straight", ["hull", "lattice"])
def test_a_hull_straight_up_to_rounding_interpolates(straight, angle, platform):
    """Triangles along it have no area except by rounding. Any query on its line is on their edges."""
    random = np.random.default_rng(3)
    points = random.uniform(0.0, 19.0, (400, 2))
    points[:280, 1] = 0.0
    points = {"hull": points, "lattice": point_sets.grid(20)}[straight]
    along = points[points[:, 1] == 0.0, 0]
    queries = np.stack([random.uniform(along.min(), along.max(), QUERIES), np.zeros(QUERIES)], axis=-1)
    points, queries = (point_sets.rotated(each, angle) for each in (points, queries))
    mappings, weights = interpolation_in(points, queries, platform)
    inside, slope = mappings[:, 1] >= 0, np.array([0.7, -1.3])
    assert inside.mean() > 0.3
    interpolant = (weights * (points @ slope)[np.maximum(mappings, 0)]).sum(axis=1)
    assert np.abs(interpolant - queries @ slope)[inside].max() < 1.0e-12


def test_one_ulp_decides_nothing_at_the_hull():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.4]])
    x = np.linspace(0.05, 0.95, 7)
    far_outside = np.stack([x, np.full(7, -1.0e-9)], axis=1)
    far_inside = np.stack([x, np.full(7, 1.0e-9)], axis=1)
    assert (interpolation_in(points, far_inside)[0][:, 1] >= 0).all()
    assert (interpolation_in(points, far_outside)[0][:, 1] == -1).all()
    for y in (np.nextafter(0.0, -1.0), 0.0, np.nextafter(0.0, 1.0)):
        queries = np.stack([x, np.full(7, y)], axis=1)
        mappings, weights = interpolation_in(points, queries)
        assert ((weights >= 0.0) & (weights <= 1.0)).all()
        assert np.allclose((weights[..., None] * points[mappings]).sum(axis=1), queries, rtol=0.0, atol=1.0e-15)


@on_both_platforms
@pytest.mark.parametrize("seed", range(8))
def test_nearest_ties_go_to_the_lowest_index(seed, platform):
    """Five vertices on a circle around a query outside the hull. Edges join only some of them, by the tie rule."""
    near = np.array([[3.0, 4.0], [4.0, 3.0], [5.0, 0.0], [4.0, -3.0], [3.0, -4.0]])
    order = np.random.default_rng(seed).permutation(9)
    points = np.concatenate([near, [[9.0, 1.0], [8.0, 5.0], [8.0, -5.0], [10.0, 0.0]]])[order]
    mappings, _ = interpolation_in(points, np.zeros((1, 2)), platform)
    assert mappings[0].tolist() == [np.flatnonzero(order < 5).min(), -1, -1]


@on_both_platforms
def test_nearest_on_a_line_has_the_lowest_index(platform):
    """Without triangles all vertices are compared. Distances of far queries differ by less than their rounding."""
    x = np.array([4.0, 1.0, 3.0, 0.0, 2.0, 2.0 + 1.0e-9, 4.0, 1.0])
    points = np.stack([x, np.zeros(8)], axis=1)
    queries = np.array([[3.5, 1.0], [0.5, -1.0], [2.0, 1.0e9], [2.0 + 1.0e-9, 1.0e9]])
    mappings, weights = interpolation_in(points, queries, platform)
    assert mappings[:, 0].tolist() == [0, 1, 4, 5]
    assert (mappings[:, 1:] == -1).all() and (weights[:, 0] == 1.0).all()


@on_both_platforms
def test_infinite_queries_have_no_vertex(platform):
    """Their weights are NaN."""
    points, queries = point_sets.UNIQUE["random"], queries_for("random").copy()
    queries[1, 0], queries[2, 1] = np.nan, np.inf
    mappings = located("random", queries, platform)
    weights = weights_of(points, queries, mappings, platform)
    assert (mappings[1:3] == -1).all() and (mappings[3:, 0] >= 0).all()
    assert np.isnan(weights[1:3]).all() and not np.isnan(weights[3:]).any()


@pytest.mark.parametrize("name", ["random", "grid", "line", "relocated onto an ellipse"])
def test_jit_and_vmap_locate_as_the_eager_call(name):
    points, queries = point_sets.ALL[name], queries_for(name)
    triangulation = triangulation_of(name)
    eager = locate(triangulation, points, queries)
    assert np.array_equal(jax.jit(locate)(triangulation, points, queries), eager)
    lanes = jax.vmap(locate, in_axes=(None, None, 0))(triangulation, points, queries[None])
    assert np.array_equal(lanes[0], eager)
