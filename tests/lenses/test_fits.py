"""FITS files as surveys publish them give the dataset of plain files, and notes say what was chosen."""

import gzip
import json
import shutil

import numpy as np
import pytest
from astropy.io import fits

from jax_profiling.lenses import lens as lens_folder


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "lens")


@pytest.fixture(scope="module")
def plain():
    return lens_folder.load("small").dataset


def rewrite(folder, name, write):
    """Write an image anew: `write` takes its values and the path."""
    path = folder / f"{name}.fits"
    values = fits.getdata(path).astype(float)
    path.unlink()
    write(values, path)


def gzipped(values, path):
    fits.writeto(path, values)
    (path.parent / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def fpacked(values, path):
    # Quantized at level 0, which is lossless.
    image = fits.CompImageHDU(values, compression_type="GZIP_2", quantize_level=0)
    image.writeto(path.parent / f"{path.name}.fz")


def in_an_extension(values, path):
    fits.HDUList([fits.PrimaryHDU(), fits.ImageHDU(values, name="SCI")]).writeto(path)


def with_others_before(values, path):
    others = fits.PrimaryHDU(np.ones((3, 45, 45))), fits.ImageHDU(np.ones((45, 45)), name="DQ")
    fits.HDUList([*others, fits.ImageHDU(values, name="ERR"), fits.ImageHDU(values * 0.0, name="WHT")]).writeto(path)


WAYS = {
    "gzip": ("data", gzipped, None),
    "gzip of the psf": ("psf", gzipped, None),
    "fpack": ("noise_map", fpacked, "the image is that in HDU 1"),
    "extension": ("data", in_an_extension, "the image is that in HDU 1 (SCI)."),
    "extension by name": ("noise_map", with_others_before, "HDU 2 (ERR); ignored are 0 (PRIMARY), 1 (DQ), 3 (WHT)."),
}


@pytest.mark.parametrize("way", WAYS)
def test_same_dataset_however_it_is_stored(way, folder, plain):
    name, write, words = WAYS[way]
    rewrite(folder, name, write)
    lens = lens_folder.load(folder)
    for attribute in ("data", "noise_map"):
        found = np.asarray(getattr(lens.dataset, attribute).array)
        assert found.dtype == np.dtype("=f8")
        assert (found == np.asarray(getattr(plain, attribute).array)).all()
    assert (np.asarray(lens.dataset.psf.kernel.array) == np.asarray(plain.psf.kernel.array)).all()
    assert [words in note for note in lens.notes] == ([] if words is None else [True])


def test_scaled_integers_are_physical_values(folder, plain):
    def scaled(values, path):
        hdu = fits.PrimaryHDU(values)
        hdu.scale("int32", bscale=1.0e-6, bzero=3.0)
        hdu.writeto(path)

    rewrite(folder, "data", scaled)
    assert fits.getheader(folder / "data.fits")["BSCALE"] == 1.0e-6
    found = np.asarray(lens_folder.load(folder).dataset.data.array)
    assert found == pytest.approx(np.asarray(plain.data.array), abs=1.0e-6)


def test_blank_integers_are_faults_inside_the_mask(folder):
    def blank(values, path):
        image = np.round(values * 1000.0).astype("int32")
        image[22, 22] = -99
        fits.writeto(path, image, header=fits.Header({"BLANK": -99, "BSCALE": 0.001, "BZERO": 0.0}))

    rewrite(folder, "data", blank)
    with pytest.raises(lens_folder.LensError, match="data.fits: holds 1 NaN or infinite values inside the mask"):
        lens_folder.load(folder)


def test_nan_outside_the_mask_changes_nothing(folder, plain):
    def corners(values, path):
        values[:3, :3] = np.nan
        fits.writeto(path, values)

    for name in ("data", "noise_map"):
        rewrite(folder, name, corners)
    assert (np.asarray(lens_folder.load(folder).dataset.data.array) == np.asarray(plain.data.array)).all()


def test_psf_notes_name_sum_and_peak(folder, plain):
    rewrite(folder, "psf", lambda values, path: fits.writeto(path, 7.0 * np.roll(values, 2, axis=1)))
    lens = lens_folder.load(folder)
    assert any("sums to 7, and autolens normalizes it to one" in note for note in lens.notes)
    assert any("has its peak [0, 2] pixels [y, x] from its centre" in note for note in lens.notes)
    assert np.asarray(lens.dataset.psf.kernel.array).sum() == pytest.approx(1.0)


def test_mask_file_is_the_mask(folder):
    masked = np.ones((45, 45), dtype="int16")
    masked[15:30, 15:30] = 0
    fits.writeto(folder / "mask.fits", masked)
    assert lens_folder.load(folder).data_points == 225


@pytest.mark.parametrize("pixel_scale, error", [(0.1, None), (0.1005, None), (0.102, "0.102 arcsec by its header")])
def test_wcs_agrees_with_pixel_scale_to_a_per_cent(pixel_scale, error, folder):
    cards = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": 150.0, "CRVAL2": 2.0}
    cards |= {"CDELT1": -pixel_scale / 3600.0, "CDELT2": pixel_scale / 3600.0}
    rewrite(folder, "data", lambda values, path: fits.writeto(path, values, header=fits.Header(cards)))
    if error is None:
        assert lens_folder.load(folder).notes == ()
    else:
        with pytest.raises(lens_folder.LensError, match=error):
            lens_folder.load(folder)


def test_edge_points_with_flux_are_noted(folder):
    model = json.loads((folder / "model.json").read_text())
    source = model["arguments"]["galaxies"]["arguments"]["source"]["arguments"]
    source["pixelization"]["arguments"]["mesh"]["arguments"]["zeroed_pixels"] = 0
    (folder / "model.json").write_text(json.dumps(model))
    (note,) = lens_folder.load(folder).notes
    assert "galaxies.source has zeroed_pixels 0, so its edge points may have flux" in note


def test_redshifts_that_differ_are_noted(folder):
    info = json.loads((folder / "info.json").read_text())
    (folder / "info.json").write_text(json.dumps(info | {"redshift_source": 2.0}))
    (note,) = lens_folder.load(folder).notes
    assert "model.json: no galaxy has the redshift_source 2 of info.json; fits take the redshifts of the model" in note


@pytest.mark.parametrize(
    "name, right",
    [
        ("adapt_images.fits", "adapt_image.fits"),
        ("mask_extra_galaxy.fits", "mask_extra_galaxies.fits"),
        ("position.json", "positions.json"),
    ],
)
def test_a_misspelt_file_is_noted(name, right, folder):
    (folder / name).write_text("")
    (note,) = lens_folder.load(folder).notes
    assert f"{name}: is not read; a file {right} would be" in note


def test_steps_are_said_while_loading(folder):
    said = []
    lens_folder.load(folder, say=said.append)
    assert said == ["reading and checking files", "dataset, mask and over-sampling", "Overlay image mesh"]
