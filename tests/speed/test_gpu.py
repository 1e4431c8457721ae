"""The command for a machine with a GPU, rehearsed without one."""

import argparse
import json
import subprocess
import sys

import numpy as np
import pytest

import delaunax
from jax_profiling.speed import backends, gpu, gpu_page, profiled
from jax_profiling.speed.bench import ROOT


def test_a_rehearsal_compares_and_keeps_what_it_found(tmp_path):
    options = ["--device", "cpu", "--lenses", "small", "--parts", "same", "--output", str(tmp_path)]
    line = [sys.executable, "-m", "jax_profiling.speed.gpu", *options]
    assert subprocess.run(line, cwd=ROOT, capture_output=True, timeout=300).returncode == 0
    (path,) = tmp_path.glob("*.json")
    (row,) = json.loads(path.read_text())["parts"]["same"]["rows"]
    assert row["meshes"] == backends.VECTORS and row["certified"]
    # Both are the CPU here.
    assert not any((row["triangles"], row["mappings"], row["weights"], row["dual_areas"], row["unsteady"]))


def test_without_a_gpu_it_says_so(capsys):
    assert gpu.main([]) == 2
    assert "no GPU" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--lens", "--lenses"])
def test_a_lens_that_is_none_is_refused_before_any_work(option, capsys):
    assert gpu.main(["--device", "cpu", option, "hts"]) == 2
    assert "hts: no such lens" in capsys.readouterr().err


def test_the_model_of_a_search_is_a_lens(tmp_path):
    options = ["--device", "cpu", "--minutes", "0", "--parts", "kernels", "--output", str(tmp_path)]
    assert gpu.main([*options, "--lens", f"{tmp_path}@hst"]) == 1


def test_a_part_without_time_is_a_fault(tmp_path, capsys):
    assert gpu.main(["--device", "cpu", "--minutes", "0", "--parts", "kernels", "--output", str(tmp_path)]) == 1
    assert "no time to end" in capsys.readouterr().err


def test_what_other_parts_found_of_the_lens_stays(tmp_path):
    def parts_after(name, lens):
        gpu.main(["--device", "cpu", "--minutes", "0", "--parts", name, "--lens", lens, "--output", str(tmp_path)])
        (path,) = tmp_path.glob("*.json")
        return list(json.loads(path.read_text())["parts"])

    assert parts_after("kernels", "hst") == ["kernels"]
    assert parts_after("same", "hst") == ["kernels", "same"]
    assert parts_after("same", "small") == ["same"]


def test_a_part_that_hangs_takes_along_neither_what_it_found_nor_another(tmp_path, monkeypatch):
    def started(name, arguments, path):
        path.parent.mkdir()
        path.write_text(json.dumps({"rows": [name]}))
        return subprocess.Popen(["sleep", "60" if name == "same" else "0"])

    monkeypatch.setattr(gpu, "started", started)
    monkeypatch.setattr(gpu, "SECONDS_BETWEEN", 0.1)
    monkeypatch.setitem(gpu.PARTS, "same", gpu.PARTS["same"]._replace(most_seconds=0.5))
    *_, found = gpu.run_parts(argparse.Namespace(minutes=1.0, parts=["same", "kernels"]))
    assert {name: (part["rows"], part["status"]) for name, part in found.items()} == {
        "same": (["same"], None),
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
    (first, tables), (second, others) = lanes
    stacked = type(first)(*(np.stack(each) for each in zip(first, second)))
    return stacked, tuple(np.stack(each) for each in zip(tables, others))


def test_the_order_of_triangles_and_corners_is_no_difference(batch):
    triangulation, (mappings, weights) = batch
    turned = triangulation._replace(simplices=np.roll(triangulation.simplices[:, ::-1], 1, axis=2))
    found = backends.differences_between((turned, (mappings[..., ::-1], weights[..., ::-1])), batch, 25)
    assert not any(value for name, value in found.items() if name != "certified")


def test_a_triangle_a_mapping_or_a_weight_that_differs_is_told(batch):
    triangulation, (mappings, weights) = batch
    simplices, wrong, off = triangulation.simplices.copy(), mappings.copy(), weights.copy()
    simplices[1, 0, 0] = -1
    wrong[0, 3] = (wrong[0, 3] + 1) % 30
    off[1, 30, 2] += 1.0e-9
    found = backends.differences_between((triangulation._replace(simplices=simplices), (wrong, off)), batch, 25)
    assert (found["triangles"], found["mappings"], found["weights"]) == (1, 1, 0.0)
    assert found["split_weights"] == pytest.approx(1.0e-9)
    assert backends.unsteady([batch, (triangulation, (mappings, off))], 25) == {"split_weights": 1}


def test_other_triangles_than_a_cpu_s_are_a_fault():
    row = {"lens": "hst", "triangles": 2, "certified": True}
    (fault,) = gpu.faults_of({"same": {"status": 0, "rows": [row]}})
    assert "hst has other triangles than on a CPU, 2 of them" in fault


@pytest.mark.parametrize(
    "names, stage",
    [
        (("sort_27_1", "command_buffer_1"), "spatial sort"),
        (("sort_27_1__2", "command_buffer_1"), "spatial sort"),
        (("MemcpyD2H", "copy_3"), "location"),
        (("memcpy32_post", "command_buffer_1"), profiled.OTHER),
    ],
)
def test_a_kernel_belongs_to_the_stage_of_its_instruction(names, stage):
    sources = {"sort_27": "jit(f)/kd_tree/sort", "copy_3": "jit(f)/locate/while"}
    assert profiled.stage_of_kernel(names, sources) == stage


def test_what_was_measured_is_in_the_page():
    """Whoever commits other results has to rewrite it: `--tables`."""
    (path,) = gpu.RESULTS.glob("*.json")
    page = (ROOT / "docs" / "speed.md").read_text()
    assert "\n".join(gpu_page.lines_of(json.loads(path.read_text()))) in page


def test_a_part_alone_has_its_table():
    (path,) = gpu.RESULTS.glob("*.json")
    found = json.loads(path.read_text())
    row = {**found["parts"]["interpolation"]["rows"][-1], "what": "likelihood", "mesh": "Delaunay"}
    *_, line, _ = gpu_page.lines_of({**found, "parts": {"likelihood": {"rows": [row]}}})
    assert line.startswith(f"| likelihood | {row['lanes']} | Delaunay | ")
