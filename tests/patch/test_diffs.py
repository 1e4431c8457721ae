"""The patches apply to a copy of the installed autoarray, give the package's results, and revert."""

import ast
import filecmp
import itertools
import json
import os
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import autoarray
import pytest

from jax_profiling.gate import verdict
from jax_profiling.patch import diffs, edits

ROOT = Path(__file__).parents[2]
NATURAL_LINES = 500
AUTOARRAY = Path(autoarray.__file__).parent
SITE_PACKAGES = AUTOARRAY.parent
METADATA = SITE_PACKAGES / f"autoarray-{autoarray.__version__}.dist-info" / "METADATA"


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The first two patches of `make patch`: the mesh, and Delaunay on its triangulation."""
    folder = tmp_path_factory.mktemp("patches")
    assert diffs.main(["--output", str(folder)]) == 0
    return tuple(folder / f"autoarray-{autoarray.__version__}{name}.patch" for name in ("", "-delaunay"))


GROUNDED = """
import sys
import jax_profiling
import autolens as al
import jax.numpy as jnp
import numpy as np
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.likelihood import Likelihood

lens = lens_folder.load(sys.argv[1])
for xp in (np, jnp):
    likelihood = Likelihood(lens, al.mesh.Delaunay)
    fit = likelihood.fit(likelihood.prior_medians, xp=xp)
    terms = ["log_det_regularization_matrix_term", "log_det_curvature_reg_matrix_term"][: int(sys.argv[2])]
    shipped = [float(getattr(fit.inversion, term)) for term in terms]
    fit.inversion.settings._log_det_method = "grounded"
    for term, value in zip(terms, shipped):
        print(value, float(getattr(fit.inversion, term)))
"""


def test_log_determinant_patches_apply_and_revert(site, small, tmp_path):
    assert diffs.main(["--output", str(tmp_path / "patches")]) == 0
    files = [
        tmp_path / "patches" / f"autoarray-{autoarray.__version__}-{name}.patch"
        for name in ("log-det", "curvature-log-det")
    ]
    assert all(diffs.added_lines(file.read_text()) <= limit for file, limit in zip(files, (360, 50), strict=True))
    own = [
        "inversion/inversion/abstract.py",
        "inversion/regularization/differences.py",
        "inversion/regularization/grounded_log_det.py",
    ]
    for terms, file in enumerate(files, start=1):
        _apply(file, site)
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (site, ROOT, SITE_PACKAGES)))}
        command = [sys.executable, "-c", GROUNDED, small.folder, str(terms)]
        process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
        assert process.returncode == 0, process.stderr
        for line in process.stdout.splitlines()[-2 * terms :]:
            shipped, grounded = map(float, line.split())
            assert grounded == pytest.approx(shipped, abs=1.0e-3)
    assert _differences(site) == sorted([*own, "inversion/regularization/curvature_log_det.py"])
    _apply(files[1], site, reverse=True)
    assert _differences(site) == own
    _apply(files[0], site, reverse=True)
    assert _differences(site) == []


@pytest.fixture
def site(tmp_path):
    """A folder with a fresh copy of autoarray."""
    for folder in (AUTOARRAY, METADATA.parent):
        shutil.copytree(folder, tmp_path / "site" / folder.name, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path / "site"


def _differences(site):
    """Paths that differ from the installed autoarray, relative to its folder."""

    def within(comparison, prefix):
        different = comparison.left_only, comparison.right_only, comparison.diff_files, comparison.funny_files
        for name in itertools.chain(*different):
            yield f"{prefix}{name}"
        for name, sub in comparison.subdirs.items():
            yield from within(sub, f"{prefix}{name}/")

    return sorted(within(filecmp.dircmp(AUTOARRAY, site / "autoarray", ignore=["__pycache__"]), ""))


NATURAL = """
import sys
import jax_profiling
import autolens as al
import jax.numpy as jnp
import numpy as np
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.gate.likelihood import Likelihood
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN

