"""The log evidence at the large coefficients of the default priors, against QR factorizations in long double."""

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.inversion.abstract import AbstractInversion

import knn_barycentric
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.live_reference import perturbed
from jax_profiling.gate.patches import patched
from jax_profiling.proof.fit_cases import FitCase, lens_of
from jax_profiling.proof.large_coefficients.long_double import log_evidence_of

KEPT_EDGE = FitCase(
    "",
    "every vertex keeps its flux",
    "no_light",
    info={"image_mesh": {"type": "Overlay", "shape": [13, 13]}, "edge_points": 0},
    regularization=al.reg.AdaptSplit,
    mesh={"zeroed_pixels": 0},
)
"""Nothing but the data holds a constant source."""

COEFFICIENTS = {
    "small enough for Cholesky": (3.0e1, 1.0e2),
    "inner": (6.0e5, 2.0e2),
    "outer": (1.0e-3, 9.0e5),
    "both": (1.0e6, 1.0e6),
}
"""Inner and outer ones of AdaptSplit, whose fourth powers stand in H."""

SHIPPED_TERM = vars(AbstractInversion)["regularization_term"]


@pytest.fixture(scope="module")
def lens():
    """A lens with neither light nor zeroed vertices."""
    return lens_of(KEPT_EDGE)


@pytest.fixture(scope="module")
def ours(lens):
    """The likelihood of this mesh, compiled with the patch."""
    likelihood = Likelihood(lens, knn_barycentric.KNNBarycentric)
    with patched(log_det=True, zero_tiny_weights=True):
        likelihood.jitted(likelihood.prior_medians)
    return likelihood


@pytest.fixture(scope="module")
def terms(ours):
    """s'Hs by differences and by the formed matrix (nats) at (D,) parameters, compiled with the patch."""

    @jax.jit
    def both(parameters):
        inversion = ours.fit(parameters).inversion
        return jnp.stack([inversion.regularization_term, SHIPPED_TERM.__get__(inversion)])

    with patched(log_det=True, zero_tiny_weights=True):
        both(ours.prior_medians)
    return both


@pytest.fixture
def with_patch():
    """`patch(log_det=True)` during a test, with the same counts in both meshes."""
    with patched(log_det=True, zero_tiny_weights=True):
        yield


def _parameters_of(likelihood, case):
    """The prior medians with the coefficients of a case and a signal scale of a half."""
    names = likelihood.model.model_component_and_parameter_names
    assert [name.rpartition(".")[2] for name in names[-3:]] == [
        "inner_coefficient",
        "outer_coefficient",
        "signal_scale",
    ]
    return np.array([*likelihood.prior_medians[:-3], *COEFFICIENTS[case], 0.5])


@pytest.mark.parametrize("case", COEFFICIENTS)
def test_log_evidence_is_that_of_qr_in_long_double(lens, ours, case, with_patch):
    theirs = Likelihood(lens, al.mesh.Delaunay)
    parameters = _parameters_of(theirs, case)
    fit = theirs.fit(parameters, xp=np)
    expected = log_evidence_of(fit)
    # Stiffer differences are solved as if they were less stiff (`reconstruction.STIFFEST`).
    bound = 1.0e-10 if case == "small enough for Cholesky" else 3.0e-8
    assert fit.log_evidence == pytest.approx(expected, rel=bound)
    assert float(ours.jitted(parameters).log_evidence) == pytest.approx(expected, rel=bound)


def test_shipped_log_evidence_is_lost(lens):
    likelihood = Likelihood(lens, knn_barycentric.KNNBarycentric)
    found = likelihood.evidences(np.array([_parameters_of(likelihood, case) for case in COEFFICIENTS]), batch=1)
    assert np.isfinite(found.log_evidence[0])
    assert np.isnan(found.log_evidence[1:]).any()


@pytest.mark.parametrize("case", COEFFICIENTS)
def test_regularization_term_is_positive_and_steady(ours, terms, case):
    """The product with the formed matrix moves by last bits of the parameters, by more than its size."""
    moved = perturbed(_parameters_of(ours, case)[None], 4)[0]
    by_differences, formed = np.array([terms(each) for each in moved]).T
    assert (by_differences > 0.0).all() and np.ptp(by_differences) <= 1.0e-4 * by_differences[0] + 1.0e-6
    if case == "both":
        assert np.ptp(formed) > by_differences[0]


def test_gradient_is_that_of_the_long_double(lens, ours, with_patch):
    """By both coefficients alone: ray tracing is not differentiated, which would compile for twenty seconds."""
    parameters = _parameters_of(ours, "small enough for Cholesky")
    names = ["inner_coefficient", "outer_coefficient"]

    def log_evidence(coefficients):
        return ours.evidence(jnp.asarray(parameters).at[-3:-1].set(coefficients)).log_evidence

    slope = jax.grad(log_evidence)(jnp.asarray(parameters[-3:-1]))
    theirs = Likelihood(lens, al.mesh.Delaunay)

    def exact(place, factor):
        moved = parameters.copy()
        moved[place] *= factor
        return log_evidence_of(theirs.fit(moved, xp=np))

    for place, name, found in zip((-3, -2), names, slope, strict=True):
        step = 1.0e-3
        expected = (exact(place, 1.0 + step) - exact(place, 1.0 - step)) / (2.0 * step)
        assert float(found) * parameters[place] == pytest.approx(expected, rel=1.0e-4), name


def test_source_is_autoarrays_own_at_small_coefficients(lens):
    likelihood = Likelihood(lens, al.mesh.Delaunay)
    shipped = likelihood.fit(likelihood.prior_medians, xp=np).inversion.reconstruction
    with patched(log_det=True):
        found = likelihood.fit(likelihood.prior_medians, xp=np).inversion.reconstruction
    assert found == pytest.approx(shipped, rel=1.0e-9, abs=1.0e-12)


def test_noise_map_is_that_of_a_constant_source(lens):
    """Where all differences are stiff, every vertex has the error of the mean of the data, (1'F1)^-1/2."""
    likelihood = Likelihood(lens, al.mesh.Delaunay)

    def noise_map_and_curvature(case):
        inversion = likelihood.fit(_parameters_of(likelihood, case), xp=np).inversion
        return inversion.reconstruction_noise_map, inversion.curvature_matrix

    shipped, _ = noise_map_and_curvature("both")
    exact, _ = noise_map_and_curvature("small enough for Cholesky")
    with patched(log_det=True):
        found, curvature = noise_map_and_curvature("both")
        soft, _ = noise_map_and_curvature("small enough for Cholesky")
    assert found == pytest.approx(curvature.sum() ** -0.5, rel=1.0e-5)
    assert (shipped < 0.1 * found).all()
    assert soft == pytest.approx(exact, rel=1.0e-5)
