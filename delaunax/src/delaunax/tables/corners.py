"""Corners of a table of triangles: corner `3 t + k` is the corner of triangle t at its k-th vertex, counter-clockwise."""

import jax.numpy as jnp
import numpy as np
from jax import Array, lax


def triangle_of(corner: Array) -> Array:
    """The triangle of a corner."""
    return lax.div(corner, np.int32(3))


def next_corner(corner: Array) -> Array:
    """The next corner of a triangle, counter-clockwise."""
    return jnp.where(lax.rem(corner, np.int32(3)) == 2, corner - 2, corner + 1)


def previous_corner(corner: Array) -> Array:
    """The next corner of a triangle, clockwise."""
    return jnp.where(lax.rem(corner, np.int32(3)) == 0, corner + 2, corner - 1)
