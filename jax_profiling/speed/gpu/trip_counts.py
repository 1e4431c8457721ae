"""How often the loops of the GPU branch run, counted by running that branch on a CPU."""

import inspect
import itertools
from collections import Counter
from contextlib import contextmanager
from unittest import mock

import jax
import numpy as np
from jax.custom_batching import custom_vmap

from delaunax.platform.dispatch import platform_override


@contextmanager
def gpu_branch(record=None):
    """Trace the GPU branch, with a name for every loop.

    Parameters
    ----------
    record
        If given, it is called at the end of every loop with the name and the trip count of the loop.
    """
    jax.clear_caches()
    original, number = jax.lax.while_loop, itertools.count()

    def while_loop(condition, body, first):
        name = f"loop_{next(number)}"
        with jax.named_scope(name):
            if record is None:
                return original(condition, body, first)
            last, trips = original(
                lambda carry: condition(carry[0]),
                lambda carry: (body(carry[0]), carry[1] + 1),
                (first, np.int32(0)),
            )
        _recorder_of(record, name)(trips)
        return last

    # JAX builds other loops without a known trip count from the same function.
    inside_jax = mock.patch.dict(inspect.unwrap(original).__globals__, while_loop=while_loop)
    with (
        mock.patch.object(jax.lax, "while_loop", while_loop),
        inside_jax,
        platform_override("gpu"),
    ):
        yield
    jax.clear_caches()


def _recorder_of(record, name):
    """A function that records a trip count on the host. Of a batch, the largest: a loop runs until its last lane ends."""

    @custom_vmap
    def recorder(trips):
        jax.debug.callback(lambda trips: record(name, int(trips)), trips)
        return trips

    @recorder.def_vmap
    def _(size, batched, trips):
        return recorder(trips.max()), False

    return recorder


def trip_counts_of(function, arrays):
    """Name of a loop -> (number of entries, number of trips), from a run of the GPU branch on the CPU."""
    entries, trips = Counter(), Counter()

    def record(name, count):
        entries[name] += 1
        trips[name] += count

    with gpu_branch(record):
        jax.block_until_ready(jax.jit(function)(*arrays))
        jax.effects_barrier()
    return {name: (entries[name], trips[name]) for name in entries}
