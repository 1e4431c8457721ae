"""Fits of a small lens: the log evidence is Delaunay's with every kind of regularization."""

import copy
from dataclasses import replace

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from knn_barycentric import KNNBarycentric, NaturalNeighbor

TRACEABLE = {
    "ConstantSplit": lambda: al.reg.ConstantSplit(coefficient=1.0),
    "AdaptSplit": lambda: al.reg.AdaptSplit(inner_coefficient=0.7, outer_coefficient=2.0, signal_scale=0.5),
    "ExponentialKernel": lambda: al.reg.ExponentialKernel(coefficient=1.0, scale=0.4),
}
# Under `jit`, autoarray's Matern kernel needs a package with Bessel functions.
EAGER_ONLY = {"MaternKernel": lambda: al.reg.MaternKernel(coefficient=1.0, scale=0.4, nu=0.5)}
BY_NEIGHBORS = {
    "Constant": lambda: al.reg.Constant(coefficient=1.0),
    "Adapt": lambda: al.reg.Adapt(inner_coefficient=0.7, outer_coefficient=2.0, signal_scale=0.5),
}


class WithoutSplit(KNNBarycentric):
    """A mesh for kernel regularization, which needs no split points."""

    skip_areas = True


def _with(lens, regularization):
    model = copy.deepcopy(lens.model)
    model.galaxies.source.pixelization.regularization = regularization()
    return replace(lens, model=model)


@pytest.mark.parametrize("name", EAGER_ONLY)
def test_log_evidence_on_numpy_is_delaunays(small, name):
    lens = _with(small, EAGER_ONLY[name])
    ours, theirs = (Likelihood(lens, mesh_cls) for mesh_cls in (KNNBarycentric, al.mesh.Delaunay))
    log_evidence = float(theirs.evidence(theirs.prior_medians, xp=np).log_evidence)
    assert np.isfinite(log_evidence)
    assert float(ours.evidence(ours.prior_medians, xp=np).log_evidence) == pytest.approx(log_evidence, rel=1e-9)


@pytest.mark.parametrize("mesh_cls", [KNNBarycentric, NaturalNeighbor])
def test_a_deflection_of_nan_has_no_log_evidence(small, mesh_cls):
    """All vertices and data points are NaN. autoarray skips rows without a vertex: it had solved for the light alone."""
    likelihood = Likelihood(small, mesh_cls)
    names = likelihood.model.model_component_and_parameter_names
    radius = np.array([name.endswith("einstein_radius") for name in names])
    vector = np.where(radius, np.nan, likelihood.prior_medians)
    assert radius.sum() == 1
    assert np.isnan(likelihood.evidence(vector).log_evidence)


@pytest.mark.parametrize("name", [*TRACEABLE, *BY_NEIGHBORS])
def test_log_evidence_on_jax_is_delaunays(small, name):
    """Without `jit`; that the likelihood can be traced is enough for it."""
    lens = _with(small, (TRACEABLE | BY_NEIGHBORS)[name])
    ours, theirs = (Likelihood(lens, mesh_cls) for mesh_cls in (KNNBarycentric, al.mesh.Delaunay))
    log_evidence = float(theirs.evidence(theirs.prior_medians).log_evidence)
    assert np.isfinite(log_evidence)
    assert float(ours.evidence(ours.prior_medians).log_evidence) == pytest.approx(log_evidence, rel=1e-9)
    assert jax.eval_shape(ours.evidence, ours.prior_medians).log_evidence.shape == ()


@pytest.mark.parametrize(
    "name", ["Constant", pytest.param("Adapt", marks=pytest.mark.slow(reason="compiles for 30 s"))]
)
def test_regularization_by_neighbours_can_be_traced(small, name):
    """autoarray's Delaunay only works eagerly here; `jit` and `vmap` give its result, and `grad` is finite."""
    lens = _with(small, BY_NEIGHBORS[name])
    ours, theirs = (Likelihood(lens, mesh_cls) for mesh_cls in (KNNBarycentric, al.mesh.Delaunay))
    medians = ours.prior_medians
    expected = theirs.fit(medians, xp=np).inversion.regularization_matrix

    def total(parameters):
        matrix = ours.fit(parameters).inversion.regularization_matrix
        return (matrix**2).sum(), matrix

    (_, lanes), slopes = jax.jit(jax.vmap(jax.value_and_grad(total, has_aux=True)))(jnp.stack([medians, medians]))
    for lane in lanes:
        assert np.allclose(lane, expected, rtol=1.0e-9, atol=1.0e-9 * np.abs(expected).max())
    assert np.isfinite(slopes).all()


def test_delaunay_with_regularization_by_neighbours_cannot_be_traced(small):
    """README and the limits say so; a release of autoarray may change it."""
    theirs = Likelihood(_with(small, BY_NEIGHBORS["Constant"]), al.mesh.Delaunay)
    with pytest.raises(jax.errors.TracerArrayConversionError):
        jax.eval_shape(theirs.evidence, theirs.prior_medians)


def test_kernel_regularization_needs_no_split_points(small):
    lens = _with(small, TRACEABLE["ExponentialKernel"])
    with_split, without = (Likelihood(lens, mesh_cls) for mesh_cls in (KNNBarycentric, WithoutSplit))
    medians = with_split.prior_medians
    assert float(without.evidence(medians).log_evidence) == float(with_split.evidence(medians).log_evidence)


def test_a_patched_model_fits_an_image(small):
    """`al.mesh.KNNBarycentric` in a model, `al.FitImaging`, magnification areas."""
    import knn_barycentric

    knn_barycentric.patch()
    try:
        mesh = af.Model(al.mesh.KNNBarycentric, pixels=180, zeroed_pixels=30)
    finally:
        knn_barycentric.unpatch()
    lens = replace(small, model=copy.deepcopy(small.model))
    lens.model.galaxies.source.pixelization.mesh = mesh
    instance = lens.model.instance_from_prior_medians()
    analysis = al.AnalysisImaging(dataset=lens.dataset, adapt_images=lens.adapt_images, use_jax=False)
    fit = analysis.fit_from(instance=instance)
    assert isinstance(fit, al.FitImaging)
    (mapper,) = fit.inversion.cls_list_from(al.Mapper)
    assert type(mapper.interpolator) is knn_barycentric.InterpolatorKNNBarycentric
    areas = mapper.mesh_geometry.areas_for_magnification
    assert areas.sum() == pytest.approx(mapper.interpolator.triangulation.dual_areas.sum())
    assert (mapper.zeroed_pixels == np.arange(len(areas) - 30, len(areas))).all()


def test_magnification_areas_can_be_traced(small):
    likelihood = Likelihood(small, KNNBarycentric)

    def total(parameters):
        return likelihood.mapper(parameters, xp=jnp).mesh_geometry.areas_for_magnification.sum()

    value, slope = jax.jit(jax.value_and_grad(total))(jnp.asarray(likelihood.prior_medians))
    assert float(value) > 0.0 and np.isfinite(slope).all()
