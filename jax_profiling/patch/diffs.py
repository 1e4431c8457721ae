"""The mesh as a patch of autoarray's source, generated from `knn_barycentric/`.

    .venv/bin/python -m jax_profiling.patch.diffs --output FOLDER

writes four files, without lines of context:

- `autoarray-<version>.patch` adds the package `autoarray.inversion.mesh.knn_barycentric`, makes `al.mesh.KNNBarycentric` name
  its mesh, and adds `delaunax` to the requirements;
- `autoarray-<version>-delaunay.patch`, on top of it, feeds `Delaunay` and `DelaunayNN` from the same triangulation;
- `autoarray-<version>-log-det.patch`, on its own, adds `Settings(log_det_method="grounded")`: the right log determinant of
  regularization by differences;
- `autoarray-<version>-curvature-log-det.patch`, on top of that, does the same for that of curvature and regularization.

They are for the tree that `--source` names: the folder that holds `autoarray/`, by default that of the installed release. Its
requirements are in `pyproject.toml` in a checkout, and in `autoarray-<version>.dist-info/METADATA` where it is installed. With
`--vendored` the triangulation comes along as a subpackage, and nothing is added to the requirements.

In that folder `patch -p1 < FILE` or `git apply --unidiff-zero FILE` applies one, and `-R` reverts it.
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
TRIANGULATION = Path(delaunax.__file__).parent
INSTALLED = Path(autoarray.__file__).parents[1]

PACKAGE = "autoarray/inversion/mesh/knn_barycentric"
MESHES = "autoarray/inversion/mesh/mesh/__init__.py"
DELAUNAY = "autoarray/inversion/mesh/interpolator/delaunay.py"
REGULARIZATION = "autoarray/inversion/regularization"
INVERSION = "autoarray/inversion/inversion/abstract.py"
SIBSON = "autoarray/inversion/mesh/interpolator/sibson.py"

MESH_FILES = ("mesh.py", "interpolator.py", "mesh_geometry.py")
"""Files of `knn_barycentric` that the first patch adds to autoarray."""

REQUIREMENT = "delaunax>=0.1"


class DiffError(command.BadInput):
    """This autoarray cannot take the patch; the message says what differs."""


def patches(source=INSTALLED, vendored=False):
    """File name -> the text of the patch.

    Parameters
    ----------
    source
        The folder that holds `autoarray/`.
    vendored
        Whether the triangulation comes along, in place of a requirement.

    Raises
    ------
    DiffError
        If a line that has to change is not where it was.
    """
    source = Path(source)
    mesh = [_added(f"{PACKAGE}/__init__.py", '"""A Delaunay mesh whose triangulation runs in JAX."""\n')]
    mesh += [_added(f"{PACKAGE}/{name}", upstream_source((MESH / name).read_text(), vendored)) for name in MESH_FILES]
    mesh.append(_changed(source, MESHES, with_mesh))
    if vendored:
        mesh += [
            _added(f"{PACKAGE}/delaunax/{path.name}", upstream_source(path.read_text(), vendored))
            for path in sorted(TRIANGULATION.glob("*.py"))
            if path.name != "oracle.py"
        ]
    else:
        mesh.append(_requirement(source))
    fed = upstream_source((MESH / "jax_delaunay_tables.py").read_text(), vendored)
    delaunay = [_added(f"{PACKAGE}/jax_delaunay_tables.py", fed)]
    delaunay += [_changed(source, DELAUNAY, with_tables), _changed(source, SIBSON, with_refusal)]
    log_det = [
        _added(f"{REGULARIZATION}/grounded_log_det.py", upstream_source((MESH / "log_det.py").read_text())),
        _changed(source, INVERSION, with_log_det),
    ]
    curvature = [
        _added(f"{REGULARIZATION}/curvature_log_det.py", upstream_source((MESH / "curvature_log_det.py").read_text())),
        _changed(source, INVERSION, with_curvature_log_det, on_top_of=with_log_det),
    ]
    named = {"": mesh, "-delaunay": delaunay, "-log-det": log_det, "-curvature-log-det": curvature}
    return {f"autoarray-{autoarray.__version__}{name}.patch": "".join(hunks) for name, hunks in named.items()}


def upstream_source(source, vendored=False):
    """A module as it stands in autoarray: under its name there, formatted as autoarray is."""
    package = PACKAGE.replace("/", ".")
    source = source.replace("knn_barycentric.log_det", f"{REGULARIZATION.replace('/', '.')}.grounded_log_det")
    source = re.sub(r"^(\s*(?:from|import) )knn_barycentric\b", rf"\1{package}", source, flags=re.M)
    if vendored:
        source = re.sub(r"^(\s*)import delaunax$", rf"\1from {package} import delaunax", source, flags=re.M)
        source = re.sub(r"^(\s*from )delaunax\b", rf"\1{package}.delaunax", source, flags=re.M)
    return black.format_str(source, mode=black.Mode())


def with_mesh(source):
    """autoarray's table of meshes, naming this one in the place of its own."""
    own = r"^from \.knn import KNNBarycentric$"
    if len(re.findall(own, source, flags=re.M)) != 1:
        raise DiffError(f"{MESHES} does not import KNNBarycentric from .knn once; adapt `with_mesh` to where it does.")
    return re.sub(own, "from ..knn_barycentric.mesh import KNNBarycentric", source, flags=re.M)


