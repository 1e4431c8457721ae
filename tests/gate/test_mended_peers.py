"""autoarray's nearest-neighbour meshes as they were meant."""

import jax
import numpy as np
import pytest
from autoarray.inversion.mesh.interpolator import knn as upstream
from scipy.spatial import KDTree

from jax_profiling.gate import mended_peers, verdict
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder


def test_one_block_finds_the_neighbors_that_blocks_of_128_miss():
    rng = np.random.default_rng(0)
    points, queries = rng.normal(size=(1231, 2)), rng.normal(size=(500, 2))
    expected = KDTree(points).query(queries, k=3)[1]
    mended, shipped = (
        np.asarray(jax.jit(search, static_argnums=(2, 3))(points, queries, 3, 1.5)[0])
        for search in (mended_peers._search_in_one_block, upstream.get_interpolation_weights)
    )
    np.testing.assert_array_equal(mended, expected)
    assert (shipped != expected).any(axis=1).mean() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("peer, log_evidence", [("KNNBarycentric", 26836.475), ("KNearestNeighbor", 27709.875)])
def test_log_evidence_of_the_fiducial(peer, log_evidence):
    mesh_cls, arguments = verdict.PEERS[f"autoarray {peer} mended"]
    mended = Likelihood(lens_folder.load("hst"), mesh_cls, **arguments)
    assert float(mended.jitted(mended.prior_medians).log_evidence) == pytest.approx(log_evidence, abs=2.0e-3)
