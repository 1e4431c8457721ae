"""Published layouts become lens folders; the small files here have the layouts, names and extensions of the surveys."""

import json
import shutil

import numpy as np
import pytest
from astropy.io import fits

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.published.__main__ import main

SMALL = lens_folder.DATASETS / "small"
REDSHIFTS = ["--redshift-lens", "0.5", "--redshift-source", "1.0"]


def images():
    return {name: fits.getdata(SMALL / f"{name}.fits").astype("float32") for name in ("data", "noise_map", "psf")}


def slacs(folder):
    """`F814W_image.fits` and its neighbours, with the redshifts in `info.json`; ACS pixels of 0.05 arcsec."""
    for name, file in (("data", "F814W_image"), ("noise_map", "noise_map_scaled"), ("psf", "F814W_psf")):
        fits.writeto(folder / f"{file}.fits", images()[name])
    (folder / "info.json").write_text(json.dumps({"redshift_lens": 0.2803, "redshift_source": 0.9818}))
    return folder, ["--mask-radius", "1.0"]


def cowls(folder):
    """One folder per band, long and short wavelength channels with different pixels; one `positions.json`."""
    for band, pixel_scale in (("F150W", 0.03), ("F277W", 0.06)):
        (folder / band).mkdir()
        for name, values in images().items():
            header = fits.Header({"PIXSCALE": pixel_scale}) if name == "psf" else None
            fits.writeto(folder / band / f"{name}.fits", values, header=header)
        fits.writeto(folder / band / "mask_extra_galaxies.fits", np.eye(45))
        fits.writeto(folder / band / "psf_71x71.fits", np.ones((71, 71)))
    (folder / "info.json").write_text(json.dumps({"ra": 150.1, "dec": 1.89, "redshift_lens": None}))
    (folder / "positions.json").write_text(json.dumps([[0.4, 0.1], [-0.3, -0.2]]))
    return folder, ["--mask-radius", "0.6", "--positions-threshold", "0.3", *REDSHIFTS]


def euclid(folder):
    """A primary HDU without data, then image, PSF and RMS of every band; pixels without data have a huge RMS."""
    files = images()
    files["noise_map"][0, :5] = 1.0e16
    hdus = [fits.PrimaryHDU()]
    for band, factor in (("VIS", 1.0), ("NIR_Y", 2.0)):
        hdus.append(fits.ImageHDU(factor * files["data"], name=f"{band}_BGSUB"))
        hdus.append(fits.ImageHDU(files["psf"], name=f"{band}_PSF"))
        hdus.append(fits.ImageHDU(factor * files["noise_map"], name=f"{band}_RMS"))
    fits.HDUList(hdus).writeto(folder / "cutout.fits")
    info = {"pixel_scale": 0.1, "mask_radius": 2.0, "mask_centre": [0.0, 0.0]}
    (folder / "info.json").write_text(json.dumps(info))
    return folder / "cutout.fits", REDSHIFTS


def half_of_euclid(folder):
    path, needed = euclid(folder)
    path.write_bytes(path.read_bytes()[:10_000])
    return path, needed


def alma(folder):
    """The text table of `uvplot.export_uvtable`: u and v in metres, the wavelength in a header line."""
    rng = np.random.default_rng(1)
    table = np.column_stack([300.0 * rng.normal(size=(60, 2)), rng.normal(size=(60, 2)), np.full(60, 4.0)])
    table[:10, 4] = 0.0
    header = "Extracted from lens.ms.\nwavelength[m] = 0.0021\nColumns:\tu[m]\tv[m]\tRe(V)[Jy]\tIm(V)[Jy]\tweight"
    np.savetxt(folder / "uvtable.txt", table, fmt="%10.6e", delimiter="\t", header=header)
    grid = ["--pixel-scale", "0.1", "--real-space-shape", "60", "60", "--mask-radius", "2.0"]
    return folder / "uvtable.txt", [*grid, *REDSHIFTS]


