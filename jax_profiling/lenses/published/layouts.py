"""Read published layouts: each function takes what a survey publishes for one lens, and gives its datasets."""

import math
import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from astropy.io import fits

from jax_profiling.lenses.files import LensError, fault_line, json_from
from jax_profiling.lenses.folder.data.fits_image import image_at, image_from
from jax_profiling.terminal.command import message_of

SLACS_PIXEL_SCALE = 0.05
"""Of the drizzled ACS images (arcsec)."""

COWLS_PIXEL_SCALES = {"F115W": 0.03, "F150W": 0.03, "F277W": 0.06, "F444W": 0.06}
"""Of the mosaics of every band (arcsec), unless a header gives another one."""

EUCLID_PIXEL_SCALE = 0.1
"""Of the MER mosaics of all bands (arcsec)."""

NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
"""A regular expression."""


@dataclass(frozen=True)
class Published:
    """One dataset as it was published.

    Attributes
    ----------
    files
        Name of a file of the lens folder, such as "data", -> array: images (ny, nx), or (N, 2) for visibilities.
    info
        Keys of `info.json` that follow from the layout.
    positions
        The images of one source point, [[y, x], ...] in arcsec; None if none were published.
    """

    files: dict
    info: dict = field(default_factory=dict)
    positions: list | None = None


def slacs(folder, bands):
    """SLACS lenses as PyAutoLens analyses distribute them, such as Etherington et al. 2022 (MNRAS 517, 3275).

    A folder holds `F814W_image*.fits` (or `data.fits`), `*noise_map*.fits`, `*psf.fits`, and optionally
    `mask_extra_galaxies.fits` and an `info.json` with the redshifts. There is one band.

    Returns
    -------
    dict
        Name of the band -> `Published`.
    """
    folder = Path(folder)
    band, *others = bands or ("F814W",)
    if others:
        raise LensError(fault_line(folder, f"cannot hold the bands {', '.join(bands)}", "give one band"))
    paths = {
        "data": _only(folder, f"{band}_image*.fits", "data.fits"),
        "noise_map": _only(folder, f"{band}_noise_map*.fits", "noise_map*.fits"),
        "psf": _only(folder, f"{band}_psf*.fits", "psf.fits"),
    }
    extra = folder / "mask_extra_galaxies.fits"
    paths |= {"mask_extra_galaxies": extra} if extra.exists() else {}
    files = {name: image_at(path, name).values for name, path in paths.items()}
    return {band: Published(files, {"pixel_scale": SLACS_PIXEL_SCALE} | _info_of(folder), _positions_of(folder))}


def cowls(folder, bands):
    """COWLS, the lenses of COSMOS-Web (Nightingale et al. 2025, arXiv 2503.08777).

    The folder of a lens holds one folder per band with `data.fits`, `noise_map.fits`, `psf.fits` and
    `mask_extra_galaxies.fits`. The same folder holds `info.json` and `positions.json`.

    Returns
    -------
    dict
        Name of the band -> `Published`.
    """
    folder = Path(folder)
    found = bands or [band for band in COWLS_PIXEL_SCALES if (folder / band / "data.fits").exists()]
    if not found:
        raise LensError(
            fault_line(folder, "holds no folder of a band", f"give one with {', '.join(COWLS_PIXEL_SCALES)}")
        )
    return {band: _cowls_band(folder, band) for band in found}


def _cowls_band(folder, band):
    images = {name: image_from(folder / band, name) for name in ("data", "noise_map", "psf")}
    files = {name: image.values for name, image in images.items()}
    if (folder / band / "mask_extra_galaxies.fits").exists():
        files["mask_extra_galaxies"] = image_from(folder / band, "mask_extra_galaxies").values
    scales = [image.pixel_scales[0] for image in images.values() if image.pixel_scales is not None]
    pixel_scale = scales[0] if scales else COWLS_PIXEL_SCALES.get(band)
    if pixel_scale is None:
        raise LensError(
            fault_line(folder / band, "has no known pixel scale", "write the card PIXSCALE into its headers")
        )
    return Published(files, _info_of(folder) | {"pixel_scale": round(pixel_scale, 6)}, _positions_of(folder))


