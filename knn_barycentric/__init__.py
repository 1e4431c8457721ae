"""A Delaunay source-plane mesh for PyAutoLens in pure JAX: the patch that would move into autoarray."""

# autoarray enables fp64 and must therefore come before the first import of jax.
import autoarray  # noqa: F401  isort: skip

from knn_barycentric.autoarray_patch import patch, unpatch
from knn_barycentric.interpolator import InterpolatorKNNBarycentric
from knn_barycentric.locate import locate
from knn_barycentric.mesh import KNNBarycentric
from knn_barycentric.stars import Triangulation, triangulate
from knn_barycentric.weights import barycentric_weights_from, barycentric_weights_from_3_nearest

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
