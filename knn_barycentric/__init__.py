"""A Delaunay source-plane mesh for PyAutoLens in pure JAX: the patch that would move into autoarray.

Importing it does not import JAX: that happens when a mesh is used on JAX, or `triangulate` or `locate` is named.
"""

# autoarray enables fp64 and must therefore come before the first import of jax.
import autoarray  # noqa: F401  isort: skip

from knn_barycentric import autoarray_internals

# Before the modules that import from it, so that a name it has lost is a sentence.
autoarray_internals.check()

from knn_barycentric.autoarray_patch import patch, unpatch  # noqa: E402
from knn_barycentric.interpolator import InterpolatorKNNBarycentric  # noqa: E402
from knn_barycentric.mesh import KNNBarycentric  # noqa: E402
from knn_barycentric.rungs import barycentric_weights_from_3_nearest  # noqa: E402

__version__ = "0.2.0"

__all__ = [
    "InterpolatorKNNBarycentric",
    "KNNBarycentric",
    "barycentric_weights_from_3_nearest",
    "locate",
    "patch",
    "triangulate",
    "unpatch",
]


def __getattr__(name):
    if name in ("locate", "triangulate"):
        import delaunax

        return getattr(delaunax, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
