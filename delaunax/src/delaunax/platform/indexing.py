"""Reading and writing arrays at traced places, where -1 is no place.

JAX counts negative indices from the end. That takes three operations for every index (six for a single one), which have to be
traced, compiled and run.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

NONE = np.int32(-1)
"""No vertex, or no triangle. A Python integer would be an int64, which every compiled loop would convert."""

DROP: dict[str, Any] = {"mode": "drop", "wrap_negative_indices": False}
"""Arguments with which `array.at[places].set`, `.add` and `.max` skip places outside the array, `NONE` among them."""


def gather(array: Array, *places: Any) -> Array:
    """`array[places]` of int32 places; the first or the last entry where a place is outside the array."""
    if not hasattr(array, "at"):  # A NumPy array under `jax.disable_jit`.
        array = jnp.asarray(array)
    return array.at[places].get(mode="clip", wrap_negative_indices=False)


def write(array: Array, place: Array, *values: Array) -> Array:
    """A (N,) array with values at a () int32 place and the following ones.

    In a compiled loop this makes no copy if the old array is not read afterwards.
    """
    return lax.dynamic_update_slice(array, jnp.stack(values), (place,), allow_negative_indices=False)


def rows_like(rows: Array, values: Array) -> Array:
    """(..., Q) rows with further axes of one, so that they broadcast against rows of (N, ...) values."""
    return rows.reshape(rows.shape + (1,) * (values.ndim - 1))
