"""Every kind of wrong input ends in exit status 2 and one line per fault, which names the file, the value and the fix."""

import json
import runpy
import shutil
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from jax_profiling.lenses import lens as lens_folder

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]

SHAPE, PSF_SHAPE = (45, 45), (21, 21)
"""Of the images of `small`, a copy of which is spoiled (pixels of 0.1 arcsec, mask radius 2.2 arcsec)."""

NAN = float("nan")


def info(**changes):
    """Change keys of `info.json`; None removes one."""

    def spoil(folder):
        path = folder / "info.json"
        value = json.loads(path.read_text()) | changes
        path.write_text(json.dumps({key: part for key, part in value.items() if part is not REMOVED}))

    return spoil


REMOVED = object()


def write(name, text):
    return lambda folder: (folder / name).write_text(text)


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
            fits.writeto(folder / f"{name}.fits", changes.pop(name, lambda values: values)(values), overwrite=True)
        keys = {"dataset": "interferometer", "real_space_shape": [45, 45], "over_sample_size_pixelization": REMOVED}
        info(**keys | changes)(folder)

    return lambda folder: spoil(folder)


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


INFO, MODEL = "info.json: ", "model.json: "

WRONG = {
    # Files that are missing or unreadable.
    "no data": (remove("data.fits"), "data.fits: is missing; put the FITS image there"),
    "no noise map": (remove("noise_map.fits"), "noise_map.fits: is missing"),
    "no psf": (remove("psf.fits"), "psf.fits: is missing"),
    "no model": (remove("model.json"), MODEL + "is missing; write it as docs/workspace/lens_folders.md shows"),
    "no info": (remove("info.json"), INFO + "is missing"),
    "truncated data": (truncated("data.fits"), "data.fits: is not readable as FITS"),
    "empty data": (write("data.fits", ""), "data.fits: is not readable as FITS"),
    "text as noise map": (write("noise_map.fits", "noise"), "noise_map.fits: is not readable as FITS"),
    "data twice": (lambda folder: shutil.copy(folder / "data.fits", folder / "data.fits.gz"), "keep one of the two"),
    "info half written": (write("info.json", '{"pixel_scale": 0.1,'), INFO + "is not readable as JSON"),
    "info as a list": (write("info.json", "[1, 2]"), INFO + "is not a JSON object; write keys"),
    "a key twice": (write("info.json", '{"edge_points": 1, "edge_points": 2}'), "the key edge_points stands twice"),
    # Keys.
    "typo mask_center": (info(mask_center=[0, 0]), "mask_center is [0, 0], an unknown key; write mask_centre, or"),
    "typo edge_point": (info(edge_point=0), "write edge_points, or _edge_point for a comment"),
    "typo imagemesh": (info(imagemesh={}), "write image_mesh, or"),
    "typo over_sample_size": (info(over_sample_size=2), "write over_sample_size_lp or over_sample_size_pixelization"),
    "typo weight_pow": (hilbert(weight_pow=3.5), "image_mesh.weight_pow is 3.5, an unknown key; write weight_power"),
    "typo Pixel_Scale": (info(Pixel_Scale=0.1), "write pixel_scale, or"),
    "another program's key": (info(telescope="HST"), 'telescope is "HST", an unknown key'),
    "no pixel scale": (info(pixel_scale=REMOVED), "pixel_scale is missing; write a number above 0"),
    "no mask radius": (info(mask_radius=REMOVED), "mask_radius is missing; write a number above 0 (arcsec)"),
    "no lens redshift": (info(redshift_lens=REMOVED), "redshift_lens is missing"),
    # Values.
    "pixel scale as text": (info(pixel_scale="0.1"), 'pixel_scale is "0.1"; write a number above 0'),
    "pixel scale true": (info(pixel_scale=True), "pixel_scale is true; write a number"),
    "pixel scale null": (info(pixel_scale=None), "pixel_scale is null; write a number"),
    "pixel scale in milliarcsec": (info(pixel_scale=100), "pixel_scale is 100; write a number above 0 and at most 10"),
    "pixel scale infinite": (info(pixel_scale=float("inf")), "pixel_scale is Infinity"),
    "mask radius 0": (info(mask_radius=0), "mask_radius is 0; write a number above 0 (arcsec)"),
    "mask radius negative": (info(mask_radius=-2.2), "mask_radius is -2.2"),
    "mask radius NaN": (info(mask_radius=NAN), "mask_radius is NaN"),
    "mask radius below a pixel": (info(mask_radius=0.05), "mask_radius is 0.05; write more than one pixel_scale"),
    "mask of few pixels": (info(mask_radius=0.11), "mask_radius is 0.11, a mask of 5 pixels"),
    "mask beyond the image": (info(mask_radius=3.0), "beyond the image, which ends at 2.25 along y and 2.25 along x"),
    "mask centre off the image": (info(mask_centre=[9.0, 0.0]), "mask_centre is [9.0, 0.0]; write [y, x] in arcsec"),
    "mask centre as a number": (info(mask_centre=0.0), "mask_centre is 0.0; write two numbers ([y, x] in arcsec)"),
    "mask centre of one": (info(mask_centre=[0.0]), "mask_centre is [0.0]; write two numbers"),
    "mask centre as text": (info(mask_centre=["a", 0.0]), 'mask_centre is ["a", 0.0]; write two numbers'),
    "lens behind the source": (info(redshift_lens=1.5), "redshift_lens is 1.5; write a redshift below redshift_source"),
    "redshifts equal": (info(redshift_lens=1.0), "redshift_lens is 1.0; write a redshift below"),
    "redshift negative": (info(redshift_source=-1), "redshift_source is -1; write a number above 0"),
    "edge points negative": (info(edge_points=-3), "edge_points is -3; write a whole number of at least 0"),
    "edge points fractional": (info(edge_points=2.5), "edge_points is 2.5; write a whole number"),
    "edge points as text": (info(edge_points="30"), 'edge_points is "30"; write a whole number'),
    "edge points null": (info(edge_points=None), "edge_points is null; write a whole number"),
    "edge points true": (info(edge_points=True), "edge_points is true; write a whole number"),
    "edge radius as text": (info(edge_radius="a"), 'edge_radius is "a"; write a number above 0 (arcsec)'),
    "edge radius null": (info(edge_radius=None), "edge_radius is null; write a number above 0"),
    "edge radius 0": (info(edge_radius=0), "edge_radius is 0; write a number above 0"),
    "edge radius in pixels": (
        info(edge_radius=22),
        "edge_radius is 22; write arcsec between half and twice mask_radius",
    ),
    "over-sampling 0": (info(over_sample_size_pixelization=0), "write a whole number of at least 1 and at most 64"),
    "over-sampling fractional": (info(over_sample_size_lp=2.5), "over_sample_size_lp is 2.5; write a whole number"),
    "over-sampling half an object": (
        info(over_sample_size_pixelization={"above": 4}),
        "over_sample_size_pixelization.signal_to_noise is missing; write a number above 0",
    ),
    "image mesh unknown": (info(image_mesh={"type": "Voronoi"}), 'write an object with type "Overlay" and shape, or'),
    "image mesh without type": (
        info(image_mesh={"shape": [15, 15]}),
        'write an object with type "Overlay" and shape, or',
    ),
    "image mesh as text": (info(image_mesh="Overlay"), 'image_mesh is "Overlay"; write an object'),
    "Overlay of nothing": (overlay([0, 0]), "image_mesh.shape is [0, 0]; write two whole numbers of at least 1"),
    "Overlay of one number": (overlay([15]), "image_mesh.shape is [15]; write two whole numbers"),
    "Overlay of one point": (overlay([1, 1]), "image_mesh cannot be built (1 vertices inside the mask"),
    "Overlay of a million": (overlay([1000, 1000]), "vertices inside the mask, and 3 to 20000 make a mesh"),
    "Hilbert as text": (hilbert(pixels="100"), 'image_mesh.pixels is "100"; write a whole number of at least 3'),
    "Hilbert without vertices": (info(image_mesh={"type": "Hilbert"}), "image_mesh.pixels is missing"),
    "Hilbert floor": (hilbert(weight_floor=-1.0), "image_mesh.weight_floor is -1.0; write a number of at least 0"),
    "KMeans beyond the pixels": (
        info(image_mesh={"type": "KMeans", "pixels": 5000}),
        "image_mesh cannot be built (5000 clusters of 1513 pixels inside the mask)",
    ),
    "Hilbert in a square": (
        both(hilbert(), image("mask", lambda values: np.pad(np.zeros((25, 25)), 10, constant_values=1.0))),
        "image_mesh cannot be built",
    ),
    "dataset unknown": (info(dataset="spectrum"), 'dataset is "spectrum"; write "imaging" or "interferometer"'),
    "sparse operator as text": (info(sparse_operator="yes"), 'write true or false, or "cpu"'),
    "sparse operator 1": (info(sparse_operator=1), "sparse_operator is 1; write true or false"),
    "shared preloads as text": (info(shared_preloads="yes"), "write true or false"),
    "settings unknown": (info(settings={"use_magic": True}), "settings.use_magic is true, an unknown key"),
    "settings of another type": (info(settings={"use_mixed_precision": "no"}), "write true or false"),
    "settings as a list": (info(settings=[]), "settings is []; write an object of arguments of al.Settings"),
    "settings with another word": (info(settings={"log_det_method": "lu"}), 'write "cholesky" or "slogdet"'),
    "tolerance negative": (info(settings={"nnls_solver_tol": -1.0}), "write a number above 0, or null"),
    "solver unknown": (info(settings={"positive_only_solver": "x"}), "write what al.Settings takes"),
    "offset as a number": (info(grid_offset=0.1), "grid_offset is 0.1; write two numbers"),
    "rotation as text": (info(grid_rotation_angle="1"), "write a number of at least -360 and at most 360 (degrees)"),
    "transformer of an image": (info(transformer="DFT"), 'transformer is "DFT"; leave it out, or write "dataset"'),
    "real space of an image": (info(real_space_shape=[60, 60]), "real_space_shape is [60, 60]; leave it out"),
    # Positions.
    "threshold without positions": (info(positions_threshold=0.3), "positions.json: is missing"),
    "threshold negative": (info(positions_threshold=-0.3), "positions_threshold is -0.3; write a number above 0"),
    "positions without threshold": (write("positions.json", "[[1, 1], [-1, 0]]"), "is there without a threshold"),
    "one position": (positions([[1.0, 1.0]]), "positions.json: is [[1.0, 1.0]]; write at least two images"),
    "flat positions": (positions([1.0, 1.0, -1.0, 0.0]), "write at least two images of one source, [[y, x], ...]"),
    "position NaN": (positions([[NAN, 1.0], [1.0, 1.0]]), "write at least two images"),
    "position as text": (positions([["1", 1.0], [1.0, 1.0]]), "write at least two images"),
    "position in pixels": (positions([[12, 30], [40, 20]]), "holds [12.0, 30.0], which is outside the image"),
    # Images.
    "data of three dimensions": (image("data", lambda values: values[None]), "has images of shape (1, 45, 45) only"),
    "data of zeros": (image("data", np.zeros_like), "data.fits: is 0 everywhere inside the mask"),
    "data NaN": (image("data", pixel(NAN)), "data.fits: holds 1 NaN or infinite values inside the mask; replace"),
    "data infinite": (image("data", pixel(np.inf)), "data.fits: holds 1 NaN or infinite values"),
    "noise NaN": (image("noise_map", pixel(NAN)), "noise_map.fits: holds 1 NaN or infinite values"),
    "noise negative": (image("noise_map", pixel(-1.0)), "noise_map.fits: holds -1 inside the mask"),
    "noise 0": (image("noise_map", pixel(0.0)), "which is not positive; write the RMS noise of every pixel"),
    "noise of another shape": (
        image("noise_map", lambda values: values[:-1]),
        "has shape (44, 45) instead of (45, 45)",
    ),
    "noise as weights": (weights, "its extension WHT holds no RMS noise; convert it, 1 / sqrt(weight)"),
    "psf even": (image("psf", lambda values: values[:-1]), "psf.fits: shape (20, 21) is even; cut or resample it"),
    "psf larger than the image": (image("psf", partial(np.pad, pad_width=15)), "shape (51, 51) exceeds the image's"),
    "psf NaN": (image("psf", pixel(NAN, (1, 1))), "psf.fits: holds NaN or infinite values"),
    "psf of zeros": (image("psf", np.zeros_like), "psf.fits: sums to 0; write a kernel with a positive sum"),
    "psf negative": (image("psf", np.negative), "psf.fits: sums to -1"),
    "mask all true": (image("mask", np.ones_like), "mask.fits: leaves 0 of 2025 pixels; write 1 where masked"),
    "mask all NaN": (image("mask", lambda values: values + NAN), "mask.fits: holds nan; write 1 where masked"),
    "mask of grey values": (image("mask", pixel(0.5)), "mask.fits: holds 0.5; write 1 where masked and 0 elsewhere"),
    "mask of one pixel": (image("mask", lambda values: pixel(0.0)(values + 1.0)), "mask.fits: leaves 1 of 2025 pixels"),
    "mask of another shape": (image("mask", lambda values: values[1:]), "mask.fits: has shape (44, 45)"),
    "extra galaxies NaN": (image("mask_extra_galaxies", pixel(NAN)), "mask_extra_galaxies.fits: holds nan"),
    "extra galaxies of another shape": (
        image("mask_extra_galaxies", lambda values: values[1:]),
        "cut both to one shape",
    ),
    "adapt image NaN": (image("adapt_image", lambda values: pixel(NAN)(values + 1.0)), "adapt_image.fits: holds 1 NaN"),
    "adapt image of zeros": (image("adapt_image", np.zeros_like), "has no positive value inside the mask"),
    "adapt image of another shape": (image("adapt_image", lambda values: values[1:] + 1.0), "cut both to one shape"),
    "another scale in the WCS": (
        image("data", np.copy, wcs(0.05)),
        "data.fits: has pixels of 0.05 arcsec by its header",
    ),
    "another scale of the psf": (image("psf", np.copy, {"PIXSCALE": 0.02}), "psf.fits: has pixels of 0.02 arcsec"),
    # Models.
    "model half written": (write("model.json", '{"type": "collection", '), MODEL + "is not readable as JSON"),
    "model as a list": (write("model.json", "[1, 2]"), MODEL + "not a PyAutoFit model"),
    "unknown class": (
        lambda folder: write("model.json", (folder / "model.json").read_text().replace("Isothermal", "Isothermall"))(
            folder
        ),
        "Isothermall, which cannot be imported",
    ),
    "rectangular mesh": (model(rectangular), "galaxies.source has a mesh without triangles; give it al.mesh.Delaunay"),
    "model without mesh": (model(without_mesh), "no galaxy has a pixelization with a mesh"),
    "zeroed pixels without edge": (info(edge_points=0), "has zeroed_pixels 30, and info.json has edge_points 0"),
    "zeroed pixels too few": (zeroed(20), "has zeroed_pixels 20, and info.json has edge_points 30"),
    "broken pins": (write("expected.json", "[1]"), "expected.json: holds no pins"),
    # Visibilities.
    "visibilities without a grid": (
        visibilities(real_space_shape=REMOVED),
        "real_space_shape is missing; write the pix",
    ),
    "grid of half a pixel": (visibilities(real_space_shape=[45.5, 45]), "write two whole numbers of at least 1"),
    "transformer unknown": (visibilities(transformer="FFT"), 'transformer is "FFT"; write "NUFFT" or "DFT"'),
    "visibilities over-sampled": (visibilities(over_sample_size_lp=2), "autolens does not over-sample visibilities"),
    "visibilities on the CPU operator": (visibilities(sparse_operator="cpu"), "has this operator for images only"),
    "rows that differ": (visibilities(noise_map=lambda values: values[1:]), "has shape (189, 2); write (190, 2), like"),
    "columns that differ": (visibilities(data=lambda values: values.T), "data.fits: has shape (2, 190)"),
    "visibility NaN": (visibilities(data=pixel(NAN, (0, 0))), "leave such visibilities out of all three files"),
    "visibility without noise": (visibilities(noise_map=pixel(0.0, (0, 0))), "write the RMS noise of every visibility"),
    "baselines in metres": (
        visibilities(uv_wavelengths=lambda values: 1.0e-3 * values),
        "write baselines in wavelengths",
    ),
}
"""Name -> what spoils a copy of `small`, and words of the message."""


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "lens")


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_exits_2_with_its_fix(name, folder, tmp_path, capfd):
    spoil, words = WRONG[name]
    spoil(folder)
    output = tmp_path / "output"
    assert main(["--lens", str(folder), "--output", str(output)]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    assert any(words in line for line in lines), lines
    assert all(line.startswith(str(folder)) and "; " in line and line.endswith(".") for line in lines)
    assert not output.exists()


def test_there_are_95_kinds():
    assert len(WRONG) >= 95


def test_all_faults_come_at_once(folder, capfd):
    info(mask_center=[0, 0], edge_points=-3, image_mesh={"type": "Hilbert", "pixels": "100"})(folder)
    image("noise_map", lambda values: values[1:])(folder)
    remove("psf.fits")(folder)
    without = model(without_mesh)
    without(folder)
    assert main(["--lens", str(folder)]) == 2
    lines = capfd.readouterr().err.strip().splitlines()
    expected = ("edge_points", "image_mesh.pixels", "mask_center", "no galaxy", "psf.fits", "noise_map.fits")
    assert [sum(word in line for line in lines) for word in expected] == [1] * 6
    assert len(lines) == 6


def test_faults_of_several_lenses_come_at_once(folder, tmp_path, capfd):
    other = shutil.copytree(folder, tmp_path / "other")
    remove("psf.fits")(folder)
    remove("data.fits")(other)
    assert main(["--lens", str(folder), "--lens", str(other)]) == 2
    assert len(capfd.readouterr().err.strip().splitlines()) == 2


@pytest.mark.parametrize(
    "output", ["file", "file/below", "name" * 100, "/proc/output"], ids=["file", "below a file", "long name", "/proc"]
)
def test_output_is_tried_before_any_work(output, tmp_path, capfd):
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as ended:
        main(["--lens", "no-such-lens", "--output", str(tmp_path / output)])
    assert ended.value.code == 2
    assert "is not a writable folder" in capfd.readouterr().err
