"""`--check` shows every folder of the repository without a fit: a table and a figure."""

import json
import os
import runpy
import shutil
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from matplotlib.image import imread

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.check.figure import figure_from
from jax_profiling.lenses.check.table import lines_from

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]

OWN = [folder for folder in os.environ.get("KNN_LENSES", "").split(os.pathsep) if folder]
NAMES = [*lens_folder.names(), *sorted(path.name for path in lens_folder.MATRIX.iterdir() if path.is_dir()), *OWN]


@pytest.mark.parametrize("name", NAMES)
def test_every_folder_is_shown(name, tmp_path, capfd):
    assert main(["--lens", name, "--check", "--output", str(tmp_path / "check")]) == 0
    printed = capfd.readouterr().out
    for word in ("what was understood", "mask", "mesh", "galaxies.lens", "free parameters"):
        assert word in printed
    assert [path.name for path in (tmp_path / "check").iterdir()] == ["check.png"]
    picture = imread(tmp_path / "check" / "check.png")
    assert picture.shape[1] == 1700 and picture[..., :3].std() > 0.05


def test_table_has_the_numbers_of_the_folder():
    lines = dict(lines_from(lens_folder.load("small")))
    assert lines["image"] == "45 x 45 pixels of 0.1 arcsec, 4.5 x 4.5 arcsec"
    assert lines["mask"] == "1513 pixels inside, centre [0, 0], circular"
    assert lines["mesh"].startswith("Overlay, shape [15, 15]: 185 vertices and 30 edge points at 2.2 arcsec")
    assert lines["psf"] == "21 x 21 pixels, FWHM 0.24 arcsec"  # A Gaussian of one pixel: 0.2355
    assert "mass Isothermal" in lines["  galaxies.lens"] and "redshift 0.5" in lines["  galaxies.lens"]


def test_figure_shows_data_outside_the_mask(tmp_path):
    folder = shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "lens")
    info = json.loads((folder / "info.json").read_text())
    (folder / "info.json").write_text(json.dumps(info | {"mask_radius": 1.0, "mask_centre": [0.5, 0.0]}))
    shown = figure_from(lens_folder.load(folder)).axes[0].images[0].get_array()
    assert np.isfinite(shown).all() and (np.asarray(shown)[:5] != 0.0).any()


def test_odd_letters_of_a_name_are_shown(tmp_path, capfd):
    folder = shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "a$_$ [x]")
    assert main(["--lens", str(folder), "--check", "--output", str(tmp_path / "[bold]")]) == 0
    printed = capfd.readouterr().out
    assert "a$_$ [x]: what was understood" in printed and "[bold]/check.png" in printed


def test_a_mask_of_the_whole_image_is_not_circular(tmp_path):
    folder = shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "lens")
    fits.writeto(folder / "mask.fits", np.zeros((45, 45)))
    assert dict(lines_from(lens_folder.load(folder)))["mask"] == "2025 pixels inside, centre [0, 0]"


def test_faults_end_a_check_too(tmp_path, capfd):
    folder = shutil.copytree(lens_folder.DATASETS / "small", tmp_path / "lens")
    (folder / "psf.fits").unlink()
    assert main(["--lens", str(folder), "--check", "--output", str(tmp_path / "check")]) == 2
    assert "psf.fits: is missing" in capfd.readouterr().err
    assert not (tmp_path / "check").exists()
