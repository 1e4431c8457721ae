"""Lanes of a batch, and every way to select an algorithm, give the triangles of one lane alone."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import locate, oracle, platform, triangulate
from delaunax.insertion.incremental import insert
from delaunax.platform import cpu
from delaunax.platform.dispatch import by_platform

import point_sets
from programs import PLATFORMS, compiled, triangulated, triangulation_of

NAMES = ["relocated onto an ellipse", "folded onto itself", "grid", "one place, many times, and five others"]
"""Sets of one size. Their lanes take different numbers of steps."""


def tables(points, queries):
    triangulation = triangulate(points)
    return triangulation, locate(triangulation, points, queries)


@pytest.mark.parametrize("on", PLATFORMS)
def test_lanes_are_the_lanes_alone(on):
    """Bit by bit. `test_triangulation` compares the lanes alone with rational arithmetic."""
    points = np.stack([point_sets.EVERY[name] for name in NAMES])
    queries = 3.0 * np.random.default_rng(2).random((len(NAMES), 500, 2)) - 1.5
    together = compiled(jax.vmap(tables), on)(points, queries)
    for lane in range(len(NAMES)):
        triangulation = triangulation_of(NAMES[lane], on)
        alone = triangulation, compiled(locate, on)(triangulation, points[lane], queries[lane])
        assert jax.tree.all(jax.tree.map(lambda lanes, one, k=lane: np.array_equal(lanes[k], one), together, alone))


def test_a_cpu_loops_over_lanes(on_platform):
    """A GPU does not."""
    double = by_platform(lambda x: 2.0 * x)
    loops = jax.jit(jax.vmap(double)).lower(jnp.ones((3, 4))).as_text().count("stablehlo.while")
    assert loops == {"cpu": 1, "gpu": 0}[on_platform]


@pytest.mark.skipif(not cpu.can_fuse(), reason="JAX before 0.11 has no such attribute")
def test_a_cpu_compiles_the_insertion_as_one_call():
    """Only inputs that are not there yet are left around it: otherwise each operation is a kernel of its own."""
    points = jnp.asarray(point_sets.random(200))
    order, number, ends = jnp.arange(2, 200, dtype=jnp.int32), jnp.int32(198), jnp.arange(2, dtype=jnp.int32)
    program = jax.jit(platform.fused(insert)).lower(points, points, order, number, ends).compile()
    entry = program.as_text().partition("ENTRY")[2]
    operations = re.findall(r" ([a-z-]+)\(", entry)
    assert operations.count("call") == 1 and 'xla_cpu_small_call="true"' in entry
    assert not {"while", "scatter", "sort"} & set(operations)
    assert operations.count("fusion") <= 2


def hard_sets(number):
    """Point sets of one size; floating point decides only the random one."""
    lattice = point_sets.grid(8)[:number]
    return {
        "grid": lattice,
        "grid moved by last bits": point_sets.moved_by_bits(lattice + 1.0),
        "integers with duplicates": point_sets.integers(number, 6, 0),
        "folded": point_sets.folded(8)[:number],
        "rounded line": point_sets.rotated(point_sets.line(number)),
        "circle": point_sets.circle(number),
        "random": point_sets.random(number),
    }


HARD = hard_sets(63)

WIDE = {name: point_sets.ALL[name][:399] for name in ("random", "grid", "one place, many times, and five others")}
"""Sets of which only a part is near a vertex."""


def check_batch(sets, program):
    """Every lane is exact, and has the triangles that a CPU finds in it alone."""
    lanes = program(np.stack(list(sets.values())))
    assert lanes.certified.all()
    for points, simplices in zip(sets.values(), lanes.simplices, strict=True):
        assert oracle.fault_of(points, simplices) is None
        # With a duplicate, because programs that are traced for this size already are not traced again.
        alone = triangulated(np.concatenate([points, points[:1]]))
        assert point_sets.simplices_of(simplices) == point_sets.simplices_of(alone.simplices)


@pytest.mark.filterwarnings("ignore:JAX .* runs delaunax on CPUs")
@pytest.mark.parametrize(
    "sets", [HARD, pytest.param(WIDE, marks=pytest.mark.slow(reason="compiles for 10 s"))], ids=["hard", "wide"]
)
def test_a_cpu_that_cannot_fuse_breaks_ties(sets, monkeypatch):
    """As JAX before 0.11."""
    monkeypatch.setattr(cpu, "xla_metadata_call", None)
    check_batch(sets, jax.jit(lambda batch: jax.vmap(triangulate)(batch)))
