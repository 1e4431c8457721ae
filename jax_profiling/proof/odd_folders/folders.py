"""The odd folders: each is the lens folder `small` with a change that a lens modeller may bring."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from jax_profiling.lenses.check.table import lines_from
from jax_profiling.lenses.lens import DATASETS
from jax_profiling.proof.odd_folders import changes
from jax_profiling.proof.odd_folders.changes import each_of, image, info, model, new_image


@dataclass(frozen=True)
class OddFolder:
    """A lens folder that is odd and valid.

    Attributes
    ----------
    name
        The name of the folder.
    odd
        What is odd about it, for the page.
    change
        Takes the path of a copy of `small` and changes its files.
    line
        The line of `--check` that shows what was understood.
    """

    name: str
    odd: str
    change: Callable[[Path], object]
    line: str = "image"


ODD_FOLDERS = (
    OddFolder(
        "survey_files", "`data.fits.gz` with the image in a later HDU, `noise_map.fits.fz`", changes.as_surveys_publish
    ),
    OddFolder(
        "integers",
        "data are scaled integers; a rotated sky, its reference pixel off the image",
        changes.scaled_integers,
    ),
    OddFolder(
        "nan_corners",
        "NaN in the corners of data and noise map",
        each_of(*(image(name, changes.with_nan_corners) for name in ("data", "noise_map"))),
        "mask",
    ),
    OddFolder(
        "tiny_units",
        "fluxes of 1e-18, as in erg/s/cm2",
        each_of(*(image(name, lambda values: 1.0e-18 * values) for name in ("data", "noise_map"))),
        "signal to noise",
    ),
    OddFolder(
        "rectangle",
        "a rectangular image, one side even",
        each_of(
            *(image(name, lambda values: values[:44, 2:43]) for name in ("data", "noise_map")),
            info(mask_centre=[-0.05, 0.0], mask_radius=2.0),
        ),
    ),
    OddFolder(
        "large_pixels",
        "pixels of 0.3 arcsec; more vertices than pixels",
        each_of(
            image("data", changes.binned),
            image("noise_map", lambda values: np.sqrt(changes.binned(values**2))),
            image("psf", changes.binned),
            info(pixel_scale=0.3),
        ),
    ),
    OddFolder(
        "psf_off_centre",
        "a PSF that sums to 7, with its peak off centre",
        image("psf", lambda values: 7.0 * np.roll(values, 2, axis=1)),
        "psf",
    ),
    OddFolder(
        "psf_without_blurring",
        "a PSF of one pixel among zeros: no blurring",
        image("psf", lambda values: np.pad(np.ones((1, 1)), 1)),
        "psf",
    ),
    OddFolder(
        "ring_mask",
        "`mask.fits` keeps a ring around the lens",
        new_image("mask", (np.abs(changes.distances((0.0, 0.0)) - 1.55) > 0.65).astype("int16")),
        "mask",
    ),
    OddFolder(
        "mask_off_centre",
        "a mask away from the centre of the image",
        info(mask_centre=[0.3, -0.4], mask_radius=1.7),
        "mask",
    ),
    OddFolder(
        "few_pixels",
        "a mask around one arc; twice as many vertices as pixels",
        info(mask_centre=[0.0, 1.6], mask_radius=0.55),
        "mask",
    ),
    OddFolder(
        "hilbert",
        "Hilbert mesh and free AdaptSplit on `adapt_image.fits`; over-sampling by signal to noise",
        each_of(
            changes.adapt_to_arcs,
            info(
                image_mesh={"type": "Hilbert", "pixels": 120, "weight_power": 3.5, "weight_floor": 0.01},
                over_sample_size_pixelization={"signal_to_noise": 3.0, "above": 4, "below": 2},
            ),
            model(changes.adaptive),
        ),
        "mesh",
    ),
    OddFolder(
        "kmeans",
        "KMeans mesh, over-sampling 4",
        info(image_mesh={"type": "KMeans", "pixels": 120}, over_sample_size_pixelization=4),
        "mesh",
    ),
    OddFolder(
        "points_on_vertices",
        "no over-sampling, 13x13 vertices, no edge points, free AdaptSplit: data points lie on vertices",
        each_of(
            info(image_mesh={"type": "Overlay", "shape": [13, 13]}, over_sample_size_pixelization=1, edge_points=0),
            model(changes.adaptive),
            model(changes.without_zeroed_pixels),
        ),
        "mesh",
    ),
    OddFolder(
        "positions",
        "`positions.json` of four images",
        each_of(info(positions_threshold=0.05), changes.positions),
        "positions",
    ),
    OddFolder(
        "two_sources",
        "two sources at two redshifts, each with a mesh",
        model(changes.with_a_nearer_source),
        "mesh",
    ),
    OddFolder(
        "visibilities",
        "190 visibilities of pure noise, beside a PSF",
        each_of(
            changes.visibilities,
            info(
                dataset="interferometer",
                real_space_shape=[45, 45],
                over_sample_size_pixelization=1,
                image_mesh={"type": "Overlay", "shape": [13, 13]},
            ),
            model(changes.without_lens_light),
        ),
        "visibilities",
    ),
)


def build(odd, parent):
    """Write an odd folder.

    Parameters
    ----------
    odd
        The `OddFolder`.
    parent
        The folder to write it into.

    Returns
    -------
    Path
        The lens folder, `parent/<name>`. It has neither pins nor the truth of `small`.
    """
    without = shutil.ignore_patterns("expected.json", "tracer.json", "README.md")
    folder = shutil.copytree(DATASETS / "small", parent / odd.name, ignore=without)
    odd.change(folder)
    return folder


def said_of(odd, lens):
    """The words of `--check` about an odd folder (list of str): the line that shows what was understood, then the notes."""
    words = dict(lines_from(lens))[odd.line]
    return [f"{odd.line}: {words}", *(note.replace(f"{lens.folder}/", "") for note in lens.notes)]
