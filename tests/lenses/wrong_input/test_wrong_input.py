"""Every kind of wrong input ends in exit status 2 and one line per fault, which names the file, the value and the fix."""

import runpy
import shutil
from pathlib import Path

import pytest

from jax_profiling.lenses import lens as lens_folder

from spoilers import image, info, model, remove, without_mesh
from wrong_files import WRONG_FILES
from wrong_info import WRONG_INFO

SCRIPT = Path(__file__).parents[3] / "jax_profiling" / "jit" / "imaging" / "delaunay_knn_barycentric.py"
main = runpy.run_path(str(SCRIPT))["main"]

WRONG = {**WRONG_INFO, **WRONG_FILES}


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
    assert "cannot be written" in capfd.readouterr().err
