"""Reading and writing at a place of -1: no index counts from the end."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax.platform.indexing import DROP, NONE, gather, write


@pytest.mark.parametrize(
    "place, expected", [(NONE, 10.0), (np.int32(0), 10.0), (np.int32(2), 12.0), (np.int32(9), 12.0)]
)
def test_reads_outside_give_the_first_or_last(place, expected):
    array = jnp.asarray([10.0, 11.0, 12.0])
    assert jax.jit(gather)(array, place) == expected
    assert jax.jit(gather)(array, jnp.asarray([place, 1])).tolist() == [expected, 11.0]


def test_writes_outside_are_dropped():
    array, places = jnp.zeros(3), jnp.asarray([NONE, 1, 3], jnp.int32)
    assert array.at[places].set(1.0, **DROP).tolist() == [0.0, 1.0, 0.0]
    assert array.at[NONE].add(1.0, **DROP).tolist() == [0.0, 0.0, 0.0]
    assert jnp.zeros((2, 2)).at[places[:2], places[1:]].set(1.0, **DROP).sum() == 0.0


def test_several_values_are_written_together():
    assert jax.jit(write)(jnp.zeros(5), np.int32(2), 7.0, 8.0).tolist() == [0.0, 0.0, 7.0, 8.0, 0.0]


def test_masked_reads_have_no_gradient():
    places = jnp.asarray([NONE, 2], jnp.int32)

    def total(array):
        return jnp.where(places < 0, 0.0, gather(array, places)).sum()

    assert jax.grad(total)(jnp.ones(3)).tolist() == [0.0, 0.0, 1.0]
