"""Measure everything that only a GPU can show, with one command that takes at most nine minutes.

    make gpu

Every part runs in a process of its own, so a part that fails or hangs costs no other part. Results are written while the parts
run.

- `agreement`: triangles, mappings and weights of all lenses, compared with the CPU and between ten runs;
- `interpolation`, `likelihood`: milliseconds, compile times and memory at 1, 3, 20 and 64 lanes, of both meshes, autoarray's
  Delaunay, and Delaunay in one callback;
- `kernels`: the kernels of every stage and their times, near the prior median and far from it, next to the counts and the
  model of `make launches`;
- three parts again with loops on the device: a CUDA graph holds a whole loop and its condition (`LOOPS_ON_DEVICE`).

The results go to `results/gpu/<device>.json`; `--tables` writes them into docs/speed.md. `--device cpu` rehearses the command
without a GPU. The exit status is 1 if a triangulation differs from the CPU's or a part did not finish, and 2 if there is no
GPU.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

import jax
import jax.numpy as jnp
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import provenance
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed import probe
from jax_profiling.speed.bench import PAGE
from jax_profiling.speed.gpu import agreement, kernel_times, launches, page
from jax_profiling.speed.gpu.cases import CASES, program_of
from jax_profiling.speed.programs import programs_of
from jax_profiling.speed.tables import SCIPY, file_name_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write, words_of
from jax_profiling.terminal.pages import rewrite_part
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes, write_json
from knn_barycentric.mesh import KNNBarycentric

RESULTS = ROOT / "results" / "gpu"
BEGIN, END = "<!-- from here: make gpu -->", "<!-- to here: make gpu -->"

LOOPS_ON_DEVICE = "--xla_gpu_enable_command_buffer=+WHILE"
"""A flag of `XLA_FLAGS`: loops become part of CUDA graphs, and the device reads their conditions."""

LANES = (20, 1, 64, 3)
"""In the order of measurement: time may end before the last."""
MESHES = ("Delaunay", "Delaunay in one callback", "KNNBarycentric", "NaturalNeighbor")
DEFAULT_MESH = ("KNNBarycentric",)
REPEATS = 5

SECONDS_BETWEEN_WRITES = 5.0


def measure_agreement(arguments, progress, save):
    """`agreement.compare` on the lens that is timed, and then on all others."""
    others = sorted(set(lens_folder.names()) - {arguments.lens})
    names = arguments.lenses or [arguments.lens, agreement.TIES, *others]
    rows = []
    for row in agreement.compare(names, progress):
        rows.append(row)
        save(rows=rows)


def measure_agreement_of_one_lens(arguments, progress, save):
    """`measure_agreement` on the lens that is timed."""
    one = argparse.Namespace(lens=arguments.lens, lenses=[arguments.lens, agreement.TIES])
    measure_agreement(one, progress, save)


def measure_times(program, meshes, lanes, arguments, progress, save):
    """`probe.measure` at one number of lanes after the other."""
    lens, rows = lens_folder.load(arguments.lens), []
    # The first compilation in a process takes longer, so a cheap one comes first.
    programs_of(lens, (MESHES[1],), (1,), progress=progress, compilations=1)
    for number in lanes:
        batches = {"batches": (), "likelihood_batches": ()}
        batches["batches" if program == "interpolation" else "likelihood_batches"] = (number,)
        progress(f"{program}, {number} lanes")
        measured = probe.measure(lens, meshes, **batches, repeats=REPEATS, progress=progress, compilations=1)
        rows += [
            row for row in measured.pop("rows") if row["mesh"] != SCIPY or (number == lanes[0] and len(meshes) > 1)
        ]
        save(**measured, rows=rows, peak_device_bytes=(jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use"))


def measure_kernels(arguments, progress, save):
    """`kernel_times.stages_of` the interpolations that `launches` counts, and the milliseconds of a call."""
    likelihood, rows = Likelihood(lens_folder.load(arguments.lens), KNNBarycentric), []
    for case in (case for case in CASES if case.program == "interpolation"):
        progress(str(case))
        function, arrays = program_of(likelihood, case)
        arrays = [jnp.asarray(each) for each in arrays]
        program = jax.jit(function).lower(*arrays).compile()
        stages = kernel_times.stages_of(program, arrays)
        times = probe.milliseconds_of({"": (lambda: jax.block_until_ready(program(*arrays)), {})}, REPEATS)[""]
        path = launches.RESULTS / case.file_of(target_of(jax.devices()[0].device_kind))
        counted = json.loads(path.read_text()) if path.exists() else {}
        of_this_program = counted.get("lens") == arguments.lens and counted.get("jax") == jax.__version__
        row = {"case": str(case), "stages": stages, **kernel_times.total_of(stages), "call_ms": median(times)}
        rows.append({**row, "counted": counted if of_this_program else None})
        save(rows=rows)


class Part(NamedTuple):
    """A function for a process of its own, and its time limit in seconds.

    `measure` takes the arguments, a function that takes a line of text, and a function that saves results so far.
    """

    measure: Callable
    loops_on_device: bool = False
    max_seconds: float = 300.0


# With the flag a program may hang, as on an H200. These parts come last and have little time.
PartWithLoopsOnDevice = partial(Part, loops_on_device=True, max_seconds=75.0)

PARTS = {
    "agreement": Part(measure_agreement),
    "interpolation": Part(partial(measure_times, "interpolation", MESHES, LANES)),
    "kernels": Part(measure_kernels),
    "likelihood": Part(partial(measure_times, "likelihood", MESHES, LANES)),
    "agreement, loops on the device": PartWithLoopsOnDevice(measure_agreement_of_one_lens),
    "interpolation, loops on the device": PartWithLoopsOnDevice(
        partial(measure_times, "interpolation", DEFAULT_MESH, LANES[:2])
    ),
    "likelihood, loops on the device": PartWithLoopsOnDevice(
        partial(measure_times, "likelihood", DEFAULT_MESH, LANES[:1])
    ),
}


def run_part(name, arguments):
    """Run one part in this process. It saves its results to the file `arguments.part_output`."""

    def save(**results):
        with atomic_writes(arguments.part_output.parent) as scratch:
            (scratch / arguments.part_output.name).write_text(json.dumps(results) + "\n")

    if arguments.device == "cpu":
        jax.config.update("jax_platforms", "cpu")
    # The cache would hide the time of a compilation.
    jax.config.update("jax_enable_compilation_cache", False)
    with progress_of(Console(), name) as progress:
        PARTS[name].measure(arguments, progress, save)


def run_parts(arguments):
    """Run each part in a process of its own.

    Yields repeatedly, so that an interrupt costs nothing: name -> the results of the part, its seconds, and its exit status.
    The status is None if the part did not finish.
    """
    results, end = {}, time.perf_counter() + 60.0 * arguments.minutes
    for name in arguments.parts:
        for part in run_part_until(end, name, arguments):
            results[name] = part
            yield results


def run_part_until(end, name, arguments):
    """Yield the results of a part so far, until it ends, or its time or the time of all parts is over."""
    start = time.perf_counter()
    deadline = min(end, start + PARTS[name].max_seconds)
    if start >= deadline:
        yield {"seconds": 0.0, "status": None}
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results" / "results.json"
        with start_part(name, arguments, path) as process:
            try:
                while process.returncode is None and time.perf_counter() < deadline:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(min(SECONDS_BETWEEN_WRITES, deadline - time.perf_counter()))
                    results = json.loads(path.read_text()) if path.exists() else {}
                    seconds = round(time.perf_counter() - start, 1)
                    yield {**results, "seconds": seconds, "status": process.returncode}
            finally:
                process.kill()


MAX_DIFFERENCE = 1.0e-9
"""Largest accepted difference of weights, split weights and dual areas from the CPU's. An H200's were 7e-15 at most."""


def start_part(name, arguments, path):
    """The process of a part, which saves its results to the path."""
    environment = dict(os.environ)
    if PARTS[name].loops_on_device:
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {LOOPS_ON_DEVICE}"
    options = ["--part", name, "--part-output", path, f"--lens={arguments.lens}", f"--device={arguments.device}"]
    options += ["--lenses", ";".join(arguments.lenses)] if arguments.lenses else []
    line = [sys.executable, "-m", "jax_profiling.speed.gpu.measure", *options]
    return subprocess.Popen(line, env=environment, cwd=ROOT)


def faults_of(parts):
    """Sentences on parts that failed and on triangulations that differ."""
    for name, part in parts.items():
        if part["status"] != 0:
            yield f"{name}: {'did not finish in time' if part['status'] is None else 'failed'}; see its output above."
        for row in part.get("rows", []):
            if row.get("triangles") or not row.get("certified", True):
                yield f"{name}: {row['lens']}: {row['triangles']} triangles differ from the CPU's, or are not certified."
            if (
                largest := max(row.get(each, 0.0) for each in ("weights", "split_weights", "dual_areas"))
            ) > MAX_DIFFERENCE:
                yield f"{name}: {row['lens']}: weights or dual areas differ from the CPU's by {largest:.1e}."


def target_of(device):
    """The target of `launches` for a device; an H100 if none matches."""
    names = sorted(path.stem for path in launches.TARGETS.glob("*.txtpb"))
    return next((name for name in names if name in device.lower()), "h100")


def driver_release():
    """The release of NVIDIA's driver, or "none"."""
    try:
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


