"""How far rounding can take a determinant from what it is.

The bounds are Shewchuk's of stage A (1997, Discrete Comput. Geom. 18, 305), rounded up, with a term for what underflows.
"""

import jax.numpy as jnp

ORIENTATION, IN_CIRCLE, DISTANCE = 4.0, 16.0, 8.0
"""Error of a determinant, in units of half a machine epsilon of its terms' sizes: above 3, 10 and 6."""


def unit_of(dtype) -> float:
    """Half a machine epsilon: the largest relative error of one operation."""
    return float(jnp.finfo(dtype).eps) / 2.0


def underflow_of(dtype) -> float:
    """More than what underflow can take from a determinant of coordinates of order one."""
    return 2.0 ** (int(jnp.finfo(dtype).minexp) + 20)
