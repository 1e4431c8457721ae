"""Changes to a copy of the lens folder `small`: each function takes the folder, or returns a function that does."""

import json

import autofit as af
import autolens as al
import numpy as np
from astropy.io import fits

from jax_profiling.lenses.model import model_from

SHAPE, PIXEL_SCALE = (45, 45), 0.1
"""The images of `small` (pixels, arcsec)."""

VISIBILITIES = 190


def info(**keys):
    """Change keys of `info.json`."""

    def change(folder):
        path = folder / "info.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys, indent=1))

    return change


def image(name, values_from):
    """Replace an image by `values_from` its (ny, nx) float64 values."""

    def change(folder):
        path = folder / f"{name}.fits"
        fits.writeto(path, np.ascontiguousarray(values_from(_values(folder, name))), overwrite=True)

    return change


def new_image(name, values):
    """Add an image that `small` does not have."""
    return lambda folder: fits.writeto(folder / f"{name}.fits", values)


def model(change_model):
    """Change `model.json`: the function takes the PyAutoFit model."""

    def change(folder):
        path = folder / "model.json"
        found = model_from(path)
        change_model(found)
        path.write_text(json.dumps(found.dict(), indent=1))

    return change


def each_of(*changes):
    """Several changes, in this order."""
    return lambda folder: [change(folder) for change in changes]


def as_surveys_publish(folder):
    """The data gzipped in the third HDU, the noise map packed by fpack, the PSF gzipped."""
    data, noise_map, psf = (_values(folder, name) for name in ("data", "noise_map", "psf"))
    for name in ("data", "noise_map", "psf"):
        (folder / f"{name}.fits").unlink()
    flags = fits.ImageHDU(np.zeros(data.shape, dtype="int16"), name="DQ")
    fits.HDUList([fits.PrimaryHDU(), flags, fits.ImageHDU(data, name="SCI")]).writeto(folder / "data.fits.gz")
    # Quantized at level 0, which is lossless.
    packed = fits.CompImageHDU(noise_map, compression_type="GZIP_2", quantize_level=0)
    packed.writeto(folder / "noise_map.fits.fz")
    fits.writeto(folder / "psf.fits.gz", psf)


def scaled_integers(folder):
    """The data as integers with BSCALE and BZERO. The sky is rotated by 30 degrees; its reference pixel is off the image."""
    scale, angle = PIXEL_SCALE / 3600.0, np.radians(30.0)
    cards = {
        "CTYPE1": "RA---TAN",
        "CTYPE2": "DEC--TAN",
        "CRVAL1": 150.0,
        "CRVAL2": 2.0,
        "CRPIX1": -800.0,
        "CRPIX2": 2000.0,
    }
    cards |= {"CD1_1": -scale * np.cos(angle), "CD1_2": scale * np.sin(angle)}
    cards |= {"CD2_1": scale * np.sin(angle), "CD2_2": scale * np.cos(angle)}
    hdu = fits.PrimaryHDU(_values(folder, "data"), header=fits.Header(cards))
    hdu.scale("int32", bscale=1.0e-6, bzero=3.0)
    hdu.writeto(folder / "data.fits", overwrite=True)


def with_nan_corners(values):
    """The values with NaN at the corners, as after a rotation of the image."""
    return np.where(distances((0.0, 0.0)) > 2.5, np.nan, values)


def binned(values, number=3):
    """The sums over blocks of `number` x `number` pixels."""
    ny, nx = np.array(values.shape) // number
    return values.reshape(ny, number, nx, number).sum(axis=(1, 3))


def distances(centre):
    """(45, 45) float, the distance of every pixel of `small` from a centre, [y, x] (arcsec)."""
    y, x = PIXEL_SCALE * (np.indices(SHAPE) - 22)
    return np.hypot(-y - centre[0], x - centre[1])


def arcs(values):
    """An image of the arcs: no flux near the lens, and none below zero."""
    return np.where(distances((0.0, 0.0)) > 0.9, np.maximum(values, 0.0), 0.0)


def adapt_to_arcs(folder):
    """Add the image of the arcs as `adapt_image.fits`."""
    new_image("adapt_image", arcs(_values(folder, "data")))(folder)


def positions(folder):
    """Add `positions.json` with four images of one source."""
    images = [[1.75, 0.4], [-1.4, 0.2], [0.3, 1.6], [-0.3, -1.55]]
    (folder / "positions.json").write_text(json.dumps(images))


def visibilities(folder):
    """Replace the image by noise at the visibilities of an interferometer. `psf.fits` stays in the folder."""
    rng = np.random.default_rng(0)
    (folder / "noise_map.fits").unlink()
    shape = (VISIBILITIES, 2)
    fits.writeto(folder / "data.fits", rng.standard_normal(shape), overwrite=True)
    fits.writeto(folder / "noise_map.fits", np.ones(shape))
    fits.writeto(folder / "uv_wavelengths.fits", 1.0e5 * rng.standard_normal(shape))


def without_lens_light(model):
    del model.galaxies.lens.bulge


def adaptive(model):
    """Regularization becomes AdaptSplit with autolens's default priors."""
    model.galaxies.source.pixelization.regularization = af.Model(al.reg.AdaptSplit)


def without_zeroed_pixels(model):
    model.galaxies.source.pixelization.mesh.zeroed_pixels = 0


def with_a_nearer_source(model):
    """A second source at redshift 0.75 with a mesh of its own."""
    nearer = model.galaxies.source.copy()
    nearer.redshift = 0.75
    model.galaxies.nearer = nearer


def _values(folder, name):
    return fits.getdata(folder / f"{name}.fits").astype(float)
