"""Rows one after the other: what a CPU does fast inside one function of machine code (`call_fused`)."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax.platform.indexing import DROP, gather, write

try:
    from jax.experimental.xla_metadata import xla_metadata_call
except ImportError:  # JAX before 0.11
    xla_metadata_call = None  # type: ignore[assignment]

UNROLLED_LIMBS = 0
"""Of how many limbs `exact_signs` multiplies integers without a loop."""

TREE_UNROLL, DESCENT_UNROLL = 1, False
"""How `kd_tree` unrolls its loops over levels. Unrolled levels make XLA simplify the whole program once more."""


def can_fuse() -> bool:
    """Whether JAX can ask XLA to compile a function to one function of machine code. JAX before 0.11 cannot."""
    return xla_metadata_call is not None


def call_fused(function: Callable, arrays: tuple) -> Any:
    """Call a function of arrays that XLA's CPU backend compiles to one function of machine code, with all its loops in it.

    XLA does so by itself with short loops; here it is asked to. Otherwise XLA compiles every operation on its own, which
    takes 10 to 30 ms each, and calls it at every step of a loop. The function may not sort, and scatters by `scatter`.
    """

    def with_arrays(*arrays: Any) -> Any:
        return function(*arrays), arrays

    # XLA aborts the process where an argument is a constant, or is not used. The first barrier hides constants. All arguments
    # are returned, and the second barrier keeps JAX from dropping them.
    hidden = lax.optimization_barrier(arrays)
    called = xla_metadata_call(with_arrays, xla_cpu_small_call="true", inlineable="false")(*hidden)
    return lax.optimization_barrier(called)[0]


def map_rows(function: Callable, rows: Any) -> Any:
    """`function(row)` of each row of (M, ...) arrays, in sequence."""
    return lax.map(function, rows)


def select_lazily(condition: Array, function: Callable, value: Any) -> Any:
    """`function()` if the () bool condition is true, else `value`; the function is not called where it is false."""
    once = condition, value
    return lockstep_while(lambda _, once: once[0], lambda _, once: (np.False_, function()), once)[1]


def replace_rows(which: Array, function: Callable, arguments: Any, rows: list[Array]) -> list[Array]:
    """(M,) `rows`, with `function(argument)` where the (M,) bool `which` is true: called for these rows only, in sequence."""

    def replace(k, rows):
        argument, values = jax.tree.map(lambda each: gather(each, k), (arguments, rows))
        values = select_lazily(gather(which, k), lambda: function(argument), values)
        return [write(row, k, value) for row, value in zip(rows, values, strict=True)]

    number = jnp.where(which.any(), np.int32(len(which)), np.int32(0))
    return lax.fori_loop(np.int32(0), number, replace, rows)


def scatter(how: str, into: Array, places: Array, values: Any) -> Array:
    """`into.at[places].set(values)`, or "add" or "max", of (R,) or (R, K) int32 places, row by row; `NONE` is no place."""
    values = jnp.broadcast_to(jnp.asarray(values, into.dtype), places.shape)

    def scatter_one(into, row):
        for k in np.ndindex(places.shape[1:]):
            into = getattr(into.at[gather(places, row, *map(np.int32, k))], how)(
                gather(values, row, *map(np.int32, k)), **DROP
            )
        return into, None

    return lax.scan(scatter_one, into, np.arange(len(places), dtype=np.int32))[0]


def lockstep_while(condition: Callable, body: Callable, carry: Any, unroll: int = 1, rolled: bool = False) -> Any:
    """`carry = body(step, carry)` for the () int32 steps 0, 1, .. as long as `condition(step, carry)` is true."""
    return lax.while_loop(
        lambda state: condition(*state), lambda state: (state[0] + 1, body(*state)), (np.int32(0), carry)
    )[1]


def gather_lanes(array: Array, places: Array) -> Array:
    """`gather(array, places)` of a (N, ...) array."""
    return gather(array, places)


def gather_row(rows: Array, place: Array) -> Any:
    """The K entries of the row of a (N, K) array at a () int32 place."""
    return gather(rows, place)


def scatter_row(rows: Array, place: Array, row: Array) -> Array:
    """(M, ...) rows with another one at a () int32 place."""
    return lax.dynamic_update_index_in_dim(rows, row, place, 0)


def running_sums(values: Array) -> Array:
    """(..., V) int32: of (..., V) int32 or bool values, the sum of all before each along the last axis."""
    along = jnp.moveaxis(values.astype(jnp.int32), -1, 0)
    return jnp.moveaxis(lax.scan(lambda total, each: (total + each, total), jnp.zeros_like(along[0]), along)[1], 0, -1)


def orders_of(keys: Array) -> tuple[Array, Array]:
    """The places of (2, M) keys in the order of x and then y, and in the order of y; equal ones keep their order."""
    slots: Any = np.arange(keys.shape[1], dtype=np.int32)
    # By y, and then, in a stable sort, by x: a CPU sorts by one key several times faster than by two.
    _, by_y = lax.sort((keys[1], slots), num_keys=1)
    _, by_x = lax.sort((gather(keys[0], by_y), by_y), num_keys=1)
    return by_x, by_y
