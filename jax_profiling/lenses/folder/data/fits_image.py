"""Read one image of a lens folder from FITS, wherever surveys put it: compressed, scaled, or in a later extension."""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales

from jax_profiling.lenses.files import LensError, fault_line
from jax_profiling.terminal.command import message_of

ENDINGS = (".fits", ".fits.gz", ".fits.fz")
"""What a file may be called after its name."""

EXTENSION_NAMES = {
    "data": ("SCI", "DATA", "IMAGE", "FLUX"),
    "noise_map": ("ERR", "NOISE_MAP", "NOISE", "RMS", "SIGMA"),
    "psf": ("PSF", "KERNEL"),
    "mask": ("MASK",),
    "mask_extra_galaxies": ("MASK",),
    "adapt_image": ("ADAPT_IMAGE", "SCI", "DATA"),
    "uv_wavelengths": ("UV_WAVELENGTHS", "UV"),
}
"""The name of a file -> extensions that are taken before others, the best first."""

WEIGHTS = {"WHT", "WEIGHT", "IVAR", "INVVAR", "VAR", "VARIANCE"}
"""Extensions that describe noise and hold no RMS."""


@dataclass(frozen=True)
class FitsImage:
    """An image and where it was found.

    Attributes
    ----------
    path
        The file.
    values
        (ny, nx) float64, in the byte order of the machine, scaled by BSCALE and BZERO.
    pixel_scales
        (y, x) in arcsec by the header, or None if the header has none.
    note
        Which extension holds the image, for a person; empty if the file has one image in its first HDU.
    """

    path: Path
    values: np.ndarray
    pixel_scales: tuple | None
    note: str

    @property
    def shape(self):
        return self.values.shape


def path_of(folder, name):
    """The FITS file of a name such as "data", or None if there is none.

    Raises
    ------
    LensError
        If there are two, such as `data.fits` and `data.fits.gz`.
    """
    found = [folder / f"{name}{ending}" for ending in ENDINGS if (folder / f"{name}{ending}").exists()]
    if len(found) > 1:
        raise LensError(fault_line(found[0], f"stands beside {found[1].name}", "keep one of the two"))
    return found[0] if found else None


def image_from(folder, name):
    """The `FitsImage` of a name such as "data".

    Raises
    ------
    LensError
        If the file is missing, or as `image_at` does.
    """
    path = path_of(folder, name)
    if path is None:
        raise LensError(fault_line(folder / f"{name}.fits", "is missing", "put the FITS image there, or a .fits.gz"))
    return image_at(path, name)


def image_at(path, name):
    """The `FitsImage` of a file that may have another name than `name`, the key of `EXTENSION_NAMES`.

    Raises
    ------
    LensError
        If the file is not readable as FITS, holds no 2D image, or holds weights instead of a noise map.
    """
    try:
        with warnings.catch_warnings():
            # A truncated file is an error below, and odd cards of a header do not matter here.
            warnings.simplefilter("ignore")
            with fits.open(path, memmap=False) as hdu_list:
                images = [hdu for hdu in hdu_list if hdu.is_image and hdu.data is not None]
                primary = hdu_list[0]
                hdu = _chosen(images, name)
                if hdu is not None:
                    if name == "noise_map" and hdu.name.upper() in WEIGHTS:
                        fix = "convert it, 1 / sqrt(weight) or sqrt(variance)"
                        raise LensError(fault_line(path, f"has an extension {hdu.name}, which holds no RMS noise", fix))
                    return FitsImage(
                        path=path,
                        values=np.array(hdu.data, dtype=float),
                        pixel_scales=_pixel_scales_of(hdu.header) or _pixel_scales_of(primary.header),
                        note=_note(hdu, hdu_list, images),
                    )
                shapes = [hdu.data.shape for hdu in images]
    except LensError:
        raise
    except Exception as error:  # astropy has no common class of its errors on broken files.
        raise LensError(fault_line(path, f"is not readable as FITS ({message_of(error)})", "write it again")) from None
    found = f"has images of shape {', '.join(map(str, shapes))} only" if shapes else "holds no image"
    raise LensError(fault_line(path, found, "write a 2D image, (y, x)"))


def _chosen(images, name):
    """The 2D image with the best extension name, or else the first 2D image; None if there is no 2D image."""
    flat = [hdu for hdu in images if hdu.data.ndim == 2]
    for extension in EXTENSION_NAMES[name]:
        for hdu in flat:
            if hdu.name.upper() == extension:
                return hdu
    return flat[0] if flat else None


def _note(hdu, hdu_list, images):
    number = hdu_list.index_of(hdu)
    if number == 0 and len(images) == 1:
        return ""
    name = f" ({hdu.name})" if hdu.name else ""
    others = [f"{hdu_list.index_of(each)} ({each.name})" for each in images if each is not hdu]
    return f"the image is that in HDU {number}{name}" + (f"; ignored are {', '.join(others)}" if others else "")


def _pixel_scales_of(header):
    """(y, x) in arcsec, by the cards that PyAutoLens writes, the WCS, or the card PIXSCALE; None if there is no such number."""
    cards = [header.get(key) for key in ("PIXSCAY", "PIXSCAX")]
    if "CTYPE1" in header and not all(map(_is_number, cards)):
        try:
            celestial = WCS(header).celestial
            cards = list(3600.0 * proj_plane_pixel_scales(celestial)[::-1]) if celestial.naxis == 2 else cards
        except Exception:
            # A broken WCS says nothing about the pixels.
            return None
    if not all(map(_is_number, cards)):
        cards = 2 * [header.get("PIXSCALE")]
    return tuple(map(float, cards)) if all(map(_is_number, cards)) else None


def _is_number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)
