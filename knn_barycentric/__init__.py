"""A Delaunay source-plane mesh for PyAutoLens in pure JAX, written as a patch that autoarray could take.

Importing this package does not import JAX. JAX is imported when a mesh runs on JAX, or when you use `triangulate` or `locate`.
"""

# autoarray enables fp64, so it must be imported before jax.
import autoarray  # noqa: F401  isort: skip

from knn_barycentric.upstream import internals

# Checked before the imports below, so that a name missing from autoarray gives one clear sentence.
internals.check()

from knn_barycentric.interpolator import InterpolatorKNNBarycentric  # noqa: E402
from knn_barycentric.mesh import KNNBarycentric  # noqa: E402
from knn_barycentric.natural_neighbor import NaturalNeighbor  # noqa: E402
from knn_barycentric.three_nearest import barycentric_weights_from_3_nearest  # noqa: E402
from knn_barycentric.upstream.patch import patch, unpatch  # noqa: E402

__version__ = "0.2.0"

__all__ = [
    "InterpolatorKNNBarycentric",
    "KNNBarycentric",
    "NaturalNeighbor",
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
