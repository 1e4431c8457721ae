"""Odd and valid folders: `--check` accepts each and says what it understood, and the page shows the gate's verdicts."""

import json
import runpy
from pathlib import Path

import pytest

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.odd_folders import __main__ as command
from jax_profiling.proof.odd_folders import page
from jax_profiling.proof.odd_folders.folders import ODD_FOLDERS, build, said_of

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]

SAID = {
    "survey_files": "data.fits.gz: the image is that in HDU 2 (SCI); ignored are 1 (DQ).",
    "integers": "45 x 45 pixels of 0.1 arcsec",
    "nan_corners": "1513 pixels inside",
    "tiny_units": "at most",
    "rectangle": "44 x 41 pixels of 0.1 arcsec, 4.4 x 4.1 arcsec",
    "large_pixels": "15 x 15 pixels of 0.3 arcsec",
    "psf_off_centre": "psf.fits: sums to 7, and autolens normalizes it to one.",
    "psf_without_blurring": "3 x 3 pixels",
    "ring_mask": "pixels inside",
    "mask_off_centre": "centre [0.3, -0.4], circular",
    "few_pixels": "centre [0, 1.6], circular",
    "hilbert": "Hilbert, pixels 120",
    "kmeans": "KMeans, pixels 120",
    "points_on_vertices": "0 edge points",
    "positions": "4 images, threshold 0.05 arcsec",
    "two_sources": "of galaxies.source and galaxies.nearer",
    "visibilities": "psf.fits: is not read, because visibilities have no PSF.",
}
"""Name -> words of `--check` about what is odd."""

NAMES = [odd.name for odd in ODD_FOLDERS]


@pytest.mark.parametrize("odd", ODD_FOLDERS, ids=NAMES)
def test_check_accepts_an_odd_folder(odd, tmp_path, capfd):
    folder = build(odd, tmp_path)
    assert main(["--lens", str(folder), "--check", "--output", str(tmp_path / "check")]) == 0
    assert "what was understood" in capfd.readouterr().out
    said = said_of(odd, lens_folder.load(folder))
    assert SAID[odd.name] in " ".join(said)
    assert said == json.loads((command.RESULTS / f"{odd.name}.json").read_text())["check"]


def test_every_odd_folder_has_words_and_a_result():
    assert {path.stem for path in command.RESULTS.glob("*.json")} == set(NAMES) == SAID.keys()


def test_the_page_shows_the_measured_values(tmp_path):
    page.write(command.RESULTS, tmp_path)
    assert (tmp_path / "odd_folders.md").read_text() == (command.PAGES / "odd_folders.md").read_text()


def test_build_refuses_a_folder_with_files(tmp_path, capfd):
    (tmp_path / "file").write_text("")
    assert command.main(["--build", str(tmp_path)]) == 2
    assert "is not empty" in capfd.readouterr().err
