"""`patch` and `unpatch`: use this package through the names that autoarray, autogalaxy and autolens already have."""

import threading
from functools import partial, wraps

from autoarray.inversion.inversion.abstract import AbstractInversion
from autoarray.inversion.mappers import mapper_util
from autoarray.inversion.mappers.abstract import Mapper
from autoarray.inversion.mesh import mesh
from autoarray.inversion.mesh.interpolator import delaunay as delaunay_interpolator
from autoarray.inversion.mesh.interpolator import sibson
from autoarray.inversion.regularization import regularization_util
from autonerves import cached_property

from knn_barycentric.evidence.curvature_log_det import curvature_log_det_term_of
from knn_barycentric.evidence.log_det import log_det_term_of
from knn_barycentric.evidence.reconstruction import with_bounded_penalties
from knn_barycentric.evidence.regularization_term import regularization_term_of
from knn_barycentric.evidence.tiny_weights import without_tiny_weights
from knn_barycentric.jax_delaunay_tables import delaunay_tables, nan_if_uncertified
from knn_barycentric.mesh import KNNBarycentric
from knn_barycentric.natural_neighbor import NaturalNeighbor
from knn_barycentric.upstream import internals
from knn_barycentric.upstream.over_sampled_psf import with_rows
from knn_barycentric.wide_stencils import with_any_width

EVIDENCE_TERMS = {
    "log_det_regularization_matrix_term": log_det_term_of,
    "log_det_curvature_reg_matrix_term": curvature_log_det_term_of,
    "regularization_term": regularization_term_of,
}
"""Property of autoarray's inversions -> its value by differences, or None where autoarray's own is to stand."""

_lock = threading.Lock()
_shipped = {}


def patch(
    delaunay: bool = False, log_det: bool = False, natural_neighbors: bool = False, *, zero_tiny_weights: bool = False
):
    """Make `al.mesh.KNNBarycentric` this package's mesh, and optionally replace more of autoarray.

    `ag.mesh` and `aa.mesh` are the same module as `al.mesh`. Calling `patch` twice is safe, also from several threads.
    Only `unpatch` undoes it. Programs that are already compiled do not change.

    Parameters
    ----------
    delaunay : bool, optional
        Under JAX, `al.mesh.Delaunay` and `al.mesh.DelaunayNN` take their triangulation from `delaunax` instead of the
        Qhull callback. Everything else about these meshes stays the same.
    log_det : bool, optional
        Whether the log evidence takes log det H, log det(F + H) and s'Hs from the differences that regularization penalises,
        not from the formed matrix H. The solver and the covariance of the source then see bounded penalties. With large
        coefficients the formed matrix is off by many nats, or gives NaN. Only Delaunay meshes with regularization by
        differences are concerned (`evidence.differences.BUILDERS`). Every other inversion keeps autoarray's own value.
    natural_neighbors : bool, optional
        `al.mesh.DelaunayNN` becomes `NaturalNeighbor`, and under JAX split regularization takes split points with any number
        of neighbours, and over-sampled PSFs take `NaturalNeighbor`.
    zero_tiny_weights : bool, optional
        Whether weights below `evidence.tiny_weights.TINY_WEIGHT` count as zero when adaptive regularization on a Delaunay mesh
        counts the data points of a vertex. Then NumPy, `jit` and all meshes agree where a data point lies on a vertex or an
        edge.

    Raises
    ------
    ImportError
        If the installed autoarray does not fit. Nothing is patched then.
    """
    with _lock:
        internals.check()
        _replace(mesh, "KNNBarycentric", lambda shipped: KNNBarycentric)
        if delaunay:
            for module in (delaunay_interpolator, sibson):
                _replace(module, "_jax_delaunay_tables", lambda shipped: delaunay_tables)
            for interpolator in (delaunay_interpolator.InterpolatorDelaunay, sibson.InterpolatorDelaunayNN):
                _replace(interpolator, "_mappings_sizes_weights", _with_nan_if_uncertified)
        if natural_neighbors:
            _replace(mesh, "DelaunayNN", lambda shipped: NaturalNeighbor)
            _replace(regularization_util, "pixel_splitted_regularization_matrix_from", with_any_width)
            _replace(Mapper, "mapping_matrix_over_sampled_for", with_rows)
        if log_det:
            for name, term_of in EVIDENCE_TERMS.items():
                _replace(AbstractInversion, name, partial(_term_by_differences, term_of))
            _replace(AbstractInversion, "reconstruction", _reconstruction_with_bounded_penalties)
            _replace(AbstractInversion, "reconstruction_covariance_matrix", _covariance_with_bounded_penalties)
        if zero_tiny_weights:
            _replace(mapper_util, "adaptive_pixel_signals_from", without_tiny_weights)


def unpatch():
    """Undo `patch`: restore everything that autoarray ships."""
    with _lock:
        while _shipped:
            (owner, name), shipped = _shipped.popitem()
            setattr(owner, name, shipped)


def _replace(owner, name, replacement):
    if (owner, name) not in _shipped:
        _shipped[owner, name] = vars(owner)[name]
        setattr(owner, name, replacement(_shipped[owner, name]))


def _term_by_differences(term_of, shipped):
    """A property with the value of `term_of`, or where that is None the shipped one."""

    @wraps(term_of)
    def term(inversion):
        found = term_of(inversion)
        return shipped.__get__(inversion) if found is None else found

    return property(term)


def _reconstruction_with_bounded_penalties(shipped):
    def reconstruction(self):
        return shipped.func(with_bounded_penalties(self))

    return cached_property(reconstruction)


def _covariance_with_bounded_penalties(shipped):
    return property(lambda self: shipped.__get__(with_bounded_penalties(self)))


def _with_nan_if_uncertified(shipped):
    def _mappings_sizes_weights(self):
        mappings, sizes, weights = shipped.func(self)
        return mappings, sizes, nan_if_uncertified(weights, self.delaunay)

    return cached_property(_mappings_sizes_weights)
