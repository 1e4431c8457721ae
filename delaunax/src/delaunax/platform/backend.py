"""What helps one backend and hurts another, chosen when a program is traced for it (`platforms`).

A CPU does rows one after the other, in few loops of machine code; a GPU does them together, in few launches.
"""

from functools import cache, wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import custom_vmap

from delaunax.platform.dispatch import name_of, platform
from delaunax.platform.indexing import DROP, NONE, gather

try:
    from jax.experimental.xla_metadata import xla_metadata_call
except ImportError:  # JAX before 0.11: the results are the same, and a CPU does as a GPU, which takes longer.
    xla_metadata_call = None  # type: ignore[assignment]


def one_by_one():
    """Whether rows are done one after the other: on a CPU, as one function of machine code (`fused`).

    Where JAX has no such functions, each of the few operations that a row takes would be called on its own.
    """
    return platform() == "cpu" and xla_metadata_call is not None


def fused(function):
    """Let XLA's CPU backend compile a function of arrays to one function of machine code, with all its loops in it.

    What it does by itself with loops that are short enough; here it is asked for by name. Otherwise every operation is compiled
    on its own, which takes 10 to 30 ms however short it is, and called at every step of a loop. Sorts are not to be had in it,
    scatters are by `scan_rows`.
    """

    @wraps(function)
    def run(*arrays):
        if not one_by_one():
            with jax.named_scope(name_of(function)):
                return function(*arrays)

        def with_arrays(*arrays):
            return function(*arrays), arrays

        # XLA aborts where such a function has a parameter without a use: all are given back, past a barrier that JAX keeps.
        called = xla_metadata_call(with_arrays, xla_cpu_small_call="true", inlineable="false")(*arrays)
        return lax.optimization_barrier(called)[0]

    return run


def map_rows(function, rows):
    """`function(row)` of each row of (M, ...) arrays: one after the other on a CPU (in `fused`), together elsewhere."""
    return lax.map(function, rows) if one_by_one() else jax.vmap(function)(rows)


ROWS = {"cpu": 128, "gpu": 1024}
"""How many rows `map_blocks` looks at together: a CPU does all of a block, asked for or not."""


def map_blocks(function, rows, which):
    """(M,) int32: `function(rows)` of (M, ...) rows where the (M,) bool `which` is true, `ROWS` at once; -1 elsewhere."""
    size = ROWS.get(platform(), ROWS["gpu"])
    places, number = nonzero(which)
    places = jnp.pad(places, (0, -len(places) % size), constant_values=len(which))

    def look(block, found):
        here = lax.dynamic_slice_in_dim(places, block * size, size)
        return found.at[here].set(function(gather(rows, here)), **DROP)

    return while_any(lambda block, _: block * size < number, look, jnp.full(len(which), NONE))


def scatter(how: str, into: Array, places: Array, values: Any) -> Array:
    """`into.at[places].set(values)`, or "add" or "max", of (R,) or (R, K) int32 places: on a CPU (in `fused`) row by row.

    `NONE` is no place; a place that is named twice is set to any of its values on a GPU.
    """
    values = jnp.broadcast_to(jnp.asarray(values, into.dtype), places.shape)
    if not one_by_one():
        return getattr(into.at[places], how)(values, **DROP)

    def put(into, row):
        for k in np.ndindex(places.shape[1:]):
            into = getattr(into.at[gather(places, row, *map(np.int32, k))], how)(
                gather(values, row, *map(np.int32, k)), **DROP
            )
        return into, None

    return lax.scan(put, into, np.arange(len(places), dtype=np.int32))[0]


def only_if(condition, function, values):
    """`function(values)` if the () bool condition is true, else `values`; of a batch on a GPU, all if any is true.

    A loop of one turn: of a conditional under `vmap`, or in a function that is `fused`, XLA evaluates both branches. It carries
    the condition: else XLA moves out of it what does not depend on `values`.
    """
    once = condition, values
    return while_any(lambda _, once: once[0], lambda _, once: (np.False_, function(once[1])), once)[1]


