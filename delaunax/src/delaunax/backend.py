"""What helps one backend and hurts another, chosen when a program is traced for it (`platforms`).

A CPU does rows one after the other, in few loops of machine code; a GPU does them together, in few launches.
"""

from functools import partial, wraps
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.custom_batching import custom_vmap

from delaunax.indexing import DROP, NONE, gather
from delaunax.platforms import name_of, platform

try:
    from jax.experimental.xla_metadata import xla_metadata_call
except ImportError:  # JAX before 0.11: the results are the same, and a CPU takes longer.
    xla_metadata_call = None  # type: ignore[assignment]


def fused(function):
    """Let XLA's CPU backend compile a function of arrays to one function of machine code, with all its loops in it.

    What it does by itself with loops that are short enough; here it is asked for by name. Otherwise every operation is compiled
    on its own, which takes 10 to 30 ms however short it is, and called at every step of a loop. Sorts are not to be had in it;
    scatters are by `scan_rows`, minima of floats by `column_min`.
    """

    @wraps(function)
    def run(*arrays):
        if platform() != "cpu" or xla_metadata_call is None:
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
    return lax.map(function, rows) if platform() == "cpu" else jax.vmap(function)(rows)


ROWS = 1024
"""How many rows a GPU looks at together in `map_some_rows`."""


def map_some_rows(function, rows, which):
    """(M,) int32: `function(row)` of each row of (M, ...) arrays where the (M,) bool `which` is true, anything elsewhere.

    A CPU calls it everywhere, so it is to end at once where it is not asked for. A GPU calls it where it is, `ROWS` at once.
    """
    if platform() == "cpu":
        return map_rows(function, rows)
    places, number = nonzero(which)
    places = jnp.pad(places, (0, -len(places) % ROWS), constant_values=len(which))

    def look(carry):
        begun, found = carry
        here = lax.dynamic_slice_in_dim(places, begun, ROWS)
        these = jax.vmap(function)(jax.tree.map(lambda each: gather(each, here), rows))
        return begun + ROWS, found.at[here].set(these, **DROP)

    return while_any(lambda carry: carry[0] < number, look, (np.int32(0), jnp.full(len(which), NONE)))[1]


def scan_rows(step, carry, *levels):
    """What `carry = step(carry, rows)` leaves of `carry` after all (V,) int32 `levels`, each of which may need those before it.

    The rows of a level together, or on a CPU (in `fused`) all levels' one after the other.
    """
    if platform() == "cpu":
        return lax.scan(lambda carry, row: (step(carry, row[None]), None), carry, jnp.concatenate(levels))[0]
    for rows in levels:
        carry = step(carry, rows)
    return carry


def only_if(condition, function, values):
    """`function(values)` if the () bool condition is true, else `values`; not under `vmap`, unless on a CPU (`by_platform`).

    A loop of one turn: of a conditional in a function that is `fused`, XLA evaluates both branches.
    """
    return lax.while_loop(lambda once: once[0], lambda once: (np.False_, function(once[1])), (condition, values))[1]


def skip_if(skipped, function, values):
    """`function(values)`, or on a CPU `values` where the (V,) bool `skipped` are all true."""
    if platform() != "cpu":
        return function(values)
    return lax.cond(skipped.all(), lambda values: values, function, values)


def kept(function):
    """A function that gives what `function()` gives: a CPU computes that once, a GPU wherever it is used.

    What a loop reads and does not compute itself has to be written to memory before it, and on a GPU that takes longer.
    """
    if platform() != "cpu":
        return function
    value = function()
    return lambda: value


def while_any(condition, body, carry, at_once=1):
    """`lax.while_loop`; on a GPU, all lanes of a batch turn as long as one of them has to, `at_once` times for each question.

    So `body` leaves what a lane that is done is read for as it is. `vmap` of the loop alone would see to that by itself, with a
    copy and a selection of every array at every turn; and to ask is to wait for the GPU.
    """
    if platform() == "cpu":
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


def while_found(find, act, values, nothing):
    """What `act(found, values)` leaves of `values` after all turns in which an entry of `find(values)` is not `nothing`.

    A GPU finds ahead of the loop, which then turns only where there is something to do. A CPU finds inside of it, so that this
    is compiled once, and acts in a loop of one turn: unlike a conditional, under `vmap` it runs only where a lane needs it.
    What it does has to depend on the values, or XLA computes it ahead of the loop, needed or not.
    """
    if platform() != "cpu":

        def turn(carry):
            values = act(*carry)
            return find(values), values

        return while_any(lambda carry: (carry[0] != nothing).any(), turn, (find(values), values))[1]

    def turn_on_cpu(carry):
        found = find(carry[1])
        anything = (found != nothing).any()
        acted = lax.while_loop(
            lambda once: once[0], lambda once: (np.False_, act(found, once[1])), (anything, carry[1])
        )
        return anything, acted[1]

    return lax.while_loop(lambda carry: carry[0], turn_on_cpu, (np.True_, values))[1]


