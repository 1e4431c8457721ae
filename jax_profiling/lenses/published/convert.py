"""Write published datasets as a lens folder, with the model of a first fit."""

import os

import autofit as af
import autolens as al
import numpy as np
from astropy.io import fits

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.published.layouts import LAYOUTS
from jax_profiling.lenses.simulated.spec import EDGE_POINTS
from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes, write_json

REQUIRED = ("pixel_scale", "mask_radius", "redshift_lens", "redshift_source")


def convert(layout, path, folder, bands=None, side=None, **keys):
    """Write a lens folder from a published layout.

    Parameters
    ----------
    layout
        A key of `layouts.LAYOUTS`.
    path
        What the survey publishes for one lens: a folder or a file.
    folder
        The lens folder to write. Several bands get a folder each inside.
    bands
        Names of the bands, or None for the layout's own choice.
    side
        Cut images to about this side around their centre (arcsec); None keeps them whole.
    keys
        Keys of `info.json`. They override the keys of the layout; None leaves one out.

    Raises
    ------
    BadInput
        If the input cannot be read, a key that the layout does not have is missing, or the lens folder has faults. Then no
        folder is left.
    """
    published = LAYOUTS[layout](path, bands)
    chosen = {key: value for key, value in keys.items() if value is not None}
    infos = {band: each.info | chosen for band, each in published.items()}
    for band, info in infos.items():
        for key in REQUIRED:
            if key not in info:
                raise BadInput(f"{path}: {band} has no {key}; give --{key.replace('_', '-')}.")
        if "positions_threshold" in info and published[band].positions is None:
            raise BadInput(f"{path}: {band} has no positions.json; leave out --positions-threshold.")
    first = next(iter(infos.values()))
    visibilities = first.get("dataset") == "interferometer"
    image_mesh = {"type": "Overlay", "shape": [26, 26]} if visibilities else {"type": "Hilbert", "pixels": 500}
    common = {"edge_points": EDGE_POINTS, "image_mesh": image_mesh, "_converted_from": layout}
    # `load` names numbers that are not finite.
    with atomic_writes(folder) as scratch:
        for band, each in published.items():
            inside = scratch / band if len(published) > 1 else scratch
            inside.mkdir(exist_ok=True)
            info = infos[band] | common
            _write_files(each, inside, info["pixel_scale"], side, visibilities)
            if "positions_threshold" in info:
                write_json(each.positions, inside / "positions.json", allow_nan=True)
            write_json(info, inside / "info.json", allow_nan=True)
        write_json(model_of(first | common, len(published)).dict(), scratch / "model.json")
        if len(published) > 1:
            write_json(first | common, scratch / "info.json", allow_nan=True)
        try:
            lens_folder.load(scratch, operators=False)
        except LensError as error:
            raise LensError(str(error).replace(os.path.abspath(scratch), str(folder))) from None


def model_of(info, datasets=1):
    """The model of a first fit: autolens's own default priors, an isothermal lens with shear, and a Delaunay mesh.

    Images have multi-Gaussian lens light and adaptive regularization. Visibilities have no light and a constant coefficient.
    Several datasets share the mass only.
    """
    visibilities = info.get("dataset") == "interferometer"
    mass, shear = af.Model(al.mp.Isothermal), af.Model(al.mp.ExternalShear)
    models = []
    for _ in range(datasets):
        light = {} if visibilities else {"bulge": al.model_util.mge_model_from(info["mask_radius"], total_gaussians=20)}
        lens = af.Model(al.Galaxy, redshift=info["redshift_lens"], mass=mass, shear=shear, **light)
        mesh = af.Model(
            al.mesh.Delaunay,
            pixels=info["image_mesh"].get("pixels", 500),
            zeroed_pixels=info["edge_points"],
            areas_factor=0.5,
        )
        regularization = af.Model(al.reg.ConstantSplit if visibilities else al.reg.AdaptSplit)
        pixelization = af.Model(al.Pixelization, mesh=mesh, regularization=regularization)
        source = af.Model(al.Galaxy, redshift=info["redshift_source"], pixelization=pixelization)
        models.append(af.Collection(galaxies=af.Collection(lens=lens, source=source)))
    return models[0] if datasets == 1 else af.Collection(models)


def _write_files(published, folder, pixel_scale, side, visibilities):
    for name, values in published.files.items():
        if side is not None and name != "psf" and not visibilities:
            values = centre_of(values, max(1, round(side / pixel_scale)))
        header = fits.Header() if visibilities else fits.Header({"PIXSCALE": pixel_scale})
        fits.writeto(folder / f"{name}.fits", np.ascontiguousarray(values), header=header)


def centre_of(image, side):
    """The centre of an image, `side` pixels wide or one more: a side keeps its parity, so the centre does not move."""
    cuts = [max(0, (length - side) // 2) for length in image.shape]
    return image[cuts[0] : image.shape[0] - cuts[0], cuts[1] : image.shape[1] - cuts[1]]
