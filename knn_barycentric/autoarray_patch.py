"""Puts `KNNBarycentric` where users of autoarray, autogalaxy and autolens look for it."""

import threading

from autoarray.inversion.inversion.abstract import AbstractInversion
from autoarray.inversion.mesh import mesh
from autoarray.inversion.mesh.interpolator import delaunay as delaunay_interpolator
from autoarray.inversion.mesh.interpolator import sibson
from autonerves import cached_property

from knn_barycentric import autoarray_internals
from knn_barycentric.curvature_log_det import curvature_log_det_term_of
from knn_barycentric.fed_delaunay import delaunay_tables, unless_refused
from knn_barycentric.log_det import log_det_term_of
from knn_barycentric.mesh import KNNBarycentric

_lock = threading.Lock()
_shipped = {}


def patch(delaunay: bool = False, log_det: bool = False):
    """Make `al.mesh.KNNBarycentric` (and `ag.mesh`, `aa.mesh`, which are the same module) name this mesh.

    Idempotent and thread-safe. Undone by `unpatch`, and only by that. Programs that are compiled already keep what they were
    compiled with.

    Parameters
    ----------
    delaunay : bool, optional
        Whether `al.mesh.Delaunay` and `al.mesh.DelaunayNN` also take their triangulation from JAX in place of the Qhull
        callback, under JAX; nothing else of them changes.
    log_det : bool, optional
        Whether the log evidence of every inversion takes both log determinants of regularization by differences, of H and
        of F + H, from `log_det.grounded_log_det`, which is right where a factorization of the formed matrix is off by tens
        of nats, or NaN.

    Raises
    ------
    ImportError
        If the installed autoarray differs from what this mesh relies on; nothing is patched then.
    """
    with _lock:
        autoarray_internals.check()
        _replace(mesh, "KNNBarycentric", lambda shipped: KNNBarycentric)
        if delaunay:
            for module in (delaunay_interpolator, sibson):
                _replace(module, "_jax_delaunay_tables", lambda shipped: delaunay_tables)
            for interpolator in (delaunay_interpolator.InterpolatorDelaunay, sibson.InterpolatorDelaunayNN):
                _replace(interpolator, "_mappings_sizes_weights", _unless_refused)
        if log_det:
            _replace(AbstractInversion, "log_det_regularization_matrix_term", lambda shipped: property(log_det_term_of))
            _replace(
                AbstractInversion,
                "log_det_curvature_reg_matrix_term",
                lambda shipped: property(curvature_log_det_term_of),
            )


def unpatch():
    """Give everything that `patch` replaced back to what autoarray ships."""
    with _lock:
        while _shipped:
            (owner, name), shipped = _shipped.popitem()
            setattr(owner, name, shipped)


def _replace(owner, name, replacement):
    if (owner, name) not in _shipped:
        _shipped[owner, name] = vars(owner)[name]
        setattr(owner, name, replacement(_shipped[owner, name]))


def _unless_refused(shipped):
    def _mappings_sizes_weights(self):
        mappings, sizes, weights = shipped.func(self)
        return mappings, sizes, unless_refused(weights, self.delaunay)

    return cached_property(_mappings_sizes_weights)
