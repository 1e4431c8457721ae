"""Adaptive regularization where a data point lies on a vertex: with `zero_tiny_weights=True` all meshes count the same."""

import autolens as al
import numpy as np
import pytest
from autoarray.inversion.mappers import mapper_util

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.proof.fit_cases import ON_A_VERTEX, lens_of

DRAWS = [3, 6, 17]
"""Draws of the priors at which the reference is stable and the shipped counts are 0.04 to 1.8 nats apart."""


def _log_evidences_of(lens):
    """(3, DRAWS) log evidences: of this mesh, of Delaunay under `jit`, and of Delaunay on NumPy."""
    ours, theirs = (Likelihood(lens, mesh_cls) for mesh_cls in (knn_barycentric.KNNBarycentric, al.mesh.Delaunay))
    drawn = theirs.median_and_draws(max(DRAWS))[DRAWS]
    compiled = [likelihood.evidences(drawn, batch=1).log_evidence for likelihood in (ours, theirs)]
    return np.array([*compiled, [theirs.evidence(each, xp=np).log_evidence for each in drawn]])


@pytest.fixture
def patched():
    """`knn_barycentric.patch`, undone when the test ends."""
    yield knn_barycentric.patch
    knn_barycentric.unpatch()


def test_all_meshes_and_backends_agree_with_it(patched):
    """Where NumPy and `jit` differ by 0.006 to 2 nats without it, although their weights differ by 1e-14."""
    lens = lens_of(ON_A_VERTEX)
    shipped = _log_evidences_of(lens)
    assert (np.ptp(shipped, axis=0) > 0.04).all()
    patched(zero_tiny_weights=True)
    found = _log_evidences_of(lens)
    assert (np.ptp(found[:2], axis=0) <= 1.0e-9 * np.abs(found[0])).all()
    # NumPy's solver has another tolerance than JAX's.
    assert (np.ptp(found, axis=0) <= 1.0e-8 * np.abs(found[0])).all()


def test_nothing_is_replaced_without_it(patched):
    before = mapper_util.adaptive_pixel_signals_from
    patched(delaunay=True, log_det=True)
    assert mapper_util.adaptive_pixel_signals_from is before
    patched(zero_tiny_weights=True)
    assert mapper_util.adaptive_pixel_signals_from is not before
    knn_barycentric.unpatch()
    assert mapper_util.adaptive_pixel_signals_from is before


SIGNALS = {
    "pixels": 3,
    "signal_scale": 1.0,
    "pix_indexes_for_sub_slim_index": np.array([[0, 1, 2], [0, 1, 2]]),
    "pix_size_for_sub_slim_index": np.array([3, 3]),
    "slim_index_for_sub_slim_index": np.array([0, 1]),
    "adapt_data": np.array([4.0, 2.0]),
}


@pytest.mark.parametrize(("excludes_zero", "expected"), [(True, [1.0, 0.4, 0.0]), (False, [1.0, 0.2, 0.0])])
def test_tiny_weights_are_not_counted(excludes_zero, expected, patched):
    """Vertex 1 has a signal of 1 from one data point, or from two if rounding counts; vertex 0 has 5 from two."""
    weights = np.array([[1.0, 1.0e-15, -1.0e-15], [0.5, 0.5, 0.0]])
    patched(zero_tiny_weights=True)
    found = mapper_util.adaptive_pixel_signals_from(
        **SIGNALS, pixel_weights=weights, exclude_zero_weight_mappings=excludes_zero
    )
    assert found == pytest.approx(expected, abs=1.0e-12)
