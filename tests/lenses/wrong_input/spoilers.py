"""Ways to spoil a copy of the lens folder `small`: each function gives another one, which takes the folder."""

import json

import numpy as np
from astropy.io import fits

SHAPE, PSF_SHAPE = (45, 45), (21, 21)
"""Of the images of `small`, a copy of which is spoiled (pixels of 0.1 arcsec, mask radius 2.2 arcsec)."""

NAN = float("nan")


def info(**changes):
    """Change keys of `info.json`; `REMOVED` removes one."""

    def spoil(folder):
        path = folder / "info.json"
        value = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: part for key, part in value.items() if part is not REMOVED}))

    return spoil


REMOVED = object()


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


def replaced(name, old, new):
    """A file with other text; it holds the old one."""

    def spoil(folder):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    return spoil


def remove(name):
    return lambda folder: (folder / name).unlink()


def image(name, change, header=None):
    """Change the values of an image, or write a new one over the zeros of the data's shape."""

    def spoil(folder):
        path = folder / f"{name}.fits"
        values = fits.getdata(path).astype(float) if path.exists() else np.zeros(SHAPE)
        fits.writeto(path, np.ascontiguousarray(change(values)), header=fits.Header(header or {}), overwrite=True)

    return spoil


def pixel(value, at=(22, 22)):
    def change(values):
        values[at] = value
        return values

    return change


def model(change):
    def spoil(folder):
        path = folder / "model.json"
        value = json.loads(path.read_text())
        change(value)
        path.write_text(json.dumps(value))

    return spoil


def pixelization(value):
    return value["arguments"]["galaxies"]["arguments"]["source"]["arguments"]["pixelization"]["arguments"]


def both(*spoils):
    return lambda folder: [spoil(folder) for spoil in spoils]


def truncated(name):
    def spoil(folder):
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])

    return spoil


def positions(value):
    return both(info(positions_threshold=0.3), write("positions.json", json.dumps(value)))


def visibilities(**changes):
    """Turn the folder into one of 190 visibilities; a change replaces a table or a key of `info.json`."""

    def spoil(folder):
        rng = np.random.default_rng(0)
        tables = {"data": rng.normal(size=(190, 2)), "noise_map": np.ones((190, 2))}
        tables["uv_wavelengths"] = 1.0e5 * rng.normal(size=(190, 2))
        for name, values in tables.items():
            fits.writeto(folder / f"{name}.fits", changes.get(name, lambda values: values)(values), overwrite=True)
        keys = {"dataset": "interferometer", "real_space_shape": [45, 45], "over_sample_size_pixelization": REMOVED}
        info(**keys | {key: value for key, value in changes.items() if key not in tables})(folder)

    return spoil


def rectangular(value):
    path = "autoarray.inversion.mesh.mesh.rectangular_uniform.RectangularUniform"
    pixelization(value)["mesh"] = {"type": "instance", "class_path": path, "arguments": {}}
    pixelization(value)["regularization"]["class_path"] = "autoarray.inversion.regularization.constant.Constant"


def without_mesh(value):
    del value["arguments"]["galaxies"]["arguments"]["source"]["arguments"]["pixelization"]


def zeroed(number):
    return model(lambda value: pixelization(value)["mesh"]["arguments"].update(zeroed_pixels=number))


def wcs(pixel_scale):
    """The cards of a tangential projection."""
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CUNIT1": "deg", "CUNIT2": "deg"}
    return cards | {"CD1_1": -pixel_scale / 3600.0, "CD1_2": 0.0, "CD2_1": 0.0, "CD2_2": pixel_scale / 3600.0}


def weights(folder):
    values = fits.getdata(folder / "noise_map.fits") ** -2.0
    hdus = fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values, name="WHT")])
    hdus.writeto(folder / "noise_map.fits", overwrite=True)


def hilbert(**keys):
    return info(image_mesh={"type": "Hilbert", "pixels": 100} | keys)


def overlay(shape):
    return info(image_mesh={"type": "Overlay", "shape": shape})


def twice(value):
    """A collection of two models, as a search with an `af.FactorGraphModel` writes it."""
    one = dict(value)
    value.clear()
    value.update({"type": "collection", "arguments": {"0": one, "1": one}})
