"""Count what a GPU would launch, without a GPU: kernels, and waits of the host for loop conditions.

    make launches

XLA's CUDA compiler runs on a CPU and compiles for the description of an H100 or an A100 (`targets/`). The programs are the
interpolations and the likelihood of a lens. XLA's dumps give the kernels of every loop; a run of the same branch on the CPU
gives the trip counts. A model turns the counts into milliseconds of the interpolation; nothing is timed. The likelihood has no
modelled time, because most of its time is arithmetic, which the model ignores.

The command writes `results/launches/*.json` and the tables of docs/speed.md. If a count grew by more than a tenth, it writes
nothing, unless `--accept` is given, and the exit status is 1.
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
from importlib import import_module
from pathlib import Path

import jax
import numpy as np
from jax.sharding import SingleDeviceSharding
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed.bench import PAGE
from jax_profiling.speed.gpu import page
from jax_profiling.speed.gpu.cases import CASES, program_of
from jax_profiling.speed.gpu.stages import REST, STAGES, stage_of
from jax_profiling.speed.gpu.thunks import Program, kernels_of, loops_of
from jax_profiling.speed.gpu.trip_counts import gpu_branch, trip_counts_of
from jax_profiling.terminal import command
from jax_profiling.terminal.pages import rewrite_part
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes, write_json

RESULTS = ROOT / "results" / "launches"
TARGETS = Path(__file__).resolve().parent / "targets"
BEGIN, END = "<!-- from here: make launches -->", "<!-- to here: make launches -->"

KERNEL_US, WAIT_US, BANDWIDTH_SHARE = (2.0, 4.0), (23.0, 33.0), (0.9, 0.7)
"""The model, as ranges. A kernel takes at least `KERNEL_US`, or the time to move its bytes at this share of the bandwidth.

A wait for a loop condition takes `WAIT_US`: on an H200, the time of a call outside kernels, divided by its waits (an H100 took
22 and 28 us). The model ignores fp64 arithmetic and the inner steps of a sort.
"""

MAX_GROWTH = 1.1
"""A count may grow by this factor."""


def compile_for(description, function, arrays, name):
    """Compile a function for the target of a description. XLA dumps the result under `name`."""
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
    with gpu_branch():
        jax.jit(program).lower(*shapes).compile()


def counts_of(program, trip_counts, bandwidth):
    """Stage -> kernels, waits of the host, and modelled milliseconds as a range.

    Parameters
    ----------
    program
        The `thunks.Program`.
    trip_counts
        The result of `trip_counts_of`.
    bandwidth
        Of the target's memory, in bytes per second.
    """
    totals = defaultdict(lambda: {"kernels": 0, "waits": 0, "us": np.zeros(2)})

    def add(thunks, times):
        for thunk in kernels_of(thunks):
            instruction = program.instructions.get(thunk.instruction)
            stage = totals[stage_of(instruction.op_name if instruction else "")]
            us = 1.0e6 * (instruction.bytes if instruction else 0) / (bandwidth * np.array(BANDWIDTH_SHARE))
            stage["kernels"] += times
            stage["us"] = stage["us"] + times * np.maximum(KERNEL_US, us)
        for loop in loops_of(thunks):
            instruction = program.instructions[loop.instruction]
            if instruction.trips is not None:
                # If XLA knows the trip count, it runs the body that often and no condition (`WhileThunk`).
                add(loop.body, times * instruction.trips)
            else:
                # An inner loop has no entry if its outer loop had no trip.
                entries, trips = trip_counts.get(loop_of(instruction.op_name), (0, 0))
                stage = totals[stage_of(instruction.op_name)]
                stage["waits"] += entries + trips
                stage["us"] = stage["us"] + (entries + trips) * np.array(WAIT_US)
                add(loop.condition, entries + trips)
                add(loop.body, trips)

    add(program.thunks, 1)
    return {
        stage: {
            "kernels": totals[stage]["kernels"],
            "waits": totals[stage]["waits"],
            "ms": [round(float(us) / 1.0e3, 3) for us in totals[stage]["us"]],
        }
        for stage in (*STAGES, REST)
        if stage in totals
    }


def loop_of(op_name):
    """The name of the innermost loop in the source of an instruction."""
    return re.findall(r"loop_\d+", op_name)[-1]


def total_of(stages):
    """The sums over all stages."""
    total = {what: sum(each[what] for each in stages.values()) for what in ("kernels", "waits")}
    if all("ms" in each for each in stages.values()):
        total["ms"] = [round(sum(each["ms"][bound] for each in stages.values()), 1) for bound in range(2)]
    return total


def results_of(name, targets, site, progress):
    """(target, case) -> the JSON of its counts, for one lens."""
    lens, results = lens_folder.load(name), {}
    with tempfile.TemporaryDirectory() as folder:
        use_compiler(site, folder)
        likelihoods = {mesh_cls: Likelihood(lens, mesh_cls) for mesh_cls in {case.mesh_cls for case in CASES}}
        programs = {}
        for case in CASES:
            with case.patched():
                counted = stages_of(likelihoods[case.mesh_cls], case, targets, Path(folder), programs, progress)
            for target, stages in counted.items():
                about = {"jax": jax.__version__, "lens": name, "target": target, **case._asdict()}
                results[target, case] = {**about, "stages": stages, **total_of(stages)}
    return results


def stages_of(likelihood, case, targets, folder, programs, progress):
    """Target -> `counts_of` a case. `programs` has what is compiled: far lanes run the same program as others."""
    function, arrays = program_of(likelihood, case)
    progress(f"{case.program}, {case}: counting the trips of loops")
    trip_counts, found = trip_counts_of(function, arrays), {}
    for target in targets:
        description = (TARGETS / f"{target}.txtpb").read_text()
        key = case.program.replace(" ", "_"), case.lanes, target
        if key not in programs:
            progress(f"{case.program}, {case}: compiling for {target}")
            label, start = "counted_" + "_".join(map(str, key)), time.perf_counter()
            compile_for(description, function, arrays, label)
            progress(f"{case.program}, {case}: compiled for {target} in {time.perf_counter() - start:.1f} s")
            programs[key] = Program(folder, label)
        bandwidth = float(re.search(r"memory_bandwidth: (\d+)", description)[1])
        stages = counts_of(programs[key], trip_counts, bandwidth)
        if case.program == "likelihood":
            stages = {stage: {"kernels": each["kernels"], "waits": each["waits"]} for stage, each in stages.items()}
        found[target] = stages
    return found


def use_compiler(site, folder):
    """Make JAX find XLA's CUDA compiler in `site`, and XLA dump to `folder`. Call it before any computation."""
    jax.config.update("jax_platforms", "cpu")
    os.environ["XLA_FLAGS"] += (
        f" --xla_gpu_cuda_data_dir={site / 'nvidia' / 'cu13'} --xla_gpu_autotune_level=0"
        f" --xla_dump_to={folder} --xla_dump_hlo_as_text --xla_dump_hlo_module_re=.*counted_.*"
    )
    sys.path.append(str(site))
    # XLA's compiler looks up the library functions of JAX's matrix decompositions; the plugin has them.
    for module in ("_solver", "_linalg"):
        for target, function in import_module(f"jax_cuda13_plugin.{module}").registrations().items():
            for each in function if isinstance(function, list) else [function]:
                jax.ffi.register_ffi_target(target, each, platform="CUDA")


