"""One lens and one mesh -> its log evidence: eager, jitted, batched."""

import copy
from functools import cached_property
from types import SimpleNamespace
from typing import NamedTuple

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
from autoarray.inversion.mesh.interpolator.delaunay import InterpolatorDelaunay

from jax_profiling.gate.exact_delaunay import InterpolatorExactDelaunay
from jax_profiling.lenses.lens import Lens, galaxies_with_pixelization
from knn_barycentric.interpolator import InterpolatorKNNBarycentric

BATCH = 3
"""Lanes of the batched program; a lane of the HST fiducial takes about 1 GB."""


class Evidence(NamedTuple):
    """A log evidence and the triangulations behind it.

    Attributes
    ----------
    log_evidence
        In nats.
    certified
        Whether every triangulation is certified; true for meshes that have no certificate.
    meshes
        The (N, 2) vertices (arcsec) and (2N, 3) simplices of every pixelization, for Delaunay as it stands and on the exact
        triangulation; nothing for other meshes.
    values
        (N,), the flux at every vertex of the last pixelization of the model.
    """

    log_evidence: jax.Array
    certified: jax.Array
    meshes: tuple
    values: jax.Array


class Interpolation(NamedTuple):
    """Which vertices interpolate the data points (Q rows) and the split points (4N rows), and their weights."""

    mappings: jax.Array
    weights: jax.Array
    split_mappings: jax.Array
    split_weights: jax.Array


class Likelihood:
    """The likelihood of a lens whose source is reconstructed on a mesh.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    mesh_cls
        The mesh class that takes the place of every mesh of the lens's model, keeping its `pixels`,
        `zeroed_pixels` and `areas_factor`, and the regularization.
    mesh_kwargs
        Further arguments of the mesh class.
    """

    def __init__(self, lens: Lens, mesh_cls, **mesh_kwargs):
        self.lens = lens
        self.model = model_with_mesh(lens.model, mesh_cls, **mesh_kwargs)

    @cached_property
    def _analyses(self):
        lens = self.lens
        analysis_cls = al.AnalysisImaging if isinstance(lens.dataset, al.Imaging) else al.AnalysisInterferometer
        return {
            use_jax: analysis_cls(
                dataset=lens.dataset,
                adapt_images=lens.adapt_images,
                settings=lens.settings,
                positions_likelihood_list=lens.positions,
                use_jax=use_jax,
            )
            for use_jax in (True, False)
        }

    @property
    def prior_medians(self):
        """(D,) float64: the parameters at the median of every prior."""
        return np.asarray(self.model.physical_values_from_prior_medians, dtype=float)

    def draws(self, number, seed=0):
        """(number, D) float64: parameter vectors drawn from the priors; the same ones for every mesh."""
        unit = np.random.default_rng(seed).random((number, self.model.prior_count))
        return np.array([self.model.vector_from_unit_vector(vector) for vector in unit], dtype=float).reshape(
            number, self.model.prior_count
        )

    def fit(self, parameters, xp=jnp):
        """The autolens fit of one parameter vector; traceable where `xp` is `jax.numpy`."""
        return self._analyses[xp is jnp].fit_from(instance=self._instance(parameters, xp))

    def _instance(self, parameters, xp):
        return self.model.instance_from_vector(vector=parameters, ignore_assertions=True, xp=xp)

    def evidence(self, parameters, xp=jnp) -> Evidence:
        """The log evidence of one parameter vector, and the source behind it; NaN where the likelihood is undefined.

        Where the lens has positions their penalty is taken off, as a search does.
        """
        fit = self.fit(parameters, xp=xp)
        penalty = 0.0
        if self.lens.positions:
            penalty = self._analyses[xp is jnp].log_likelihood_penalty_from(instance=self._instance(parameters, xp))
        mappers = fit.inversion.cls_list_from(al.Mapper)
        certified, meshes = xp.asarray(True), []
        for interpolator in (mapper.interpolator for mapper in mappers):
            if isinstance(interpolator, InterpolatorKNNBarycentric) and interpolator.traced:
                certified = certified & interpolator.triangulation.certified
            if type(interpolator) in (InterpolatorDelaunay, InterpolatorExactDelaunay):
                meshes.append((interpolator.mesh_grid_xy, interpolator.delaunay.simplices))
        return Evidence(
            log_evidence=fit.figure_of_merit - penalty,
            certified=certified,
            meshes=tuple(meshes),
            values=fit.inversion.reconstruction_dict[mappers[-1]],
        )

    def mapper(self, parameters, xp=np):
        """The mapper of the last pixelization, without an inversion."""
        return list(self.fit(parameters, xp=xp).tracer_to_inversion.mapper_galaxy_dict)[-1]

    def interpolation(self, parameters, xp=jnp) -> Interpolation:
        """The interpolation on the last pixelization, without an inversion."""
        interpolator = self.mapper(parameters, xp=xp).interpolator
        mappings, _, weights = interpolator._mappings_sizes_weights
        split_mappings, _, split_weights = interpolator._mappings_sizes_weights_split
        return Interpolation(mappings, weights, split_mappings, split_weights)

    @cached_property
    def jitted(self):
        """`evidence` under `jax.jit`."""
        return jax.jit(self.evidence)

    @cached_property
    def batched(self):
        """`evidence` of (B, D) parameter vectors under `jax.jit(jax.vmap)`."""
        return jax.jit(jax.vmap(self.evidence))

    def evidences(self, parameters, batch=BATCH) -> Evidence:
        """The log evidence of any number of parameter vectors, by one compiled program.

        Parameters
        ----------
        parameters
            (M, D) float64.
        batch
            How many lanes the program has; 1 is not vmapped.

        Returns
        -------
        Evidence
            NumPy arrays, whose first axis is M.
        """
        count = len(parameters)
        if batch == 1:
            results = [self.jitted(jnp.asarray(vector)) for vector in parameters]
            return jax.tree.map(lambda *columns: np.stack(columns), *results)
        padded = np.concatenate([parameters, np.repeat(parameters[-1:], -count % batch, axis=0)])
        results = [self.batched(jnp.asarray(lanes)) for lanes in padded.reshape(-1, batch, padded.shape[1])]
        return jax.tree.map(lambda *columns: np.concatenate(columns)[:count], *results)


def tables_of(mesh, mesh_grid, data_points, xp=jnp):
    """What a mesh interpolates with, on coordinates that are in the source plane already.

    Parameters
    ----------
    mesh
        An instance of a mesh class.
    mesh_grid, data_points
        (N, 2) and (Q, 2) float, its vertices and the over-sampled data points (arcsec).
    xp
        `numpy` or `jax.numpy`.

    Returns
    -------
    (mappings, sizes, weights) of the data points, and the same of the split points.
    """
    interpolator = mesh.interpolator_cls(
        mesh=mesh,
        mesh_grid=al.Grid2DIrregular(mesh_grid, xp=xp),
        data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=data_points)),
        xp=xp,
    )
    return interpolator._mappings_sizes_weights, interpolator._mappings_sizes_weights_split


def model_with_mesh(model, mesh_cls, **mesh_kwargs):
    """A copy of a model in which every pixelization has a mesh of another class."""
    model = copy.deepcopy(model)
    for _, galaxy in galaxies_with_pixelization(model):
        mesh = galaxy.pixelization.mesh
        kwargs = {key: getattr(mesh, key) for key in ("pixels", "zeroed_pixels", "areas_factor")}
        galaxy.pixelization.mesh = af.Model(mesh_cls, **kwargs, **mesh_kwargs)
    return model
