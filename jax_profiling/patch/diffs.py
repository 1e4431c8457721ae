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
import ast
import difflib
import re
from pathlib import Path

import autoarray
import black

import delaunax
import knn_barycentric
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import folder_to_write
from jax_profiling.terminal.writing import write_aside

MESH = Path(knn_barycentric.__file__).parent
EVIDENCE = MESH / "evidence"
TRIANGULATION = Path(delaunax.__file__).parent
SITE_PACKAGES = Path(autoarray.__file__).parents[1]

PACKAGE = "autoarray/inversion/mesh/knn_barycentric"
MESHES = "autoarray/inversion/mesh/mesh/__init__.py"
DELAUNAY = "autoarray/inversion/mesh/interpolator/delaunay.py"
REGULARIZATION = "autoarray/inversion/regularization"
INVERSION = "autoarray/inversion/inversion/abstract.py"
SPLIT = "autoarray/inversion/regularization/regularization_util.py"
SIBSON = "autoarray/inversion/mesh/interpolator/sibson.py"

MESH_FILES = ("mesh.py", "interpolator.py", "mesh_geometry.py")
"""Files of `knn_barycentric` that the first patch adds to autoarray."""

NATURAL_NEIGHBOR_FILES = ("natural_neighbor.py", "natural_neighbor_weights.py", "row_pieces.py", "wide_stencils.py")
"""Files of `knn_barycentric` that the patch of natural neighbours adds."""

REQUIREMENT = "delaunax>=0.1"


class DiffError(command.BadInput):
    """The patch does not fit this autoarray. The message names the difference."""


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
    mesh.append(_edit(source, MESHES, with_mesh))
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
    delaunay += [_edit(source, DELAUNAY, with_tables), _edit(source, SIBSON, with_nan_weights)]
    natural = [
        _new_file(f"{PACKAGE}/{name}", upstream_source((MESH / name).read_text(), vendored))
        for name in NATURAL_NEIGHBOR_FILES
    ]
    natural += [_edit(source, MESHES, with_natural_neighbor, on_top_of=with_mesh), _edit(source, SPLIT, with_wide_rows)]
    log_det = [
        _new_file(f"{REGULARIZATION}/differences.py", upstream_source((EVIDENCE / "differences.py").read_text())),
        _new_file(f"{REGULARIZATION}/grounded_log_det.py", upstream_source((EVIDENCE / "log_det.py").read_text())),
        _edit(source, INVERSION, with_log_det),
    ]
    curvature = [
        _new_file(
            f"{REGULARIZATION}/curvature_log_det.py", upstream_source((EVIDENCE / "curvature_log_det.py").read_text())
        ),
        _edit(source, INVERSION, with_curvature_log_det, on_top_of=with_log_det),
    ]
    by_suffix = {
        "": mesh,
        "-delaunay": delaunay,
        "-natural-neighbors": natural,
        "-log-det": log_det,
        "-curvature-log-det": curvature,
    }
    return {f"autoarray-{autoarray.__version__}{suffix}.patch": "".join(hunks) for suffix, hunks in by_suffix.items()}


def upstream_source(source, vendored=False):
    """A module in autoarray's form: with its name there, formatted by autoarray's formatter."""
    package = PACKAGE.replace("/", ".")
    source = source.replace("knn_barycentric.evidence.differences", f"{REGULARIZATION.replace('/', '.')}.differences")
    source = source.replace("knn_barycentric.evidence.log_det", f"{REGULARIZATION.replace('/', '.')}.grounded_log_det")
    source = re.sub(r"^(\s*(?:from|import) )knn_barycentric\b", rf"\1{package}", source, flags=re.M)
    if vendored:
        source = re.sub(r"^(\s*)import delaunax$", rf"\1from {package} import delaunax", source, flags=re.M)
        source = re.sub(r"^(\s*from )delaunax\b", rf"\1{package}.delaunax", source, flags=re.M)
    return black.format_str(source, mode=black.Mode())


def with_mesh(source):
    """autoarray's table of meshes, with this mesh instead of its own `KNNBarycentric`."""
    return _with_class(source, "knn", "KNNBarycentric", "mesh import KNNBarycentric")


def with_natural_neighbor(source):
    """autoarray's table of meshes, with `NaturalNeighbor` instead of its own `DelaunayNN`."""
    return _with_class(source, "delaunay_nn", "DelaunayNN", "natural_neighbor import NaturalNeighbor as DelaunayNN")


def _with_class(source, module, name, replacement):
    own = rf"^from \.{module} import {name}$"
    if len(re.findall(own, source, flags=re.M)) != 1:
        raise DiffError(f"{MESHES} does not import {name} from .{module} exactly once; adapt `_with_class`.")
    return re.sub(own, f"from ..knn_barycentric.{replacement}", source, flags=re.M)


