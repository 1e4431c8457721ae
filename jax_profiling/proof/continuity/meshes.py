"""The meshes that are compared: their likelihoods, and the program of their tables."""

import copy
import math

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.proof.continuity.events import Tables
from knn_barycentric import KNNBarycentric, NaturalNeighbor

TRIANGLES = {
    "linear": (KNNBarycentric, {}),
    "sibson": (NaturalNeighbor, {"kind": "sibson"}),
    "laplace": (NaturalNeighbor, {"kind": "laplace"}),
}
"""Meshes on the same triangulation, so their geometric events are the same."""

MESHES = {
    "linear": "`KNNBarycentric`",
    "sibson": "`NaturalNeighbor`, Sibson",
    "laplace": "`NaturalNeighbor`, Laplace",
    "rectangular": "`RectangularBilinearAdaptDensity`",
}

UNSPLIT = {
    al.reg.ConstantSplit: (al.reg.Constant, ("coefficient",)),
    al.reg.AdaptSplit: (al.reg.Adapt, ("inner_coefficient", "outer_coefficient", "signal_scale")),
}
"""Rectangular meshes have no split points. These schemes take the same parameters."""


def likelihood_of(lens, mesh):
    """The `Likelihood` of a lens with one of `MESHES`."""
    if mesh in TRIANGLES:
        mesh_cls, arguments = TRIANGLES[mesh]
        return Likelihood(lens, mesh_cls, **arguments)
    likelihood = Likelihood(lens, KNNBarycentric)
    side = max(3, math.isqrt(lens.vertices))
    for _, galaxy in galaxies_with_pixelization(likelihood.model):
        galaxy.pixelization.mesh = af.Model(al.mesh.RectangularBilinearAdaptDensity, shape=(side, side))
        scheme = galaxy.pixelization.regularization
        cls = getattr(scheme, "cls", type(scheme))
        if cls in UNSPLIT:
            unsplit, names = UNSPLIT[cls]
            arguments = {name: getattr(scheme, name) for name in names}
            galaxy.pixelization.regularization = af.Model(unsplit, **arguments)
    return likelihood


def tables_of(likelihood, parameters):
    """The `Tables` of the last pixelization; can be traced. There is no inversion in it."""
    to_inversion = likelihood.fit(parameters).tracer_to_inversion
    interpolator = list(to_inversion.mapper_galaxy_dict)[-1].interpolator
    data = jnp.asarray(interpolator.data_grid.over_sampled.array)
    traced = jnp.asarray(to_inversion.traced_grid_2d_list_of_inversion[-1].over_sampled.array)
    relocated = (data != traced).any(axis=1)
    if not hasattr(interpolator, "triangulation"):
        mappings, _, _ = interpolator._mappings_sizes_weights
        nothing = jnp.zeros((0, 3), "int32")
        return Tables(nothing, mappings.astype("int32"), nothing, relocated)
    vertices = jnp.asarray(to_inversion.traced_mesh_grid_pg_list[-1][-1].array)
    moved = (jnp.asarray(interpolator.mesh_grid.array) != vertices).any(axis=1)
    tables = interpolator.delaunay
    split = tables.splitted_mappings
    return Tables(
        interpolator.triangulation.simplices,
        tables.mappings,
        jnp.zeros((0, 3), "int32") if split is None else split,
        jnp.concatenate([relocated, moved]),
    )


class Programs:
    """The compiled programs of a lens and a mesh: log evidences with the source, and tables.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    mesh
        A key of `MESHES`.
    batch
        Number of lanes.
    """

    def __init__(self, lens, mesh, batch):
        self.likelihood, self.batch = likelihood_of(lens, mesh), batch
        # The tables of all `TRIANGLES` are the same, and linear ones are the narrowest.
        self.geometry = likelihood_of(lens, "linear") if mesh in TRIANGLES else self.likelihood
        self._tables = jax.jit(jax.vmap(lambda parameters: tables_of(self.geometry, parameters)))

    def with_mesh(self, lens, mesh):
        """The programs of another mesh of `TRIANGLES`, with the tables that are already compiled."""
        other = copy.copy(self)
        other.likelihood = likelihood_of(lens, mesh)
        return other

    def evidences(self, parameters):
        """(K,) log evidences (nats) and (K, N) fluxes of the source at (K, D) parameter vectors."""
        found = self.likelihood.evidences(parameters, self.batch)
        return found.log_evidence, found.values

    def tables(self, parameters):
        """A list of the K `Tables` at (K, D) parameter vectors."""
        padded = np.concatenate([parameters, np.repeat(parameters[-1:], -len(parameters) % self.batch, axis=0)])
        found = []
        for lanes in padded.reshape(-1, self.batch, padded.shape[1]):
            columns = jax.tree.map(np.asarray, self._tables(jnp.asarray(lanes)))
            found += [Tables(*row) for row in zip(*columns, strict=True)]
        return found[: len(parameters)]
