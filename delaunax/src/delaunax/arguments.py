"""What callers pass becomes arrays, or an error that names the argument."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array


def coordinates_from(name: str, coordinates: Any, least: int = 1) -> Array:
    """(M, 2) floating point coordinates of an array or list, or a `ValueError` or `TypeError` that names the argument."""
    if not hasattr(coordinates, "dtype"):
        coordinates = np.asarray(coordinates)
    shape = jnp.shape(coordinates)
    if len(shape) != 2 or shape[1] != 2 or shape[0] < least:
        raise ValueError(f"`{name}` has shape {shape}; give coordinates of shape (number, 2).")
    dtype = coordinates.dtype
    if jnp.issubdtype(dtype, jnp.integer):
        return jnp.asarray(coordinates, jnp.result_type(float))
    if dtype not in (np.float32, np.float64):
        raise TypeError(f"`{name}` has dtype {dtype}; give float32 or float64 coordinates.")
    if dtype == np.float64 and not jax.config.jax_enable_x64:
        raise TypeError(
            f"`{name}` is float64 but JAX runs in float32; "
            "set jax.config.update('jax_enable_x64', True) before anything else, or cast to float32."
        )
    return jnp.asarray(coordinates)


def as_given(argument: Any, result: Any) -> Any:
    """A pytree of results, as NumPy arrays if the argument is one and nothing is traced."""
    leaves = jax.tree.leaves(result)
    if not isinstance(argument, np.ndarray) or any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return result
    return jax.tree.map(np.asarray, result)
