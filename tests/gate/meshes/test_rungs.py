"""Every rung, whatever its number of columns, and one more with five, which shows that a rung is easy to add."""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.spatial import Delaunay, cKDTree

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.meshes import rungs
from jax_profiling.gate.meshes.rungs import enclosing_triples, nearest_vertices, wendland_c4_weights_from

import point_sets


def five_nearest(mesh_points, query_points, xp):
    """A Wendland kernel on the five nearest vertices: a rung with five columns."""
    nearest = nearest_vertices(mesh_points, query_points, 5, xp)
    return nearest, wendland_c4_weights_from(query_points, mesh_points[nearest], xp)


def padded(mesh_points, query_points, xp):
    """The nearest vertex in the first of four columns; the others are padding."""
    nearest = nearest_vertices(mesh_points, query_points, 1, xp)
    return xp.where(np.arange(4) == 0, nearest, -1), xp.where(np.arange(4) == 0, 1.0, 0.0 * nearest)


RUNGS = {**rungs.WEIGHTS_OF_RUNGS, "five nearest": five_nearest, "padded": padded}


@pytest.mark.parametrize("name", RUNGS)
def test_weights_are_convex_and_equal_under_jit(name):
    # Without query points on vertices and edges: there `wendland` jumps, and rounding decides to which side.
    points, queries = point_sets.UNIQUE["random"], point_sets.queries_of(point_sets.UNIQUE["random"])[:1020]
    mappings, weights = RUNGS[name](points, queries, np)
    assert isinstance(weights, np.ndarray)
    assert len(mappings) == len(queries) and mappings.shape == weights.shape
    assert (weights >= 0.0).all() and np.allclose(weights.sum(axis=1), 1.0, rtol=0.0, atol=1.0e-15)
    assert (mappings[weights > 0.0] >= 0).all() and (mappings < len(points)).all()

    traced = partial(RUNGS[name], xp=jnp)
    jitted = jax.jit(traced)(jnp.asarray(points), jnp.asarray(queries))
    lanes = jax.jit(jax.vmap(traced, in_axes=(None, 0)))(jnp.asarray(points), jnp.stack([queries, queries[::-1]]))
    # Compilers round differently. Far outside a triangle the difference grows with the distance, here a thousandfold.
    for both in (jitted, [each[0] for each in lanes], [each[1][::-1] for each in lanes]):
        assert np.array_equal(both[0], mappings)
        assert np.allclose(both[1], weights, rtol=0.0, atol=1.0e-11)


@pytest.mark.parametrize("name", rungs.WEIGHTS_OF_RUNGS)
def test_gradients_match_central_differences(name):
    points, queries = point_sets.random(60), point_sets.random(80, 3)
    direction = point_sets.random(80, 6) - 0.5
    shape = RUNGS[name](points, queries, np)[1].shape
    factors = np.random.default_rng(4).random(shape)

    def total(queries):
        return (RUNGS[name](jnp.asarray(points), queries, jnp)[1] * factors).sum()

    step = 1.0e-7
    numeric = (total(queries + step * direction) - total(queries - step * direction)) / (2.0 * step)
    gradient = jax.grad(total)(jnp.asarray(queries))
    assert np.isfinite(gradient).all()
    assert float((gradient * direction).sum()) == pytest.approx(float(numeric), rel=1.0e-5)


@cache
def weights_and_gradients_of(rung):
    """A compiled function of points and queries: the weights, and the gradients of a sum of them."""

    def total(points, queries):
        weights = RUNGS[rung](points, queries, jnp)[1]
        return (weights * jnp.arange(weights.shape[1])).sum(), weights

    gradients = jax.grad(total, argnums=(0, 1), has_aux=True)
    return jax.jit(lambda points, queries: jax.tree.leaves(gradients(points, queries)))


@pytest.mark.parametrize("rung", [name for name in RUNGS if name not in ("enclosing-4", "enclosing-6", "enclosing-10")])
@pytest.mark.parametrize("name", point_sets.ALL)
def test_weights_and_gradients_are_finite(rung, name):
    points = point_sets.ALL[name]
    # As many queries for every set: every other number is compiled again.
    queries = point_sets.repeated(point_sets.queries_of(points)[::13], 116)
    assert all(np.isfinite(each).all() for each in weights_and_gradients_of(rung)(points, queries))


