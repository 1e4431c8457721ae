"""What a GPU would launch: kernels and waits of the host, counted without a GPU.

    make launches

XLA's CUDA compiler runs on a CPU against a description of an H100 or an A100 (`targets/`). The interpolation and the likelihood
of a lens are compiled, and the kernels of every loop are counted in what XLA dumps. How often a loop turns is found by running
the same branch on the CPU. Milliseconds are modelled from these counts, and called so: nothing is timed. The likelihood has
none, for most of its time is arithmetic, which the model leaves out.

It writes `results/launches/*.json` and the tables of docs/speed.md. The exit status is 1 if a count grew by more than a tenth
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
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al
import jax
import numpy as np
from jax.sharding import SingleDeviceSharding
from rich.console import Console

from jax_profiling.gate import report
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed.bench import ROOT, rewrite_page
from jax_profiling.speed.probe import lanes_of, log_evidence_of, ray_traced_of, tables_of_lanes
from jax_profiling.speed.thunks import Program, kernels_of, loops_of
from jax_profiling.speed.turns import as_on_gpu, turns_of
from jax_profiling.terminal import command
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import write_aside
from knn_barycentric.mesh import KNNBarycentric

RESULTS = ROOT / "results" / "launches"
TARGETS = Path(__file__).resolve().parent / "targets"
BEGIN, END = "<!-- from here: make launches -->", "<!-- to here: make launches -->"


class Case(NamedTuple):
    """What is counted: a program, for how many lanes, and whether these are `far_parameters_of` the lens's priors."""

    program: str
    lanes: int
    far: bool = False

    def file_of(self, target):
        return f"{self.program}-{target}-{self.lanes}{'-far' if self.far else ''}.json"

    def __str__(self):
        return f"{self.lanes} {'lane' if self.lanes == 1 else 'lanes'}{', far' if self.far else ''}"


CASES = (
    Case("interpolation", 1),
    Case("interpolation", 20),
    Case("interpolation", 20, far=True),
    Case("likelihood", 1),
    Case("likelihood", 20),
)

RADII, FARTHER = (0.6, 1.6), 3.0
"""Far from the prior median an Einstein radius is multiplied by a number in this range; all else is so many times as far."""

STAGES = {
    "spatial sort": ("kd_tree",),
    "near vertices": ("/near_vertices",),
    "stars among near": ("among_near_vertices",),
    "stars among all": ("among_all_vertices",),
    "neighbours, certificate": ("certified_tables",),
    "location": ("locate",),
    "PSF convolution": ("fft",),
    "NNLS": ("loop_",),
}
"""Stage -> what the name of an operation holds; the first that fits counts. Of the likelihood's loops only that of the NNLS is
not part of another stage."""

REST = "areas, weights, all else"

KERNEL_US, WAIT_US, OF_BANDWIDTH = (2.0, 4.0), (23.0, 33.0), (0.9, 0.7)
"""The model, a range each: a kernel takes so long at least, or what its bytes need at this part of the bandwidth; a wait for
the condition of a loop takes so long, which is what an H200 took beside its kernels over its waits (an H100 took 22 and 28 us).
What is computed in fp64 and how a sort goes on are left out."""

GROWTH = 1.1
"""A count may grow by this much."""


def far_parameters_of(likelihood, number, seed=0):
    """(number, D) float64: parameters far from the median of the priors; those that autolens refuses are left out."""
    median, rng, found = likelihood.prior_medians, np.random.default_rng(seed), []
    radii = [name == "einstein_radius" for name in likelihood.model.parameter_names]
    for draw in likelihood.draws(20 * number, seed):
        far = np.where(radii, median * rng.uniform(*RADII), median + FARTHER * (draw - median))
        try:
            ray_traced_of(likelihood, far)
        except al.exc.ModelParameterException:
            continue
        found.append(far)
        if len(found) == number:
            break
    return np.array(found)


def program_of(likelihood, case):
    """The function of a case, and its arrays."""
    if case.far:
        parameters = far_parameters_of(likelihood, case.lanes)
    else:
        parameters = likelihood.median_and_draws(case.lanes - 1)
    if case.program == "interpolation":
        return tables_of_lanes(likelihood, parameters)
    return lanes_of(log_evidence_of(likelihood), [parameters])


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
    """What is to be written: (target, case) -> what was counted."""
    with tempfile.TemporaryDirectory() as folder:
        use_compiler(site, folder)
        likelihood, programs, found = Likelihood(lens_folder.load(name), KNNBarycentric), {}, {}
        for case in CASES:
            function, arrays = program_of(likelihood, case)
            progress(f"{case.program}, {case}: turning the loops")
            turns = turns_of(function, arrays)
            for target in targets:
                description = (TARGETS / f"{target}.txtpb").read_text()
                # Lanes that are far run the program of those that are not.
                key = case.program, case.lanes, target
                if key not in programs:
                    progress(f"{case.program}, {case}: compiling for {target}")
                    label, began = "counted_" + "_".join(map(str, key)), time.perf_counter()
                    compiled_for(description, function, arrays, label)
                    progress(f"{case.program}, {case}: compiled for {target} in {time.perf_counter() - began:.1f} s")
                    programs[key] = Program(Path(folder), label)
                bandwidth = float(re.search(r"memory_bandwidth: (\d+)", description)[1])
                stages = counts_of(programs[key], turns, bandwidth)
                if case.program == "likelihood":
                    stages = {
                        stage: {"kernels": each["kernels"], "waits": each["waits"]} for stage, each in stages.items()
                    }
                about = {"jax": jax.__version__, "lens": name, "target": target, **case._asdict()}
                found[target, case] = {**about, "stages": stages, **total_of(stages)}
    return found


