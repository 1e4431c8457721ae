"""The log evidence of one lens with one mesh: eager, jitted and batched."""

import copy
from functools import cached_property, partial
from types import SimpleNamespace
from typing import NamedTuple

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
from autoarray.exc import MeshException
from autoarray.inversion.mesh.interpolator.delaunay import InterpolatorDelaunay
from scipy.spatial import QhullError

from jax_profiling.gate.meshes.exact_delaunay import InterpolatorExactDelaunay
from jax_profiling.lenses.lens import Lens
from jax_profiling.lenses.model import galaxies_with_pixelization, models_of
from knn_barycentric.interpolator import InterpolatorKNNBarycentric

BATCH = 3
"""Number of lanes of the batched program. One lane of the HST fiducial takes about 1 GB."""


class Evidence(NamedTuple):
    """A log evidence and the triangulations behind it.

    Attributes
    ----------
    log_evidence
        () float, in nats, minus the penalty of positions.
    penalty
        () float, the penalty of positions (nats); 0 if the lens has none. It does not depend on the mesh and can be a
        thousand times larger than the rest.
    certified
        () bool, whether every triangulation is certified; true for meshes without a certificate.
    meshes
        (N, 2) vertices (arcsec) and (2N, 3) simplices of every pixelization, for Delaunay on Qhull's and on the exact
        triangulation. Empty for other meshes, and on NumPy.
    values
        (N,) float, the flux at every vertex of the last pixelization of the last dataset.
    """

    log_evidence: jax.Array
    penalty: jax.Array
    certified: jax.Array
    meshes: tuple
    values: jax.Array


class Interpolation(NamedTuple):
    """The vertices that interpolate the data points (Q rows) and the split points (4N rows), and their weights.

    Mappings are int, padded with -1; weights are float, and 0 in the padding.
    """

    mappings: jax.Array
    weights: jax.Array
    split_mappings: jax.Array
    split_weights: jax.Array


class Likelihood:
    """The likelihood of a lens with its source reconstructed on a mesh.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    mesh_cls
        The mesh class that replaces every mesh of the lens's model. `pixels`, `zeroed_pixels`, `areas_factor` and the
        regularization are kept.
    use_jax
        Whether `evidences` runs under JAX; by default as the lens says.
    mesh_kwargs
        Further arguments of the mesh class.
    """

    def __init__(self, lens: Lens, mesh_cls, use_jax=None, **mesh_kwargs):
        self.lens = lens
        self.use_jax = lens.use_jax if use_jax is None else use_jax
        self.model = model_with_mesh(lens.model, mesh_cls, **mesh_kwargs)

    @cached_property
    def _analyses(self):
        return {
            use_jax: [analysis_of(factor, use_jax=use_jax) for factor in self.lens.factors] for use_jax in (True, False)
        }

    @property
    def prior_medians(self):
        """(D,) float64, the median of every prior."""
        return np.asarray(self.model.physical_values_from_prior_medians, dtype=float)

    def draws(self, number, seed=0):
        """(number, D) float64, parameter vectors drawn from the priors; the same for every mesh."""
        unit = np.random.default_rng(seed).random((number, self.model.prior_count))
        return np.array([self.model.vector_from_unit_vector(vector) for vector in unit], dtype=float).reshape(
            number, self.model.prior_count
        )

    def median_and_draws(self, number):
        """(1 + number, D) float64, the median of every prior followed by draws."""
        return np.concatenate([self.prior_medians[None], self.draws(number)])

    def _instances(self, parameters, xp):
        """The instance of each dataset's model."""
        return models_of(self.model.instance_from_vector(vector=parameters, ignore_assertions=True, xp=xp))

    def fit(self, parameters, xp=jnp):
        """The autolens fit of one parameter vector to the last dataset; can be traced if `xp` is `jax.numpy`."""
        return self._fits(self._instances(parameters, xp), xp)[-1]

    def _fits(self, instances, xp):
        """The fit of every dataset. Datasets with shared preloads use the first dataset's, as an `af.FactorGraphModel` does."""
        analyses = self._analyses[xp is jnp]
        shared = analyses[0].shared_state_from(instances[0])
        arguments = {} if shared is None else {"preloads": shared}
        return [
            analysis.fit_from(instance=instance, **arguments)
            for analysis, instance in zip(analyses, instances, strict=True)
        ]

    def evidence(self, parameters, xp=jnp) -> Evidence:
        """The `Evidence` of one parameter vector; NaN if the likelihood is undefined.

        The log evidence of several datasets is the sum. The penalty of positions is subtracted, as in a search.

        Parameters
        ----------
        parameters
            (D,) float64.
        xp
            `numpy` or `jax.numpy`.
        """
        instances = self._instances(parameters, xp)
        fits = self._fits(instances, xp)
        certified, meshes = xp.asarray(True), []
        mappers = [mapper for fit in fits for mapper in fit.inversion.cls_list_from(al.Mapper)]
        for interpolator in (mapper.interpolator for mapper in mappers):
            if isinstance(interpolator, InterpolatorKNNBarycentric) and interpolator.on_jax:
                certified = certified & interpolator.triangulation.certified
            if xp is jnp and type(interpolator) in (InterpolatorDelaunay, InterpolatorExactDelaunay):
                meshes.append((interpolator.mesh_grid_xy, interpolator.delaunay.simplices))
        penalty = xp.asarray(0.0)
        for factor, analysis, instance in zip(self.lens.factors, self._analyses[xp is jnp], instances, strict=True):
            if factor.positions:
                penalty = penalty + analysis.log_likelihood_penalty_from(instance=instance)
        return Evidence(
            log_evidence=sum(map(_figure_of_merit_of, fits)) - penalty,
            penalty=penalty,
            certified=certified,
            meshes=tuple(meshes),
            values=fits[-1].inversion.reconstruction_dict[mappers[-1]],
        )

    def _evidence_or_nan(self, parameters, xp=jnp):
        """`evidence` without `jit`; NaN if the parameters or their mesh are rejected (`is_rejection`)."""
        try:
            return self.evidence(parameters, xp=xp)
        except Exception as error:
            if not is_rejection(error):
                raise
            values = np.full(self.lens.factors[-1].vertices, np.nan)
            return Evidence(np.nan, np.asarray(0.0), np.asarray(True), (), values)

    def mapper(self, parameters, xp=np):
        """The mapper of the last pixelization, without an inversion."""
        return self.mappers(parameters, xp)[-1]

    def mappers(self, parameters, xp=np):
        """The mapper of every pixelization of every dataset, without an inversion."""
        fits = self._fits(self._instances(parameters, xp), xp)
        return [mapper for fit in fits for mapper in fit.tracer_to_inversion.mapper_galaxy_dict]

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
        """`evidence` of (B, D) parameter vectors under `jax.jit(jax.vmap(...))`."""
        return jax.jit(jax.vmap(self.evidence))

    def evidences(self, parameters, batch=BATCH) -> Evidence:
        """The `Evidence` of any number of parameter vectors, by one compiled program, or on NumPy if the lens says so.

        Parameters
        ----------
        parameters
            (M, D) float64.
        batch
            Number of lanes of the program; 1 means no `vmap`.

        Returns
        -------
        Evidence
            NumPy arrays with a first axis of length M.
        """
        count = len(parameters)
        if batch == 1 or not self.use_jax:
            evidence = self.jitted if self.use_jax else partial(self._evidence_or_nan, xp=np)
            results = [evidence(np.asarray(vector)) for vector in parameters]
            return jax.tree.map(lambda *columns: np.stack(columns), *results)
        padded = np.concatenate([parameters, np.repeat(parameters[-1:], -count % batch, axis=0)])
        results = [self.batched(jnp.asarray(lanes)) for lanes in padded.reshape(-1, batch, padded.shape[1])]
        return jax.tree.map(lambda *columns: np.concatenate(columns)[:count], *results)


