"""The command for a GPU machine, rehearsed on a CPU."""

import argparse
import json
import subprocess

import jax
import numpy as np
import pytest

import delaunax
from jax_profiling import ROOT
from jax_profiling.speed.gpu import agreement, kernel_times, measure, page


def test_rehearsal_on_a_cpu_finds_no_difference(tmp_path):
    options = ["--device", "cpu", "--lenses", "small", "--parts", "agreement", "--output", str(tmp_path)]
    assert measure.main(options) == 0
    (path,) = tmp_path.glob("*.json")
    (row,) = json.loads(path.read_text())["parts"]["agreement"]["rows"]
    assert row["meshes"] == agreement.VECTORS and row["certified"]
    # Both devices are the CPU here.
    outputs = ("triangles", "mappings", "weights", "dual_areas", "changes_between_runs")
    assert not any(row[output] for output in outputs)


def test_missing_gpu_is_named(capsys):
    assert measure.main([]) == 2
    assert "no GPU" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--lens", "--lenses"])
def test_unknown_lens_is_rejected_before_any_work(option, capsys):
    assert measure.main(["--device", "cpu", option, "hts"]) == 2
    assert "hts: no such lens" in capsys.readouterr().err


def test_lens_may_stand_behind_a_search(tmp_path, capsys):
    """The lens is looked up before any work; the search is read by the parts."""
    options = ["--device", "cpu", "--minutes", "0", "--parts", "kernels", "--output", str(tmp_path)]
    assert measure.main([*options, "--lens", f"{tmp_path}@hst"]) == 1
    assert "did not finish in time" in capsys.readouterr().err
    assert measure.main([*options, "--lens", f"{tmp_path}@hts"]) == 2


def test_part_without_time_is_a_fault(tmp_path, capsys):
    assert measure.main(["--device", "cpu", "--minutes", "0", "--parts", "kernels", "--output", str(tmp_path)]) == 1
    assert "did not finish in time" in capsys.readouterr().err


def test_results_of_other_parts_stay(tmp_path):
    def parts_after(name, lens):
        measure.main(["--device", "cpu", "--minutes", "0", "--parts", name, "--lens", lens, "--output", str(tmp_path)])
        (path,) = tmp_path.glob("*.json")
        return list(json.loads(path.read_text())["parts"])

    assert parts_after("kernels", "hst") == ["kernels"]
    assert parts_after("agreement", "hst") == ["kernels", "agreement"]
    assert parts_after("agreement", "small") == ["agreement"]


def test_hung_part_costs_no_results(tmp_path, monkeypatch):
    def start_part(name, arguments, path):
        path.parent.mkdir()
        path.write_text(json.dumps({"rows": [name]}))
        return subprocess.Popen(["sleep", "60" if name == "agreement" else "0"])

    monkeypatch.setattr(measure, "start_part", start_part)
    monkeypatch.setattr(measure, "SECONDS_BETWEEN_WRITES", 0.1)
    monkeypatch.setitem(measure.PARTS, "agreement", measure.PARTS["agreement"]._replace(max_seconds=0.5))
    *_, results = measure.run_parts(argparse.Namespace(minutes=1.0, parts=["agreement", "kernels"]))
    assert {name: (part["rows"], part["status"]) for name, part in results.items()} == {
        "agreement": (["agreement"], None),
        "kernels": (["kernels"], 0),
    }


@pytest.fixture
def batch():
    """Two meshes, interpolated: (triangulation, (mappings, weights)), on NumPy."""
    generator = np.random.default_rng(0)
    lanes = []
    for _ in range(2):
        points, queries = generator.random((30, 2)), generator.random((40, 2))
        triangulation = delaunax.triangulate(points)
        mappings = delaunax.locate(triangulation, points, queries)
        lanes.append((triangulation, (mappings, delaunax.barycentric_weights(points, queries, mappings))))
    return jax.tree.map(lambda *each: np.stack(each), *lanes)


def test_order_of_triangles_and_corners_is_irrelevant(batch):
    triangulation, (mappings, weights) = batch
    permuted = triangulation._replace(simplices=np.roll(triangulation.simplices[:, ::-1], 1, axis=2))
    differences = agreement.differences_between((permuted, (mappings[..., ::-1], weights[..., ::-1])), batch, 25)
    assert not any(value for name, value in differences.items() if name != "certified")


def test_every_kind_of_difference_is_counted(batch):
    triangulation, (mappings, weights) = batch
    simplices, other_mappings, other_weights = triangulation.simplices.copy(), mappings.copy(), weights.copy()
    simplices[1, 0, 0] = -1
    other_mappings[0, 3] = (other_mappings[0, 3] + 1) % 30
    other_weights[1, 30, 2] += 1.0e-9
    other = triangulation._replace(simplices=simplices), (other_mappings, other_weights)
    differences = agreement.differences_between(other, batch, 25)
    assert (differences["triangles"], differences["mappings"], differences["weights"]) == (1, 1, 0.0)
    assert differences["split_weights"] == pytest.approx(1.0e-9)
    assert agreement.changes_between([batch, (triangulation, (mappings, other_weights))], 25) == {"split_weights": 1}


def test_other_triangles_are_a_fault():
    row = {"lens": "hst", "triangles": 2, "certified": True}
    (fault,) = measure.faults_of({"agreement": {"status": 0, "rows": [row]}})
    assert "hst: 2 triangles differ from the CPU's" in fault


@pytest.mark.parametrize(
    "names, stage",
    [
        (("sort_27_1", "command_buffer_1"), "spatial sort"),
        (("sort_27_1__2", "command_buffer_1"), "spatial sort"),
        (("MemcpyD2H", "copy_3"), "location"),
        (("memcpy32_post", "command_buffer_1"), kernel_times.LOOP_CONDITIONS),
    ],
)
def test_kernel_has_the_stage_of_its_instruction(names, stage):
    sources = {"sort_27": "jit(f)/kd_tree/sort", "copy_3": "jit(f)/locate/while"}
    assert kernel_times.stage_of_kernel(names, sources) == stage


def test_page_shows_the_committed_results():
    """If it does not, run `python -m jax_profiling.speed.gpu.measure --tables`."""
    (path,) = measure.RESULTS.glob("*.json")
    text = (ROOT / "docs" / "speed.md").read_text()
    assert "\n".join(page.gpu_lines_of(json.loads(path.read_text()))) in text


def test_one_part_alone_has_a_table():
    (path,) = measure.RESULTS.glob("*.json")
    results = json.loads(path.read_text())
    row = {**results["parts"]["interpolation"]["rows"][-1], "program": "likelihood", "mesh": "Delaunay"}
    *_, line, _ = page.gpu_lines_of({**results, "parts": {"likelihood": {"rows": [row]}}})
    assert line.startswith(f"| likelihood | {row['lanes']} | Delaunay | ")