def _requirement(source):
    """The hunk that adds `REQUIREMENT` where the tree keeps autoarray's requirements."""
    if (source / "pyproject.toml").exists():
        path, before, line = "pyproject.toml", r"^dependencies = \[\n", f'    "{REQUIREMENT}",\n'
    else:
        path = f"autoarray-{autoarray.__version__}.dist-info/METADATA"
        before, line = r"^Requires-Python: .*\n", f"Requires-Dist: {REQUIREMENT}\n"
    if not (source / path).exists() or len(re.findall(before, (source / path).read_text(), flags=re.M)) != 1:
        raise DiffError(f"{path} does not list autoarray's requirements as expected; adapt `_requirement` to it.")
    return _changed(source, path, lambda text: re.sub(before, lambda found: found[0] + line, text, flags=re.M))


def with_tables(source):
    """autoarray's Delaunay interpolation, with in-graph tables in the place of Qhull's."""
    function = _find(source, DELAUNAY, "_jax_delaunay_tables")
    lines = source.splitlines(keepends=True)
    lines[function.lineno - 1 : function.end_lineno] = [
        "def _jax_delaunay_tables(points):\n",
        '    """Connectivity from the in-graph triangulation; see `delaunay_tables`."""\n',
        "    return delaunay_tables(points)\n",
    ]
    return _importing(
        "delaunay_tables, nan_if_uncertified", _refusing("".join(lines), DELAUNAY, "InterpolatorDelaunay")
    )


def with_log_det(source):
    """autoarray's inversion, with the grounded log determinant of H where the settings ask for it."""
    return _with_term(source, "log_det_regularization_matrix_term", "grounded_log_det", "log_det_term_of")


def with_curvature_log_det(source):
    """The same with that of F + H."""
    return _with_term(source, "log_det_curvature_reg_matrix_term", "curvature_log_det", "curvature_log_det_term_of")


def _with_term(source, own, module, name):
    term = _find(source, INVERSION, "AbstractInversion", own)
    without = next((each for each in term.body if isinstance(each, ast.If)), None)
    if without is None:
        raise DiffError(f"{INVERSION}: `{own}` begins with no condition; adapt `_with_term` to it.")
    added = f"""
        if self.settings.log_det_method == "grounded":
            from ..regularization.{module} import {name}

            return {name}(self)
"""
    lines = source.splitlines(keepends=True)
    lines.insert(without.end_lineno, added)
    return "".join(lines)


def with_refusal(source):
    """autoarray's Sibson interpolation, which takes its tables from `DELAUNAY`."""
    return _importing("nan_if_uncertified", _refusing(source, SIBSON, "InterpolatorDelaunayNN"))


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
    new = f"nan_if_uncertified({old}, self.delaunay)"
    lines[weights.lineno - 1] = line[: weights.col_offset] + new + line[weights.end_col_offset :]
    return "".join(lines)


def _importing(names, source):
    """A module that also imports `names` from the package's `jax_delaunay_tables`, before the last of its imports."""
    last = [node for node in ast.parse(source).body if isinstance(node, (ast.Import, ast.ImportFrom))][-1]
    lines = source.splitlines(keepends=True)
    added = f"from {PACKAGE.replace('/', '.')}.jax_delaunay_tables import {names}\n"
    lines.insert(last.lineno - 1, black.format_str(added, mode=black.Mode()))
    return "".join(lines)


def _find(source, path, *names):
    """The syntax tree of a function or class, by the names that lead to it."""
    node = ast.parse(source)
    for name in names:
        node = next((child for child in node.body if getattr(child, "name", None) == name), None)
        if node is None:
            raise DiffError(f"{path} has no {'.'.join(names)}; adapt jax_profiling/patch/diffs.py to this autoarray.")
    return node


def _added(path, source):
    return _diff("/dev/null", f"b/{path}", "", source)


def _changed(source, path, change, on_top_of=lambda text: text):
    """The hunk of a change of a file, after another that is applied first."""
    if not (source / path).exists():
        raise DiffError(f"{source / path} is missing; give --source the folder that holds autoarray/.")
    text = on_top_of((source / path).read_text())
    return _diff(f"a/{path}", f"b/{path}", text, change(text))


def _diff(before, after, old, new):
    lines = difflib.unified_diff(old.splitlines(keepends=True), new.splitlines(keepends=True), before, after, n=0)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


def added_lines(text):
    """How many lines a patch adds."""
    return sum(line.startswith("+") and not line.startswith("+++") for line in text.splitlines())


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=folder_to_write, default=Path(), help="where the files go (default: here)")
    parser.add_argument(
        "--source", type=Path, default=INSTALLED, help="folder that holds autoarray/ (default: installed)"
    )
    parser.add_argument("--vendored", action="store_true", help="bring the triangulation along, without a requirement")
    arguments = parser.parse_args(argv)
    found = patches(arguments.source, arguments.vendored)
    with write_aside(arguments.output.resolve()) as aside:
        for name, text in found.items():
            (aside / name).write_text(text)
    for name, text in found.items():
        removed = sum(line.startswith("-") and not line.startswith("---") for line in text.splitlines())
        print(f"{arguments.output / name}: {added_lines(text)} lines added, {removed} removed")
    return 0


if __name__ == "__main__":
    command.run(main)
