"""Permuting the vertices changes only the choice among ties."""

from contextlib import nullcontext
from types import SimpleNamespace

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mesh.interpolator import delaunay as upstream
from scipy.spatial import Delaunay

from jax_profiling.gate.meshes.permuted_delaunay import PermutedDelaunay, permuted_vertices

import point_sets


def _dense(points, queries, xp):
    """(Q + 4N, N) float, the weight of every vertex at the data points and split points."""
    mesh = al.mesh.Delaunay(pixels=len(points), zeroed_pixels=20)
    interpolator = mesh.interpolator_cls(
        mesh=mesh,
        mesh_grid=al.Grid2DIrregular(xp.asarray(points)),
        data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=xp.asarray(queries))),
        xp=xp,
    )
    matrices = []
    for mappings, _, weights in (interpolator._mappings_sizes_weights, interpolator._mappings_sizes_weights_split):
        mappings, weights = np.asarray(mappings), np.asarray(weights)
        matrices.append(np.zeros((len(mappings), len(points))))
        rows = np.arange(len(mappings))[:, None]
        np.add.at(matrices[-1], (rows, np.maximum(mappings, 0)), np.where(mappings < 0, 0.0, weights))
    return np.concatenate(matrices)


def _shipped_and_permuted(points, xp=np):
    queries = point_sets.queries_of(points)[:1000]
    found = []
    for context in (nullcontext, permuted_vertices):
        with context():
            found.append(_dense(points, queries, xp))
    return found


@pytest.mark.parametrize("xp", [np, jnp])
def test_order_does_not_matter_without_ties(xp):
    shipped, permuted = _shipped_and_permuted(point_sets.UNIQUE["random"], xp)
    assert np.allclose(permuted, shipped, rtol=0.0, atol=1.0e-11)


def test_order_matters_with_ties():
    shipped, permuted = _shipped_and_permuted(point_sets.TIED["grid"])
    assert np.abs(permuted - shipped).max() > 0.1


def test_compiled_programs_are_permuted_too():
    points = jnp.asarray(point_sets.TIED["grid"])
    program = jax.jit(upstream._jax_delaunay_tables)
    shipped = program(points)
    with permuted_vertices():
        permuted = program(points)
        jax.block_until_ready(permuted)
    assert not np.array_equal(permuted[0], shipped[0])
    assert np.array_equal(program(points)[0], shipped[0])


def test_neighbors_of_a_vertex_keep_its_number():
    points = point_sets.UNIQUE["random"]
    starts, neighbors = Delaunay(points).vertex_neighbor_vertices
    starts_permuted, permuted = PermutedDelaunay(points).vertex_neighbor_vertices
    assert np.array_equal(starts_permuted, starts)
    for begin, end in zip(starts, starts[1:]):
        assert sorted(permuted[begin:end]) == sorted(neighbors[begin:end])
