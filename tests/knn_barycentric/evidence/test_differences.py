"""What regularization penalises, as differences: the same matrix, the same s'Hs, and a constant source without rounding."""

import autolens as al
import jax.numpy as jnp
import numpy as np
import pytest

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood, interpolator_of
from knn_barycentric.evidence.differences import BUILDERS, JITTER

SCHEMES = [
    al.reg.Constant(1.0),
    al.reg.Adapt(1.0, 2.0, 0.5),
    al.reg.AdaptPower(1.0, 2.0, 0.5),
    al.reg.ConstantSplit(1.0),
    al.reg.AdaptSplit(1.0, 2.0, 0.5),
    al.reg.AdaptSplitPower(1.0, 2.0, 0.5),
    al.reg.AdaptSplitZeroth(1.0, 1.0, 1.0, 2.0, 0.5),
    al.reg.AdaptSplitZerothPower(1.0, 1.0, 1.0, 2.0, 0.5),
]


def _assert_same_regularization(scheme, mapper, xp):
    """H, s'Hs and H 1 of the differences are those of autoarray's matrix, to its rounding."""
    matrix = np.asarray(scheme.regularization_matrix_from(linear_obj=mapper, xp=xp))
    differences = BUILDERS[type(scheme)](scheme, mapper, xp)
    source = np.random.default_rng(0).normal(size=len(matrix))
    formed = differences.added_to(xp.zeros(matrix.shape), 0, xp)
    assert (np.abs(np.asarray(formed) - matrix) <= 1.0e-12 * np.maximum(np.abs(matrix), 1.0)).all()
    assert float(differences.penalty_of(xp.asarray(source))) == pytest.approx(source @ matrix @ source, rel=1.0e-12)
    assert np.asarray(differences.zeroth) == pytest.approx(matrix.sum(axis=1), abs=1.0e-12 * np.abs(matrix).max())
    return differences


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
@pytest.mark.parametrize("mesh_cls", [al.mesh.Delaunay, al.mesh.DelaunayNN, knn_barycentric.KNNBarycentric])
def test_differences_are_those_of_the_matrix(small, mesh_cls, xp):
    likelihood = Likelihood(small, mesh_cls)
    mapper = likelihood.mapper(likelihood.prior_medians, xp=xp)
    for scheme in SCHEMES:
        _assert_same_regularization(scheme, mapper, xp)


def test_split_points_without_weights_penalise_flux():
    """autoarray gives no weight to vertices of triangles below 1e-12 squared arcsec, so that H 1 is more than the jitter."""
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (40, 2))
    points[:3] = points[0] + 1.0e-7 * np.array([[0.0, 0.0], [1.0, 0.2], [0.3, 1.0]])
    interpolator = interpolator_of(al.mesh.Delaunay(pixels=40, areas_factor=1.0e-7), points, points, xp=np)
    scheme = al.reg.ConstantSplit(3.0)
    mapper = al.Mapper(interpolator=interpolator, regularization=scheme)
    differences = _assert_same_regularization(scheme, mapper, np)
    assert differences.zeroth.max() >= 9.0
    assert (differences.zeroth >= JITTER).all()


def test_constant_source_costs_the_jitter_alone(small):
    likelihood = Likelihood(small, al.mesh.Delaunay)
    mapper = likelihood.mapper(likelihood.prior_medians)
    scheme = al.reg.ConstantSplit(1.0e6)
    differences, constant = BUILDERS[al.reg.ConstantSplit](scheme, mapper, np), np.full(mapper.params, 3.0)
    assert differences.penalty_of(constant) == pytest.approx(9.0 * JITTER * mapper.params, rel=1.0e-12)
    formed = constant @ scheme.regularization_matrix_from(linear_obj=mapper) @ constant
    assert abs(formed - differences.penalty_of(constant)) > 1.0e-3
