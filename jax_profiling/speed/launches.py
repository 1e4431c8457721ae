"""What a GPU would launch: kernels and waits of the host, counted without a GPU.

    make launches

XLA's CUDA compiler runs on a CPU against a description of an H100 or an A100 (`targets/`). The interpolation of a lens is
compiled at 1 and 20 lanes, and the kernels of every loop are counted in what XLA dumps. How often a loop turns is found by
running the same branch on the CPU. Milliseconds are modelled from these counts, and called so: nothing is timed.

It writes `results/launches/*.json` and the table of docs/speed.md. The exit status is 1 if a count grew by more than a tenth
over the one that stood there.
"""

import argparse
import json
import logging
import os
import re
import sys
import tempfile
import time
import warnings
from collections import defaultdict
from pathlib import Path

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding
from rich.console import Console

from jax_profiling.gate import report
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed.bench import ROOT, rewrite_page
from jax_profiling.speed.probe import tables_of_lanes
from jax_profiling.speed.thunks import Program, kernels_of, loops_of
from jax_profiling.speed.turns import as_on_gpu, turns_of
from jax_profiling.terminal import command
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import write_aside
from knn_barycentric.mesh import KNNBarycentric

RESULTS = ROOT / "results" / "launches"
TARGETS = Path(__file__).resolve().parent / "targets"
BEGIN, END = "<!-- from here: make launches -->", "<!-- to here: make launches -->"

LANES = (1, 20)

STAGES = {
    "spatial sort": ("kd_tree",),
    "near vertices": ("near_vertices",),
    "stars among near": ("among_near_vertices", "prepared"),
    "stars among all, agreement": ("among_all_vertices", "agreement", "without", "certified_tables/while"),
    "neighbours, certificate": ("checked", "certified_tables"),
    "location": ("locate",),
}
"""Stage -> what the name of an operation holds; the first that fits counts. All else is areas, split points and weights."""

REST = "areas, split points, weights"

KERNEL_US, WAIT_US, OF_BANDWIDTH = (2.0, 4.0), (8.0, 12.0), (0.9, 0.7)
"""The model, a range each: a kernel takes so long at least, or what its bytes need at this part of the bandwidth; a wait for
the condition of a loop takes so long. What is computed in fp64 and how a sort goes on are left out."""

GROWTH = 1.1
"""A count may grow by this much."""


def compiled_for(description, function, arrays, name):
    """Compile a function for the target of a description; XLA dumps what it made under the name."""
    from jax.experimental import topologies

    device = topologies.get_topology_desc(
        platform="cuda",
        topology_name="1x1x1",
        topology="1x1x1",
        target_config=description,
    ).devices[0]
    sharding = SingleDeviceSharding(device)
    shapes = [jax.ShapeDtypeStruct(each.shape, each.dtype, sharding=sharding) for each in arrays]

    def program(*arrays):
        return function(*arrays)

    program.__name__ = name
    with as_on_gpu():
        jax.jit(program).lower(*shapes).compile()


def counts_of(program, turns, bandwidth):
    """Stage -> kernels, waits of the host, and modelled milliseconds as a range."""
    found = defaultdict(lambda: {"kernels": 0, "waits": 0, "us": np.zeros(2)})

    def add(thunks, times):
        for thunk in kernels_of(thunks):
            instruction = program.instructions.get(thunk.instruction)
            stage = found[stage_of(instruction.op_name if instruction else "")]
            moved = 1.0e6 * (instruction.bytes if instruction else 0) / (bandwidth * np.array(OF_BANDWIDTH))
            stage["kernels"] += times
            stage["us"] = stage["us"] + times * np.maximum(KERNEL_US, moved)
        for loop in loops_of(thunks):
            instruction = program.instructions[loop.instruction]
            if instruction.trips is not None:
                # Of a loop whose number of turns is known XLA runs the body so often, and no condition (`WhileThunk`).
                add(loop.body, times * instruction.trips)
            else:
                # A loop inside of one that never turned was not entered.
                entered, turned = turns.get(loop_of(instruction.op_name), (0, 0))
                stage = found[stage_of(instruction.op_name)]
                stage["waits"] += entered + turned
                stage["us"] = stage["us"] + (entered + turned) * np.array(WAIT_US)
                add(loop.condition, entered + turned)
                add(loop.body, turned)

    add(program.thunks, 1)
    return {
        stage: {
            "kernels": each["kernels"],
            "waits": each["waits"],
            "ms": [round(float(us) / 1.0e3, 3) for us in each["us"]],
        }
        for stage, each in ((stage, found[stage]) for stage in (*STAGES, REST) if stage in found)
    }


def loop_of(op_name):
    """The name that a loop was given, from its source: the innermost."""
    return re.findall(r"loop_\d+", op_name)[-1]


def stage_of(op_name):
    return next((stage for stage, words in STAGES.items() if any(word in op_name for word in words)), REST)


