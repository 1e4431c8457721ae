"""Checks of the inversion: equal to Delaunay's at every conditioning, and solved to its optimum."""

import jax
import jax.numpy as jnp
import numpy as np
from autoarray.inversion.inversion.inversion_util import reconstruction_positive_only_from
from autogalaxy.profiles.light.linear import LightProfileLinearObjFuncList

from scripts.jax_assertions.case import EPS, largest
from scripts.jax_assertions.conditioned import COEFFICIENTS, conditionings


def check_cross_conditioning(case):
    """Curvature matrix, regularization matrix, reconstruction and log evidence are Delaunay's at every conditioning.

    The matrices agree to rounding. Rounding of relative size eps in F + H changes the solution by eps times the condition
    number; the check allows 100 times that. The interior-point NNLS stops at a duality gap of its own, so the reconstruction
    may always differ by 1e-7 of its maximum.
    """
    worst = {}
    lights = linear_lights_of(case)
    for what, coefficient, stretch, shrink in conditionings():
        arguments = (case.untied, *map(jnp.asarray, (coefficient, stretch, shrink)))
        ours, theirs = (
            [np.asarray(each) for each in case.conditioned[mesh](*arguments)] for mesh in ("ours", "delaunay")
        )
        for name, one, other in zip(("curvature matrix", "regularization matrix"), ours, theirs):
            difference = largest(one - other) / largest(other)
            worst[name] = max(worst.get(name, 0.0), difference)
            assert difference <= 1.0e-9, f"{what}: {name} differs by {difference:.1e}"

        empty = np.flatnonzero(~ours[1].any(axis=1))
        assert len(empty) == lights, f"{what}: {len(empty)} rows of H are zero, not the {lights} of the linear light"
        regularized = np.setdiff1d(np.arange(len(ours[1])), empty)
        spectra = [np.linalg.eigvalsh(each[1][np.ix_(regularized, regularized)]) for each in (ours, theirs)]
        assert spectra[0][0] > 0.0, f"{what}: H has rank {np.sum(spectra[0] > 0.0)} of {len(regularized)}"

        system = ours[0] + ours[1]
        scale = 1.0 / np.sqrt(np.diag(system))
        condition = np.linalg.cond(system * scale[:, None] * scale)
        allowed = max(1.0e-7, min(100.0 * EPS * condition, 1.0e-2))
        difference = largest(ours[3] - theirs[3]) / largest(theirs[3])
        worst["reconstruction"] = max(worst.get("reconstruction", 0.0), difference)
        assert difference <= allowed, f"{what}: reconstruction differs by {difference:.1e}, condition {condition:.0e}"
        difference = abs(ours[4] - theirs[4]) / abs(theirs[4])
        worst["log evidence"] = max(worst.get("log evidence", 0.0), difference)
        assert difference <= 1.0e-9, f"{what}: log evidence differs by {difference:.1e}, condition {condition:.0e}"
    return ", ".join(f"{name} within {difference:.0e}" for name, difference in worst.items())


def linear_lights_of(case):
    """Number of linear light profiles in the model; their rows of H are zero."""
    inversion = case.ours.fit(case.ours.prior_medians, xp=np).inversion
    return sum(light.params for light in inversion.cls_list_from(LightProfileLinearObjFuncList))


def check_nnls(case):
    """The positive-only solution is finite, non-negative, optimal and Delaunay's, and its gradient is finite.

    Optimal means that the conditions of Karush, Kuhn and Tucker hold, in the units of the solver (unit diagonal): at every
    vertex, flux or slope of the objective is zero, each relative to its largest value. The gradient is with respect to the
    data vector.
    """
    solve = jax.jit(lambda data_vector, system: reconstruction_positive_only_from(data_vector, system, xp=jnp))
    slope = jax.jit(jax.grad(lambda data_vector, system: jnp.sum(solve(data_vector, system) ** 2)))
    worst_residual, worst_difference = 0.0, 0.0
    for coefficient in (COEFFICIENTS[0], 1.0, COEFFICIENTS[-1]):
        arguments = (case.untied, *map(jnp.asarray, (coefficient, 1.0, 1.0)))
        solutions = {}
        for mesh, inverted in case.conditioned.items():
            curvature, regularization, data_vector, _, _ = inverted(*arguments)
            system = curvature + regularization
            solutions[mesh] = np.asarray(solve(data_vector, system))
            if mesh == "ours":
                gradient = np.asarray(slope(data_vector, system))
                diagonal = np.sqrt(np.diag(system))
                slopes = np.asarray(system @ solutions[mesh] - data_vector) / diagonal
                slopes /= largest(data_vector / diagonal)
        ours = solutions["ours"]
        assert np.isfinite(ours).all() and np.isfinite(gradient).all(), f"coefficient {coefficient:g}: not finite"
        assert (ours >= 0.0).all(), f"coefficient {coefficient:g}: negative flux {ours.min():.1e}"
        fluxes = ours * diagonal
        residual = largest(np.minimum(fluxes / largest(fluxes), slopes))
        difference = largest(ours - solutions["delaunay"]) / largest(ours)
        assert residual <= 1.0e-7, f"coefficient {coefficient:g}: KKT residual {residual:.1e}"
        assert difference <= 1.0e-7, f"coefficient {coefficient:g}: {difference:.1e} from Delaunay's solution"
        worst_residual, worst_difference = max(worst_residual, residual), max(worst_difference, difference)
    return f"KKT residual {worst_residual:.0e}, within {worst_difference:.0e} of Delaunay's"