def euclid(path, bands):
    """Euclid cutouts with many extensions, as the strong-lens pipeline of PyAutoLens and the Q1 discovery release have them.

    A file holds for every band an image `<BAND>_BGSUB` (or `<BAND>_FLUX`), `<BAND>_PSF` and `<BAND>_RMS`. An `info.json`
    in the same folder may give the mask. Pixels without data have an RMS of 1e15 or more, and so no weight.

    Returns
    -------
    dict
        Name of the band, such as "VIS", -> `Published`.
    """
    path = Path(path)
    extensions = dict(_images(path))
    found = {}
    for band in bands or ("VIS",):
        names = {"data": (f"{band}_BGSUB", f"{band}_FLUX"), "noise_map": (f"{band}_RMS",), "psf": (f"{band}_PSF",)}
        files = {}
        for name, choices in names.items():
            extension = next((choice for choice in choices if choice in extensions), None)
            if extension is None:
                raise LensError(
                    fault_line(
                        path, f"has no extension {' or '.join(choices)}", f"give a band of {', '.join(extensions)}"
                    )
                )
            files[name] = extensions[extension]
        found[band] = Published(
            files, {"pixel_scale": EUCLID_PIXEL_SCALE} | _info_of(path.parent), _positions_of(path.parent)
        )
    return found


def alma(path, bands):
    """A table of visibilities as `uvplot.export_uvtable` writes it from a CASA measurement set (Tazzari 2017).

    Columns are u and v (metres), real and imaginary part (Jy), and the weight (1 / Jy^2). A header line has
    `wavelength[m] = ...`. Visibilities of no weight are left out. The noise of both parts is the weight to the power -1/2.

    Returns
    -------
    dict
        The name "continuum" -> `Published`.
    """
    path = Path(path)
    if bands:
        raise LensError(fault_line(path, "has no bands", "leave out --bands"))
    try:
        header = "".join(line for line in path.read_text().splitlines(keepends=True) if line.startswith("#"))
        u, v, real, imaginary, weight = np.loadtxt(path, comments="#", unpack=True, ndmin=2)
    except (OSError, ValueError) as error:
        fix = "give a text file of u, v, real, imaginary, weight"
        raise LensError(fault_line(path, f"is not readable as a table of visibilities ({error})", fix)) from None
    match = re.search(rf"wavelength\[m\]\s*=\s*({NUMBER})", header)
    if match is None or not float(match.group(1)) > 0.0:
        fix = 'write the line "# wavelength[m] = NUMBER"'
        raise LensError(fault_line(path, "has no header with the wavelength, a positive number", fix))
    used = weight > 0.0
    noise = weight[used] ** -0.5
    files = {
        "data": np.stack([real[used], imaginary[used]], axis=1),
        "noise_map": np.stack([noise, noise], axis=1),
        "uv_wavelengths": np.stack([u[used], v[used]], axis=1) / float(match.group(1)),
    }
    return {"continuum": Published(files, {"dataset": "interferometer"})}


LAYOUTS = {"slacs": slacs, "cowls": cowls, "euclid": euclid, "alma": alma}
"""Name of a layout -> its reader, which takes a path and the names of bands (None for the layout's own choice)."""


def _only(folder, *patterns):
    """The one file of a folder that the first pattern with any match finds."""
    for pattern in patterns:
        found = sorted(folder.glob(pattern))
        if len(found) > 1:
            raise LensError(fault_line(folder, f"holds {len(found)} files {pattern}", "keep one of them"))
        if found:
            return found[0]
    raise LensError(fault_line(folder, f"holds no {' or '.join(patterns)}", "give the folder of one lens"))


def _images(path):
    """The names and images of all extensions of a file, in their order."""
    try:
        with fits.open(path) as hdu_list:
            images = [hdu for hdu in hdu_list if hdu.is_image and hdu.data is not None]
            return [(hdu.name, np.array(hdu.data, dtype=float)) for hdu in images]
    except Exception as error:  # astropy has no common class of its errors on broken files.
        reason = message_of(error)
        raise LensError(fault_line(path, f"is not readable as FITS ({reason})", "give the file of one lens")) from None


def _info_of(folder):
    """The keys of a published `info.json` that a lens folder has too; further keys are left out."""
    path = folder / "info.json"
    published = json_from(path) if path.exists() else {}
    if not isinstance(published, dict):
        raise LensError(fault_line(path, "is no JSON object", "write keys and values between braces"))
    numbers = ("pixel_scale", "mask_radius", "redshift_lens", "redshift_source")
    found = {key: published[key] for key in (*numbers, "mask_centre") if published.get(key) is not None}
    for key in numbers:
        value = found.get(key, 1.0)
        if not (isinstance(value, int | float) and 0.0 < value < math.inf):
            raise LensError(fault_line(path, f"{key} is {value!r}", "write a finite positive number"))
    return found


def _positions_of(folder):
    path = folder / "positions.json"
    return json_from(path) if path.exists() else None
