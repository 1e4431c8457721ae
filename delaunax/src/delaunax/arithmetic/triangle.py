"""Vector products, and the areas of one triangle, on stacks of them: for NumPy and JAX arrays alike."""

import numpy as np
from jax import Array

A, B, C = np.int32(0), np.int32(1), np.int32(2)
"""The columns of a triangle's vertices."""


def cross(u: Array, v: Array) -> Array:
    """The (...,) cross products of (..., 2) vectors."""
    return u[..., 0] * v[..., 1] - u[..., 1] * v[..., 0]


def dot(u: Array, v: Array) -> Array:
    """The (...,) scalar products of (..., 2) vectors."""
    return u[..., 0] * v[..., 0] + u[..., 1] * v[..., 1]


def squared(u: Array) -> Array:
    """The (...,) squared lengths of (..., 2) vectors."""
    return u[..., 0] ** 2 + u[..., 1] ** 2


def doubled_areas_from(query_points: Array, a: Array, b: Array, c: Array) -> tuple[Array, Array, Array]:
    """The doubled signed areas of (query, b, c), (query, c, a) and (query, a, b), from (Q, 2) arrays: three (Q,) arrays.

    Each is taken along an edge of the triangle, which loses no accuracy in needles.
    """
    of_a, of_b, of_c = (cross(p - query_points, q - p) for p, q in ((b, c), (c, a), (a, b)))
    return of_a, of_b, of_c