def total_of(stages):
    total = {what: sum(each[what] for each in stages.values()) for what in ("kernels", "waits")}
    if all("ms" in each for each in stages.values()):
        total["ms"] = [round(sum(each["ms"][bound] for each in stages.values()), 1) for bound in range(2)]
    return total


def use_compiler(site, folder):
    """Let JAX find XLA's CUDA compiler in a folder, and XLA dump to another; before anything is computed."""
    jax.config.update("jax_platforms", "cpu")
    os.environ["XLA_FLAGS"] += (
        f" --xla_gpu_cuda_data_dir={site / 'nvidia' / 'cu13'} --xla_gpu_autotune_level=0"
        f" --xla_dump_to={folder} --xla_dump_hlo_as_text --xla_dump_hlo_module_re=.*counted_.*"
    )
    sys.path.append(str(site))
    # XLA's compiler asks for the functions of libraries by which JAX decomposes matrices; the plugin has them.
    for module in ("_solver", "_linalg"):
        for target, function in import_module(f"jax_cuda13_plugin.{module}").registrations().items():
            for each in function if isinstance(function, list) else [function]:
                jax.ffi.register_ffi_target(target, each, platform="CUDA")


def lines_of(found):
    """The lines of the page: for each program a table of the stages of its cases."""
    lines = [""]
    for program in dict.fromkeys(case.program for case in CASES):
        cases = [case for case in CASES if case.program == program]
        of_program = {
            (each["target"], Case(program, each["lanes"], each["far"])): each
            for each in found
            if each["program"] == program
        }
        targets = sorted({target for target, _ in of_program})
        first = next(iter(of_program.values()))
        columns, rows = ["counted"], []
        for case in cases:
            columns += [f"kernels, {case}", f"waits, {case}"]
        modelled = [(target, case) for case in cases for target in targets if "ms" in of_program[target, case]]
        columns += [f"modelled ms, {target}, {case}" for target, case in modelled]
        for stage in (*STAGES, REST, "all"):
            of_stage = {key: each if stage == "all" else each["stages"].get(stage) for key, each in of_program.items()}
            if not any(of_stage.values()):
                continue
            counts = [of_stage[targets[0], case] or {"kernels": 0, "waits": 0} for case in cases]
            row = [stage, *(str(each[what]) for each in counts for what in ("kernels", "waits"))]
            ranges = [(of_stage[key] or {"ms": (0.0, 0.0)})["ms"] for key in modelled]
            rows.append((*row, *(f"{low:.1f}-{high:.1f}" for low, high in ranges)))
        title = (
            f"{program.capitalize()} of {first['lens']}, jax {first['jax']}, without a GPU, counts for {targets[0]}:"
        )
        lines += [title, "", *report.markdown_table(columns, rows), ""]
    return lines


def grown(before, found):
    """Sentences on the counts that grew by more than a tenth."""
    for (target, case), each in found.items():
        for what in ("kernels", "waits"):
            if (target, case) in before and each[what] > GROWTH * before[target, case][what]:
                than = before[target, case][what]
                yield f"{case.program}, {target}, {case}: {each[what]} {what}, where there were {than}."


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="hst", help="name under dataset/imaging, or a folder (default hst)")
    parser.add_argument(
        "--site", type=Path, default=ROOT / ".cuda", help="where the compiler is installed (default .cuda)"
    )
    arguments = parser.parse_args(argv)
    if not (arguments.site / "nvidia").is_dir():
        raise command.BadInput(f"{arguments.site}: holds no CUDA compiler; run make launches, which installs it.")
    warnings.filterwarnings("ignore")
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    targets = sorted(path.stem for path in TARGETS.glob("*.txtpb"))
    with progress_of(Console(), arguments.lens) as progress:
        found = measured_for(arguments.lens, targets, arguments.site.resolve(), progress)
    paths = {(target, case): RESULTS / case.file_of(target) for target, case in found}
    before = {key: json.loads(path.read_text()) for key, path in paths.items() if path.exists()}
    for (target, case), each in found.items():
        modelled = f", modelled {each['ms']} ms" if "ms" in each else ""
        print(f"{case.program}, {target}, {case}: {each['kernels']} kernels, {each['waits']} waits{modelled}.")
    sentences = list(grown(before, found))
    for sentence in sentences:
        print(sentence, file=sys.stderr)
    with write_aside(RESULTS) as aside:
        for key, each in found.items():
            (aside / paths[key].name).write_text(json.dumps(each, indent=1) + "\n")
    rewrite_page(lines_of(list(found.values())), BEGIN, END)
    return 1 if sentences else 0


if __name__ == "__main__":
    command.run(main)
