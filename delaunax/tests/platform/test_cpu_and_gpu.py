"""The functions of both platforms differ in their work, never in their result."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from delaunax import platform
from delaunax.platform import cpu, gpu
from delaunax.platform.rows import cond_as_loop, map_where, nonzero, sums

on_gpu = pytest.mark.parametrize("on_platform", ["gpu"], indirect=True)


def public(module):
    return {name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__}


def test_both_platforms_have_the_same_names():
    assert public(cpu) - {"can_fuse"} == {name for name in public(gpu) if not name.startswith("_")}
    constants = [{name for name in vars(module) if name.isupper()} for module in (cpu, gpu)]
    assert constants[0] == constants[1]


def test_the_module_follows_the_platform(on_platform):
    assert platform.selected() is {"cpu": cpu, "gpu": gpu}[on_platform]
    assert platform.choose(1, 2) == {"cpu": 1, "gpu": 2}[on_platform]


def test_nonzero_gives_places_in_order(on_platform):
    which = np.random.default_rng(0).random(50) < 0.4
    places, number = jax.jit(platform.fused(nonzero))(which)
    assert int(number) == which.sum()
    assert np.asarray(places).tolist() == [*np.flatnonzero(which), *[50] * (50 - int(number))]


@pytest.mark.parametrize("shape", [(1,), (50,), (2, 50)])
def test_running_sums_exclude_the_value_itself(on_platform, shape):
    values = np.random.default_rng(0).integers(-3, 4, shape).astype(np.int32)
    found = jax.jit(platform.fused(platform.running_sums))(values)
    assert np.array_equal(found, np.cumsum(values, axis=-1) - values)


def test_sums_of_several_arrays_in_one_pass(on_platform):
    which, values = np.arange(50) % 3 == 0, np.arange(50.0)
    found = jax.jit(platform.fused(lambda *arrays: sums(*arrays)))(which, values)
    assert [each.tolist() for each in found] == [17, 1225.0]


def test_orders_sort_by_x_then_y(on_platform):
    keys = np.random.default_rng(0).integers(0, 5, (2, 40))
    by_x, by_y = jax.jit(platform.orders_of)(keys)
    assert np.array_equal(keys[:, by_x], keys[:, np.lexsort((keys[1], keys[0]))])
    assert np.array_equal(keys[1, by_y], np.sort(keys[1]))
    assert sorted(by_x.tolist()) == sorted(by_y.tolist()) == list(range(40))


def halved(value):
    """A loop that has to end by itself shows whether it ran at all."""
    return lax.while_loop(lambda value: value > 1, lambda value: value // 2, value)


def test_a_conditional_runs_only_if_true(on_platform):
    found = jax.jit(platform.fused(lambda condition, value: cond_as_loop(condition, halved, value)))
    assert (found(True, 12), found(False, 12)) == (1, 12)


def test_a_lazy_selection_gives_function_or_value(on_platform):
    found = jax.jit(platform.fused(lambda which, value: platform.select_lazily(which, lambda: halved(value), value)))
    assert (found(True, 12), found(False, 12)) == (1, 12)


@pytest.mark.parametrize("unroll", [1, 3])
def test_lanes_continue_until_the_last_is_finished(on_platform, unroll):
    """Lanes of lanes too: how often each number can be halved."""

    def halvings(value):
        def halve(step, carry):
            value, count = carry
            return jnp.where(value > 1, value // 2, value), jnp.where(value > 1, step + 1, count)

        arguments = {} if on_platform == "cpu" else {"unroll": unroll}
        return platform.lockstep_while(lambda step, carry: carry[0] > 1, halve, (value, np.int32(0)), **arguments)[1]

    values = jnp.array([[1, 2, 9], [300, 0, 5]])
    assert jax.jit(jax.vmap(jax.vmap(halvings)))(values).tolist() == [[0, 1, 3], [8, 0, 2]]
    assert jax.jit(halvings)(values[1, 0]) == 8


@pytest.mark.parametrize("number, part", [(7, 0.5), (3000, 0.5), (3000, 0.0), (3000, 1.0)])
def test_rows_are_mapped_where_true(on_platform, number, part):
    which = np.random.default_rng(0).random(number) < part
    rows = np.arange(number, dtype=np.int32)
    found = jax.jit(platform.fused(lambda rows, which: map_where(which, lambda row: 3 * row, rows)))(rows, which)
    assert np.array_equal(found, np.where(which, 3 * rows, -1))


def test_rows_are_replaced_where_true(on_platform):
    which, rows = np.arange(30) % 4 == 1, np.arange(30.0)

    def replaced(which, rows):
        return platform.replace_rows(which, lambda row: [10.0 * row, -row], rows, [rows, rows])

    found = jax.jit(platform.fused(replaced))(which, rows)
    assert np.array_equal(found, [np.where(which, 10.0 * rows, rows), np.where(which, -rows, rows)])


@pytest.mark.parametrize("columns", [(), (3,)])
@pytest.mark.parametrize("how", ["set", "add", "max"])
def test_values_are_scattered_to_their_places(on_platform, how, columns):
    rng = np.random.default_rng(0)
    places, values = rng.integers(-1, 50, (200, *columns)), rng.integers(1, 9, (200, *[1] * len(columns)))
    expected, of_numpy = np.zeros(50, int), {"add": np.add, "max": np.maximum}
    values_everywhere = np.broadcast_to(values, places.shape)
    if how == "set":
        # All values of one place are equal: which of several is kept is undefined.
        values_everywhere = values = places % 7
        expected[places[places >= 0]] = values[places >= 0]
    else:
        of_numpy[how].at(expected, places[places >= 0], values_everywhere[places >= 0])
    scatter = jax.jit(platform.fused(lambda *arrays: platform.scatter(how, jnp.zeros(50, int), *arrays)))
    assert np.array_equal(scatter(places.astype(np.int32), values), expected)


def test_a_row_is_read_at_a_place(on_platform):
    rows = np.arange(12.0).reshape(4, 3)
    found = jax.jit(platform.fused(lambda rows, place: jnp.stack(list(platform.gather_row(rows, place)))))
    assert found(rows, np.int32(2)).tolist() == [6.0, 7.0, 8.0]


@on_gpu
def test_lanes_read_from_their_own_arrays(on_platform):
    arrays, places = jnp.arange(24.0).reshape(2, 3, 4), jnp.array([[-1, 2, 9], [0, 3, 1]], jnp.int32)
    found = jax.vmap(jax.vmap(platform.gather_lanes, (0, None)))(arrays, places)
    inside = np.clip(places, 0, 3)
    assert np.array_equal(found, np.take_along_axis(arrays, inside[:, None].repeat(3, axis=1), axis=2))


@on_gpu
def test_lanes_write_rows_at_a_shared_place(on_platform):
    """Lanes of lanes too, whether each has rows of its own or not."""
    rows, row = jnp.zeros((2, 3, 4, 5)), jnp.arange(30.0).reshape(2, 3, 5)
    written = jax.vmap(jax.vmap(platform.scatter_row, (0, None, 0)), (0, None, 0))(rows, 2, row)
    assert np.array_equal(written, np.where((np.arange(4) == 2)[:, None], row[:, :, None], 0.0))
    shared = jax.vmap(platform.scatter_row, (None, None, 0))(rows[0, 0], 2, row[0])
    assert np.array_equal(shared, written[0])
    with pytest.raises(ValueError, match="share"):
        jax.vmap(platform.scatter_row, (None, 0, None))(rows[0, 0], jnp.arange(2), row[0, 0])