def while_any(condition, body, carry, at_once=1, rolled=False):
    """`carry = body(turn, carry)` for the () int32 turns 0, 1, .. as long as `condition(turn, carry)` is true.

    On a GPU the condition may have any shape, and all lanes of a batch turn as long as it is true anywhere; so `body` leaves
    what a lane that is done is read for as it is. `vmap` of a loop would see to that by itself, with a copy and a selection of
    every array at every turn. To ask is to wait for the GPU, so that is done once for `at_once` turns; written out, they take
    fewer launches, and `rolled` up less time to compile.
    """
    if one_by_one():
        return lax.while_loop(
            lambda turns: condition(*turns), lambda turns: (turns[0] + 1, body(*turns)), (np.int32(0), carry)
        )[1]

    def turn(turns):
        return turns[0] + 1, body(*turns)

    def several(turns):
        if rolled:
            return lax.fori_loop(0, at_once, lambda _, turns: turn(turns), turns)
        # Traced once.
        again = turn if at_once == 1 else jax.jit(turn)
        for _ in range(at_once):
            turns = again(turns)
        return turns

    return lax.while_loop(lambda turns: _anywhere(condition(*turns)), several, (np.int32(0), _in_all_lanes(carry)))[1]


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


def pick(array: Array, places: Array) -> Array:
    """`gather(array, places)` of a (N, ...) array; of lanes on a GPU, from the arrays of all of them behind each other.

    `vmap` of a gather has each place named by its lane and its number, which XLA puts together in a launch of its own. This
    cannot be differentiated in reverse.
    """
    return gather(array, places) if one_by_one() else _picked(array, places)


@custom_vmap
def _picked(array, places):
    return gather(array, places)


@_picked.def_vmap
def _(size, batched, array, places):
    if not batched[0]:
        return _picked(array, places), True
    (places,) = _each_own(size, batched[1:], [places])
    number = np.int32(array.shape[1])
    lanes = np.arange(0, size * number, number, dtype=np.int32).reshape(size, *[1] * (places.ndim - 1))
    inside = lax.clamp(np.int32(0), places, number - np.int32(1))
    return _picked(array.reshape(-1, *array.shape[2:]), inside + lanes), True


def pick_row(rows: Array, place: Array) -> list[Array] | Array:
    """The entries of the row of a (N, K) array at a () int32 place; on a GPU one by one, which takes fewer launches."""
    if one_by_one():
        return gather(rows, place)
    width, entries = rows.shape[1], rows.reshape(-1)
    return [pick(entries, np.int32(width) * place + np.int32(k)) for k in range(width)]


def put_row(rows: Array, place: Array, row: Array) -> Array:
    """(M, ...) rows with another one at a () int32 place that all lanes of a batch share.

    `vmap` of an update makes a scatter of it, which XLA takes apart to three launches.
    """
    return _put_along(0)(rows, place, row)


@cache
def _put_along(axis):
    @custom_vmap
    def put(rows, place, row):
        return lax.dynamic_update_index_in_dim(rows, row, place, axis)

    @put.def_vmap
    def _(size, batched, rows, place, row):
        if batched[1]:
            raise ValueError("`put_row` is for a place that all lanes share.")
        rows, row = _each_own(size, (batched[0], batched[2]), (rows, row))
        return _put_along(axis + 1)(rows, place, row), True

    return put


@custom_vmap
def _anywhere(condition):
    return condition.any()


@_anywhere.def_vmap
def _in_any_lane_of(size, batched, conditions):
    return _anywhere(conditions), False


def running_sums(values: Array) -> Array:
    """(..., V) int32: of (..., V) int32 or bool values, the sum of all before each along the last axis; on a CPU in `fused`."""
    values = values.astype(jnp.int32)
    if not one_by_one():
        return lax.cumsum(values, axis=values.ndim - 1) - values
    along = jnp.moveaxis(values, -1, 0)
    return jnp.moveaxis(lax.scan(lambda total, each: (total + each, total), jnp.zeros_like(along[0]), along)[1], 0, -1)


def nonzero(which: Array) -> tuple[Array, Array]:
    """(V,) int32, the places where the (V,) bool `which` is true, in order, and V behind them; () int32, how many they are."""
    before = running_sums(which)
    to = jnp.where(which, before, NONE)

    line = scatter("set", jnp.full_like(to, len(which)), to, np.arange(len(which), dtype=np.int32))
    return line, before[-1] + which[-1].astype(jnp.int32)


def sums(*arrays: Array) -> tuple[Array, ...]:
    """The () sums of several (V,) arrays (bool counts as int32), all in one pass.

    XLA's CPU backend compiles three loops for every reduction of one array, and one loop for that of several.
    """
    columns = [each.astype(jnp.int32) if each.dtype == bool else each for each in arrays]
    zeros = [np.zeros((), each.dtype) for each in columns]
    return lax.reduce(columns, zeros, lambda left, right: tuple(map(lax.add, left, right)), (0,))
