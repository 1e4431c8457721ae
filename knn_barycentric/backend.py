"""What helps one backend and hurts another: how much is done at once, chosen when the program is traced."""

from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import sequential_vmap


def lane_by_lane(function):
    """Let `vmap` run a function's lanes one after the other on a CPU, in one compiled loop; together elsewhere.

    A lane alone stays in the cache, and its loops end without waiting for those of the slowest. The function may not be
    differentiated with respect to its arguments.
    """

    @wraps(function)
    def run(*arrays):
        return (sequential_vmap(function) if jax.default_backend() == "cpu" else function)(*arrays)

    return run


def stars_at_once():
    """How many stars are sought again at once: few on a CPU, which then does no turn in vain."""
    return 16 if jax.default_backend() == "cpu" else 1024


def neighbourhoods_at_once():
    """How many stars are turned in lockstep among the vertices near them: on a CPU as many as stay in its cache."""
    return 1024 if jax.default_backend() == "cpu" else 1 << 30


def candidates_at_once():
    """Among how many vertices each of them looks for its next triangle at once: few enough for the memory of a GPU's batch."""
    return 128 if jax.default_backend() == "cpu" else 1024


def queries_at_once():
    """How many queries walk in lockstep: on a CPU as many as stay in its cache, and wait for few stragglers."""
    return 1024 if jax.default_backend() == "cpu" else 1 << 30


def sums(*arrays: Array) -> tuple[Array, ...]:
    """The () sums of arrays of one shape (bool counts as int32), all in one pass.

    XLA's CPU backend compiles three loops for every reduction of one array, and one loop for that of several.
    """
    arrays = [each.astype(jnp.int32) if each.dtype == bool else each for each in arrays]
    zeros = [np.zeros((), each.dtype) for each in arrays]
    every_axis = range(arrays[0].ndim)
    return lax.reduce(arrays, zeros, lambda left, right: tuple(map(lax.add, left, right)), every_axis)
