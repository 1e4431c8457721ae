"""autoarray's nearest-neighbour meshes with their neighbour search fixed."""

import jax
import numpy as np
import pytest
from autoarray.inversion.mesh.interpolator import knn as upstream
from scipy.spatial import KDTree

from jax_profiling.gate.ladder import PEERS
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.meshes.fixed_knn_meshes import search_in_one_block
from jax_profiling.lenses import lens as lens_folder


def test_one_block_finds_the_right_neighbours():
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(1231, 2)), rng.normal(size=(500, 2))
    expected = KDTree(points).query(queries, k=3)[1]
    fixed, shipped = (
        np.asarray(jax.jit(search, static_argnums=(2, 3))(points, queries, 3, 1.5)[0])
        for search in (search_in_one_block, upstream.get_interpolation_weights)
    )
    np.testing.assert_array_equal(fixed, expected)
    assert (shipped != expected).any(axis=1).mean() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("peer, log_evidence", [("KNNBarycentric", 26836.475), ("KNearestNeighbor", 27709.875)])
def test_log_evidence_of_the_fiducial(peer, log_evidence):
    mesh_cls, arguments = PEERS[f"autoarray {peer} fixed"]
    fixed = Likelihood(lens_folder.load("hst"), mesh_cls, **arguments)
    assert float(fixed.jitted(fixed.prior_medians).log_evidence) == pytest.approx(log_evidence, abs=2.0e-3)
