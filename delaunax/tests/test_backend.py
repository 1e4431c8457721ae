"""What is chosen by backend changes the work, never the answer."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax
from scipy.spatial import Delaunay

from delaunax import locate, oracle, triangulate
from delaunax.insertion.incremental import insert
from delaunax.platform import backend
from delaunax.platform import dispatch as platforms

import point_sets

LANES = 3


def _tables(points, queries):
    triangulation = triangulate(points)
    return (*triangulation, locate(triangulation, points, queries))


@pytest.mark.parametrize("platform, number", [("cpu", 397), ("gpu", 398)])
def test_lanes_together_or_one_by_one_are_the_lanes_alone(platform, number, monkeypatch):
    """Meshes of their own size, because a program that is compiled already is not traced again."""
    monkeypatch.setattr(platforms, "forced", platform)
    points = jnp.asarray(
        np.stack([point_sets.relocated(number), point_sets.random(number), point_sets.random(number, seed=1)])
    )
    queries = jnp.asarray(3.0 * np.random.default_rng(2).random((LANES, 5 * number, 2)) - 1.5)
    together = jax.jit(jax.vmap(_tables))(points, queries)
    for lane in range(LANES):
        assert point_sets.simplices_of(together[0][lane]) == point_sets.simplices_of(Delaunay(points[lane]).simplices)
        alone = _tables(points[lane], queries[lane])
        assert all(np.array_equal(np.asarray(each[lane]), np.asarray(one)) for each, one in zip(together, alone))


def test_a_cpu_compiles_one_loop_over_lanes_and_a_gpu_none(monkeypatch):
    loops = {}
    for platform in ("cpu", "gpu"):
        monkeypatch.setattr(platforms, "forced", platform)
        double = platforms.by_platform(lambda x: 2.0 * x)
        loops[platform] = jax.jit(jax.vmap(double)).lower(jnp.ones((LANES, 4))).as_text().count("stablehlo.while")
    assert loops == {"cpu": 1, "gpu": 0}


@pytest.fixture(params=["cpu", "gpu"])
def platform(request, monkeypatch):
    monkeypatch.setattr(platforms, "forced", request.param)
    return request.param


def test_nonzero_gives_places_in_order(platform):
    which = np.random.default_rng(0).random(50) < 0.4
    line, number = jax.jit(backend.fused(backend.nonzero))(which)
    assert int(number) == which.sum()
    assert np.asarray(line).tolist() == [*np.flatnonzero(which), *[50] * (50 - int(number))]


@pytest.mark.parametrize("shape", [(1,), (50,), (2, 50)])
def test_running_sums_are_of_what_comes_before(platform, shape):
    values = np.random.default_rng(0).integers(-3, 4, shape).astype(np.int32)
    found = jax.jit(backend.fused(backend.running_sums))(values)
    assert np.array_equal(found, np.cumsum(values, axis=-1) - values)


def test_it_is_done_only_if_it_is_asked_for():
    """A loop that has to end by itself tells whether it was run at all."""

    def halved(value):
        return lax.while_loop(lambda value: value > 1, lambda value: value // 2, value)

    found = jax.jit(backend.fused(lambda asked, value: backend.only_if(asked, halved, value)))
    assert (found(True, 12), found(False, 12)) == (1, 12)


@pytest.mark.parametrize("at_once", [1, 3])
def test_lanes_turn_together_until_the_last_is_done(platform, at_once):
    """Lanes of lanes too: how often each number can be halved."""

    def halvings(value):
        def halve(turn, carry):
            value, count = carry
            return jnp.where(value > 1, value // 2, value), jnp.where(value > 1, turn + 1, count)

        return backend.while_any(lambda turn, carry: carry[0] > 1, halve, (value, np.int32(0)), at_once)[1]

    values = jnp.array([[1, 2, 9], [300, 0, 5]])
    assert jax.jit(jax.vmap(jax.vmap(halvings)))(values).tolist() == [[0, 1, 3], [8, 0, 2]]
    assert jax.jit(halvings)(values[1, 0]) == 8


@pytest.mark.parametrize("number, part", [(7, 0.5), (3000, 0.5), (3000, 0.0), (3000, 1.0)])
def test_blocks_are_mapped(monkeypatch, number, part):
    monkeypatch.setattr(platforms, "forced", "gpu")
    which = np.random.default_rng(0).random(number) < part
    rows = np.arange(number, dtype=np.int32)
    found = jax.jit(lambda rows, which: backend.map_blocks(lambda row: 3 * row, rows, which))(rows, which)
    assert np.array_equal(found, np.where(which, 3 * rows, -1))


@pytest.mark.parametrize("columns", [(), (3,)])
@pytest.mark.parametrize("how", ["set", "add", "max"])
def test_rows_are_scattered(platform, how, columns):
    rng = np.random.default_rng(0)
    places, values = rng.integers(-1, 50, (200, *columns)), rng.integers(1, 9, (200, *[1] * len(columns)))
    expected, of_numpy = np.zeros(50, int), {"add": np.add, "max": np.maximum}
    values_everywhere = np.broadcast_to(values, places.shape)
    if how == "set":
        # All of one place have the same value: which of several is kept is not said.
        values_everywhere = values = places % 7
        expected[places[places >= 0]] = values[places >= 0]
    else:
        of_numpy[how].at(expected, places[places >= 0], values_everywhere[places >= 0])
    scatter = jax.jit(backend.fused(lambda *arrays: backend.scatter(how, jnp.zeros(50, int), *arrays)))
    assert np.array_equal(scatter(places.astype(np.int32), values), expected)


def test_rows_of_lanes_are_put_at_a_place_that_they_share():
    """Lanes of lanes too, whether each has rows of its own or not."""
    rows, row = jnp.zeros((2, 3, 4, 5)), jnp.arange(30.0).reshape(2, 3, 5)
    put = jax.vmap(jax.vmap(backend.put_row, (0, None, 0)), (0, None, 0))(rows, 2, row)
    assert np.array_equal(put, np.where((np.arange(4) == 2)[:, None], row[:, :, None], 0.0))
    shared = jax.vmap(backend.put_row, (None, None, 0))(rows[0, 0], 2, row[0])
    assert np.array_equal(shared, put[0])
    with pytest.raises(ValueError, match="share"):
        jax.vmap(backend.put_row, (None, 0, None))(rows[0, 0], jnp.arange(2), row[0, 0])


@pytest.mark.skipif(backend.xla_metadata_call is None, reason="JAX before 0.11 has no such attribute")
def test_a_cpu_compiles_all_loops_of_the_insertion_as_one_call():
    """All that is left around it are inputs that are not there yet: otherwise each operation is a kernel of its own."""
    points = jnp.asarray(point_sets.random(200))
    order, number, ends = jnp.arange(2, 200, dtype=jnp.int32), jnp.int32(198), jnp.arange(2, dtype=jnp.int32)
    program = jax.jit(backend.fused(insert)).lower(points, points, order, number, ends).compile()
    entry = program.as_text().partition("ENTRY")[2]
    operations = re.findall(r" ([a-z-]+)\(", entry)
    assert operations.count("call") == 1 and 'xla_cpu_small_call="true"' in entry
    assert not {"while", "scatter", "sort"} & set(operations)
    assert operations.count("fusion") <= 2


HARD = {
    "grid": point_sets.grid(8),
    "grid moved by last bits": point_sets.moved_by_bits(point_sets.grid(8) + 1.0),
    "integers with duplicates": point_sets.integers(64, 6, 0),
    "folded": point_sets.folded(8),
    "rounded line": point_sets.rotated(point_sets.line(64)),
    "circle": point_sets.circle(64),
    "random": point_sets.random(64),
}
"""Point sets of one size, in nearly all of which floating point cannot decide."""

WIDE = {name: point_sets.ALL[name] for name in ("random", "grid", "one place, many times, and five others")}
"""Point sets of another size, of which only a part is near a vertex."""

BRANCHES = {
    "a GPU": (platforms, "forced", "gpu"),
    "a CPU without fused functions": (backend, "xla_metadata_call", None),
}


@pytest.mark.parametrize("sets", [HARD, WIDE], ids=["hard", "wide"])
@pytest.mark.parametrize("branch", BRANCHES)
def test_every_branch_is_exact_and_breaks_ties_alike(branch, sets, monkeypatch):
    batch = jnp.asarray(np.stack(list(sets.values())))
    expected = [point_sets.simplices_of(triangulate(points).simplices) for points in sets.values()]
    jax.clear_caches()
    with monkeypatch.context() as patch:
        patch.setattr(*BRANCHES[branch])
        together = jax.jit(jax.vmap(triangulate))(batch)
    jax.clear_caches()
    assert together.certified.all()
    for lane, points in enumerate(sets.values()):
        assert oracle.fault_of(points, together.simplices[lane]) is None
        assert point_sets.simplices_of(together.simplices[lane]) == expected[lane]
