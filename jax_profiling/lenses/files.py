"""The files of a lens folder: read and checked, each refused by name."""

import json

import autolens as al
import numpy as np
from astropy.io import fits

from jax_profiling.lenses.spec import EDGE_POINTS
from jax_profiling.terminal.command import BadInput


class LensError(BadInput):
    """A lens folder cannot be used."""


def json_from(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise LensError(f"{path}: missing; write it as the README's section on your own lens shows.") from None
    except (OSError, ValueError) as error:
        raise LensError(f"{path}: not readable as JSON ({error}); mend or rewrite it.") from None


def info_from(path, above=None, **changes):
    """`info.json` with defaults filled in; where several datasets have one each, on top of the one `above` them."""
    info = {}
    for each in filter(None, (above, path)):
        found = json_from(each)
        if not isinstance(found, dict):
            raise LensError(f"{each}: not a JSON object; write keys such as pixel_scale and mask_radius into one.")
        info |= found
    info |= changes
    for key in ("pixel_scale", "mask_radius", "redshift_lens", "redshift_source"):
        value = info.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise LensError(f"{path}: {key} is {value!r}; give it as a positive number.")
    info.setdefault("over_sample_size_pixelization", 1)
    info.setdefault("edge_points", EDGE_POINTS)
    info.setdefault("edge_radius", info["mask_radius"])
    info.setdefault("mask_centre", [0.0, 0.0])
    info.setdefault("image_mesh", {"type": "Overlay", "shape": [39, 39]})
    info.setdefault("dataset", "imaging")
    info.setdefault("sparse_operator", False)
    info.setdefault("settings", {})
    info.setdefault("shared_preloads", False)
    _check_dataset(path, info)
    for key in ("mask_centre", "grid_offset"):
        pair = info.get(key, [0.0, 0.0])
        if not (isinstance(pair, list) and len(pair) == 2 and all(map(_is_number, pair))):
            raise LensError(f"{path}: {key} is {pair!r}; give it as [y, x] in arcsec.")
    if not _is_number(info.get("grid_rotation_angle", 0.0)):
        raise LensError(f"{path}: grid_rotation_angle is {info['grid_rotation_angle']!r}; give it in degrees.")
    sizes = {key: info[key] for key in ("over_sample_size_pixelization", "over_sample_size_lp") if key in info}
    by_noise = sizes.get("over_sample_size_pixelization")
    if isinstance(by_noise, dict):
        if set(by_noise) != {"signal_to_noise", "above", "below"}:
            raise LensError(
                f"{path}: over_sample_size_pixelization is {by_noise!r}; give a whole number, or an object with "
                "signal_to_noise, above and below."
            )
        sizes |= {f"over_sample_size_pixelization, {key}": by_noise[key] for key in ("above", "below")}
        del sizes["over_sample_size_pixelization"]
    for key, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise LensError(f"{path}: {key} is {size!r}; give it as a whole number of at least 1.")
    return info


def _is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


TRANSFORMERS = {"DFT": al.TransformerDFT, "NUFFT": al.TransformerNUFFT}
"""What takes an image to visibilities, by its name in `info.json`."""


def _check_dataset(path, info):
    if info["dataset"] not in ("imaging", "interferometer"):
        raise LensError(f'{path}: dataset is {info["dataset"]!r}; give "imaging" or "interferometer".')
    if info["sparse_operator"] not in (False, True, "cpu"):
        raise LensError(f'{path}: sparse_operator is {info["sparse_operator"]!r}; give true, false or "cpu".')
    if info["shared_preloads"] not in (False, True):
        raise LensError(f"{path}: shared_preloads is {info['shared_preloads']!r}; give true or false.")
    of_visibilities = {"real_space_shape", "transformer"}
    if info["dataset"] == "imaging":
        if found := sorted(of_visibilities & set(info)):
            raise LensError(
                f'{path}: {found[0]} is for visibilities; leave it out, or give "dataset": "interferometer".'
            )
        return
    if info["sparse_operator"] == "cpu":
        raise LensError(f"{path}: sparse_operator is 'cpu', which autolens has for images alone; give true or false.")
    for key in ("over_sample_size_pixelization", "over_sample_size_lp"):
        if info.get(key, 1) != 1:
            raise LensError(
                f"{path}: {key} is {info[key]!r}; leave it out, autolens does not over-sample visibilities."
            )
    shape = info.get("real_space_shape")
    if not (isinstance(shape, list) and len(shape) == 2 and all(isinstance(each, int) and each > 0 for each in shape)):
        raise LensError(
            f"{path}: real_space_shape is {shape!r}; give the two numbers of pixels of the real-space grid."
        )
    if info.setdefault("transformer", "NUFFT") not in TRANSFORMERS:
        raise LensError(f"{path}: transformer is {info['transformer']!r}; give one of {', '.join(TRANSFORMERS)}.")


def settings_from(path, info):
    """The `al.Settings` of `info.json`, or None where it names none."""
    try:
        return al.Settings(**info["settings"]) if info["settings"] else None
    except TypeError as error:
        raise LensError(
            f"{path}: settings are {info['settings']!r} ({error}); give keyword arguments of al.Settings."
        ) from None


def positions_from(folder, info):
    """The `al.PositionsLH` of `positions.json`, [[y, x], ...] in arcsec, in a list; None where `info.json` has no threshold."""
    threshold = info.get("positions_threshold")
    if threshold is None:
        return None
    path = folder / "positions.json"
    positions = json_from(path)
    try:
        positions = np.array(positions, dtype=float).reshape(-1, 2)
    except (TypeError, ValueError):
        raise LensError(f"{path}: not a list of [y, x] in arcsec; write it as one.") from None
    return [al.PositionsLH(positions=al.Grid2DIrregular(positions), threshold=float(threshold))]


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


def mask_from(folder, info, shape):
    """The `al.Mask2D` of a lens folder: that of `mask.fits` (true is masked), or the circle of `info.json`."""
    path = folder / "mask.fits"
    if not path.exists():
        return al.Mask2D.circular(
            shape_native=shape,
            pixel_scales=info["pixel_scale"],
            radius=info["mask_radius"],
            centre=tuple(info["mask_centre"]),
        )
    masked = image_from(path)
    if masked.shape != shape:
        raise LensError(f"{path}: shape {masked.shape} differs from data.fits {shape}; cut both to one shape.")
    return al.Mask2D(mask=masked.astype(bool), pixel_scales=info["pixel_scale"])


def imaging_from(folder, mask):
    """The `al.Imaging` of a lens folder before it is masked.

    Only what the fit reads is checked: data are finite and noise is positive inside the mask. Whatever a pixel holds outside of
    it is replaced, lest a NaN travels through the convolution.
    """
    paths = {key: folder / f"{key}.fits" for key in ("data", "noise_map", "psf")}
    data, noise_map, psf = (image_from(path) for path in paths.values())
    check_shape(paths["noise_map"], noise_map, data)
    inside = ~np.asarray(mask)
    for key, image in (("data", data), ("noise_map", noise_map)):
        if not np.isfinite(image[inside]).all():
            raise LensError(f"{paths[key]}: holds NaN or infinite values inside the mask; replace or mask them.")
    if not (noise_map[inside] > 0.0).all():
        raise LensError(
            f"{paths['noise_map']}: holds values that are not positive inside the mask; give the RMS noise of every pixel."
        )
    if not np.isfinite(psf).all():
        raise LensError(f"{paths['psf']}: holds NaN or infinite values; replace them.")
    if not psf.sum() > 0.0 or any(length % 2 == 0 for length in psf.shape):
        raise LensError(f"{paths['psf']}: not a kernel of odd shape and positive sum; cut or replace it.")
    imaging = al.Imaging.from_fits(
        data_path=paths["data"],
        noise_map_path=paths["noise_map"],
        psf_path=paths["psf"],
        pixel_scales=mask.pixel_scales,
        check_noise_map=False,
    )
    usable = np.isfinite(data) & np.isfinite(noise_map) & (noise_map > 0.0)
    if usable.all():
        return imaging
    images = np.where(usable, data, 0.0), np.where(usable, noise_map, noise_map[inside].max())
    data, noise_map = (al.Array2D.no_mask(image, pixel_scales=mask.pixel_scales) for image in images)
    return al.Imaging(data=data, noise_map=noise_map, psf=imaging.psf)


def interferometer_from(folder, info, real_space_mask):
    """The `al.Interferometer` of a lens folder."""
    paths = {key: folder / f"{key}.fits" for key in ("data", "noise_map", "uv_wavelengths")}
    tables = {key: image_from(path) for key, path in paths.items()}
    for key, table in tables.items():
        if table.shape != tables["data"].shape or table.shape[1] != 2:
            raise LensError(f"{paths[key]}: shape {table.shape}; give (N, 2), as many rows as data.fits has.")
        if not np.isfinite(table).all():
            raise LensError(
                f"{paths[key]}: holds NaN or infinite values; leave such visibilities out of all three files."
            )
    if not (tables["noise_map"] > 0.0).all():
        raise LensError(
            f"{paths['noise_map']}: holds values that are not positive; give the RMS noise of every visibility."
        )
    try:
        return al.Interferometer.from_fits(
            **{f"{key}_path": path for key, path in paths.items()},
            real_space_mask=real_space_mask,
            transformer_class=TRANSFORMERS[info["transformer"]],
        )
    except Exception as error:
        reason = " ".join(str(error).split())
        raise LensError(
            f"{folder}: the visibilities cannot be read ({reason}); mend the files or the transformer."
        ) from None
