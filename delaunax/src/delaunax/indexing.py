"""Reading and writing arrays at traced places, where -1 is no place.

JAX would let negative indices count from the end. That takes three operations for every index, six for a single one, which
have to be traced, compiled and run.
"""

from typing import Any

import numpy as np
from jax import Array

NONE = np.int32(-1)
"""No vertex, or no triangle. An int of Python would be an int64 to every compiled loop, and be converted there."""

DROP: dict[str, Any] = {"mode": "drop", "wrap_negative_indices": False}
"""The arguments by which `array.at[places].set` and its like skip places outside the array, `NONE` among them."""


def gather(array: Array, *places: Array | int) -> Array:
    """`array[places]` where these are int32 places of it; the first or the last of its entries where they are not."""
    return array.at[places].get(mode="clip", wrap_negative_indices=False)
