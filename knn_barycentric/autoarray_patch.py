"""`patch` and `unpatch`: use this package through the names that autoarray, autogalaxy and autolens already have."""

import threading

from autoarray.inversion.inversion.abstract import AbstractInversion
from autoarray.inversion.mesh import mesh
from autoarray.inversion.mesh.interpolator import delaunay as delaunay_interpolator
from autoarray.inversion.mesh.interpolator import sibson
from autonerves import cached_property

from knn_barycentric import autoarray_internals
from knn_barycentric.curvature_log_det import curvature_log_det_term_of
from knn_barycentric.jax_delaunay_tables import delaunay_tables, nan_if_uncertified
from knn_barycentric.log_det import log_det_term_of
from knn_barycentric.mesh import KNNBarycentric

_lock = threading.Lock()
_shipped = {}


def patch(delaunay: bool = False, log_det: bool = False):
    """Make `al.mesh.KNNBarycentric` this package's mesh, and optionally replace more of autoarray.

    `ag.mesh` and `aa.mesh` are the same module as `al.mesh`. Calling `patch` twice is safe, also from several threads.
    Only `unpatch` undoes it. Programs that are already compiled do not change.

    Parameters
    ----------
    delaunay : bool, optional
        Under JAX, `al.mesh.Delaunay` and `al.mesh.DelaunayNN` take their triangulation from `delaunax` instead of the
        Qhull callback. Everything else about these meshes stays the same.
    log_det : bool, optional
        Every inversion computes the log determinants of H and of F + H with `log_det.grounded_log_det`. At large
        coefficients the shipped ones are wrong by tens of nats, or NaN.

    Raises
    ------
    ImportError
        If the installed autoarray does not fit. Nothing is patched then.
    """
    with _lock:
        autoarray_internals.check()
        _replace(mesh, "KNNBarycentric", lambda shipped: KNNBarycentric)
        if delaunay:
            for module in (delaunay_interpolator, sibson):
                _replace(module, "_jax_delaunay_tables", lambda shipped: delaunay_tables)
            for interpolator in (delaunay_interpolator.InterpolatorDelaunay, sibson.InterpolatorDelaunayNN):
                _replace(interpolator, "_mappings_sizes_weights", _with_nan_if_uncertified)
        if log_det:
            _replace(AbstractInversion, "log_det_regularization_matrix_term", lambda shipped: property(log_det_term_of))
            _replace(
                AbstractInversion,
                "log_det_curvature_reg_matrix_term",
                lambda shipped: property(curvature_log_det_term_of),
            )


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


def _with_nan_if_uncertified(shipped):
    def _mappings_sizes_weights(self):
        mappings, sizes, weights = shipped.func(self)
        return mappings, sizes, nan_if_uncertified(weights, self.delaunay)

    return cached_property(_mappings_sizes_weights)
