"""An inversion with adjustable conditioning: by the regularization coefficient, by anisotropy, by clustered vertices."""

from types import SimpleNamespace

import autolens as al
import jax.numpy as jnp
import numpy as np

COEFFICIENTS = (1.0e-4, 1.0e-2, 1.0, 1.0e2, 1.0e4)
STRETCHES = (1.0e1, 1.0e2, 1.0e3, 1.0e4)
CLUSTERS = (1.0e-1, 1.0e-2)
CLUSTER_SIZE = 8
"""Number of consecutive vertices in a cluster."""


def conditioned_inversion(likelihood):
    """A function of (parameters, coefficient, stretch, shrink) that solves (F + H) s = D on a changed mesh.

    `coefficient` multiplies the regularization matrix of the model, `stretch` the y coordinates of the source plane, and
    `shrink` the distances within clusters of vertices. The function returns F, H, D, s and the log evidence.
    """

    def inverted(parameters, coefficient, stretch, shrink):
        fit = likelihood.fit(parameters)
        mapper = fit.inversion.cls_list_from(al.Mapper)[-1]
        interpolator = mapper.interpolator
        scale = jnp.stack([stretch, jnp.ones_like(stretch)])
        vertices = interpolator.mesh_grid.array
        anchors = vertices[np.arange(len(vertices)) // CLUSTER_SIZE * CLUSTER_SIZE]
        interpolator.mesh_grid = al.Grid2DIrregular((anchors + shrink * (vertices - anchors)) * scale, xp=jnp)
        data_points = interpolator.data_grid.over_sampled.array * scale
        interpolator.data_grid = SimpleNamespace(
            over_sampled=SimpleNamespace(array=data_points), over_sampler=interpolator.data_grid.over_sampler
        )

        inversion = fit.inversion
        vars(inversion)["regularization_matrix"] = coefficient * inversion.regularization_matrix
        return (
            inversion.curvature_matrix,
            inversion.regularization_matrix,
            inversion.data_vector,
            inversion.reconstruction,
            fit.log_evidence,
        )

    return inverted


def conditionings():
    """Yield (description, coefficient, stretch, shrink) of every conditioning that is checked."""
    yield from ((f"coefficient {c:g}", c, 1.0, 1.0) for c in COEFFICIENTS)
    yield from ((f"anisotropy {s:g}", 1.0, s, 1.0) for s in STRETCHES)
    yield from ((f"vertices clustered to {s:g}", 1.0, 1.0, s) for s in CLUSTERS)
