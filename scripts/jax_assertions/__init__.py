"""Smoke checks of meshes under JAX; run `knn_barycentric.py`."""