@pytest.mark.parametrize("name", ["five nearest", "padded"])
def test_a_new_rung_runs_in_a_fit(name, small, monkeypatch):
    """In the log evidence of a real lens, on NumPy, on JAX and traced: one name in `WEIGHTS_OF_RUNGS` is all it takes."""
    monkeypatch.setitem(rungs.WEIGHTS_OF_RUNGS, name, RUNGS[name])
    likelihood = Likelihood(small, rungs.RungMesh, rung=name)
    medians = likelihood.prior_medians
    on_numpy = float(likelihood.evidence(medians, xp=np).log_evidence)
    assert np.isfinite(on_numpy)
    # The NNLS solvers of NumPy and JAX differ by about 1e-10.
    assert float(likelihood.evidence(medians).log_evidence) == pytest.approx(on_numpy, rel=1.0e-8)
    assert jax.eval_shape(likelihood.evidence, medians).log_evidence.shape == ()


def test_unknown_rungs_are_rejected():
    with pytest.raises(ValueError, match="`rung` is 'nearest'; give one of clip, "):
        rungs.RungMesh(pixels=10, rung="nearest")


@pytest.mark.parametrize("name", point_sets.UNIQUE)
@pytest.mark.parametrize("number", [1, 3, 10])
def test_nearest_vertices_are_scipys(name, number):
    points = point_sets.UNIQUE[name]
    queries = point_sets.queries_of(points)
    nearest = np.asarray(nearest_vertices(points, queries, number, jnp))
    found = min(number, len(points))
    distance = np.hypot(*np.moveaxis(queries[:, None, :] - points[nearest[:, :found]], -1, 0))
    expected = cKDTree(points).query(queries, k=found)[0].reshape(len(queries), found)
    assert np.allclose(distance, expected, rtol=1.0e-12, atol=0.0)
    assert all(len(set(row)) == found for row in nearest[:, :found].tolist())
    # With fewer vertices than columns, the last one found fills the rest.
    assert (nearest[:, found:] == nearest[:, found - 1 : found]).all()


@pytest.mark.parametrize("k", [4, 6, 10])
def test_enclosing_triples_are_local_delaunay_triangles(k):
    points, queries = point_sets.UNIQUE["random"], 0.1 + 0.8 * point_sets.random(200, 8)
    nearest = np.asarray(nearest_vertices(points, queries, k))
    chosen = np.asarray(enclosing_triples(points, queries, k))
    for query, near, triple in zip(queries, nearest, chosen):
        local = Delaunay(points[near])
        simplex = local.find_simplex(query)
        expected = set(near[local.simplices[simplex]]) if simplex >= 0 else {near[0], -1}
        assert set(triple) == expected


def test_more_neighbours_find_more_right_triangles():
    points, queries = point_sets.UNIQUE["random"], 0.1 + 0.8 * point_sets.random(2000, 8)
    triangle = np.sort(Delaunay(points).simplices[Delaunay(points).find_simplex(queries)], axis=1)
    right = [
        (np.sort(enclosing_triples(points, queries, k), axis=1) == triangle).all(axis=1).mean() for k in (3, 4, 6, 10)
    ]
    assert right == sorted(right) and right[0] < 0.25 and right[-1] > 0.8


def test_wendland_kernel_matches_its_formula():
    neighbours = np.array([[[0.0, 0.0], [1.0, 0.0], [0.0, 2.0]]])
    weights = wendland_c4_weights_from(np.zeros((1, 2)), neighbours)

    def kernel(s):
        return (1.0 - s) ** 6 * (35.0 * s**2 + 18.0 * s + 3.0)

    expected = np.array([kernel(0.0), kernel(1.0 / 3.0), kernel(2.0 / 3.0)])
    assert np.allclose(weights[0], expected / expected.sum(), rtol=1.0e-15)
