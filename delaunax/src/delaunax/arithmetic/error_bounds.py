"""How far rounding can take a determinant from what it is.

The bounds are Shewchuk's of stage A (1997, Discrete Comput. Geom. 18, 305), rounded up, with a term for what underflows.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array

ORIENTATION, IN_CIRCLE, DISTANCE = 4.0, 16.0, 8.0
"""Error of a determinant, in units of half a machine epsilon of its terms' sizes: above 3, 10 and 6."""


def unit_of(dtype) -> float:
    """Half a machine epsilon: the largest relative error of one operation."""
    return float(jnp.finfo(dtype).eps) / 2.0


def underflow_of(dtype) -> float:
    """More than what underflow can take from a determinant of coordinates of order one."""
    return 2.0 ** (int(jnp.finfo(dtype).minexp) + 20)


class Determinant(NamedTuple):
    """A determinant in floating point.

    Attributes
    ----------
    value, error
        (...,) float, what it is to rounding, and how far that is from it at most.
    """

    value: jax.Array
    error: jax.Array

    @property
    def positive(self) -> Array:
        """Whether it certainly is."""
        return self.value > self.error

    @property
    def negative(self) -> Array:
        """Whether it certainly is."""
        return self.value < -self.error


Vector = tuple[Array, Array]
"""Offsets along x and along y, (...,) float, of order one."""


def orientation(b: Vector, c: Vector) -> Determinant:
    """b x c: positive where c is counter-clockwise of b, both seen from the origin."""
    first, second = b[0] * c[1], b[1] * c[0]
    unit, underflow = unit_of(first.dtype), underflow_of(first.dtype)
    return Determinant(first - second, ORIENTATION * unit * (jnp.abs(first) + jnp.abs(second)) + underflow)


class Determinants(NamedTuple):
    """Those of c, b and j seen from the origin, by the names of `exact.Signs`.

    Attributes
    ----------
    left, after, turn
        The orientations c x j, b x j and c x b.
    inside
        Positive where j is inside the circle through the origin, c and b, if these are counter-clockwise.
    """

    left: Determinant
    after: Determinant
    turn: Determinant
    inside: Determinant


def determinants(c: Vector, b: Vector, j: Vector) -> Determinants:
    """The `Determinants` of three vectors."""
    left, after, turn = orientation(c, j), orientation(b, j), orientation(c, b)
    of_c, of_b, of_j = (each[0] ** 2 + each[1] ** 2 for each in (c, b, j))
    error = of_b * left.error + of_c * after.error + of_j * turn.error
    inside = Determinant(
        of_b * left.value - of_c * after.value - of_j * turn.value,
        IN_CIRCLE / ORIENTATION * error + underflow_of(error.dtype),
    )
    return Determinants(left, after, turn, inside)
