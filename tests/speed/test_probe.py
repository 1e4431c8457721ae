"""The speed instruments run and write whole files. No test asserts a time."""

import json
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood, tables_of
from jax_profiling.gate.verdict import Delaunay
from jax_profiling.speed import bench, probe, steps, tables
from jax_profiling.speed.peers import CallbackDelaunay
from jax_profiling.speed.programs import points_of


def test_callback_delaunay_interpolates_as_delaunay(small):
    likelihood = Likelihood(small, Delaunay)
    points = [jnp.asarray(each) for each in points_of(likelihood, likelihood.median_and_draws(1))]
    flux = jnp.asarray(np.random.default_rng(0).random(points[0].shape[1]))

    def values(mesh):
        tables = jax.jit(jax.vmap(partial(tables_of, mesh)))(*points)
        return [(flux[mappings] * weights).sum(axis=-1) for mappings, _, weights in tables]

    pixels = {"pixels": points[0].shape[1], "zeroed_pixels": 0}
    shipped, callback = (values(mesh_cls(**pixels)) for mesh_cls in (Delaunay, CallbackDelaunay))
    for expected, computed in zip(shipped, callback, strict=True):
        np.testing.assert_allclose(computed, expected, rtol=1.0e-9)


def test_probe_writes_a_row_per_program(small, tmp_path):
    meshes = ("Delaunay", "KNNBarycentric", "NaturalNeighbor", "Delaunay, JAX tables")
    measured = probe.measure(small, meshes, batches=(1, 2), likelihood_batches=(), repeats=1, compilations=1)
    rows = {(row["mesh"], row["program"], row["lanes"]): row for row in measured["rows"]}
    assert set(rows) == {(tables.SCIPY, "interpolation", 1)} | {
        (mesh, "interpolation", lanes) for mesh in meshes for lanes in (1, 2)
    }
    assert all(row["ms_per_lane"] > 0.0 for row in rows.values())
    assert rows["KNNBarycentric", "interpolation", 2]["peak_bytes"] > 0

    probe.write(measured, tmp_path / "probe")
    by_mesh = {group: {"Delaunay": 2.0, "KNNBarycentric": 1.0} for group in tables.GROUPS}
    probe.write(measured | {"device": "another device", "steps": by_mesh}, tmp_path / "probe")
    files = sorted(path.name for path in (tmp_path / "probe").iterdir())
    assert files[0] == "another-device-fp64.json" and files[2:] == ["speed.md", "speed.png"]
    assert json.loads((tmp_path / "probe" / files[1]).read_text()) == measured
    comparison = (tmp_path / "probe" / "speed.md").read_text()
    assert "| PSF convolution | 9.0 | 2.0 | 1.0 |" in comparison
    assert "## another device, fp64" in comparison and f"## {measured['device']}, fp64" in comparison


def test_every_group_consists_of_known_steps():
    assert {step for _, members in tables.GROUPS.values() for step in members} <= set(steps.STEPS)


@pytest.mark.parametrize(
    "arguments",
    [["--batch", "0"], ["--batch", "many"], ["--batch", "none", "--likelihood-batch", "none"], ["--meshes", "Voronoi"]],
)
def test_probe_names_the_bad_argument(arguments, capsys):
    with pytest.raises(SystemExit) as exit:
        probe.main(arguments)
    assert exit.value.code == 2
    assert f"{arguments[0]}" in capsys.readouterr().err.splitlines()[-1]


def test_probe_rejects_a_folder_with_other_files_before_any_work(tmp_path, capsys):
    (tmp_path / "summary.json").write_text("{}")
    assert probe.main(["--lens", "no-such-lens", "--output", str(tmp_path)]) == 2
    assert "summary.json: is no result of this command; give another --output" in capsys.readouterr().err


@pytest.mark.parametrize(
    "name, what",
    [
        ("interferometer", "visibilities"),
        ("two_bands", "several datasets"),
        ("two_planes", "several meshes"),
        ("euclid_cpu", "a sparse operator"),
    ],
)
def test_steps_of_other_data_are_rejected_before_any_work(name, what, tmp_path, capsys):
    assert probe.main(["--lens", name, "--steps", "--output", str(tmp_path / "probe")]) == 2
    assert f"--steps: {name} has {what}; leave --steps out." in capsys.readouterr().err


def test_every_step_can_be_traced_from_the_steps_before(small):
    likelihood, arrays = Likelihood(small, steps.MESHES["KNNBarycentric"]), {}
    for step, function in steps.STEPS.items():
        traced = partial(lambda function, parameters, arrays: function(likelihood.fit(parameters), arrays), function)
        arrays[step] = jax.eval_shape(traced, likelihood.prior_medians, dict(arrays))
    assert arrays["mapping matrix"].shape[1] == small.vertices
    assert arrays["reconstruction and log evidence"].shape == ()


def test_a_failed_probe_leaves_the_page(monkeypatch):
    monkeypatch.setattr(probe, "main", lambda arguments: 2)
    monkeypatch.setattr(bench, "run_pieces", None)
    monkeypatch.setattr(bench, "rewrite_part", None)
    assert bench.main([]) == 2


def test_pieces_table_has_every_piece():
    pieces = ("triangulate", "locate", "weights", "Qhull", "find_simplex", "Triangle")
    rows = [
        {"piece": piece, "distribution": "uniform", "size": size, "ms": 0.001 * size}
        for piece in pieces
        for size in (1000, 2000)
    ]
    rows.append({"distribution": "uniform", "size": 1000, "ms": 7.0})
    table = bench.pieces_table_of({"rows": rows})
    assert table[0] == "| ms | 1000 uniform | 2000 uniform |"
    assert [line.split(" | ")[0][2:] for line in table[2:8]] == list(pieces)
    assert table[8:] == [
        f"| {bench.BATCH_ROW} | 7.0 |  |",
        "| triangulate over Qhull | 1.00 | 1.00 |",
        "| triangulate over Triangle | 1.00 | 1.00 |",
        "| all over Qhull + find_simplex | 1.50 | 1.50 |",
    ]
