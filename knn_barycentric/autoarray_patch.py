"""Puts `KNNBarycentric` where users of autoarray, autogalaxy and autolens look for it."""

import threading

from autoarray.inversion.mesh import mesh

from knn_barycentric.mesh import KNNBarycentric

_lock = threading.Lock()
_shipped = mesh.KNNBarycentric


def patch():
    """Make `al.mesh.KNNBarycentric` (and `ag.mesh`, `aa.mesh`, which are the same module) name this mesh.

    Idempotent and thread-safe; nothing else in autoarray changes. Undone by `unpatch`.
    """
    with _lock:
        mesh.KNNBarycentric = KNNBarycentric


def unpatch():
    """Give `al.mesh.KNNBarycentric` back to the mesh that autoarray ships."""
    with _lock:
        mesh.KNNBarycentric = _shipped
