"""A data point may own several rows under `jit`: everything that reads them gives NumPy's arrays."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mappers import mapper_util

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.meshes.oracle_natural_neighbors import OracleNaturalNeighbor
from jax_profiling.lenses import lens as lens_folder
from knn_barycentric import NaturalNeighbor


def _dense(triplets, shape, xp):
    rows, columns, values = triplets
    return jnp.zeros(shape).at[xp.asarray(rows), xp.asarray(columns)].add(values)


def _arrays_of(mapper, xp):
    """What autoarray makes of the tables of a mapper, by name."""
    shape = mapper.over_sampler.mask.pixels_in_mask, mapper.pixels
    fine = mapper.over_sampler.mask.fft_index_for_masked_pixel.max() + 1, mapper.pixels
    mappings, weights = mapper.pix_indexes_for_sub_slim_index, mapper.pix_weights_for_sub_slim_index
    return {
        "mapping matrix": mapper.mapping_matrix,
        "over-sampled PSF": mapper.mapping_matrix_over_sampled_for(2),
        "sparse operator, data": _dense(mapper.sparse_triplets_data, shape, xp),
        "sparse operator, curvature": _dense(mapper.sparse_triplets_curvature, fine, xp),
        "signals of adaptive regularization": mapper.pixel_signals_from(signal_scale=0.7, xp=xp),
        "weight of each vertex": xp.zeros(mapper.pixels + 1).at[mappings].add(weights)[:-1]
        if xp is jnp
        else mapper_util.data_weight_total_for_pix_from(mappings, weights, mapper.pixels),
    }


@pytest.fixture(scope="module")
def arrays():
    """`_arrays_of` a lens under `jit`, and with right weights on NumPy; the `Tables` under `jit`."""
    lens = lens_folder.load("cusp", over_sample_size_pixelization=2)
    ours, right = (Likelihood(lens, mesh_cls) for mesh_cls in (NaturalNeighbor, OracleNaturalNeighbor))
    knn_barycentric.patch(natural_neighbors=True)
    try:

        def traced(parameters):
            mapper = ours.mapper(parameters, xp=jnp)
            return _arrays_of(mapper, jnp), mapper.interpolator.tables

        found, tables = jax.jit(traced)(jnp.asarray(ours.prior_medians))
        return found, _arrays_of(right.mapper(right.prior_medians, xp=np), np), tables
    finally:
        knn_barycentric.unpatch()


def test_data_points_have_several_rows(arrays):
    _, _, tables = arrays
    used = np.asarray(tables.row_owner)[np.asarray(tables.mappings[:, 0]) >= 0]
    assert np.bincount(used).max() >= 2


@pytest.mark.parametrize(
    "name",
    [
        "mapping matrix",
        "over-sampled PSF",
        "sparse operator, data",
        "sparse operator, curvature",
        "signals of adaptive regularization",
        "weight of each vertex",
    ],
)
def test_rows_give_numpys_arrays(arrays, name):
    found, expected, _ = arrays
    difference = np.abs(np.asarray(found[name]) - np.asarray(expected[name]))
    assert (difference <= 1.0e-9 * np.maximum(np.abs(expected[name]), 1.0)).all()
