"""Lens folders: defaults, optional files, bad arguments and interrupts of the regression."""

import json
import runpy
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.simulate import simulate
from jax_profiling.terminal.writing import atomic_writes

SCRIPT = Path(__file__).parents[2] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]


def _rewrite(path, change):
    info = json.loads(path.read_text())
    change(info)
    path.write_text(json.dumps(info))


@pytest.fixture
def folder(tmp_path):
    return shutil.copytree(lens_folder.DATASETS / "hst", tmp_path / "copy")


@pytest.mark.parametrize("arguments", [["--draws", "-1"], ["--rungs", "nearest"]])
def test_bad_arguments_exit_2_and_write_nothing(arguments, tmp_path, capfd):
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--output", str(tmp_path / "output")])
    assert ended.value.code == 2
    assert arguments[1] in capfd.readouterr().err
    assert not (tmp_path / "output").exists()


def test_an_unknown_lens_gives_2_and_writes_nothing(tmp_path, capfd):
    assert main(["--lens", "no-such-lens", "--output", str(tmp_path / "output")]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert "no-such-lens" in line
    assert not (tmp_path / "output").exists()


@pytest.mark.parametrize("arguments", [["--log-det", "accurate"], ["--check"]])
def test_pins_that_could_not_be_written_are_refused_first(arguments, capfd):
    with pytest.raises(SystemExit) as ended:
        main(["--lens", "no-such-lens", "--update-pins", *arguments])
    assert ended.value.code == 2
    assert f"leave out {'--log-det accurate' if arguments[1:] else '--update-pins'}" in capfd.readouterr().err


def test_a_folder_that_cannot_be_written_is_found_before_any_fit(monkeypatch, tmp_path, capfd):
    (tmp_path / "results").write_text("")
    monkeypatch.setitem(main.__wrapped__.__globals__, "LOCAL", tmp_path / "results")
    assert main(["--lens", "small"]) == 2
    (line,) = capfd.readouterr().err.splitlines()
    assert line.startswith(f"{tmp_path}/results/small: cannot be written")


def test_a_path_is_a_folder_and_a_name_is_a_lens(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder.rename(tmp_path / "small")
    assert lens_folder.load("./small").data_points == 15361
    with pytest.raises(LensError, match="small: is the name of a lens and a folder here; write ./small"):
        lens_folder.load("small")
    monkeypatch.chdir(lens_folder.DATASETS)
    assert lens_folder.load("small").data_points == 1513


def test_a_link_keeps_its_name(folder, tmp_path):
    (tmp_path / "J0946").symlink_to(folder)
    assert lens_folder.load(tmp_path / "J0946").name == "J0946"


@pytest.mark.parametrize(
    "name, words", [("@small", "names no search"), ("x" * 5000, "no such lens")], ids=["no search", "long"]
)
def test_odd_names_are_rejected(name, words):
    with pytest.raises(LensError, match=words):
        lens_folder.load(name)


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


def test_interrupted_write_keeps_the_old_files(tmp_path):
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / "summary.json").write_text("old")
    with pytest.raises(KeyboardInterrupt), atomic_writes(tmp_path / "report") as scratch:
        (scratch / "summary.json").write_text("half")
        raise KeyboardInterrupt
    assert (tmp_path / "report" / "summary.json").read_text() == "old"
    assert list(tmp_path.iterdir()) == [tmp_path / "report"]


def test_comments_are_ignored_and_defaults_filled_in(folder):
    def change(info):
        info.update(_telescope="HST", image_mesh={"type": "Overlay", "shape": [39, 39], "_why": "as in the first fit"})
        del info["over_sample_size_pixelization"], info["edge_points"]

    _rewrite(folder / "info.json", change)
    lens = lens_folder.load(folder)
    assert (lens.vertices, lens.data_points) == (1231, 15361)
    assert "_telescope" not in lens.info


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


def test_all_stands_for_every_name_and_keeps_folders():
    names = lens_folder.names()
    assert lens_folder.named(["all", "my_lens", "hst"]) == [*names, "my_lens"]
    assert lens_folder.named(["my_lens", "small", "my_lens"]) == ["my_lens", "small"]