def running_sums(values: Array) -> Array:
    """(..., V) int32: of (..., V) int32 or bool values, the sum of all before each along the last axis; on a CPU in `fused`."""
    values = values.astype(jnp.int32)
    if values.shape[-1] == 1:
        return jnp.zeros_like(values)
    if platform() != "cpu":
        return lax.cumsum(values, axis=values.ndim - 1) - values
    along = jnp.moveaxis(values, -1, 0)
    return jnp.moveaxis(lax.scan(lambda total, each: (total + each, total), jnp.zeros_like(along[0]), along)[1], 0, -1)


def nonzero(which: Array) -> tuple[Array, Array]:
    """(V,) int32, the places where the (V,) bool `which` is true, in order, and V behind them; () int32, how many they are."""
    before = running_sums(which)
    to = jnp.where(which, before, NONE)

    def put(line, places):
        return line.at[gather(to, places)].set(places, **DROP)

    line = scan_rows(put, jnp.full_like(to, len(which)), np.arange(len(which), dtype=np.int32))
    return line, before[-1] + which[-1]


def column_min(values: Array) -> Array:
    """(V,): the smallest of (C, V) values in each column, none of them NaN, for C of a few dozen."""
    if platform() != "cpu":
        return values.min(axis=0)
    while (count := len(values)) > 1:
        half = -(-count // 2)
        # Of an odd number, the one in the middle is in both.
        first, second = lax.slice_in_dim(values, 0, half), lax.slice_in_dim(values, count - half, count)
        values = lax.select(lax.lt(first, second), first, second)
    return lax.squeeze(values, (0,))


def column_first(values: Array, names: Array) -> tuple[Array, Array]:
    """(V,) float and int32: the smallest of (C, V) values in each column, none of them NaN; of as small ones the smallest name.

    Names are (C, V) or (C, 1) int32.
    """
    no_name = np.int32(np.iinfo(np.int32).max)
    if platform() == "cpu":
        # Two plain minima are vectorised where one argmin is not. Without the barrier the compiler may evaluate the
        # values once for each, and round them differently.
        values = lax.optimization_barrier(values)
        smallest = column_min(values)
        return smallest, column_min(jnp.where(values == smallest, names, no_name))

    def better(one, other):
        smaller = (one[0] < other[0]) | ((one[0] == other[0]) & (one[1] < other[1]))
        return tuple(map(partial(jnp.where, smaller), one, other))

    nothing = np.asarray(np.inf, values.dtype), no_name
    return lax.reduce((values, jnp.broadcast_to(names, values.shape)), nothing, better, (0,))


def column_min_of_each(values: Array, number: int, empty: Any) -> Array:
    """(number, V): of (C, V) values in each column, the smallest of every number-th one, from the first, the second and so on.

    It is `empty` where there is none; no value is larger.
    """
    if number == 1:
        return column_min(values)[None]
    padded = jnp.pad(values, ((0, -len(values) % number), (0, 0)), constant_values=empty)
    return padded.reshape(-1, number, values.shape[1]).min(axis=0)


def column_smallest(keys: Array, number: int) -> Array:
    """(number, V) int: the smallest of (C, V) different integers in each column, in order."""
    if platform() != "cpu":
        return lax.sort(keys, dimension=0)[:number]

    def take(keys, _):
        first = column_min(keys)
        return jnp.where(keys == first, jnp.iinfo(keys.dtype).max, keys), first

    return lax.scan(take, keys, None, length=number)[1]


def sums(*arrays: Array) -> tuple[Array, ...]:
    """The () sums of several (V,) arrays (bool counts as int32), all in one pass.

    XLA's CPU backend compiles three loops for every reduction of one array, and one loop for that of several.
    """
    columns = [each.astype(jnp.int32) if each.dtype == bool else each for each in arrays]
    zeros = [np.zeros((), each.dtype) for each in columns]
    return lax.reduce(columns, zeros, lambda left, right: tuple(map(lax.add, left, right)), (0,))


def one_by_one():
    """Whether vertices are inserted one by one (`insertion`), and not the stars of all sought at once (`stars`).

    A CPU does; without fused functions each of the few operations that a step takes would be called on its own.
    """
    return platform() == "cpu" and xla_metadata_call is not None


def stars_at_once():
    """How many stars are sought again at once: on a CPU one, which then does no turn in vain."""
    return 1 if platform() == "cpu" else 64


def near_enough():
    """How many vertices are proposed to each vertex, itself included, or a few more.

    On a GPU so many that hardly a star is sought again but at the hull: to seek one takes as many launches as all of them.
    """
    return 64 if platform() == "cpu" else 100


def candidates_at_once():
    """Among how many vertices each of them looks for its next triangle at once: few enough for the memory of a GPU's batch."""
    return 128 if platform() == "cpu" else 4096


def challengers_at_once():
    """How many candidates of a star are compared with its best one at once, exactly."""
    return 1 if platform() == "cpu" else 8


def limbs_without_loop():
    """Of how many limbs integers are multiplied without a loop: what a CPU does in a few turns is a launch each on a GPU.

    Five hold differences of coordinates whose last bits are within 2^76 (in fp32 2^30) of each other.
    """
    return 0 if platform() == "cpu" else 5
