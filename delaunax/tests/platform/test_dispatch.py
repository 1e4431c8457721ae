"""A program does the work of the platform that it is compiled for, whatever the default of JAX is."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import LinearInterpolator, NaturalNeighborInterpolator, convex_hull, triangulate
from delaunax.platform import cpu
from delaunax.platform.dispatch import by_platform, current_platform, platform_override

import point_sets

TESTS = Path(__file__).parents[1]

traced_once = pytest.mark.skipif(not cpu.can_fuse(), reason="JAX before 0.11 traces again what it lowers")

POINTS = point_sets.random(40)


def recorder():
    """A function that differs by platform, and the platforms for which it is traced so far."""
    found = []

    def function(values):
        found.append(current_platform())
        return values + 1.0, {"platform": values * (0.0 if current_platform() == "cpu" else 1.0)}

    return by_platform(function), found


@pytest.mark.parametrize("default", ["cpu", "gpu"])
def test_a_program_for_a_cpu_ignores_the_default(default, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: default)
    function, traced = recorder()
    _, found = jax.jit(function)(jnp.ones(3))
    assert found["platform"].tolist() == [0.0, 0.0, 0.0]
    assert "cpu" in traced


def test_an_override_ends_with_its_context():
    function, _ = recorder()
    before = current_platform()
    with platform_override("gpu"), platform_override("cpu"):
        assert current_platform() == "cpu"
    with pytest.raises(ZeroDivisionError), platform_override("gpu"):
        assert jax.jit(function)(jnp.ones(3))[1]["platform"].tolist() == [1.0, 1.0, 1.0]
        raise ZeroDivisionError
    assert current_platform() == before == "cpu"


@traced_once
def test_one_platform_is_traced_once():
    function, traced = recorder()
    jax.jit(function).lower(jnp.ones(3))
    jax.jit(lambda values: function(values)).lower(jnp.ones(3))
    assert traced == ["cpu"]


@traced_once
def test_a_batch_is_traced_once():
    function, traced = recorder()
    jax.jit(jax.vmap(function)).lower(jnp.ones((2, 3)))
    assert traced == ["cpu"]


def test_an_export_for_two_platforms_has_both():
    function, traced = recorder()
    exported = jax.export.export(jax.jit(function), platforms=("cpu", "cuda"))(jnp.ones(3))
    assert exported.platforms == ("cpu", "cuda")
    assert set(traced) == {"cpu", "gpu"}


def test_an_exported_triangulation_runs_here():
    points = jnp.asarray(POINTS)
    # Results in a plain list, because exported programs do not know our classes.
    leaves = jax.jit(lambda points: jax.tree.leaves(triangulate(points)))
    exported = jax.export.export(leaves, platforms=("cpu", "cuda"))(points)
    loops = exported.mlir_module().count("stablehlo.while")
    assert loops > leaves.lower(points).as_text().count("stablehlo.while")
    for ours, theirs in zip(exported.call(points), jax.tree.leaves(triangulate(points)), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_arguments_that_lanes_share_are_not_repeated(on_platform):
    add = by_platform(lambda one, other: one[0] + other)
    found = jax.vmap(add, in_axes=((1,), None))((jnp.arange(6.0).reshape(2, 3),), jnp.ones(2))
    np.testing.assert_array_equal(found, np.arange(6.0).reshape(2, 3).T + 1.0)


compiles_long = pytest.mark.slow(reason="compiles for 20 s")

ON_TWO_DEVICES = """
import sys
import conftest  # fp64
import jax
import numpy as np
import delaunax
import point_sets
from delaunax.platform.dispatch import platform_override

kind, shares_points, platform = sys.argv[1:]
function = delaunax.linear_interpolate if kind == "linear" else delaunax.griddata
options = {"fill_value": 0.0} | ({} if kind == "linear" else {"method": kind})
lanes = jax.sharding.PartitionSpec("lanes")

def summed(points, values, queries):
    return function(points, values, queries, **options).sum() + delaunax.triangulate(points).dual_areas[0]

points = np.stack([point_sets.random(40, seed) for seed in range(2)])
# On an edge, rounding decides which side's gradient a query has.
queries, values = 0.5 * points[:, :20] + 0.3 * points[:, 3:23] + 0.2 * points[:, 9:29], np.sin(points[..., 0])
if shares_points == "True":
    points = points[0]
