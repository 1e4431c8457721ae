"""Permuting the vertices changes only the choice among ties."""

from types import SimpleNamespace

import autolens as al
import jax.numpy as jnp
import numpy as np
import pytest

from jax_profiling.gate.meshes.permuted_delaunay import PermutedDelaunay

import point_sets


def _dense(mesh_cls, points, queries, xp):
    """(Q + 4N, N) float, the weight of every vertex at the data points and split points."""
    mesh = mesh_cls(pixels=len(points), zeroed_pixels=20)
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


@pytest.mark.parametrize("xp", [np, jnp])
def test_order_does_not_matter_without_ties(xp):
    points = point_sets.UNIQUE["random"]
    queries = point_sets.queries_of(points)[:1000]
    reference, permuted = (_dense(cls, points, queries, xp) for cls in (al.mesh.Delaunay, PermutedDelaunay))
    assert np.allclose(permuted, reference, rtol=0.0, atol=1.0e-11)


def test_order_matters_with_ties():
    points = point_sets.TIED["grid"]
    queries = point_sets.queries_of(points)[:1000]
    reference, permuted = (_dense(cls, points, queries, np) for cls in (al.mesh.Delaunay, PermutedDelaunay))
    assert np.abs(permuted - reference).max() > 0.1