lens = lens_folder.load(sys.argv[1])
for mesh_cls in (DelaunayNN, al.mesh.DelaunayNN):
    likelihood = Likelihood(lens, mesh_cls)
    print(*(float(likelihood.evidence(likelihood.prior_medians, xp=xp).log_evidence) for xp in (np, jnp)))
print(al.mesh.DelaunayNN.__module__)
"""


def test_natural_neighbor_patch_applies_and_reverts(files, site, small, tmp_path):
    assert diffs.main(["--output", str(tmp_path / "patches")]) == 0
    file = tmp_path / "patches" / f"autoarray-{autoarray.__version__}-natural-neighbors.patch"
    assert diffs.added_lines(file.read_text()) <= NATURAL_LINES
    for each in (files[0], file):
        _apply(each, site)
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (site, ROOT, ROOT / "delaunax" / "src", SITE_PACKAGES)))
    }
    command = [sys.executable, "-c", NATURAL, small.folder]
    process = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert process.returncode == 0, process.stderr
    *values, module = process.stdout.split()[-5:]
    assert module == "autoarray.inversion.mesh.knn_barycentric.natural_neighbor"
    assert list(map(float, values)) == pytest.approx([float(values[0])] * 4, rel=1.0e-8)
    for each in (file, files[0]):
        _apply(each, site, reverse=True)
    assert _differences(site) == []


TOOLS = {
    "patch": ["patch", "--strip=1", "--reverse", "--input"],
    "git apply": ["git", "apply", "--unidiff-zero", "--reverse"],
}


def _apply(file, site, tool="patch", reverse=False):
    command = [part for part in TOOLS[tool] if reverse or part != "--reverse"]
    subprocess.run([*command, file], cwd=site, check=True)


@pytest.mark.parametrize("tool", TOOLS)
def test_patches_apply_and_revert(files, site, tool):
    mesh, delaunay = files
    with_mesh = ["inversion/mesh/knn_barycentric", "inversion/mesh/mesh/__init__.py"]
    # The package is one new folder, so files that the second patch adds to it do not show.
    with_both = ["inversion/mesh/interpolator/delaunay.py", "inversion/mesh/interpolator/sibson.py", *with_mesh]
    for file, reverse, differences in (
        (mesh, False, with_mesh),
        (delaunay, False, with_both),
        (delaunay, True, with_mesh),
        (mesh, True, []),
    ):
        _apply(file, site, tool, reverse)
        assert _differences(site) == differences
        metadata = (site / METADATA.parent.name / "METADATA").read_text()
        assert metadata.count(f"Requires-Dist: {diffs.REQUIREMENT}\n") == bool(differences)
    assert metadata == METADATA.read_text()


def test_patches_have_no_context_lines(files):
    for file in files:
        lines = file.read_text().splitlines()
        assert not [line for line in lines if line[:1] not in "+-@"]


def test_mesh_patch_adds_at_most_300_lines(files):
    assert diffs.added_lines(files[0].read_text()) <= 300


def test_new_files_equal_the_packages_files(files, site):
    """Only the names of package and module differ, and line breaks."""
    for file in files:
        _apply(file, site)
    package = site / edits.PACKAGE
    own = (*diffs.MESH_FILES, "jax_delaunay_tables.py")
    assert {path.name for path in package.iterdir()} == {"__init__.py", *own}
    for name in own:
        source = (package / name).read_text().replace("autoarray.inversion.mesh.knn_barycentric", "knn_barycentric")
        assert _syntax_of(source) == _syntax_of((diffs.MESH / name).read_text())


def test_vendored_patch_needs_no_delaunax(site, tmp_path):
    assert diffs.main(["--output", str(tmp_path / "patches"), "--vendored"]) == 0
    for file in sorted((tmp_path / "patches").iterdir(), key=lambda path: len(path.name))[:2]:
        _apply(file, site)
    assert (site / METADATA.parent.name / "METADATA").read_text() == METADATA.read_text()
    for path in (site / edits.PACKAGE).rglob("*.py"):
        imports = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text()))
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else [each.name for each in getattr(node, "names", []) if isinstance(node, ast.Import)]
            )
        }
        assert not imports & {"delaunax", "knn_barycentric"}, path
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (site, SITE_PACKAGES)))}
    subprocess.run([sys.executable, "-c", VENDORED], check=True, env=environment, cwd=tmp_path)


VENDORED = """
import importlib, pkgutil
import autolens
from autoarray.inversion.mesh.knn_barycentric import delaunax