def analysis_of(factor, use_jax):
    """The autolens analysis of one dataset (`lenses.lens.Lens.factors`), as in a search."""
    kind = "Imaging" if isinstance(factor.dataset, al.Imaging) else "Interferometer"
    return getattr(al, f"Analysis{kind}")(
        dataset=factor.dataset,
        adapt_images=factor.adapt_images,
        settings=factor.settings,
        positions_likelihood_list=factor.positions,
        shared_preloads=factor.info["shared_preloads"],
        # Demagnified solutions get a log evidence here too.
        raise_inversion_positions_likelihood_exception=False,
        use_jax=use_jax,
    )


def is_rejection(error):
    """Whether an exception says that autolens rejects parameters, such as an ellipticity above one, or SciPy their mesh."""
    # SciPy has no class of its own for vertices that are NaN.
    rejections = al.exc.ModelParameterException, MeshException, QhullError
    return isinstance(error, rejections) or str(error) == "Points cannot contain NaN"


def _figure_of_merit_of(fit):
    """The log evidence of a fit; NaN if NumPy's linear algebra fails, as under JAX."""
    try:
        return fit.figure_of_merit
    except (al.exc.InversionException, np.linalg.LinAlgError):
        return np.nan


def interpolator_of(mesh, mesh_grid, data_points, xp=jnp):
    """The interpolator of a mesh on coordinates that are already in the source plane.

    Parameters
    ----------
    mesh
        An instance of a mesh class.
    mesh_grid, data_points
        (N, 2) and (Q, 2) float, the vertices and the over-sampled data points (arcsec).
    xp
        `numpy` or `jax.numpy`.
    """
    return mesh.interpolator_cls(
        mesh=mesh,
        mesh_grid=al.Grid2DIrregular(mesh_grid, xp=xp),
        data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=data_points)),
        xp=xp,
    )


def tables_of(mesh, mesh_grid, data_points, xp=jnp):
    """(mappings, sizes, weights) of the data points, then of the split points, from `interpolator_of`."""
    interpolator = interpolator_of(mesh, mesh_grid, data_points, xp)
    return interpolator._mappings_sizes_weights, interpolator._mappings_sizes_weights_split


def model_with_mesh(model, mesh_cls, **mesh_kwargs):
    """A copy of a model with another mesh class in every pixelization."""
    model = copy.deepcopy(model)
    for _, galaxy in galaxies_with_pixelization(model):
        mesh = galaxy.pixelization.mesh
        kwargs = {key: getattr(mesh, key) for key in ("pixels", "zeroed_pixels", "areas_factor")}
        galaxy.pixelization.mesh = af.Model(mesh_cls, **kwargs, **mesh_kwargs)
    return model
