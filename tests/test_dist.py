"""`make dist` builds both packages, and their wheels work in an empty environment."""

import os
import subprocess
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

DELAUNAX = """
import importlib.util
import numpy as np
import delaunax

points, queries = np.random.default_rng(0).random((2, 50, 2))
interpolator = delaunax.LinearInterpolator(points, points @ [2.0, -3.0])
inside = np.isfinite(interpolator(queries))
assert inside.sum() > 30
np.testing.assert_allclose(interpolator(queries)[inside], (queries @ [2.0, -3.0])[inside], rtol=1.0e-4, atol=1.0e-5)
assert delaunax.triangulate(points).certified
assert importlib.util.find_spec("autolens") is None
print(delaunax.__version__)
"""

KNN_BARYCENTRIC = """
import autolens as al
import autofit as af
import delaunax
import knn_barycentric
from knn_barycentric import KNNBarycentric

mesh = af.Model(KNNBarycentric, pixels=1201, zeroed_pixels=30)
pixelization = af.Model(al.Pixelization, mesh=mesh, regularization=al.reg.ConstantSplit)
source = af.Model(al.Galaxy, redshift=1.0, pixelization=pixelization)
instance = source.instance_from_prior_medians()
assert type(instance.pixelization.mesh) is KNNBarycentric
knn_barycentric.patch()
assert al.mesh.KNNBarycentric is KNNBarycentric
print(knn_barycentric.__version__, delaunax.__version__)
"""


@pytest.fixture(scope="module")
def wheels():
    subprocess.run(["make", "dist"], cwd=ROOT, check=True)
    names = sorted(path.name for path in (ROOT / "dist").iterdir())
    assert [name.partition("-")[0] for name in names] == [*["delaunax"] * 2, *["knn_barycentric"] * 2]
    return sorted((ROOT / "dist").glob("*.whl"))


@pytest.mark.slow
@pytest.mark.parametrize("count, program", [(1, DELAUNAX), (2, KNN_BARYCENTRIC)], ids=["delaunax", "knn_barycentric"])
def test_wheels_work_in_an_empty_environment(wheels, count, program, tmp_path):
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", *wheels[:count], "--constraint", ROOT / "constraints.txt"]
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(install, check=True, cwd=tmp_path, env=environment)
    process = subprocess.run([python, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert process.returncode == 0, process.stderr
    versions = [wheel.name.split("-")[1] for wheel in reversed(wheels[:count])]
    assert process.stdout.split()[-count:] == versions