modules = [each.name for each in pkgutil.walk_packages(delaunax.__path__, f"{delaunax.__name__}.")]
for name in modules:
    importlib.import_module(name)
assert len(modules) > 10
"""


def test_checkout_gets_the_requirement_in_pyproject(site, tmp_path):
    (site / "pyproject.toml").write_text('[project]\ndependencies = [\n    "scipy",\n]\n')
    assert diffs.main(["--output", str(tmp_path / "patches"), "--source", str(site)]) == 0
    _apply(tmp_path / "patches" / f"autoarray-{autoarray.__version__}.patch", site)
    assert (
        site / "pyproject.toml"
    ).read_text() == f'[project]\ndependencies = [\n    "{diffs.REQUIREMENT}",\n    "scipy",\n]\n'


def test_folder_without_autoarray_is_named(tmp_path, capsys):
    assert diffs.main(["--source", str(tmp_path), "--output", str(tmp_path)]) == 2
    assert "is missing; give --source the folder that contains autoarray/" in capsys.readouterr().err


def _syntax_of(source):
    return ast.dump(ast.parse(source))


def test_other_autoarray_is_named(monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(edits, "MESHES", "autoarray/inversion/mesh/mesh/knn.py")
    assert diffs.main(["--output", str(tmp_path)]) == 2
    assert "does not import KNNBarycentric from .knn exactly once; adapt" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


CALLBACKS = """
import json, sys
import jax_profiling
import autolens as al, jax
from jax_profiling.lenses import lens
from jax_profiling.gate.likelihood import Likelihood

likelihood = Likelihood(lens.load(sys.argv[1]), al.mesh.Delaunay)
program = jax.jit(likelihood.evidence).lower(likelihood.prior_medians).as_text()
print(al.mesh.KNNBarycentric.__module__, program.count("callback"))
"""


def test_gate_passes_on_patched_autoarray(files, site, small, tmp_path):
    """The gate on the HST fiducial, in an environment with the patched autoarray and without knn_barycentric."""
    mesh, delaunay = files
    venv.create(tmp_path / "venv", symlinks=True)
    python = tmp_path / "venv" / "bin" / "python"
    workspace = tmp_path / "workspace"
    shutil.copytree(ROOT / "jax_profiling", workspace / "jax_profiling")
    (workspace / "dataset").symlink_to(ROOT / "dataset")
    # `PYTHONPATH` ignores .pth files, which would add the package itself.
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(map(str, (site, SITE_PACKAGES, ROOT / "delaunax" / "src")))
    }

    def run(*arguments):
        process = subprocess.run(
            [python, *map(str, arguments)], capture_output=True, text=True, cwd=workspace, env=environment
        )
        assert process.returncode == 0, process.stdout + process.stderr
        return process.stdout

    _apply(mesh, site)
    assert run("-c", "import autoarray; print(autoarray.__file__)").strip().startswith(str(site))
    assert run("-c", "import importlib.util as util; print(util.find_spec('knn_barycentric'))").strip() == "None"
    report = tmp_path / "report"
    script = workspace / "jax_profiling/jit/imaging/delaunay_knn_barycentric.py"
    run(script, "--lens", "hst", "--rungs", "delaunay", "--output", report)
    summary = json.loads((report / "summary.json").read_text())
    assert summary["passed"] and summary["drift"] is None
    assert summary["candidates"][0]["rung"] == verdict.DEFAULT_RUNG
    assert summary["candidates"][0]["worst_relative_error"] <= 1.0e-9

    _apply(delaunay, site)
    own, callbacks = run("-c", CALLBACKS, small.folder).split()[-2:]
    assert own == "autoarray.inversion.mesh.knn_barycentric.mesh"
    assert callbacks == "0"

    for file in (delaunay, mesh):
        _apply(file, site, reverse=True)
    assert _differences(site) == []