@pytest.fixture
def source(tmp_path):
    (tmp_path / "published").mkdir()
    return tmp_path / "published"


def converted(layout, source, tmp_path, *options):
    path, needed = layout(source)
    assert main([layout.__name__, str(path), "--output", str(tmp_path / "lens"), *needed, *options]) == 0
    return lens_folder.load(tmp_path / "lens", operators=False)


def test_slacs_folder_keeps_images_and_redshifts(source, tmp_path):
    lens = converted(slacs, source, tmp_path)
    assert (lens.info["pixel_scale"], lens.info["redshift_lens"], lens.info["redshift_source"]) == (
        0.05,
        0.2803,
        0.9818,
    )
    assert (lens.factors[0].whole_image == images()["data"]).all()
    assert lens.vertices == 530


def test_cowls_bands_become_datasets_of_one_lens(source, tmp_path):
    lens = converted(cowls, source, tmp_path)
    assert [factor.info["pixel_scale"] for factor in lens.factors] == [0.03, 0.06]
    assert [len(factor.positions[0].positions) for factor in lens.factors] == [2, 2]
    first, second = (part.galaxies.lens for _, part in lens.model.items())
    assert first.mass.einstein_radius is second.mass.einstein_radius
    assert first.bulge is not second.bulge
    noise_map = np.asarray(lens.dataset.noise_map.native.array)
    assert noise_map[22, 22] == 1.0e8 and noise_map[22, 20] < 1.0e3


def test_cowls_takes_one_band(source, tmp_path):
    lens = converted(cowls, source, tmp_path, "--bands", "F277W")
    assert len(lens.factors) == 1
    assert lens.info["pixel_scale"] == 0.06


def test_euclid_extensions_of_a_band_are_taken(source, tmp_path):
    lens = converted(euclid, source, tmp_path, "--bands", "NIR_Y")
    assert (lens.factors[0].whole_image == 2.0 * images()["data"]).all()
    assert lens.info["mask_radius"] == 2.0


def test_side_cuts_around_the_centre(source, tmp_path):
    lens = converted(euclid, source, tmp_path, "--side", "4.1")
    assert (lens.factors[0].whole_image == images()["data"][2:-2, 2:-2]).all()


def test_alma_table_becomes_visibilities(source, tmp_path):
    lens = converted(alma, source, tmp_path)
    u, v, real, imaginary, _ = np.loadtxt(source / "uvtable.txt", unpack=True)[:, 10:]
    assert lens.data_points == 50
    assert np.asarray(lens.dataset.uv_wavelengths) == pytest.approx(np.stack([u, v], axis=1) / 0.0021)
    assert np.asarray(lens.dataset.data.array) == pytest.approx(real + 1j * imaginary)
    assert np.asarray(lens.dataset.noise_map.array) == pytest.approx(np.full(50, 0.5 + 0.5j))


WRONG = {
    "no redshift": (cowls, [], "F150W has no redshift_lens; give --redshift-lens."),
    "no band": (euclid, ["--bands", "NIR_Z"], "has no extension NIR_Z_BGSUB or NIR_Z_FLUX; give a band of VIS_BGSUB"),
    "two bands of SLACS": (slacs, ["--bands", "F814W,F555W"], "cannot hold the bands F814W, F555W; give one band"),
    "bands of visibilities": (alma, ["--bands", "7"], "has no bands; leave out --bands"),
    "no positions": (
        euclid,
        ["--positions-threshold", "0.3"],
        "has no positions.json; leave out --positions-threshold",
    ),
    "half a file": (half_of_euclid, [], "is not readable as FITS"),
    "no folder of a lens": (lambda folder: (folder, []), [], "holds no F814W_image*.fits or data.fits"),
}