def with_wide_rows(source):
    """autoarray's split regularization, with any number of neighbours per split point."""
    function = _find(source, SPLIT, "pixel_splitted_regularization_matrix_from")
    lines = source.splitlines(keepends=True)
    # The import comes last: the module reads a constant of this one.
    lines.insert(
        function.end_lineno,
        f"""

from {PACKAGE.replace("/", ".")}.wide_stencils import (  # noqa: E402
    with_any_width,
)

pixel_splitted_regularization_matrix_from = with_any_width(
    pixel_splitted_regularization_matrix_from
)
""",
    )
    return "".join(lines)


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


def with_tables(source):
    """autoarray's Delaunay interpolation, with the tables of the in-graph triangulation."""
    function = _find(source, DELAUNAY, "_jax_delaunay_tables")
    lines = source.splitlines(keepends=True)
    lines[function.lineno - 1 : function.end_lineno] = [
        "def _jax_delaunay_tables(points):\n",
        '    """Connectivity from the in-graph triangulation; see `delaunay_tables`."""\n',
        "    return delaunay_tables(points)\n",
    ]
    source = _with_nan_weights("".join(lines), DELAUNAY, "InterpolatorDelaunay")
    return _with_import("delaunay_tables, nan_if_uncertified", source)


def with_log_det(source):
    """autoarray's inversion, with the grounded log determinant of H as a setting."""
    return _with_term(source, "log_det_regularization_matrix_term", "grounded_log_det", "log_det_term_of")


def with_curvature_log_det(source):
    """autoarray's inversion, with the grounded log determinant of F + H as a setting."""
    return _with_term(source, "log_det_curvature_reg_matrix_term", "curvature_log_det", "curvature_log_det_term_of")


def _with_term(source, method, module, name):
    """Return `name` of `module` from a method of the inversion, after the condition that the method starts with."""
    term = _find(source, INVERSION, "AbstractInversion", method)
    condition = next((each for each in term.body if isinstance(each, ast.If)), None)
    if condition is None:
        raise DiffError(f"{INVERSION}: `{method}` starts without a condition; adapt `_with_term`.")
    branch = f"""
        if self.settings.log_det_method == "grounded":
            from ..regularization.{module} import {name}

            grounded = {name}(self)
            if grounded is not None:
                return grounded
"""
    lines = source.splitlines(keepends=True)
    lines.insert(condition.end_lineno, branch)
    return "".join(lines)


def with_nan_weights(source):
    """autoarray's Sibson interpolation, which takes its tables from `DELAUNAY`, with NaN weights without a certificate."""
    return _with_import("nan_if_uncertified", _with_nan_weights(source, SIBSON, "InterpolatorDelaunayNN"))


def _with_nan_weights(source, path, class_name):
    """Make `_mappings_sizes_weights` of a class return NaN weights if the tables have no certificate."""
    method = _find(source, path, class_name, "_mappings_sizes_weights")
    if not (isinstance(method.body[-1], ast.Return) and len(getattr(method.body[-1].value, "elts", ())) == 3):
        raise DiffError(
            f"{path}: {class_name}._mappings_sizes_weights does not return three values; adapt `_with_nan_weights`."
        )
    weights = method.body[-1].value.elts[2]
    lines = source.splitlines(keepends=True)
    line = lines[weights.lineno - 1]
    old = line[weights.col_offset : weights.end_col_offset]
    new = f"nan_if_uncertified({old}, self.delaunay)"
    lines[weights.lineno - 1] = line[: weights.col_offset] + new + line[weights.end_col_offset :]
    return "".join(lines)


def _with_import(names, source):
    """A module that also imports `names` from the package's `jax_delaunay_tables`, before its last import."""
    last = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))][-1]
    lines = source.splitlines(keepends=True)
    line = f"from {PACKAGE.replace('/', '.')}.jax_delaunay_tables import {names}\n"
    lines.insert(last.lineno - 1, black.format_str(line, mode=black.Mode()))
    return "".join(lines)


def _find(source, path, *names):
    """The syntax tree of a function or class, by the path of its names."""
    node = ast.parse(source)
    for name in names:
        node = next((child for child in node.body if getattr(child, "name", None) == name), None)
        if node is None:
            raise DiffError(f"{path} has no {'.'.join(names)}; adapt jax_profiling/patch/diffs.py to this autoarray.")
    return node


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


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=folder_to_write, default=Path(), help="folder of the patches (default: here)")
    parser.add_argument(
        "--source", type=Path, default=SITE_PACKAGES, help="folder that contains autoarray/ (default: installed)"
    )
    parser.add_argument("--vendored", action="store_true", help="include the triangulation instead of a requirement")
    arguments = parser.parse_args(argv)
    texts = patches(arguments.source, arguments.vendored)
    with write_aside(arguments.output.resolve()) as scratch:
        for name, text in texts.items():
            (scratch / name).write_text(text)
    for name, text in texts.items():
        removed = sum(line.startswith("-") and not line.startswith("---") for line in text.splitlines())
        print(f"{arguments.output / name}: {added_lines(text)} lines added, {removed} removed")
    return 0


if __name__ == "__main__":
    command.run(main)
