"""Lenses of the same shape share one compiled program, and each gets its own evidence from it."""

import autofit as af
import autolens as al
import jax
import numpy as np
import pytest
from autoarray.inversion.mesh.mesh.delaunay import Delaunay

from jax_profiling.gate.likelihood import Likelihood, model_with_mesh
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.sweep import programs
from jax_profiling.sweep.programs import SharedLikelihood, shape_of
from knn_barycentric.mesh import KNNBarycentric


@pytest.fixture(scope="module")
def lenses(names):
    return [lens_folder.load(name) for name in names[:2]]


@pytest.mark.parametrize(
    "mesh_cls, regularization, batch",
    [
        pytest.param(Delaunay, None, 3, marks=pytest.mark.slow(reason="compiles for half a minute")),
        (KNNBarycentric, al.reg.AdaptSplit, 1),
    ],
)
def test_one_program_gives_each_lens_its_evidence(names, mesh_cls, regularization, batch):
    """The program is compiled for the first lens; the second one has other data, PSF, adapt image and mesh grid."""
    before = programs.program_count()
    for name in names[:2]:
        lens = lens_folder.load(name)
        if regularization is not None:
            # autolens's default priors reach coefficients at which rounding decides whether a log evidence is NaN.
            coefficients = {f"{side}_coefficient": af.UniformPrior(0.5, 2.0) for side in ("inner", "outer")}
            lens.model.galaxies.source.pixelization.regularization = af.Model(regularization, **coefficients)
        shared = SharedLikelihood(lens, mesh_cls)
        computed = shared.evidences(shared.median_and_draws(2), batch)
    assert programs.program_count() == before + 1
    own = Likelihood(lens, mesh_cls)
    expected = own.evidences(own.median_and_draws(2), batch)
    assert np.isfinite(expected.log_evidence).all()
    np.testing.assert_allclose(computed.log_evidence, expected.log_evidence, rtol=1.0e-9)
    np.testing.assert_allclose(computed.values, expected.values, rtol=1.0e-5, atol=1.0e-7)


@pytest.mark.parametrize(
    "changes",
    [{"over_sample_size_pixelization": 4}, {"edge_radius": 2.1}, {"settings": {"use_positive_only_solver": False}}],
)
def test_shape_depends_on_info(lenses, changes):
    name = lenses[0].name
    one, other = (Likelihood(lens_folder.load(name, **each), Delaunay) for each in ({}, changes))
    assert shape_of(one) != shape_of(other)
    assert shape_of(one) == shape_of(Likelihood(lens_folder.load(name), Delaunay))


def test_shape_depends_on_constants_and_structure(lenses):
    lens = lens_folder.load(lenses[0].name)
    likelihood = Likelihood(lens, Delaunay)
    before = shape_of(likelihood)
    likelihood.model.galaxies.lens.mass.slope = 2.0
    assert shape_of(likelihood) != before
    assert shape_of(Likelihood(lens, KNNBarycentric)) != before
    assert model_with_mesh(lens.model, Delaunay).prior_count == likelihood.model.prior_count + 1


def test_shape_depends_on_log_determinant(lenses):
    likelihood = Likelihood(lenses[0], Delaunay)
    before = shape_of(likelihood)
    with log_dets(accurate=True):
        assert shape_of(likelihood) != before


def test_sparse_operator_has_its_own_program():
    lens = lens_folder.load("small", sparse_operator=True)
    before = programs.program_count()
    likelihood = SharedLikelihood(lens, KNNBarycentric)
    # Tracing is enough: a shared program would enter the count before it is compiled.
    assert jax.eval_shape(likelihood.jitted, likelihood.prior_medians).log_evidence.shape == ()
    assert programs.program_count() == before
