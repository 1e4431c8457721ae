"""The visibilities of a lens folder: read, and checked against each other and against the real-space grid."""

import numpy as np

from jax_profiling.lenses.folder.data.fits_image import ENDINGS, path_of
from jax_profiling.lenses.folder.data.images import check_binary, check_inside, check_shapes, images_from
from jax_profiling.lenses.folder.data.mask import extent_of, mask_from

ARCSEC_PER_RADIAN = 206264.806

TABLES = ("data", "noise_map", "uv_wavelengths")


def holds_visibilities(folder, info):
    """Whether a folder has visibilities: by its `info.json`, or by its files if that is wrong."""
    if info is not None:
        return info["dataset"] == "interferometer"
    return any((folder / f"uv_wavelengths{ending}").exists() for ending in ENDINGS)


def inspect_visibilities(folder, info, inspection):
    """Read and check the visibilities of a lens folder.

    Parameters
    ----------
    folder
        The lens folder.
    info
        Its `info.json`, or None if that is wrong.
    inspection
        Gathers faults and notes.

    Returns
    -------
    (tables, mask)
        Name -> `FitsImage`, (N, 2) for visibilities and (ny, nx) for an adapt image; and the real-space `al.Mask2D`, or None.
    """
    tables = images_from(folder, TABLES, inspection)
    check_tables(tables, inspection)
    if info is None:
        return tables, None
    if (psf := inspection.attempt(path_of, folder, "psf")) is not None:
        inspection.note(psf, "is not read, because visibilities have no PSF")
    if "uv_wavelengths" in tables and tables["uv_wavelengths"].shape[1] == 2:
        check_baselines(tables["uv_wavelengths"], info, inspection)
    images = images_from(folder, ("mask", "adapt_image"), inspection, optional=True)
    shape = tuple(info["real_space_shape"])
    check_shapes(images, shape, inspection)
    check_binary(images, inspection)
    mask = mask_from(folder, info, shape, images.get("mask"), inspection)
    if mask is not None:
        check_inside(images, ~np.asarray(mask), inspection)
    return tables | images, mask


def check_tables(tables, inspection):
    """The three files have one row per visibility, are finite, and have positive noise."""
    # A transposed `data` says nothing about the others.
    rows = len(tables["data"].values) if "data" in tables and tables["data"].shape[1] == 2 else None
    for name, table in tables.items():
        if table.shape[1] != 2 or rows not in (None, len(table.values)):
            wanted = "(N, 2), one row per visibility" if rows is None else f"({rows}, 2), like data"
            inspection.fault(table.path, f"has shape {table.shape}", f"write {wanted}")
        elif not np.isfinite(table.values).all():
            inspection.fault(
                table.path, "holds NaN or infinite values", "leave such visibilities out of all three files"
            )
        elif name == "noise_map" and not (table.values > 0.0).all():
            inspection.fault(
                table.path,
                f"holds {table.values.min():.4g}, which is not positive",
                "write the RMS noise of every visibility",
            )


def check_baselines(table, info, inspection):
    """The longest baseline resolves something inside the real-space grid."""
    longest = np.hypot(*table.values.T).max(initial=0.0)
    side = 2.0 * extent_of(info["real_space_shape"], info).max()
    if np.isfinite(longest) and longest * side < ARCSEC_PER_RADIAN:
        inspection.fault(
            table.path,
            f"has no baseline beyond {longest:.4g} wavelengths, which resolves nothing within {side:.3g} arcsec",
            "write baselines in wavelengths, not in metres or thousands of wavelengths",
        )
