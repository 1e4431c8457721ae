"""A lens folder that cannot be used is refused in one line that names the file and the mend, and nothing is written."""

import json
import runpy
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.simulate import simulate
from jax_profiling.terminal.writing import write_aside

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]


def _rewrite(path, change):
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


def _image(folder, name, change):
    with fits.open(folder / name) as hdu_list:
        image = np.array(hdu_list[0].data, dtype=float)
    fits.writeto(folder / name, change(image), overwrite=True)


def _truncate(folder):
    data = (folder / "data.fits").read_bytes()
    (folder / "data.fits").write_bytes(data[: len(data) // 2])


def _with_nan(image):
    image[70, 70] = np.nan
    return image


def _negative(image):
    image[70, 70] = -1.0
    return image


def _rectangular(folder):
    def change(model):
        pixelization = model["arguments"]["galaxies"]["arguments"]["source"]["arguments"]["pixelization"]
        class_path = "autoarray.inversion.mesh.mesh.rectangular_uniform.RectangularUniform"
        pixelization["arguments"]["mesh"] = {"type": "instance", "class_path": class_path, "arguments": {}}
        pixelization["arguments"]["regularization"]["class_path"] = (
            "autoarray.inversion.regularization.constant.Constant"
        )

    _rewrite(folder / "model.json", change)


def _without_mesh(model):
    del model["arguments"]["galaxies"]["arguments"]["source"]["arguments"]["pixelization"]


def _rewrite_info(folder, **changes):
    _rewrite(folder / "info.json", lambda info: info.update(changes))


BAD = {
    "missing data": (lambda f: (f / "data.fits").unlink(), "data.fits"),
    "missing psf": (lambda f: (f / "psf.fits").unlink(), "psf.fits"),
    "truncated data": (_truncate, "data.fits"),
    "not a FITS file": (lambda f: (f / "noise_map.fits").write_text("noise"), "noise_map.fits"),
    "shapes that differ": (lambda f: _image(f, "noise_map.fits", lambda image: image[:-1]), "noise_map.fits"),
    "three dimensions": (lambda f: _image(f, "data.fits", lambda image: image[None]), "data.fits"),
    "NaN in the noise map": (lambda f: _image(f, "noise_map.fits", _with_nan), "noise_map.fits"),
    "NaN in the data": (lambda f: _image(f, "data.fits", _with_nan), "data.fits"),
    "negative noise": (lambda f: _image(f, "noise_map.fits", _negative), "noise_map.fits"),
    "even psf": (lambda f: _image(f, "psf.fits", lambda image: image[:-1]), "psf.fits"),
    "missing model": (lambda f: (f / "model.json").unlink(), "model.json"),
    "broken model": (lambda f: (f / "model.json").write_text('{"type": "collection", '), "model.json"),
    "model of nothing": (lambda f: (f / "model.json").write_text("[1, 2]"), "model.json"),
    "unknown class": (
        lambda f: (f / "model.json").write_text((f / "model.json").read_text().replace("Isothermal", "Isothermall")),
        "model.json",
    ),
    "rectangular mesh": (_rectangular, "model.json"),
    "model without mesh": (lambda f: _rewrite(f / "model.json", _without_mesh), "model.json"),
    "missing info": (lambda f: (f / "info.json").unlink(), "info.json"),
    "no pixel scale": (lambda f: _rewrite(f / "info.json", lambda info: info.pop("pixel_scale")), "info.json"),
    "pixel scale in words": (lambda f: _rewrite(f / "info.json", lambda i: i.update(pixel_scale="0.05")), "info.json"),
    "mask of no radius": (lambda f: _rewrite(f / "info.json", lambda i: i.update(mask_radius=0)), "info.json"),
    **{
        f"{key} that is none": (partial(_rewrite_info, **{key: value}), file)
        for key, value, file in (
            ("dataset", "spectrum", "info.json"),
            ("transformer", "DFT", "info.json"),
            ("sparse_operator", "yes", "info.json"),
            ("settings", {"use_magic": True}, "info.json"),
            ("positions_threshold", 0.3, "positions.json"),
            ("grid_offset", 0.1, "info.json"),
            ("over_sample_size_pixelization", {"above": 4}, "info.json"),
        )
    },
    "visibilities without a real-space shape": (
        lambda f: _rewrite(f / "info.json", lambda i: i.update(dataset="interferometer")),
        "info.json",
    ),
    "unknown image mesh": (
        lambda f: _rewrite(f / "info.json", lambda i: i.update(image_mesh={"type": "Voronoi"})),
        "info.json",
    ),
}


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(lens_folder.DATASETS / "hst", tmp_path / "copy")


@pytest.mark.parametrize("name", BAD)
def test_bad_folder_is_refused(name, folder, tmp_path, capfd):
    spoil, file = BAD[name]
    spoil(folder)
    output = tmp_path / "output"
    assert main(["--lens", str(folder), "--output", str(output)]) == 2
    message = capfd.readouterr().err.strip().splitlines()
    assert len(message) == 1, message
    assert file in message[0] and "; " in message[0]
    assert not output.exists()


@pytest.mark.parametrize("arguments", [["--lens", "no-such-lens"], ["--draws", "-1"], ["--rungs", "nearest"]])
def test_bad_arguments_exit_2_without_a_traceback(arguments, tmp_path):
    ran = subprocess.run(
        [sys.executable, SCRIPT, *arguments, "--output", tmp_path / "output"], capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert arguments[1] in ran.stderr and "Traceback" not in ran.stderr
    assert not (tmp_path / "output").exists()


def test_interrupted_run_leaves_nothing(tmp_path):
    output = tmp_path / "output"
    with subprocess.Popen(
        [sys.executable, SCRIPT, "--output", output], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for line in process.stdout:
            if "Delaunay" in line:
                break
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 1
    assert "Interrupted" in errors and "Traceback" not in errors
    assert list(tmp_path.iterdir()) == []


def test_interrupted_write_leaves_nothing_and_keeps_what_was_there(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "summary.json").write_text("old")
    with pytest.raises(KeyboardInterrupt), write_aside(tmp_path / "report") as aside:
        (aside / "summary.json").write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "report" / "summary.json").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "report"]


def test_unknown_keys_are_ignored_and_defaults_filled_in(folder):
    def change(info):
        info.update(telescope="HST", filter="F814W")
        del info["over_sample_size_pixelization"], info["edge_points"], info["image_mesh"]

    _rewrite(folder / "info.json", change)
    lens = lens_folder.load(folder)
    assert (lens.vertices, lens.data_points) == (1231, 15361)


def test_extra_galaxies_lose_their_weight(folder):
    mask = np.zeros((141, 141))
    mask[60:65, 60:65] = 1.0
    fits.writeto(folder / "mask_extra_galaxies.fits", mask)
    noise_map = lens_folder.load(folder).dataset.noise_map.native
    assert (noise_map[60:65, 60:65] == 1.0e8).all()
    assert noise_map[70, 70] < 10.0


def test_hilbert_image_mesh(folder):
    _rewrite(folder / "info.json", lambda info: info.update(image_mesh={"type": "Hilbert", "pixels": 500}))
    assert lens_folder.load(folder).vertices == 530


def test_simulation_gives_the_committed_fiducial(tmp_path):
    simulate("hst", tmp_path / "hst")
    for name in ("data", "noise_map", "psf"):
        ours, theirs = (
            fits.getdata(folder / f"{name}.fits") for folder in (tmp_path / "hst", lens_folder.DATASETS / "hst")
        )
        assert np.allclose(ours, theirs, rtol=1.0e-12)