def growth_between(before, after):
    """Sentences on the counts that grew by more than `MAX_GROWTH`."""
    for (target, case), each in after.items():
        for what in ("kernels", "waits"):
            if (target, case) in before and each[what] > MAX_GROWTH * before[target, case][what]:
                yield f"{case.program}, {target}, {case}: {each[what]} {what}, up from {before[target, case][what]}."


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="hst", help="a name under dataset/imaging, or a folder (default hst)")
    parser.add_argument("--site", type=Path, default=ROOT / ".cuda", help="folder of the compiler (default .cuda)")
    parser.add_argument("--accept", action="store_true", help="write counts that grew by more than a tenth, too")
    arguments = parser.parse_args(argv)
    if not (arguments.site / "nvidia").is_dir():
        raise command.BadInput(f"{arguments.site}: contains no CUDA compiler; run make launches, which installs it.")
    warnings.filterwarnings("ignore")
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    targets = sorted(path.stem for path in TARGETS.glob("*.txtpb"))
    paths = {(target, case): RESULTS / case.file_of(target) for target in targets for case in CASES}
    before = {key: json.loads(path.read_text()) for key, path in paths.items() if path.exists()}
    if others := {each["lens"] for each in before.values()} - {arguments.lens}:
        raise command.BadInput(
            f"{RESULTS}: has the counts of {others.pop()}; give that --lens, or move the counts away."
        )
    with progress_of(Console(), arguments.lens) as progress:
        results = results_of(arguments.lens, targets, arguments.site.resolve(), progress)
    for (target, case), each in results.items():
        modelled = f", modelled {each['ms']} ms" if "ms" in each else ""
        print(f"{case.program}, {target}, {case}: {each['kernels']} kernels, {each['waits']} waits{modelled}.")
    growth = list(growth_between(before, results))
    for sentence in growth:
        print(sentence, file=sys.stderr)
    if growth and not arguments.accept:
        print("Nothing was written; --accept takes these counts.", file=sys.stderr)
        return 1
    with atomic_writes(RESULTS) as scratch:
        for key, each in results.items():
            write_json(each, scratch / paths[key].name)
    rewrite_part(PAGE, page.launch_lines_of(list(results.values())), BEGIN, END)
    return 0


if __name__ == "__main__":
    command.run(main)
