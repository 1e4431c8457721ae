"""The mask of a lens folder: a file, or a circle that lies inside the image."""

import autolens as al
import numpy as np

FEWEST_PIXELS = 10
"""A mask with fewer image pixels inside is taken for a mistake."""


def mask_from(folder, info, shape, image, inspection):
    """The `al.Mask2D` of a lens folder, or None if it cannot be used: `mask.fits` (True is masked), or a circle.

    Parameters
    ----------
    folder
        The lens folder.
    info
        Its `info.json`.
    shape
        (ny, nx) of the data or of the real-space grid.
    image
        The `FitsImage` of `mask.fits`, or None.
    inspection
        Gathers faults.
    """
    if image is not None:
        if image.shape != tuple(shape) or not np.isfinite(image.values).all():
            return None
        mask = al.Mask2D(mask=image.values.astype(bool), pixel_scales=info["pixel_scale"])
        if (pixels := int((~np.asarray(mask)).sum())) < FEWEST_PIXELS:
            inspection.fault(
                image.path, f"leaves {pixels} of {mask.size} pixels", "write 1 where masked and 0 inside the lens"
            )
            return None
        return mask
    return _circle_from(folder / "info.json", info, shape, inspection)


def _circle_from(path, info, shape, inspection):
    radius, centre = info["mask_radius"], np.array(info["mask_centre"])
    extent = extent_of(shape, info)
    if (np.abs(centre) > extent).any():
        inspection.fault(path, f"mask_centre is {centre.tolist()}", f"write [y, x] in arcsec inside {_within(extent)}")
        return None
    # A circle that ends in the middle of the outermost pixels still is one.
    if (np.abs(centre) + radius > extent + 0.5 * info["pixel_scale"]).any():
        largest = float((extent - np.abs(centre)).min())
        inspection.fault(
            path,
            f"mask_radius is {radius:g}, beyond the image, which ends at {_within(extent)}",
            f"write at most {largest:.4g} arcsec, or add mask.fits",
        )
        return None
    mask = al.Mask2D.circular(
        shape_native=tuple(shape), pixel_scales=info["pixel_scale"], radius=radius, centre=tuple(info["mask_centre"])
    )
    if (pixels := int((~np.asarray(mask)).sum())) < FEWEST_PIXELS:
        inspection.fault(path, f"mask_radius is {radius:g}, a mask of {pixels} pixels", "write it in arcsec")
        return None
    return mask


def extent_of(shape, info):
    """Half the sides of an image, (y, x) in arcsec."""
    return 0.5 * info["pixel_scale"] * np.array(shape)


def _within(extent):
    return f"{extent[0]:.4g} along y and {extent[1]:.4g} along x"
