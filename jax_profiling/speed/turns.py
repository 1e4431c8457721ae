"""How often the loops of a GPU's branch turn, from a run of that branch on a CPU."""

import inspect
import itertools
from collections import Counter
from contextlib import contextmanager
from unittest import mock

import jax
import numpy as np
from jax.custom_batching import custom_vmap

from delaunax.platform import dispatch as platforms


@contextmanager
def as_on_gpu(note=None):
    """Trace for a GPU, with a name for every loop; `note`, if any, is called with it and how often it turned, each time."""
    jax.clear_caches()
    plain, number = jax.lax.while_loop, itertools.count()

    def while_loop(condition, body, first):
        name = f"loop_{next(number)}"
        with jax.named_scope(name):
            if note is None:
                return plain(condition, body, first)
            found, turns = plain(
                lambda carry: condition(carry[0]),
                lambda carry: (body(carry[0]), carry[1] + 1),
                (first, np.int32(0)),
            )
        _noted(note, name)(turns)
        return found

    # Other loops whose number of turns is not known are made with it too.
    inside = mock.patch.dict(inspect.unwrap(plain).__globals__, while_loop=while_loop)
    with mock.patch.object(jax.lax, "while_loop", while_loop), inside, mock.patch.object(platforms, "forced", "gpu"):
        yield
    jax.clear_caches()


def _noted(note, name):
    """A function that notes a number on the host, of a batch the largest: so often does a loop of all its lanes turn."""

    @custom_vmap
    def noted(turns):
        jax.debug.callback(lambda turns: note(name, int(turns)), turns)
        return turns

    @noted.def_vmap
    def _(size, batched, turns):
        return noted(turns.max()), False

    return noted


def turns_of(function, arrays):
    """Name of a loop -> (how often it was entered, how often it turned), from a run of the GPU's branch on the CPU."""
    entered, turned = Counter(), Counter()

    def note(name, turns):
        entered[name] += 1
        turned[name] += turns

    with as_on_gpu(note):
        jax.block_until_ready(jax.jit(function)(*arrays))
        jax.effects_barrier()
    return {name: (entered[name], turned[name]) for name in entered}
