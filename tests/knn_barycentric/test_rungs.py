"""Weights against hand-built cases and against autoarray's own; the rungs against brute force."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mesh.interpolator.delaunay import pixel_weights_delaunay_from
from scipy.spatial import Delaunay, cKDTree

from knn_barycentric import barycentric_weights_from_3_nearest
from knn_barycentric.rungs import RUNGS, enclosing_triples, nearest_vertices, wendland_c4_weights_from

import point_sets

TRIANGLE = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 2.0]])

HAND_BUILT = {
    "vertex": ([4.0, 0.0], [0.0, 1.0, 0.0]),
    "edge": ([1.0, 0.0], [0.75, 0.25, 0.0]),
    "centroid": ([4.0 / 3.0, 2.0 / 3.0], [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0]),
    "inside": ([1.0, 0.5], [0.5, 0.25, 0.25]),
    "outside beyond an edge": ([2.0, -1.0], [1.0 / 1.5, 0.5 / 1.5, 0.0]),
    "outside beyond a vertex": ([6.0, -0.5], [0.0, 1.0, 0.0]),
    "far outside": ([-4.0e9, 0.0], [1.0, 0.0, 0.0]),
}


@pytest.mark.parametrize("xp", [np, jnp])
@pytest.mark.parametrize("name", HAND_BUILT)
def test_hand_built(name, xp):
    query, expected = HAND_BUILT[name]
    weights = barycentric_weights_from_3_nearest(xp.asarray([query]), xp.asarray(TRIANGLE), xp.asarray([[0, 1, 2]]), xp)
    assert np.allclose(weights[0], expected, rtol=0.0, atol=4.0 * np.finfo(float).eps)


@pytest.mark.parametrize(
    "triple",
    [
        [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]],
        [[0.1, 0.3], [0.1, 0.3], [2.0, 2.0]],
        [[0.1, 0.3], [0.1, 0.3], [0.1, 0.3]],
        [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]],
    ],
)
def test_collinear_and_coincident_triples_give_the_nearest_vertex(triple):
    arguments = (jnp.array([[0.3, 0.2]]), jnp.asarray(triple), jnp.array([[0, 1, 2]]))
    assert barycentric_weights_from_3_nearest(*arguments, jnp).tolist() == [[1.0, 0.0, 0.0]]
    for argument in (0, 1):
        gradient = jax.jacobian(partial(barycentric_weights_from_3_nearest, xp=jnp), argument)
        assert np.isfinite(gradient(*arguments)).all()


def test_equals_autoarray_where_the_3_nearest_are_the_triangle():
    points, queries = point_sets.UNIQUE["random"], 0.1 + 0.8 * point_sets.random(3000, 5)
    qhull = Delaunay(points)
    nearest = np.asarray(nearest_vertices(points, queries, 3))
    triangle = qhull.simplices[qhull.find_simplex(queries)]
    same = (np.sort(nearest, axis=1) == np.sort(triangle, axis=1)).all(axis=1)
    assert same.sum() > 300
    ours = barycentric_weights_from_3_nearest(queries[same], points, nearest[same])
    theirs = pixel_weights_delaunay_from(queries[same], points, nearest[same])
    # autoarray's areas are good to some epsilons of the squared edges, in triangles thinner than that.
    assert np.allclose(ours, theirs, rtol=0.0, atol=1.0e-13)


@pytest.mark.parametrize("rung", RUNGS)
def test_weights_are_weights_and_jit_and_vmap_are_eager(rung):
    # Without queries on vertices and edges, where `wendland` jumps and rounding decides to which side.
    points, queries = point_sets.UNIQUE["random"], point_sets.queries_of(point_sets.UNIQUE["random"])[:1020]
    mappings, weights = RUNGS[rung](points, queries, np, 6)
    assert isinstance(weights, np.ndarray) and mappings.shape == weights.shape == (len(queries), 3)
    assert (weights >= 0.0).all() and np.allclose(weights.sum(axis=1), 1.0, rtol=0.0, atol=1.0e-15)
    assert (mappings[weights > 0.0] >= 0).all()

    traced = partial(RUNGS[rung], xp=jnp, k_neighbors=6)
    jitted = jax.jit(traced)(jnp.asarray(points), jnp.asarray(queries))
    lanes = jax.jit(jax.vmap(traced, in_axes=(None, 0)))(jnp.asarray(points), jnp.stack([queries, queries[::-1]]))
    # Compilers round differently, which far outside a triangle is magnified with the distance (here a thousandfold).
    for both in (jitted, [each[0] for each in lanes], [each[1][::-1] for each in lanes]):
        assert np.array_equal(both[0], mappings)
        assert np.allclose(both[1], weights, rtol=0.0, atol=1.0e-11)


@pytest.mark.parametrize("rung", RUNGS)
def test_gradients_match_central_differences(rung):
    points, queries = point_sets.random(60), point_sets.random(80, 3)
    factors, direction = point_sets.random(80 * 3, 4)[:, 0].reshape(80, 3), point_sets.random(80, 6) - 0.5

    def total(queries):
        return (RUNGS[rung](jnp.asarray(points), queries, jnp, 6)[1] * factors).sum()

    step = 1.0e-7
    numeric = (total(queries + step * direction) - total(queries - step * direction)) / (2.0 * step)
    gradient = jax.grad(total)(jnp.asarray(queries))
    assert np.isfinite(gradient).all()
    assert float((gradient * direction).sum()) == pytest.approx(float(numeric), rel=1.0e-5)


@pytest.mark.parametrize("rung", RUNGS)
@pytest.mark.parametrize("name", point_sets.ALL)
def test_gradients_and_weights_are_finite_on_every_mesh(rung, name):
    points = jnp.asarray(point_sets.ALL[name])
    queries = jnp.asarray(point_sets.queries_of(point_sets.ALL[name]))[::13]

    def total(points, queries):
        weights = RUNGS[rung](points, queries, jnp, 5)[1]
        return (weights * jnp.arange(3.0)).sum(), weights

    (gradient, slope), weights = jax.grad(total, argnums=(0, 1), has_aux=True)(points, queries)
    assert np.isfinite(weights).all() and np.isfinite(gradient).all() and np.isfinite(slope).all()


@pytest.mark.parametrize("name", point_sets.UNIQUE)
@pytest.mark.parametrize("number", [1, 3, 10])
def test_nearest_vertices(name, number):
    points = point_sets.UNIQUE[name]
    queries = point_sets.queries_of(points)
    nearest = np.asarray(nearest_vertices(points, queries, number))
    found = min(number, len(points))
    distance = np.hypot(*np.moveaxis(queries[:, None, :] - points[nearest[:, :found]], -1, 0))
    expected = cKDTree(points).query(queries, k=found)[0].reshape(len(queries), found)
    assert np.allclose(distance, expected, rtol=1.0e-12, atol=0.0)
    assert all(len(set(row)) == found for row in nearest[:, :found].tolist())
    # Fewer vertices than asked for: the last one found fills the rest.
    assert (nearest[:, found:] == nearest[:, found - 1 : found]).all()


@pytest.mark.parametrize("k", [4, 6, 10])
def test_enclosing_triple_is_the_delaunay_triangle_of_the_nearest(k):
    points, queries = point_sets.UNIQUE["random"], 0.1 + 0.8 * point_sets.random(200, 8)
    nearest = np.asarray(nearest_vertices(points, queries, k))
    chosen = np.asarray(enclosing_triples(points, queries, k))
    for query, near, triple in zip(queries, nearest, chosen):
        local = Delaunay(points[near])
        simplex = local.find_simplex(query)
        expected = set(near[local.simplices[simplex]]) if simplex >= 0 else {near[0], -1}
        assert set(triple) == expected


def test_share_of_queries_that_each_rung_gets_right_grows_with_k():
    points, queries = point_sets.UNIQUE["random"], 0.1 + 0.8 * point_sets.random(2000, 8)
    triangle = np.sort(Delaunay(points).simplices[Delaunay(points).find_simplex(queries)], axis=1)
    right = [
        (np.sort(enclosing_triples(points, queries, k), axis=1) == triangle).all(axis=1).mean() for k in (3, 4, 6, 10)
    ]
    assert right == sorted(right) and right[0] < 0.25 and right[-1] > 0.8


def test_wendland_kernel_by_hand():
    neighbours = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]])
    weights = wendland_c4_weights_from(np.zeros((1, 2)), neighbours)

    def kernel(s):
        return (1.0 - s) ** 6 * (35.0 * s**2 + 18.0 * s + 3.0)

    expected = np.array([kernel(0.0), kernel(1.0 / 3.0), kernel(2.0 / 3.0)])
    assert np.allclose(weights[0], expected / expected.sum(), rtol=1.0e-15)
