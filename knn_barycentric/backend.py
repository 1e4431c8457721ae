"""What helps one backend and hurts another, chosen when the program is traced; and steps that compile to few loops.

Every loop that XLA's CPU backend makes of a program takes 10 to 20 ms to compile, however short it is.
"""

from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import sequential_vmap
from jax.experimental.xla_metadata import xla_metadata_call


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
    return 1 if jax.default_backend() == "cpu" else 1024


def neighbourhoods_at_once():
    """How many stars are turned in lockstep among the vertices near them: on a CPU as many as stay in its cache."""
    return 1 if jax.default_backend() == "cpu" else 1 << 30


def candidates_at_once():
    """Among how many vertices each of them looks for its next triangle at once: few enough for the memory of a GPU's batch."""
    return 128 if jax.default_backend() == "cpu" else 1024


def one_kernel(function, *arrays):
    """`function(*arrays)`, which XLA's CPU backend compiles to one function of machine code, with the loops in it.

    What it does by itself with loops short enough; here it is asked for by name. Otherwise every operation of a loop is compiled on
    its own and called at every step. Sorts, scatters, and reductions of one array of floats are not to be had in it.
    """
    if jax.default_backend() != "cpu":
        return function(*arrays)

    def with_arrays(*arrays):
        return function(*arrays), arrays

    # XLA aborts where such a function has a parameter without a use: all are given back, past a barrier that JAX keeps.
    called = xla_metadata_call(with_arrays, xla_cpu_small_call="true", inlineable="false")(*arrays)
    return lax.optimization_barrier(called)[0]


def each(function, rows, *arrays):
    """`function(row, *arrays)` for each row of (M, ...) arrays: one after the other on a CPU, in one kernel; together elsewhere."""
    rows, arrays = lax.stop_gradient((rows, arrays))
    if jax.default_backend() != "cpu":
        return jax.vmap(lambda row: function(row, *arrays))(rows)
    return one_kernel(lambda rows, *arrays: lax.map(lambda row: function(row, *arrays), rows), rows, *arrays)


def sums(*arrays: Array) -> tuple[Array, ...]:
    """The () sums of several (V,) arrays (bool counts as int32), all in one pass.

    XLA's CPU backend compiles three loops for every reduction of one array, and one loop for that of several.
    """
    arrays = [each.astype(jnp.int32) if each.dtype == bool else each for each in arrays]
    zeros = [np.zeros((), each.dtype) for each in arrays]
    return lax.reduce(arrays, zeros, lambda left, right: tuple(map(lax.add, left, right)), (0,))


def in_order(values: Array) -> Array:
    """Integers in the order of floats, which sort faster; both zeros are one."""
    values = jnp.where(values == 0.0, 0.0, values)
    bits = lax.bitcast_convert_type(values, np.dtype(f"int{values.dtype.itemsize * 8}"))
    return jnp.where(bits < 0, bits ^ np.iinfo(bits.dtype).max, bits)


def least(values: Array) -> Array:
    """(V,) float: the smallest of (C, V) floats in each column, by way of integers, as `one_kernel` needs it."""
    ordered = in_order(values).min(axis=0)
    bits = jnp.where(ordered < 0, ordered ^ np.iinfo(ordered.dtype).max, ordered)
    return lax.bitcast_convert_type(bits, values.dtype)


def line_of(which: Array) -> tuple[Array, Array]:
    """(V,) int32: the places where (V,) bool `which` is true, in order, and V behind them; and () int32, how many they are.

    By a sort, where the usual cumulative sum and scatter compile to ten loops.
    """
    count = which.shape[0]
    line = lax.sort(jnp.where(which, jnp.arange(count, dtype=jnp.int32), np.int32(count)))
    return line, lax.argmax(jnp.append(line, np.int32(count)), 0, np.int32)
