"""Lenses of the same shape share a compiled program, because the program takes their arrays as arguments.

The arguments are data, noise map, PSF, adapt image and mesh grid. Everything else is compiled in: `info.json`, mask and
over-sampling, positions, the structure and constants of the model, the choice of log determinant, and how tiny weights count.
Priors are not. Two lenses have the same shape if all of that is equal. Only images on the mapping formalism share a program:
visibilities and sparse operators are prepared from the data on the host.
"""

import copy
import hashlib
import json
from functools import cached_property

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
from autonerves.dictable import to_dict

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.provenance import log_det, tiny_weights
from jax_profiling.lenses.simulated.population import FACTS

_programs = {}


def program_count():
    """The number of shared programs of this process. Each is compiled once."""
    return len(_programs)


class SharedLikelihood(Likelihood):
    """A `Likelihood` that reuses the compiled program of the first lens with its shape, if its datasets allow that."""

    @cached_property
    def jitted(self):
        return self._program("jitted", self._evidence_with) if self._shares else super().jitted

    @cached_property
    def batched(self):
        if not self._shares:
            return super().batched
        return self._program("batched", jax.vmap(self._evidence_with, in_axes=(0, None)))

    @property
    def _shares(self):
        return all(
            isinstance(each.dataset, al.Imaging) and not each.info["sparse_operator"] for each in self.lens.factors
        )

    def _program(self, kind, function):
        program = _programs.setdefault((kind, shape_of(self)), jax.jit(function))
        arrays = jax.device_put([arrays_of(factor) for factor in self.lens.factors])
        return lambda parameters: program(parameters, arrays)

    def _evidence_with(self, parameters, arrays):
        """`evidence`, on the arrays of another lens."""
        other = copy.copy(self)
        analyses = zip(self._analyses[True], arrays, strict=True)
        other._analyses = {True: [analysis_with(analysis, each) for analysis, each in analyses]}
        return other.evidence(parameters)


def shape_of(likelihood):
    """A digest (str) of everything that is compiled into a likelihood's program."""
    model, digest = likelihood.model, hashlib.sha256()
    # An instance with distinct parameters shows the place of every parameter and the value of every constant.
    instance = model.instance_from_vector(vector=np.linspace(0.1, 0.2, model.prior_count), ignore_assertions=True)
    constants = [_without_labels(to_dict(instance)), log_det(), tiny_weights()]
    for factor in likelihood.lens.factors:
        dataset = factor.dataset
        constants.append({key: value for key, value in factor.info.items() if key not in FACTS})
        constants += [[np.asarray(each.positions).tolist(), each.threshold] for each in factor.positions or []]
        constants.append({key: value.shape for key, value in arrays_of(factor).items()})
        constants.append(dataset.psf.kernel.shape_native)
        for each in (dataset.mask, dataset.over_sample_size_lp, dataset.over_sample_size_pixelization):
            digest.update(np.ascontiguousarray(each).tobytes())
    digest.update(json.dumps(constants, sort_keys=True, default=repr).encode())
    return digest.hexdigest()


def _without_labels(part):
    """The dictionary of a model without PyAutoFit's running numbers, which differ between equal models."""
    if isinstance(part, dict):
        return {key: _without_labels(value) for key, value in part.items() if key != "label"}
    return list(map(_without_labels, part)) if isinstance(part, (list, tuple)) else part


def arrays_of(factor):
    """The arguments of a program for one dataset: name -> array."""
    adapt_images = factor.adapt_images
    return {
        "data": factor.dataset.data.array,
        "noise_map": factor.dataset.noise_map.array,
        "fft_kernel": factor.dataset.psf._state.fft_kernel,
        "adapt_image": next(iter(adapt_images.galaxy_name_image_dict.values())).array,
        "mesh_grid": next(iter(adapt_images.galaxy_name_image_plane_mesh_grid_dict.values())).array,
    }


def analysis_with(analysis, arrays):
    """A copy of an analysis with the arrays of another dataset of the same shape. The arrays may be tracers."""
    analysis, dataset = copy.copy(analysis), copy.copy(analysis.dataset)
    dataset.data = _TracedArray2D(dataset.data, arrays["data"])
    dataset.noise_map = _TracedArray2D(dataset.noise_map, arrays["noise_map"])
    dataset.psf = copy.copy(dataset.psf)
    state = dataset.psf._state = copy.copy(dataset.psf._state)
    state.fft_kernel = arrays["fft_kernel"]
    state.fft_kernel_mapping = state.fft_kernel[:, :, None]
    state.fft_kernel_c64 = state.fft_kernel.astype(np.complex64)
    names = analysis.adapt_images
    mesh_grid = al.Grid2DIrregular(arrays["mesh_grid"], xp=jnp)
    analysis.dataset = dataset
    analysis.adapt_images = al.AdaptImages(
        galaxy_name_image_dict={
            name: _TracedArray2D(image, arrays["adapt_image"]) for name, image in names.galaxy_name_image_dict.items()
        },
        galaxy_name_image_plane_mesh_grid_dict=dict.fromkeys(names.galaxy_name_image_plane_mesh_grid_dict, mesh_grid),
    )
    return analysis


class _TracedArray2D(al.Array2D):
    """An `al.Array2D` of tracers. Indexing returns a plain array, because autoarray divides by indexed columns."""

    def __init__(self, array, values):
        self.__dict__.update(array.__dict__)
        self._array, self.use_jax = values, True

    def __getitem__(self, item):
        return self._array[item]