def gpu_name():
    """The name of the GPU, or None. A short-lived process finds it, because JAX reserves the memory of a GPU it has seen."""
    program = "import jax; print(jax.devices()[0].device_kind if jax.default_backend() == 'gpu' else '')"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    return answer.stdout.strip() or None


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--lens", default="hst", help="the lens that is timed: a name under dataset/imaging, or a folder (default hst)")
    add("--lenses", type=lambda text: text.split(";"), help="lenses to compare with the CPU (default: all)")
    add("--parts", type=words_of(PARTS, ";"), default=list(PARTS), help=f"some of: {'; '.join(PARTS)}")
    add("--minutes", type=at_least(0.0, float), default=9.0, help="time limit of the command (default 9)")
    add("--device", choices=("gpu", "cpu"), default="gpu", help="cpu: rehearse without a GPU")
    add("--output", type=folder_to_write, default=str(RESULTS), help="folder of the JSON (default results/gpu)")
    add("--tables", action="store_true", help="measure nothing, only rewrite the page")
    add("--part", help=argparse.SUPPRESS)
    add("--part-output", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.tables:
        paths = sorted(RESULTS.glob("*.json"))
        lines = [line for path in paths for line in page.gpu_lines_of(json.loads(path.read_text()))]
        rewrite_part(PAGE, lines, BEGIN, END)
        return 0
    if arguments.part:
        run_part(arguments.part, arguments)
        return 0
    for name in {arguments.lens, *(arguments.lenses or [])} - {agreement.TIES}:
        lens_folder.folder_of(lens_folder.search_and_lens(name)[1])
    device = provenance.device() if arguments.device == "cpu" else gpu_name()
    if device is None:
        raise command.BadInput("JAX finds no GPU here; install jax[cuda13], or rehearse with --device cpu.")
    about = {**provenance.releases(), "driver": driver_release(), "device": device, "lens": arguments.lens}
    path = arguments.output / f"{file_name_of(device)}.json"
    earlier = json.loads(path.read_text()) if path.exists() else {}
    # Parts of an earlier call on the same lens, with the same versions, stay.
    others = earlier["parts"] if about.items() <= earlier.items() else {}
    for parts in run_parts(arguments):
        results = {**about, "parts": others | parts}
        with atomic_writes(arguments.output) as scratch:
            write_json(results, scratch / path.name)
    print("\n".join(page.gpu_lines_of(results)))
    faults = list(faults_of(parts))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    command.run(main)
