"""The images of a lens folder: read, and checked against each other and against `info.json`."""

import numpy as np

from jax_profiling.lenses.folder.data.fits_image import image_from, path_of
from jax_profiling.lenses.folder.data.mask import mask_from

SCALE_TOLERANCE = 0.01
"""By how much a pixel scale in a header may differ from that of `info.json` (relative)."""

SUM_TOLERANCE = 1.0e-3
"""By how much the sum of a PSF may differ from one before a person reads about it."""

FEWEST_PSF_PIXELS = 3
"""The shortest side of a PSF. With one pixel, no pixel outside the mask blurs into it, and autolens fails."""


def inspect_imaging(folder, info, inspection):
    """Read and check the images of a lens folder.

    Only pixels inside the mask have to be finite with positive noise.

    Parameters
    ----------
    folder
        The lens folder.
    info
        Its `info.json`, or None if that is wrong; then only the files themselves are checked.
    inspection
        Gathers faults and notes.

    Returns
    -------
    (images, mask)
        Name -> `FitsImage`, and the `al.Mask2D`, or None if there is no usable one.
    """
    images = images_from(folder, ("data", "noise_map", "psf"), inspection)
    images |= images_from(folder, ("mask", "mask_extra_galaxies", "adapt_image"), inspection, optional=True)
    if "data" in images:
        check_shapes(images, images["data"].shape, inspection)
    if "psf" in images:
        check_psf(images["psf"], images.get("data"), inspection)
    check_binary(images, inspection)
    if info is None:
        return images, None
    check_pixel_scales(images, info, folder, inspection)
    if "data" not in images:
        return images, None
    mask = mask_from(folder, info, images["data"].shape, images.get("mask"), inspection)
    if mask is not None:
        check_inside(images, ~np.asarray(mask), inspection)
    return images, mask


def images_from(folder, names, inspection, optional=False):
    """Name -> `FitsImage` of the files that can be read."""
    found = {}
    for name in names:
        if optional and inspection.attempt(path_of, folder, name) is None:
            continue
        image = inspection.attempt(image_from, folder, name)
        if image is not None:
            found[name] = image
            if image.note:
                inspection.note(image.path, image.note)
    return found


def check_shapes(images, shape, inspection):
    """All images except the PSF have one shape, (ny, nx)."""
    for name, image in images.items():
        if name != "psf" and image.shape != shape:
            inspection.fault(image.path, f"has shape {image.shape} instead of {shape}", "cut both to one shape")


def check_psf(psf, data, inspection):
    """The PSF is a finite kernel of odd shape and positive sum, no smaller than 3x3 and no larger than the image."""
    values = psf.values
    if not np.isfinite(values).all():
        inspection.fault(psf.path, "holds NaN or infinite values", "replace them by zeros")
        return
    if any(length % 2 == 0 for length in psf.shape):
        inspection.fault(
            psf.path, f"shape {psf.shape} is even", "cut or resample it to an odd shape, so that it has a centre"
        )
    if min(psf.shape) < FEWEST_PSF_PIXELS:
        inspection.fault(psf.path, f"shape {psf.shape} is too small", "pad it with zeros to (3, 3) or more")
    if data is not None and any(np.greater(psf.shape, data.shape)):
        inspection.fault(psf.path, f"shape {psf.shape} exceeds the image's {data.shape}", "cut the PSF to its core")
    if not values.sum() > 0.0:
        inspection.fault(psf.path, f"sums to {values.sum():.4g}", "write a kernel with a positive sum")
        return
    if abs(values.sum() - 1.0) > SUM_TOLERANCE:
        inspection.note(psf.path, f"sums to {values.sum():.4g}, and autolens normalizes it to one")
    offset = np.subtract(np.unravel_index(values.argmax(), values.shape), np.array(values.shape) // 2)
    if offset.any():
        inspection.note(
            psf.path, f"has its peak {offset.tolist()} pixels [y, x] from its centre, which shifts the model"
        )


def check_binary(images, inspection):
    """Masks hold zeros and ones."""
    for name in ("mask", "mask_extra_galaxies"):
        if name in images:
            values = images[name].values
            others = values[~np.isin(values, (0.0, 1.0))]
            if others.size:
                inspection.fault(images[name].path, f"holds {others[0]:g}", "write 1 where masked and 0 elsewhere")


def check_pixel_scales(images, info, folder, inspection):
    """The headers do not contradict `pixel_scale`."""
    for image in images.values():
        if image.pixel_scales is None:
            continue
        if np.abs(np.divide(image.pixel_scales, info["pixel_scale"]) - 1.0).max() > SCALE_TOLERANCE:
            y, x = image.pixel_scales
            scales = f"{y:.5g}" if np.isclose(y, x, rtol=SCALE_TOLERANCE) else f"{y:.5g} along y and {x:.5g} along x"
            inspection.fault(
                image.path,
                f"has pixels of {scales} arcsec by its header",
                f"write that as pixel_scale, now {info['pixel_scale']:g}, into {folder / 'info.json'}, or correct the header",
            )


def check_inside(images, inside, inspection):
    """Data, noise and adapt image are finite inside the mask, and can be fitted."""
    for name in ("data", "noise_map", "adapt_image"):
        image = images.get(name)
        if image is None or image.shape != inside.shape:
            continue
        values = image.values[inside]
        if (wrong := int((~np.isfinite(values)).sum())) > 0:
            inspection.fault(
                image.path,
                f"holds {wrong} NaN or infinite values inside the mask",
                "replace them, or mask their pixels",
            )
        elif name == "noise_map" and not (values > 0.0).all():
            inspection.fault(
                image.path,
                f"holds {values.min():.4g} inside the mask, which is not positive",
                "write the RMS noise of every pixel",
            )
        elif name == "adapt_image" and not (values > 0.0).any():
            inspection.fault(
                image.path, "has no positive value inside the mask", "write the image of the lensed source"
            )
        elif name == "data" and np.ptp(values) == 0.0:
            inspection.fault(
                image.path, f"is {values[0]:.4g} everywhere inside the mask", "write the image of the lens"
            )