def measured_for(name, targets, site, progress):
    """What is to be written: (target, lanes) -> what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        use_compiler(site, folder)
        likelihood, found = Likelihood(lens_folder.load(name), KNNBarycentric), {}
        for lanes in LANES:
            function, arrays = tables_of_lanes(likelihood, lanes)
            progress(f"{lanes} lanes: turning the loops")
            turns = turns_of(function, arrays)
            for target in targets:
                progress(f"{lanes} lanes: compiling for {target}")
                label = f"interpolation_{lanes}_{target}"
                description = (TARGETS / f"{target}.txtpb").read_text()
                began = time.perf_counter()
                compiled_for(description, function, arrays, label)
                progress(f"{lanes} lanes: compiled for {target} in {time.perf_counter() - began:.1f} s")
                bandwidth = float(re.search(r"memory_bandwidth: (\d+)", description)[1])
                stages = counts_of(Program(Path(folder), label), turns, bandwidth)
                found[target, lanes] = {
                    "jax": jax.__version__,
                    "lens": name,
                    "target": target,
                    "lanes": lanes,
                    "stages": stages,
                    **total_of(stages),
                }
    return found


def total_of(stages):
    return {
        "kernels": sum(each["kernels"] for each in stages.values()),
        "waits": sum(each["waits"] for each in stages.values()),
        "ms": [round(sum(each["ms"][bound] for each in stages.values()), 1) for bound in range(2)],
    }


def use_compiler(site, folder):
    """Let JAX find XLA's CUDA compiler in a folder, and XLA dump to another; before anything is computed."""
    jax.config.update("jax_platforms", "cpu")
    os.environ["XLA_FLAGS"] += (
        f" --xla_gpu_cuda_data_dir={site / 'nvidia' / 'cu13'} --xla_gpu_autotune_level=0"
        f" --xla_dump_to={folder} --xla_dump_hlo_as_text --xla_dump_hlo_module_re=.*interpolation_.*"
    )
    sys.path.append(str(site))


def lines_of(found):
    """The lines of the page: a table of the stages for each number of lanes."""
    rows = []
    for stage in (*STAGES, REST, "all"):
        row = [stage]
        for lanes in LANES:
            (one, *_) = (each for each in found if each["lanes"] == lanes)
            counts = one if stage == "all" else one["stages"].get(stage, {"kernels": 0, "waits": 0})
            row += [str(counts["kernels"]), str(counts["waits"])]
        for each in found:
            low, high = each["ms"] if stage == "all" else each["stages"].get(stage, {"ms": (0.0, 0.0)})["ms"]
            row.append(f"{low:.1f}-{high:.1f}")
        rows.append(tuple(row))
    columns = ["counted", *(f"{what}, lanes {lanes}" for lanes in LANES for what in ("kernels", "waits"))]
    columns += [f"modelled ms, {each['target']}, lanes {each['lanes']}" for each in found]
    title = f"Interpolation of {found[0]['lens']}, jax {found[0]['jax']}, without a GPU:"
    return ["", title, "", *report.markdown_table(columns, rows), ""]


def grown(before, found):
    """Sentences on the counts that grew by more than a tenth."""
    for key, each in found.items():
        for what in ("kernels", "waits"):
            if key in before and each[what] > GROWTH * before[key][what]:
                yield f"{key[0]}, {key[1]} lanes: {each[what]} {what}, where there were {before[key][what]}."


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="hst", help="name under dataset/imaging, or a folder (default hst)")
    parser.add_argument(
        "--site", type=Path, default=ROOT / ".cuda", help="where the compiler is installed (default .cuda)"
    )
    arguments = parser.parse_args(argv)
    if not (arguments.site / "nvidia").is_dir():
        print(f"{arguments.site}: holds no CUDA compiler; run make launches, which installs it.", file=sys.stderr)
        return 2
    warnings.filterwarnings("ignore")
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    targets = sorted(path.stem for path in TARGETS.glob("*.txtpb"))
    with progress_of(Console(), arguments.lens) as progress:
        found = measured_for(arguments.lens, targets, arguments.site.resolve(), progress)
    before = {key: json.loads(path.read_text()) for key in found if (path := RESULTS / name_of(*key)).exists()}
    for key, each in found.items():
        print(f"{key[0]}, {key[1]} lanes: {each['kernels']} kernels, {each['waits']} waits, modelled {each['ms']} ms.")
    sentences = list(grown(before, found))
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    with write_aside(RESULTS) as aside:
        for key, each in found.items():
            (aside / name_of(*key)).write_text(json.dumps(each, indent=1) + "\n")
    rewrite_page(lines_of(list(found.values())), BEGIN, END)
    return 1 if sentences else 0


def name_of(target, lanes):
    return f"interpolation-{target}-{lanes}.json"


if __name__ == "__main__":
    command.run(main)
