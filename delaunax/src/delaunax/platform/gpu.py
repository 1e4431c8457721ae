"""Rows in lockstep: what a GPU does in few launches. JAX before 0.11 uses it on CPUs too."""

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import custom_vmap

from delaunax.platform.dispatch import name_of
from delaunax.platform.indexing import DROP, gather

UNROLLED_LIMBS = 5
"""Of how many limbs `exact_signs` multiplies integers without a loop: each step of a loop is a launch.

So many limbs hold differences of coordinates whose last bits are within 2^76 (in fp32 2^30) of each other.
"""

TREE_UNROLL, DESCENT_UNROLL = 3, True
"""How `kd_tree` unrolls its loops over levels. A GPU copies what a loop carries at every step."""


def call_fused(function: Callable, arrays: tuple) -> Any:
    """Call a function of arrays. In the compiled program, its operations have its name."""
    with jax.named_scope(name_of(function)):
        return function(*arrays)


def map_rows(function: Callable, rows: Any) -> Any:
    """`function(row)` of each row of (M, ...) arrays, all together."""
    return jax.vmap(function)(rows)


def select_lazily(condition: Array, function: Callable, value: Any) -> Any:
    """`function()` if the () bool condition is true, else `value`; always called, since a loop would wait for the condition."""
    return jax.tree.map(lambda one, other: jnp.where(condition, one, other), function(), value)


def replace_rows(which: Array, function: Callable, arguments: Any, rows: list[Array]) -> list[Array]:
    """(M,) `rows`, with `function(argument)` where the (M,) bool `which` is true: called for all rows, together."""
    values = jax.vmap(function)(arguments)
    return [jnp.where(which, value, row) for row, value in zip(rows, values, strict=True)]


def scatter(how: str, into: Array, places: Array, values: Any) -> Array:
    """`into.at[places].set(values)`, or "add" or "max", of (R,) or (R, K) int32 places; `NONE` is no place.

    A place that occurs twice is set to any of its values.
    """
    values = jnp.broadcast_to(jnp.asarray(values, into.dtype), places.shape)
    return getattr(into.at[places], how)(values, **DROP)


def lockstep_while(condition: Callable, body: Callable, carry: Any, unroll: int = 1, rolled: bool = False) -> Any:
    """`carry = body(step, carry)` for the () int32 steps 0, 1, .. as long as `condition(step, carry)` is true.

    The condition may have any shape. All lanes of a batch continue while it is true anywhere, so `body` must leave finished
    lanes unchanged. `vmap` of a loop would do that by itself, with a copy and a selection of every array at every
    step. Evaluating the condition means waiting for the GPU, so it is evaluated once for `unroll` steps. Written out, these
    take fewer launches; `rolled` up, less time to compile.
    """

    def step(state):
        return state[0] + 1, body(*state)

    def several(state):
        if rolled:
            return lax.fori_loop(0, unroll, lambda _, state: step(state), state)
        # Traced once.
        again = step if unroll == 1 else jax.jit(step)
        for _ in range(unroll):
            state = again(state)
        return state

    return lax.while_loop(lambda state: _anywhere(condition(*state)), several, (np.int32(0), _in_all_lanes(carry)))[1]


@custom_vmap
def _in_all_lanes(values):
    return values


@_in_all_lanes.def_vmap
def _in_all_lanes_of(size, batched, values):
    """Each lane with values of its own: else `vmap` of a loop finds out which have, by tracing the loops in it once more."""
    return _each_own(size, batched[0], values), jax.tree.map(lambda _: True, values)


def _each_own(size, batched, values):
    def own(value, mapped):
        return value if mapped else jnp.broadcast_to(value, (size, *jnp.shape(value)))

    return jax.tree.map(own, values, batched)


@custom_vmap
def _anywhere(condition):
    return condition.any()


@_anywhere.def_vmap
def _in_any_lane_of(size, batched, conditions):
    return _anywhere(conditions), False


@custom_vmap
def gather_lanes(array: Array, places: Array) -> Array:
    """`gather(array, places)` of a (N, ...) array; under `vmap`, from the arrays of all lanes behind each other.

    `vmap` of a gather names each place by its lane and its number, which XLA puts together in a launch of its own. This
    function cannot be differentiated in reverse.
    """
    return gather(array, places)


@gather_lanes.def_vmap
def _(size, batched, array, places):
    if not batched[0]:
        return gather_lanes(array, places), True
    (places,) = _each_own(size, batched[1:], [places])
    number = np.int32(array.shape[1])
    lanes = np.arange(0, size * number, number, dtype=np.int32).reshape(size, *[1] * (places.ndim - 1))
    inside = lax.clamp(np.int32(0), places, number - np.int32(1))
    return gather_lanes(array.reshape(-1, *array.shape[2:]), inside + lanes), True


def gather_row(rows: Array, place: Array) -> list[Array]:
    """The K entries of the row of a (N, K) array at a () int32 place; one by one, which takes fewer launches."""
    width, entries = rows.shape[1], rows.reshape(-1)
    return [gather_lanes(entries, np.int32(width) * place + np.int32(k)) for k in range(width)]


def scatter_row(rows: Array, place: Array, row: Array) -> Array:
    """(M, ...) rows with another one at a () int32 place that all lanes of a batch share.

    `vmap` of an update makes a scatter of it, which XLA splits into three launches.
    """
    return _scatter_along(0)(rows, place, row)


@cache
def _scatter_along(axis):
    @custom_vmap
    def update(rows, place, row):
        return lax.dynamic_update_index_in_dim(rows, row, place, axis)

    @update.def_vmap
    def _(size, batched, rows, place, row):
        if batched[1]:
            raise ValueError("`scatter_row` is for a place that all lanes share.")
        rows, row = _each_own(size, (batched[0], batched[2]), (rows, row))
        return _scatter_along(axis + 1)(rows, place, row), True

    return update


def running_sums(values: Array) -> Array:
    """(..., V) int32: of (..., V) int32 or bool values, the sum of all before each along the last axis."""
    values = values.astype(jnp.int32)
    return lax.cumsum(values, axis=values.ndim - 1) - values


def orders_of(keys: Array) -> tuple[Array, Array]:
    """The places of (2, M) keys in the order of x and then y, and in the order of y; equal ones keep their order."""
    slots: Any = np.arange(keys.shape[1], dtype=np.int32)
    both: Any = np.stack([slots, slots])
    # Both in one launch, which is compiled once.
    by_x, by_y = lax.sort((keys, keys[::-1], both), num_keys=2)[2]
    return by_x, by_y
