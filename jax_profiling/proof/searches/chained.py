"""A lens folder for a production fit, by two searches that PyAutoLens users chain before they measure the mass.

1. `source_lp`: the lens as its folder has it, with a multi-Gaussian source in place of the mesh. All priors are the lens's own.
2. `source_pix`: the source on the mesh. Light and mass are fixed at the best fit of the first search, and the regularization is
   free. The adapt image is the first search's signal-to-noise map of the lensed source.

In the folder that is written, light and regularization are fixed at the best fits. The mass profiles and the shear are free,
with Gaussian priors around the medians of the first search. PyAutoFit takes their widths from autolens's configuration.
"""

import copy
import shutil
from dataclasses import replace

import autofit as af
import autolens as al
import numpy as np
from astropy.io import fits

from jax_profiling.gate.likelihood import model_with_mesh
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.folder.data.fits_image import path_of
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.proof.continuity.transects import mass_parameters
from jax_profiling.proof.searches.posterior import fit_of
from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes, write_json
from knn_barycentric import KNNBarycentric

SEARCHES = {
    "source_lp": {"n_live": 200, "n_batch": 10, "seed": 1},
    "source_pix": {"n_live": 75, "n_batch": 4, "seed": 1},
}
"""Arguments of `af.Nautilus`, with as many live points as PyAutoLens's pipelines have. Small batches suit a CPU."""

SOURCE_GAUSSIANS = 20

MOST_SIGNAL_TO_NOISE = 3.0
"""Cap of the adapt image, so that the brightest pixels do not take all vertices."""


def write(lens, folder, searches):
    """Write the lens folder of a production fit, unless it exists.

    Parameters
    ----------
    lens
        The lens, from `lens.load`: one image, and a model with one galaxy on a mesh.
    folder
        The lens folder to write.
    searches
        The folder of PyAutoFit's output. Searches that have finished there are not run again.

    Raises
    ------
    BadInput
        If the lens has visibilities, several datasets or several meshes.
    """
    if (folder / "model.json").exists():
        return
    meshes = len(galaxies_with_pixelization(lens.model))
    if len(lens.factors) > 1 or lens.info["dataset"] != "imaging" or meshes > 1:
        raise BadInput(f"{lens.folder}: has more than one image and one mesh; give a lens with one of each.")
    model = _with_gaussian_source(lens)
    first = fit_of(af.Nautilus, lens, model, "source_lp", searches, **SEARCHES["source_lp"])[0]
    best = _best_of(first)
    every = lens.model.priors_ordered_by_id
    mass = {every[number] for number in mass_parameters(lens.model)}
    centred = dict(first.model_centred.path_priors_tuples)
    priors = {path: centred[path] for path, prior in lens.model.path_priors_tuples if prior in mass}
    with atomic_writes(folder) as scratch:
        images = (path_of(lens.folder, name) for name in ("data", "noise_map", "psf", "mask", "mask_extra_galaxies"))
        for path in (*images, lens.folder / "info.json", lens.folder / "positions.json"):
            if path is not None and path.exists():
                shutil.copy(path, scratch)
        fits.writeto(scratch / "adapt_image.fits", np.asarray(_adapt_image_of(first).native.array))
        _write_model(_replaced(lens.model, best), scratch)
        # The name is a part of PyAutoFit's output folder, by which it finds a finished search.
        adapted = replace(lens_folder.load(scratch), name=lens.name)
        model_on_mesh = model_with_mesh(adapted.model, KNNBarycentric)
        second = fit_of(af.Nautilus, adapted, model_on_mesh, "source_pix", searches, **SEARCHES["source_pix"])[0]
        _write_model(_replaced(lens.model, best | _best_of(second) | priors), scratch)


def _with_gaussian_source(lens):
    """The model of a lens with a multi-Gaussian source in place of the mesh."""
    model = copy.deepcopy(lens.model)
    ((_, galaxy),) = galaxies_with_pixelization(model)
    galaxy.pixelization = None
    galaxy.bulge = al.model_util.mge_model_from(
        mask_radius=lens.info["mask_radius"], total_gaussians=SOURCE_GAUSSIANS, centre_prior_is_uniform=False
    )
    return model


def _best_of(result):
    """Path of a parameter -> its value at the highest log likelihood of a search.

    A model that PyAutoFit has read from JSON has the same paths, but other priors.
    """
    model, best = result.samples.model, result.samples.max_log_likelihood(as_instance=False)
    values = dict(zip(model.priors_ordered_by_id, best, strict=True))
    return {path: values[prior] for path, prior in model.path_priors_tuples}


def _replaced(model, arguments):
    """A model with values or other priors for some of its priors (path -> value or prior)."""
    return model.mapper_from_partial_prior_arguments(
        {prior: arguments[path] for path, prior in model.path_priors_tuples if path in arguments}
    )


def _adapt_image_of(result):
    """The capped signal-to-noise map of the lensed source, an `al.Array2D`."""
    *_, image = al.galaxy_name_image_dict_via_result_from(result).values()
    return al.Array2D(values=np.minimum(image.array, MOST_SIGNAL_TO_NOISE), mask=image.mask)


def _write_model(model, folder):
    write_json(model.dict(), folder / "model.json")