def slacs_with_weights(folder):
    path, needed = slacs(folder)
    noise = fits.ImageHDU(images()["noise_map"], name="WHT")
    noise_map = next(folder.glob("*noise_map*"))
    fits.HDUList([fits.PrimaryHDU(), noise]).writeto(noise_map, overwrite=True)
    return path, needed


def slacs_with(info):
    def published(folder):
        path, needed = slacs(folder)
        (folder / "info.json").write_text(info)
        return path, needed

    return published


WRONG_FILES = {
    "weights as noise": (slacs_with_weights, "has an extension WHT, which holds no RMS noise; convert it"),
    "a list as info.json": (slacs_with("[0.05]"), "info.json: is no JSON object"),
    "a word as number": (
        slacs_with('{"pixel_scale": "0.05"}'),
        "info.json: pixel_scale is '0.05'; write a finite positive number",
    ),
    "no end": (
        slacs_with('{"mask_radius": Infinity}'),
        "info.json: mask_radius is inf; write a finite positive number",
    ),
    "no centre": (slacs_with('{"mask_centre": [0.0, NaN]}'), "info.json: mask_centre is [0.0, NaN]; write"),
    "no pixels": (slacs_with('{"pixel_scale": 0}'), "info.json: pixel_scale is 0; write a finite positive number"),
}


@pytest.mark.parametrize("name", WRONG_FILES)
def test_wrong_files_of_slacs_exit_2(name, source, tmp_path, capfd):
    layout, words = WRONG_FILES[name]
    path, needed = layout(source)
    options = ["--output", str(tmp_path / "lens"), "--side", "2.0", *needed, *REDSHIFTS]
    assert main(["slacs", str(path), *options]) == 2
    assert words in capfd.readouterr().err
    assert not (tmp_path / "lens").exists()


@pytest.mark.parametrize("name", WRONG)
def test_wrong_input_exits_2_and_writes_nothing(name, source, tmp_path, capfd):
    layout, options, words = WRONG[name]
    path, needed = layout(source)
    layout_name = {"<lambda>": "slacs", "half_of_euclid": "euclid"}.get(layout.__name__, layout.__name__)
    needed = [] if name == "no redshift" else needed
    assert (
        main([layout_name, str(path), "--output", str(tmp_path / "lens"), "--mask-radius", "1", *needed, *options]) == 2
    )
    assert words in capfd.readouterr().err
    assert not (tmp_path / "lens").exists()


@pytest.mark.parametrize("wavelength", ["", "# wavelength[m] = -", "# wavelength[m] = 0.0"])
def test_a_table_without_wavelength_is_a_fault(wavelength, source, tmp_path, capfd):
    path, needed = alma(source)
    rows = [line for line in path.read_text().splitlines() if "wavelength" not in line]
    path.write_text("\n".join([wavelength, *rows]))
    assert main(["alma", str(path), "--output", str(tmp_path / "lens"), *needed]) == 2
    assert "has no header with the wavelength" in capfd.readouterr().err


@pytest.mark.parametrize("below", ["lenses", "link"])
def test_faults_name_the_new_folder_and_leave_none(below, source, tmp_path, capfd):
    path, needed = slacs(source)
    fits.writeto(source / "F814W_psf.fits", np.ones((20, 20)), overwrite=True)
    (tmp_path / "lenses").mkdir()
    (tmp_path / "link").symlink_to("lenses")
    lens = tmp_path / below / "lens"
    assert main(["slacs", str(path), "--output", str(lens), *needed, *REDSHIFTS]) == 2
    assert f"{lens / 'psf.fits'}: shape (20, 20) is even" in capfd.readouterr().err
    assert not list((tmp_path / "lenses").iterdir())


def test_a_folder_that_is_not_empty_stays(source, tmp_path, capfd):
    shutil.copytree(SMALL, tmp_path / "lens")
    path, needed = euclid(source)
    assert main(["euclid", str(path), "--output", str(tmp_path / "lens"), *needed]) == 2
    assert "is not empty; give another folder" in capfd.readouterr().err
