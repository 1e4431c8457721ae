"""Generate patches of autoarray's source from `knn_barycentric/`.

    .venv/bin/python -m jax_profiling.patch.diffs --output FOLDER

This command writes five patches without context lines:

- `autoarray-<version>.patch` adds the package `autoarray.inversion.mesh.knn_barycentric`, lets `al.mesh.KNNBarycentric` name
  its mesh, and adds `delaunax` to the requirements.
- `autoarray-<version>-delaunay.patch` applies on top. It gives `Delaunay` and `DelaunayNN` the same triangulation.
- `autoarray-<version>-natural-neighbors.patch` applies on top of the first. It adds `NaturalNeighbor` as `al.mesh.DelaunayNN`.
- `autoarray-<version>-log-det.patch` stands alone. It adds `Settings(log_det_method="grounded")`, the right log determinant of
  regularization by differences.
- `autoarray-<version>-curvature-log-det.patch` applies on top of the previous patch. It adds the right log determinant of
  curvature plus regularization.

`--source` names the folder that contains `autoarray/`; the default is the installed release. A checkout keeps its requirements
in `pyproject.toml`, an installed release in `autoarray-<version>.dist-info/METADATA`. With `--vendored`, the patch contains the
triangulation as a subpackage and adds no requirement.

To apply a patch, run `patch -p1 < FILE` or `git apply --unidiff-zero FILE` in that folder; `-R` reverts it.
"""

import argparse
import difflib
import re
from pathlib import Path

import autoarray

import delaunax
import knn_barycentric
from jax_profiling.patch import edits
from jax_profiling.patch.edits import PACKAGE, REGULARIZATION, DiffError, upstream_source
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import folder_to_write
from jax_profiling.terminal.writing import atomic_writes

MESH = Path(knn_barycentric.__file__).parent
EVIDENCE = MESH / "evidence"
TRIANGULATION = Path(delaunax.__file__).parent
SITE_PACKAGES = Path(autoarray.__file__).parents[1]

MESH_FILES = ("mesh.py", "interpolator.py", "mesh_geometry.py")
"""Files of `knn_barycentric` that the first patch adds to autoarray."""

NATURAL_NEIGHBOR_FILES = ("natural_neighbor.py", "natural_neighbor_weights.py", "row_pieces.py", "wide_stencils.py")
"""Files of `knn_barycentric` that the patch of natural neighbours adds."""

REQUIREMENT = "delaunax>=0.1"


def patches(source=SITE_PACKAGES, vendored=False):
    """File name -> the text of the patch.

    Parameters
    ----------
    source
        The folder that contains `autoarray/`.
    vendored
        Whether the patch contains the triangulation, instead of a requirement.

    Raises
    ------
    DiffError
        If a line to change is missing.
    """
    source = Path(source)
    mesh = [_new_file(f"{PACKAGE}/__init__.py", '"""A Delaunay mesh whose triangulation runs in JAX."""\n')]
    mesh += [
        _new_file(f"{PACKAGE}/{name}", upstream_source((MESH / name).read_text(), vendored)) for name in MESH_FILES
    ]
    mesh.append(_edit(source, edits.MESHES, edits.with_mesh))
    if vendored:
        mesh += [
            _new_file(
                f"{PACKAGE}/delaunax/{path.relative_to(TRIANGULATION)}", upstream_source(path.read_text(), vendored)
            )
            for path in sorted(TRIANGULATION.rglob("*.py"))
        ]
    else:
        mesh.append(_requirement(source))
    tables = upstream_source((MESH / "jax_delaunay_tables.py").read_text(), vendored)
    delaunay = [_new_file(f"{PACKAGE}/jax_delaunay_tables.py", tables)]
    delaunay += [_edit(source, edits.DELAUNAY, edits.with_tables), _edit(source, edits.SIBSON, edits.with_nan_weights)]
    natural = [
        _new_file(f"{PACKAGE}/{name}", upstream_source((MESH / name).read_text(), vendored))
        for name in NATURAL_NEIGHBOR_FILES
    ]
    natural += [
        _edit(source, edits.MESHES, edits.with_natural_neighbor, on_top_of=edits.with_mesh),
        _edit(source, edits.SPLIT, edits.with_wide_rows),
        _edit(source, edits.MAPPER, edits.with_rows_of_cells),
    ]
    log_det = [
        _new_file(f"{REGULARIZATION}/differences.py", upstream_source((EVIDENCE / "differences.py").read_text())),
        _new_file(f"{REGULARIZATION}/grounded_log_det.py", upstream_source((EVIDENCE / "log_det.py").read_text())),
        _edit(source, edits.INVERSION, edits.with_log_det),
    ]
    curvature = [
        _new_file(
            f"{REGULARIZATION}/curvature_log_det.py", upstream_source((EVIDENCE / "curvature_log_det.py").read_text())
        ),
        _edit(source, edits.INVERSION, edits.with_curvature_log_det, on_top_of=edits.with_log_det),
    ]
    by_suffix = {
        "": mesh,
        "-delaunay": delaunay,
        "-natural-neighbors": natural,
        "-log-det": log_det,
        "-curvature-log-det": curvature,
    }
    return {f"autoarray-{autoarray.__version__}{suffix}.patch": "".join(hunks) for suffix, hunks in by_suffix.items()}


def _requirement(source):
    """The hunk that adds `REQUIREMENT` to autoarray's requirements."""
    if (source / "pyproject.toml").exists():
        path, before, line = "pyproject.toml", r"^dependencies = \[\n", f'    "{REQUIREMENT}",\n'
    else:
        path = f"autoarray-{autoarray.__version__}.dist-info/METADATA"
        before, line = r"^Requires-Python: .*\n", f"Requires-Dist: {REQUIREMENT}\n"
    if not (source / path).exists() or len(re.findall(before, (source / path).read_text(), flags=re.M)) != 1:
        raise DiffError(f"{path} does not list autoarray's requirements as expected; adapt `_requirement`.")
    return _edit(source, path, lambda text: re.sub(before, lambda found: found[0] + line, text, flags=re.M))


def _new_file(path, source):
    return _diff("/dev/null", f"b/{path}", "", source)


def _edit(source, path, change, on_top_of=lambda text: text):
    """The hunk that changes a file, after `on_top_of` has changed it."""
    if not (source / path).exists():
        raise DiffError(f"{source / path} is missing; give --source the folder that contains autoarray/.")
    text = on_top_of((source / path).read_text())
    return _diff(f"a/{path}", f"b/{path}", text, change(text))


def _diff(before, after, old, new):
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), before, after, n=0)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def added_lines(text):
    """The number of lines that a patch adds."""
    return sum(line.startswith("+") and not line.startswith("+++") for line in text.splitlines())


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=folder_to_write, default=Path(), help="folder of the patches (default: here)")
    parser.add_argument(
        "--source", type=Path, default=SITE_PACKAGES, help="folder that contains autoarray/ (default: installed)"
    )
    parser.add_argument("--vendored", action="store_true", help="include the triangulation instead of a requirement")
    arguments = parser.parse_args(argv)
    texts = patches(arguments.source, arguments.vendored)
    with atomic_writes(arguments.output.resolve()) as scratch:
        for name, text in texts.items():
            (scratch / name).write_text(text)
    for name, text in texts.items():
        removed = sum(line.startswith("-") and not line.startswith("---") for line in text.splitlines())
        print(f"{arguments.output / name}: {added_lines(text)} lines added, {removed} removed")
    return 0


if __name__ == "__main__":
    command.run(main)
