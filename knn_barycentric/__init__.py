"""A Delaunay source-plane mesh for PyAutoLens in pure JAX: the patch that would move into autoarray."""

# autoarray enables fp64 and must therefore come before the first import of jax.
import autoarray  # noqa: F401  isort: skip

from knn_barycentric import autoarray_internals

# Before the modules that import from it, so that a name it has lost is a sentence.
autoarray_internals.check()

from knn_barycentric.autoarray_patch import patch, unpatch  # noqa: E402
from knn_barycentric.interpolator import InterpolatorKNNBarycentric  # noqa: E402
from knn_barycentric.locate import locate  # noqa: E402
from knn_barycentric.mesh import KNNBarycentric  # noqa: E402
from knn_barycentric.stars import Triangulation, triangulate  # noqa: E402
from knn_barycentric.weights import barycentric_weights_from, barycentric_weights_from_3_nearest  # noqa: E402

__all__ = [
    "InterpolatorKNNBarycentric",
    "KNNBarycentric",
    "Triangulation",
    "barycentric_weights_from",
    "barycentric_weights_from_3_nearest",
    "locate",
    "patch",
    "triangulate",
    "unpatch",
]
