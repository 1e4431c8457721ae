"""Reading and writing arrays at traced places, where -1 is no place.

JAX would let negative indices count from the end. That takes three operations for every index, six for a single one, which
have to be traced, compiled and run.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

NONE = np.int32(-1)
"""No vertex, or no triangle. An int of Python would be an int64 to every compiled loop, and be converted there."""

DROP: dict[str, Any] = {"mode": "drop", "wrap_negative_indices": False}
"""The arguments by which `array.at[places].set` and its like skip places outside the array, `NONE` among them."""


def gather(array: Array, *places: Array | int) -> Array:
    """`array[places]` where these are int32 places of it; the first or the last of its entries where they are not."""
    return array.at[places].get(mode="clip", wrap_negative_indices=False)


def put(array: Array, place: Array, *values: Array) -> Array:
    """A (N,) array with values at a () int32 place and those behind: in a loop without a copy, if it is not read afterwards."""
    return lax.dynamic_update_slice(array, jnp.stack(values), (place,), allow_negative_indices=False)
