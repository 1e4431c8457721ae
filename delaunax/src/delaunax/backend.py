"""What helps one backend and hurts another, chosen when a program is traced for it (`platforms`).

A CPU does rows one after the other, in few loops of machine code; a GPU does them together, in few launches.
"""

from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import custom_vmap

from delaunax.indexing import DROP, NONE, gather
from delaunax.platforms import name_of, platform

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


ROWS = 1024
"""How many rows a GPU looks at together in `map_some_rows`."""


def map_some_rows(function, rows, which):
    """(M,) int32: `function(row)` of each row of (M, ...) arrays where the (M,) bool `which` is true, anything elsewhere.

    A CPU calls it everywhere, so it is to end at once where it is not asked for. A GPU calls it where it is, `ROWS` at once.
    """
    if one_by_one():
        return map_rows(function, rows)
    places, number = nonzero(which)
    places = jnp.pad(places, (0, -len(places) % ROWS), constant_values=len(which))

    def look(carry):
        begun, found = carry
        here = lax.dynamic_slice_in_dim(places, begun, ROWS)
        these = jax.vmap(function)(jax.tree.map(lambda each: gather(each, here), rows))
        return begun + ROWS, found.at[here].set(these, **DROP)

    return while_any(lambda carry: carry[0] < number, look, (np.int32(0), jnp.full(len(which), NONE)))[1]


def scan_rows(step, carry, number):
    """What `carry = step(carry, rows)` leaves of `carry` for the (V,) int32 rows from 0 to a number: on a CPU (in `fused`) one
    after the other, each of which sees what was before it, elsewhere all at once.
    """
    rows = np.arange(number, dtype=np.int32)
    if not one_by_one():
        return step(carry, rows)
    return lax.scan(lambda carry, row: (step(carry, row[None]), None), carry, rows)[0]


def only_if(condition, function, values):
    """`function(values)` if the () bool condition is true, else `values`; of a batch on a GPU, all if any is true.

    A loop of one turn: of a conditional under `vmap`, or in a function that is `fused`, XLA evaluates both branches.
    """
    return while_any(lambda once: once[0], lambda once: (np.False_, function(once[1])), (condition, values))[1]


def while_any(condition, body, carry, at_once=1):
    """`lax.while_loop`; on a GPU, all lanes of a batch turn as long as one of them has to, `at_once` times for each question.

    So `body` leaves what a lane that is done is read for as it is. `vmap` of the loop alone would see to that by itself, with a
    copy and a selection of every array at every turn; and to ask is to wait for the GPU.
    """
    if one_by_one():
        return lax.while_loop(condition, body, carry)

    def turn(carry):
        for _ in range(at_once):
            carry = body(carry)
        return carry

    return lax.while_loop(lambda carry: _in_any_lane(condition(carry)), turn, _in_all_lanes(carry))


@custom_vmap
def _in_all_lanes(values):
    return values


@_in_all_lanes.def_vmap
def _in_all_lanes_of(size, batched, values):
    """Each lane with values of its own: else `vmap` of a loop finds out which have, by tracing the loops in it once more."""

    def own(value, mapped):
        return value if mapped else jnp.broadcast_to(value, (size, *jnp.shape(value)))

    return jax.tree.map(own, values, batched[0]), jax.tree.map(lambda _: True, values)


@custom_vmap
def _in_any_lane(condition):
    return condition


@_in_any_lane.def_vmap
def _in_any_lane_of(size, batched, conditions):
    return _in_any_lane(conditions.any(axis=0)), False


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

    def put(line, places):
        return line.at[gather(to, places)].set(places, **DROP)

    line = scan_rows(put, jnp.full_like(to, len(which)), len(which))
    return line, before[-1] + which[-1]


def sums(*arrays: Array) -> tuple[Array, ...]:
    """The () sums of several (V,) arrays (bool counts as int32), all in one pass.

    XLA's CPU backend compiles three loops for every reduction of one array, and one loop for that of several.
    """
    columns = [each.astype(jnp.int32) if each.dtype == bool else each for each in arrays]
    zeros = [np.zeros((), each.dtype) for each in columns]
    return lax.reduce(columns, zeros, lambda left, right: tuple(map(lax.add, left, right)), (0,))
