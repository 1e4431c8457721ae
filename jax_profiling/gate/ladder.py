"""The meshes that the gate compares with Delaunay, by name: this project's rungs and autoarray's own meshes."""

from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autoarray.inversion.mesh.mesh.knn import KNearestNeighbor
from autoarray.inversion.mesh.mesh.knn import KNNBarycentric as ShippedKNNBarycentric

from jax_profiling.gate.meshes import rungs
from jax_profiling.gate.meshes.fixed_knn_meshes import FixedKNearestNeighbor, FixedKNNBarycentric
from knn_barycentric.mesh import KNNBarycentric

DEFAULT_RUNG = "delaunay"
"""The rung that users get. The gate passes or fails on it."""

RUNGS = {
    **{name: (rungs.RungMesh, {"rung": name}) for name in rungs.WEIGHTS_OF_RUNGS},
    DEFAULT_RUNG: (KNNBarycentric, {}),
}
"""This project's rungs: name -> mesh class and arguments. `meshes/rungs.py` says how to add one."""

_SHIPPED_ARGUMENTS = {"k_neighbors": 10, "radius_scale": 1.5, "split_neighbor_division": 2}
"""autoarray's defaults."""

PEERS = {
    "autoarray KNNBarycentric": (ShippedKNNBarycentric, _SHIPPED_ARGUMENTS),
    "autoarray KNNBarycentric fixed": (FixedKNNBarycentric, _SHIPPED_ARGUMENTS),
    "autoarray KNearestNeighbor": (KNearestNeighbor, _SHIPPED_ARGUMENTS),
    "autoarray KNearestNeighbor fixed": (FixedKNearestNeighbor, _SHIPPED_ARGUMENTS),
    "autoarray DelaunayNN": (DelaunayNN, {}),
}
"""autoarray's own meshes: name -> mesh class and arguments."""
