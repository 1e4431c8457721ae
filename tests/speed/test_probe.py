"""The speed instruments measure what they say and write whole files; how long anything takes is asserted nowhere."""

import json

import jax.numpy as jnp
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.verdict import Delaunay
from jax_profiling.speed import bench, probe, steps, tables
from jax_profiling.speed.peers import CallbackDelaunay
from jax_profiling.terminal.command import BadInput


def test_callback_reference_is_delaunay(small):
    shipped, callback = (Likelihood(small, mesh_cls) for mesh_cls in (Delaunay, CallbackDelaunay))
    lanes = jnp.stack([shipped.prior_medians, *shipped.draws(1)])
    expected = np.asarray(shipped.batched(lanes).log_evidence)
    assert np.asarray(callback.batched(lanes).log_evidence) == pytest.approx(expected, rel=1.0e-9)


def test_probe_writes_one_row_per_program_and_compares_devices(small, tmp_path):
    meshes = ("Delaunay", "KNNBarycentric", "Delaunay, fed in JAX")
    measured = probe.measure(small, meshes, batches=(1, 2), likelihood_batches=(), repeats=1)
    rows = {(row["mesh"], row["what"], row["lanes"]): row for row in measured["rows"]}
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


def test_every_group_of_the_decomposition_has_its_steps():
    assert {step for _, members in tables.GROUPS.values() for step in members} <= set(steps.STEPS)


@pytest.mark.parametrize("arguments", [["--batch", "0"], ["--batch", "many"], ["--meshes", "Voronoi"]])
def test_probe_refuses_in_a_sentence(arguments, capsys):
    with pytest.raises(SystemExit) as refusal:
        probe.main(arguments)
    assert refusal.value.code == 2
    assert f"{arguments[0]}" in capsys.readouterr().err.splitlines()[-1]


def test_readme_tables_are_replaced_and_only_they():
    before = f"one\n{bench.BEGIN}\nold\n{bench.END}\ntwo\n"
    assert bench.rewrite(before, ["", "new", ""]) == f"one\n{bench.BEGIN}\n\nnew\n\n{bench.END}\ntwo\n"
    with pytest.raises(BadInput, match="once each"):
        bench.rewrite("no place for them", [])


def test_growth_table_holds_every_piece():
    pieces = ("triangulate", "locate", "weights", "Qhull", "find_simplex", "Triangle")
    rows = [
        {"piece": piece, "distribution": "uniform", "size": size, "ms": 0.001 * size}
        for piece in pieces
        for size in (1000, 2000)
    ]
    rows.append({"distribution": "uniform", "size": 1000, "ms": 7.0})
    table = bench.growth_of({"rows": rows})
    assert table[0] == "| ms | 1000 uniform | 2000 uniform |"
    assert [line.split(" | ")[0][2:] for line in table[2:8]] == list(pieces)
    assert table[8:] == [
        f"| {bench.LANES} | 7.0 |  |",
        "| triangulate over Qhull | 1.00 | 1.00 |",
        "| triangulate over Triangle | 1.00 | 1.00 |",
        "| all over Qhull + find_simplex | 1.50 | 1.50 |",
    ]
