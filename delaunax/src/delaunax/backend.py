"""What helps one backend and hurts another, chosen when a program is traced for it (`platforms`).

A CPU does rows one after the other, in few loops of machine code; a GPU does them together, in few launches.
"""

from functools import wraps

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

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


def scan_rows(step, carry, *levels):
    """What `carry = step(carry, rows)` leaves of `carry` after all (V,) int32 `levels`, each of which may need those before it.

    The rows of a level together, or on a CPU (in `fused`) all levels' one after the other.
    """
    if platform() == "cpu":
        return lax.scan(lambda carry, row: (step(carry, row[None]), None), carry, jnp.concatenate(levels))[0]
    for rows in levels:
        carry = step(carry, rows)
    return carry


def skip_if(skipped, function, values):
    """`function(values)`, or on a CPU `values` where the (V,) bool `skipped` are all true."""
    if platform() != "cpu":
        return function(values)
    return lax.cond(skipped.all(), lambda values: values, function, values)


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

        return lax.while_loop(lambda carry: (carry[0] != nothing).any(), turn, (find(values), values))[1]

    def turn_on_cpu(carry):
        found = find(carry[1])
        anything = (found != nothing).any()
        acted = lax.while_loop(
            lambda once: once[0], lambda once: (np.False_, act(found, once[1])), (anything, carry[1])
        )
        return anything, acted[1]

    return lax.while_loop(lambda carry: carry[0], turn_on_cpu, (np.True_, values))[1]


def rows_at_once(number: int) -> int:
    """How many rows of a level of so many `scan_rows` hands to its step."""
    return 1 if platform() == "cpu" else number


def counting_sort(classes: Array, starts: Array) -> Array:
    """(V,) int32: all places in line, by their (V,) int32 classes, and by number within a class.

    On a CPU one after the other (in `fused`), elsewhere by a sort. The (C,) int32 `starts` say where in the line every class
    starts; places of other classes are left out, and the rest of the line means nothing.
    """
    place = np.arange(len(classes), dtype=np.int32)
    if platform() != "cpu":
        return lax.sort((classes, jnp.asarray(place)), num_keys=1, is_stable=True)[1]

    def join(carry, places):
        line, ends = carry
        its = gather(classes, places)
        # Written before it is read: else XLA keeps a copy of it for the reader, at every step.
        ends = ends.at[its].add(1, **DROP)
        here = jnp.where(its < len(starts), gather(ends, its) - 1, NONE)
        return line.at[here].set(places, **DROP), ends

    return scan_rows(join, (jnp.zeros_like(classes), starts), place)[0]


def nonzero(which: Array) -> tuple[Array, Array]:
    """(V,) int32, the places where the (V,) bool `which` is true, in order, and V behind them; () int32, how many they are."""
    line = counting_sort(jnp.where(which, np.int32(0), np.int32(1)), jnp.zeros(1, jnp.int32))
    (number,) = sums(which)
    return jnp.where(np.arange(len(which), dtype=np.int32) < number, line, np.int32(len(which))), number


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


def stars_at_once():
    """How many stars are sought again at once: on a CPU one, which then does no turn in vain."""
    return 1 if platform() == "cpu" else 64


def candidates_at_once():
    """Among how many vertices each of them looks for its next triangle at once: few enough for the memory of a GPU's batch."""
    return 128 if platform() == "cpu" else 4096
