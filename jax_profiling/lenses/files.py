"""The files of a lens folder: read and checked, each refused by name."""

import json

import autolens as al
import numpy as np
from astropy.io import fits

from jax_profiling.lenses.specs import EDGE_POINTS


class LensError(Exception):
    """A lens folder cannot be used; the message is one sentence that names the file and the mend."""


def json_from(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise LensError(f"{path}: missing; write it as the README's section on your own lens shows.") from None
    except (OSError, ValueError) as error:
        raise LensError(f"{path}: not readable as JSON ({error}); mend or rewrite it.") from None


def info_from(path):
    info = json_from(path)
    if not isinstance(info, dict):
        raise LensError(f"{path}: not a JSON object; write keys such as pixel_scale and mask_radius into one.")
    for key in ("pixel_scale", "mask_radius", "redshift_lens", "redshift_source"):
        value = info.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise LensError(f"{path}: {key} is {value!r}; give it as a positive number.")
    info.setdefault("over_sample_size_pixelization", 1)
    info.setdefault("edge_points", EDGE_POINTS)
    info.setdefault("image_mesh", {"type": "Overlay", "shape": [39, 39]})
    for key in ("over_sample_size_pixelization", "over_sample_size_lp"):
        if key in info and (not isinstance(info[key], int) or info[key] < 1):
            raise LensError(f"{path}: {key} is {info[key]!r}; give it as a whole number of at least 1.")
    return info


def image_from(path):
    try:
        with fits.open(path) as hdu_list:
            image = np.asarray(hdu_list[0].data, dtype=float)
    except FileNotFoundError:
        raise LensError(f"{path}: missing; put the FITS image there.") from None
    except Exception as error:
        raise LensError(f"{path}: not readable as FITS ({error}); write it again.") from None
    if image.ndim != 2:
        raise LensError(f"{path}: the first HDU holds no 2D image; write the image there.")
    return image


def check_shape(path, image, data):
    if image.shape != data.shape:
        raise LensError(f"{path}: shape {image.shape} differs from data.fits {data.shape}; cut both to one shape.")


def imaging_from(folder, pixel_scale):
    paths = {key: folder / f"{key}.fits" for key in ("data", "noise_map", "psf")}
    images = {key: image_from(path) for key, path in paths.items()}
    check_shape(paths["noise_map"], images["noise_map"], images["data"])
    for key, image in images.items():
        if not np.isfinite(image).all():
            raise LensError(f"{paths[key]}: holds NaN or infinite values; replace or mask them.")
    if not (images["noise_map"] > 0.0).all():
        raise LensError(f"{paths['noise_map']}: holds values that are not positive; give the RMS noise of every pixel.")
    if not images["psf"].sum() > 0.0 or any(length % 2 == 0 for length in images["psf"].shape):
        raise LensError(f"{paths['psf']}: not a kernel of odd shape and positive sum; cut or replace it.")
    return al.Imaging.from_fits(
        data_path=paths["data"], noise_map_path=paths["noise_map"], psf_path=paths["psf"], pixel_scales=pixel_scale
    )
