"""What the patches contain, with and without the triangulation, and the errors of `make patch`."""

import ast

import autoarray

from jax_profiling.patch import diffs, edits


def test_patches_have_no_context_lines(patches):
    for file in patches.values():
        lines = file.read_text().splitlines()
        assert not [line for line in lines if line[:1] not in "+-@"]


def test_mesh_patch_adds_at_most_300_lines(patches):
    assert diffs.added_lines(patches["mesh"].read_text()) <= 300


def test_new_files_equal_the_packages_files(patches, copy):
    """Only the names of package and module differ, and line breaks."""
    for name in ("mesh", "delaunay"):
        copy.apply(patches[name])
    package = copy.site / edits.PACKAGE
    own = (*diffs.MESH_FILES, "jax_delaunay_tables.py")
    assert {path.name for path in package.iterdir()} == {"__init__.py", *own}
    for name in own:
        source = (package / name).read_text().replace("autoarray.inversion.mesh.knn_barycentric", "knn_barycentric")
        assert _syntax_of(source) == _syntax_of((diffs.MESH / name).read_text())


def test_vendored_patch_needs_no_delaunax(copy, tmp_path):
    shipped = copy.metadata
    assert diffs.main(["--output", str(tmp_path / "patches"), "--vendored"]) == 0
    for file in sorted((tmp_path / "patches").iterdir(), key=lambda path: len(path.name))[:2]:
        copy.apply(file)
    assert copy.metadata == shipped
    for path in (copy.site / edits.PACKAGE).rglob("*.py"):
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
    copy.run("-c", VENDORED, paths=[])


VENDORED = """
import importlib, pkgutil
import autolens
from autoarray.inversion.mesh.knn_barycentric import delaunax

modules = [each.name for each in pkgutil.walk_packages(delaunax.__path__, f"{delaunax.__name__}.")]
for name in modules:
    importlib.import_module(name)
assert len(modules) > 10
"""


def test_checkout_gets_the_requirement_in_pyproject(copy, tmp_path):
    requirements = copy.site / "pyproject.toml"
    requirements.write_text('[project]\ndependencies = [\n    "scipy",\n]\n')
    assert diffs.main(["--output", str(tmp_path / "patches"), "--source", str(copy.site)]) == 0
    copy.apply(tmp_path / "patches" / f"autoarray-{autoarray.__version__}.patch")
    assert requirements.read_text() == f'[project]\ndependencies = [\n    "{diffs.REQUIREMENT}",\n    "scipy",\n]\n'


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