# The gradient with respect to what devices share is JAX's sum over the devices.
own, spec, argnums = (None, jax.sharding.PartitionSpec(), 1) if points.ndim == 2 else (0, lanes, (0, 1))
gradients = jax.vmap(jax.value_and_grad(summed, argnums=argnums), in_axes=(own, 0, 0))
mesh = jax.sharding.Mesh(np.array(jax.devices()), lanes)
# Gradients of natural neighbours do not say over which devices they vary.
sharded = jax.shard_map(
    gradients, mesh=mesh, in_specs=(spec, lanes, lanes), out_specs=lanes, check_vma=kind == "linear"
)
with platform_override(platform):
    found, expected = (jax.jit(each)(points, values, queries) for each in (sharded, gradients))
assert len(found[0].sharding.device_set) == 2 and np.isfinite(expected[0]).all()
jax.tree.map(lambda *both: np.testing.assert_allclose(*both, rtol=1e-12, atol=1e-12), found, expected)

corners = point_sets.random(40)
triangulation = delaunax.triangulate(corners)

def rows(queries):
    return delaunax.find_simplex(triangulation, corners, queries, tol=0.1)

sharded = jax.shard_map(rows, mesh=mesh, in_specs=lanes, out_specs=lanes)
np.testing.assert_array_equal(sharded(queries.reshape(-1, 2)), rows(queries.reshape(-1, 2)))
"""


@pytest.mark.parametrize(
    ("kind", "shares_points", "platform"),
    [
        ("linear", False, "cpu"),
        pytest.param("linear", True, "cpu", marks=compiles_long),
        pytest.param("linear", False, "gpu", marks=compiles_long),
        pytest.param("natural", False, "cpu", marks=compiles_long),
    ],
    ids=["own points", "same points", "own points on a GPU", "natural neighbours"],
)
def test_devices_share_the_lanes(kind, shares_points, platform):
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count=2"
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", ON_TWO_DEVICES, kind, str(shares_points), platform]
    ran = subprocess.run(
        command, capture_output=True, text=True, env=os.environ | {"XLA_FLAGS": flags, "PYTHONPATH": path}
    )
    assert ran.returncode == 0, ran.stderr


def test_gradients_stop_at_a_dispatched_function():
    function = by_platform(lambda values: jnp.argsort(values))
    gradient = jax.grad(lambda values: values[function(jax.lax.stop_gradient(values))][0] ** 2)(jnp.array([3.0, 2.0]))
    assert gradient.tolist() == [0.0, 4.0]


def test_disabled_jit_gives_the_same_result():
    points = jnp.asarray(POINTS)
    expected = triangulate(points)
    with jax.disable_jit():
        found = triangulate(points)
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


def test_disabled_jit_takes_a_triangulation_of_numpy_arrays():
    triangulation = triangulate(POINTS)
    expected = convex_hull(triangulation)
    with jax.disable_jit():
        np.testing.assert_array_equal(convex_hull(triangulation), expected)


@pytest.mark.parametrize("interpolator", [LinearInterpolator, NaturalNeighborInterpolator])
def test_debug_nans_ignores_a_fill_value_that_no_query_gets(interpolator):
    with jax.debug_nans(True):
        interpolator(POINTS, POINTS[:, 0])(POINTS[:1])


def test_no_traced_array_outlives_its_trace():
    def total(points):
        return NaturalNeighborInterpolator(points, POINTS[:, 0], fill_value=0.0)(POINTS[:5] + 1.0e-3).sum()

    with jax.checking_leaks():
        jax.make_jaxpr(total)(jnp.asarray(POINTS))


@pytest.mark.parametrize("transformation", [lambda function: function, jax.jit, jax.grad], ids=["eager", "jit", "grad"])
def test_debug_nans_finds_only_spoilt_vertices(transformation):
    points = jnp.asarray(POINTS)

    def area(points):
        return triangulate(points).dual_areas.sum()

    with jax.debug_nans(True):
        transformation(area)(points)
        with pytest.raises(FloatingPointError, match="nan"):
            transformation(area)(points.at[3, 0].set(np.nan))


@pytest.mark.parametrize(
    "transformation",
    [lambda function: function, jax.jit, jax.grad],
    ids=["eager", "jit", "grad"],
)
def test_debug_infs_ignores_empty_places_of_trees(transformation):
    points = jnp.asarray(np.concatenate([POINTS[:35], POINTS[:5]]))
    with jax.debug_infs(True):
        transformation(lambda points: triangulate(points).dual_areas.sum())(points)
