"""Work that only some rows need, built on the functions of both platforms."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from delaunax import platform
from delaunax.platform.indexing import DROP, NONE, gather


def cond_as_loop(condition: Array, function: Callable, values: Any) -> Any:
    """`function(values)` if the () bool condition is true, else `values`; on a GPU, for all lanes if it is true for any.

    A loop of one step. XLA evaluates both branches of a conditional under `vmap`, or in a function that is `fused`. The loop
    carries the condition: otherwise XLA moves out of the loop what does not depend on `values`.
    """
    once = condition, values
    return platform.lockstep_while(lambda _, once: once[0], lambda _, once: (np.False_, function(once[1])), once)[1]


def skip_unless(condition: Array, function: Callable, values: Any) -> Any:
    """`function(values)`, where the function returns `values` if the () bool condition is false; only a GPU skips that call.

    For a `map_where` that rarely has a row to compute: a GPU then launches nothing to look for rows. A CPU always calls, since
    one more loop would only take time to compile.
    """
    return platform.choose(lambda _, function, values: function(values), cond_as_loop)(condition, function, values)


BLOCK_ROWS = 1024
"""How many rows a GPU computes together in `map_where`."""


def map_where(which: Array, function: Callable, rows: Any) -> Array:
    """(M,) int32: `function(rows)` of (V, ...) rows, called for the rows where the (M,) bool `which` is true; -1 elsewhere."""
    return platform.choose(_in_sequence, _in_blocks)(which, function, rows)


def _in_sequence(which, function, rows):
    def of_row(row):
        return [function(jax.tree.map(lambda each: each[None], row))[0]]

    return platform.replace_rows(which, of_row, rows, [jnp.full(len(which), NONE)])[0]


def _in_blocks(which, function, rows):
    places, number = nonzero(which)
    places = jnp.pad(places, (0, -len(places) % BLOCK_ROWS), constant_values=len(which))

    def compute(block, found):
        here = lax.dynamic_slice_in_dim(places, block * BLOCK_ROWS, BLOCK_ROWS)
        values = function(jax.tree.map(lambda each: gather(jnp.asarray(each), here), rows))
        return found.at[here].set(values, **DROP)

    return platform.lockstep_while(lambda block, _: block * BLOCK_ROWS < number, compute, jnp.full(len(which), NONE))


def nonzero(which: Array) -> tuple[Array, Array]:
    """(V,) int32, the places where the (V,) bool `which` is true, in order, then V; () int32, how many are true."""
    before = platform.running_sums(which)
    to = jnp.where(which, before, NONE)
    places = platform.scatter("set", jnp.full_like(to, len(which)), to, np.arange(len(which), dtype=np.int32))
    return places, before[-1] + which[-1].astype(jnp.int32)


def sums(*arrays: Array) -> tuple[Array, ...]:
    """The () sums of several (V,) arrays (bool counts as int32), in one pass.

    XLA's CPU backend compiles three loops for every reduction of one array, and one loop for a reduction of several.
    """
    columns = [each.astype(jnp.int32) if each.dtype == bool else each for each in arrays]
    zeros = [np.zeros((), each.dtype) for each in columns]
    return lax.reduce(columns, zeros, lambda left, right: tuple(map(lax.add, left, right)), (0,))
