"""A program does the work of the platform that it is compiled for, whatever JAX's default is."""

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
import pytest

from delaunax import linear_interpolate, triangulate
from delaunax.platform import backend
from delaunax.platform import dispatch as platforms

import point_sets

LANES = jax.sharding.PartitionSpec("lanes")

traced_once = pytest.mark.skipif(
    backend.xla_metadata_call is None, reason="JAX before 0.11 traces again what it lowers"
)


def _traced_for():
    """A function of this package's kind, and the platforms that it was traced for so far."""
    found = []

    def function(values):
        found.append(platforms.platform())
        return values + 1.0, {"platform": values * (0.0 if platforms.platform() == "cpu" else 1.0)}

    return platforms.by_platform(function), found


@pytest.mark.parametrize("default", ["cpu", "gpu"])
def test_a_program_for_a_cpu_does_a_cpus_work_whatever_the_default_is(default, monkeypatch):
    monkeypatch.setattr(jax, "default_backend", lambda: default)
    function, traced = _traced_for()
    _, found = jax.jit(function)(jnp.ones(3))
    assert found["platform"].tolist() == [0.0, 0.0, 0.0]
    assert "cpu" in traced


@traced_once
def test_one_platform_is_traced_for_once():
    function, traced = _traced_for()
    jax.jit(function).lower(jnp.ones(3))
    jax.jit(lambda values: function(values)).lower(jnp.ones(3))
    assert traced == ["cpu"]


@traced_once
def test_a_batch_is_traced_for_once():
    function, traced = _traced_for()
    jax.jit(jax.vmap(function)).lower(jnp.ones((2, 3)))
    assert traced == ["cpu"]


def test_an_export_for_two_platforms_has_the_work_of_each():
    function, traced = _traced_for()
    exported = jax.export.export(jax.jit(function), platforms=("cpu", "cuda"))(jnp.ones(3))
    assert exported.platforms == ("cpu", "cuda")
    assert set(traced) == {"cpu", "gpu"}


def test_a_triangulation_exported_for_two_platforms_runs_on_this_one():
    points = jnp.asarray(point_sets.random(120))
    exported = jax.export.export(jax.jit(triangulate), platforms=("cpu", "cuda"))(points)
    text = exported.mlir_module()
    assert text.count("stablehlo.while") > jax.jit(triangulate).lower(points).as_text().count("stablehlo.while")
    # Its result is a plain tuple, as exported programs know no classes of ours.
    found = jax.jit(lambda points: tuple(triangulate(points)))
    plain = jax.export.export(found, platforms=("cpu", "cuda"))(points)
    for ours, theirs in zip(plain.call(points), triangulate(points), strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_arguments_that_lanes_share_are_not_repeated():
    add = platforms.by_platform(lambda one, other: one[0] + other)
    for platform in ("cpu", "gpu"):
        platforms.forced = platform
        try:
            found = jax.vmap(add, in_axes=((1,), None))((jnp.arange(6.0).reshape(2, 3),), jnp.ones(2))
        finally:
            platforms.forced = None
        np.testing.assert_array_equal(found, np.arange(6.0).reshape(2, 3).T + 1.0)


@pytest.mark.parametrize(
    ("platform", "points_spec"),
    [("cpu", LANES), ("cpu", jax.sharding.PartitionSpec()), ("gpu", LANES)],
    ids=["own points", "same points", "as a GPU does"],
)
def test_devices_share_the_lanes(platform, points_spec, monkeypatch):
    points = np.stack([point_sets.random(40, seed) for seed in range(2)])
    queries, values = np.stack([point_sets.queries_of(each) for each in points]), np.sin(points[..., 0])

    def summed(points, values, queries):
        return linear_interpolate(points, values, queries, fill_value=0.0).sum() + triangulate(points).dual_areas[0]

    alone = jax.vmap(jax.value_and_grad(summed, argnums=(0, 1)))
    expected = jax.jit(alone)(points, values, queries)
    monkeypatch.setattr(platforms, "forced", platform)
    mesh = jax.sharding.Mesh(np.array(jax.devices()[:1]), LANES)
    shared = jax.shard_map(alone, mesh=mesh, in_specs=(points_spec, points_spec, LANES), out_specs=LANES)
    found = jax.jit(shared)(points, values, queries)
    jax.tree.map(lambda *both: np.testing.assert_allclose(*both, rtol=1e-12, atol=1e-12), found, expected)


def test_gradients_stop_at_it():
    function = platforms.by_platform(lambda values: jnp.argsort(values))
    gradient = jax.grad(lambda values: values[function(jax.lax.stop_gradient(values))][0] ** 2)(jnp.array([3.0, 2.0]))
    assert gradient.tolist() == [0.0, 4.0]


def test_without_jit_a_function_is_one_step_with_the_same_result():
    points = jnp.asarray(point_sets.random(40))
    expected = triangulate(points)
    with jax.disable_jit():
        found = triangulate(points)
    assert jax.tree.all(jax.tree.map(np.array_equal, found, expected))


@pytest.mark.parametrize("transformation", [lambda function: function, jax.jit, jax.grad], ids=["eager", "jit", "grad"])
def test_a_search_for_nan_finds_only_what_a_vertex_that_is_not_finite_leads_to(transformation):
    points = jnp.asarray(point_sets.random(40))

    def area(points):
        return triangulate(points).dual_areas.sum()

    with jax.debug_nans(True):
        transformation(area)(points)
        with pytest.raises(FloatingPointError, match="nan"):
            transformation(area)(points.at[3, 0].set(np.nan))


@pytest.mark.parametrize("transformation", [lambda function: function, jax.jit, jax.grad], ids=["eager", "jit", "grad"])
def test_a_search_for_infinity_passes_by_what_is_empty_in_a_tree(transformation):
    points = jnp.asarray(np.concatenate([point_sets.random(60), point_sets.random(5)]))
    with jax.debug_infs(True):
        transformation(lambda points: triangulate(points).dual_areas.sum())(points)
