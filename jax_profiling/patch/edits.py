"""Edits of autoarray's modules: functions from the text of a module to its patched text."""

import ast
import re

import black

from jax_profiling.terminal.command import BadInput

PACKAGE = "autoarray/inversion/mesh/knn_barycentric"
MESHES = "autoarray/inversion/mesh/mesh/__init__.py"
DELAUNAY = "autoarray/inversion/mesh/interpolator/delaunay.py"
REGULARIZATION = "autoarray/inversion/regularization"
INVERSION = "autoarray/inversion/inversion/abstract.py"
SPLIT = "autoarray/inversion/regularization/regularization_util.py"
SIBSON = "autoarray/inversion/mesh/interpolator/sibson.py"
MAPPER = "autoarray/inversion/mappers/abstract.py"


class DiffError(BadInput):
    """The patch does not fit this autoarray. The message names the difference."""


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


def with_rows_of_cells(source):
    """autoarray's mapper, whose over-sampled mapping matrix takes several rows per data point."""
    method = _find(source, MAPPER, "Mapper", "mapping_matrix_over_sampled_for")
    cells = next((each for each in method.body if ast.unparse(each).startswith("parents = ")), None)
    if cells is None:
        raise DiffError(f"{MAPPER}: `{method.name}` assigns no `parents`; adapt `with_rows_of_cells`.")
    lines = source.splitlines(keepends=True)
    lines.insert(
        cells.end_lineno,
        """        tables = getattr(self.interpolator, "tables", None)
        if tables is not None and tables.row_owner is not None:
            parents = self._xp.asarray(parents)[tables.row_owner]
""",
    )
    return "".join(lines)


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
            raise DiffError(f"{path} has no {'.'.join(names)}; adapt jax_profiling/patch/edits.py to this autoarray.")
    return node
