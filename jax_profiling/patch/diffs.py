"""The mesh as a patch of autoarray's source, generated from `knn_barycentric/`.

    .venv/bin/python -m jax_profiling.patch.diffs --output FOLDER

writes two files for the installed release of autoarray, without lines of context:

- `autoarray-<version>.patch` adds the package `autoarray.inversion.mesh.knn_barycentric` and makes `al.mesh.KNNBarycentric`
  name its mesh;
- `autoarray-<version>-delaunay.patch`, on top of it, feeds `Delaunay` and `DelaunayNN` from the same triangulation.

In the folder that holds `autoarray/`, `patch -p1 < FILE` or `git apply --unidiff-zero FILE` applies one, and `-R` reverts it.
"""

import argparse
import ast
import difflib
import re
import sys
from pathlib import Path

import autoarray
import black

import knn_barycentric
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import write_aside

SOURCE = Path(knn_barycentric.__file__).parent
PACKAGE = "autoarray/inversion/mesh/knn_barycentric"
MESHES = "autoarray/inversion/mesh/mesh/__init__.py"
DELAUNAY = "autoarray/inversion/mesh/interpolator/delaunay.py"
SIBSON = "autoarray/inversion/mesh/interpolator/sibson.py"

ONLY_INSTALLED = {"__init__.py", "autoarray_patch.py", "autoarray_internals.py"}
"""Files of `knn_barycentric` that put it into an autoarray from outside; in a patched autoarray there is nothing to do."""


class DiffError(Exception):
    """The installed autoarray cannot take the patch; the message is one sentence that says what differs."""


def patches():
    """File name -> the text of the patch, for the installed autoarray.

    Raises
    ------
    DiffError
        If a line that has to change is not where it was.
    """
    files = sorted(path for path in SOURCE.glob("*.py") if path.name not in ONLY_INSTALLED)
    mesh = [_added(f"{PACKAGE}/__init__.py", '"""A Delaunay mesh whose triangulation runs in JAX."""\n')]
    mesh += [_added(f"{PACKAGE}/{path.name}", upstream_source(path.read_text())) for path in files]
    mesh += [_changed(MESHES, with_mesh)]
    delaunay = [_changed(DELAUNAY, with_tables), _changed(SIBSON, with_refusal)]
    stem = f"autoarray-{autoarray.__version__}"
    return {f"{stem}.patch": "".join(mesh), f"{stem}-delaunay.patch": "".join(delaunay)}


def upstream_source(source):
    """A module of `knn_barycentric` as it stands in autoarray: under its name there, formatted as autoarray is."""
    moved = re.sub(r"^(\s*(?:from|import) )knn_barycentric\b", rf"\1{PACKAGE.replace('/', '.')}", source, flags=re.M)
    return black.format_str(moved, mode=black.Mode())


def with_mesh(source):
    """autoarray's table of meshes, naming this one in the place of its own."""
    own = r"^from \.knn import KNNBarycentric$"
    if len(re.findall(own, source, flags=re.M)) != 1:
        raise DiffError(f"{MESHES} does not import KNNBarycentric from .knn once; adapt `with_mesh` to where it does.")
    return re.sub(own, "from ..knn_barycentric.mesh import KNNBarycentric", source, flags=re.M)


def with_tables(source):
    """autoarray's Delaunay interpolation, with in-graph tables in the place of Qhull's."""
    function = _find(source, DELAUNAY, "_jax_delaunay_tables")
    lines = source.splitlines(keepends=True)
    lines[function.lineno - 1 : function.end_lineno] = [
        "def _jax_delaunay_tables(points):\n",
        '    """Connectivity from the in-graph triangulation; see `delaunay_tables`."""\n',
        "    return delaunay_tables(points)\n",
    ]
    return _importing("delaunay_tables, unless_refused", _refusing("".join(lines), DELAUNAY, "InterpolatorDelaunay"))


def with_refusal(source):
    """autoarray's Sibson interpolation, which takes its tables from `DELAUNAY`."""
    return _importing("unless_refused", _refusing(source, SIBSON, "InterpolatorDelaunayNN"))


def _refusing(source, path, class_name):
    """A module in which the third value of a class's `_mappings_sizes_weights` is NaN where the tables are refused."""
    method = _find(source, path, class_name, "_mappings_sizes_weights")
    if not (isinstance(method.body[-1], ast.Return) and len(getattr(method.body[-1].value, "elts", ())) == 3):
        raise DiffError(
            f"{path}: {class_name}._mappings_sizes_weights returns no three values; adapt `_refusing` to it."
        )
    weights = method.body[-1].value.elts[2]
    lines = source.splitlines(keepends=True)
    line = lines[weights.lineno - 1]
    old = line[weights.col_offset : weights.end_col_offset]
    new = f"unless_refused({old}, self.delaunay)"
    lines[weights.lineno - 1] = line[: weights.col_offset] + new + line[weights.end_col_offset :]
    return "".join(lines)


def _importing(names, source):
    """A module that also imports `names` from the package's `delaunay_tables`, before the last of its imports."""
    last = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))][-1]
    lines = source.splitlines(keepends=True)
    added = f"from {PACKAGE.replace('/', '.')}.fed_delaunay import {names}\n"
    lines.insert(last.lineno - 1, black.format_str(added, mode=black.Mode()))
    return "".join(lines)


def _find(source, path, *names):
    """The syntax tree of a function or class, by the names that lead to it."""
    node = ast.parse(source)
    for name in names:
        node = next((child for child in node.body if getattr(child, "name", None) == name), None)
        if node is None:
            raise DiffError(f"{path} has no {'.'.join(names)}; adapt jax_profiling/diffs.py to this autoarray.")
    return node


def _added(path, source):
    return _diff("/dev/null", f"b/{path}", "", source)


def _changed(path, change):
    source = (Path(autoarray.__file__).parents[1] / path).read_text()
    return _diff(f"a/{path}", f"b/{path}", source, change(source))


def _diff(before, after, old, new):
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), before, after, n=0)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, default=Path(), help="where the files go (default: here)")
    arguments = parser.parse_args(argv)
    try:
        found = patches()
    except DiffError as error:
        print(error, file=sys.stderr)
        return 2
    with write_aside(arguments.output.resolve()) as aside:
        for name, text in found.items():
            (aside / name).write_text(text)
    for name, text in found.items():
        lines = text.splitlines()
        added = sum(line.startswith("+") and not line.startswith("+++") for line in lines)
        removed = sum(line.startswith("-") and not line.startswith("---") for line in lines)
        print(f"{arguments.output / name}: {added} lines added, {removed} removed")
    return 0


if __name__ == "__main__":
    command.run(main)
