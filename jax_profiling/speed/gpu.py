"""Everything that only a GPU can tell, in one command of at most nine minutes.

    make gpu

The parts are processes of their own, so that one that fails or hangs takes no other along, and what they found is kept until
then:

- `same`: triangles, mappings and weights of all lenses against the CPU's, and against themselves over ten runs;
- `interpolation`, `likelihood`: milliseconds, compile times and memory at 1, 3, 20 and 64 lanes, beside autoarray's Delaunay
  and Delaunay in one callback;
- `kernels`: what was launched, stage by stage, and for how long it ran, beside what `make launches` counted and modelled,
  near the prior median and far from it;
- the same with loops on the device: all of a loop in a CUDA graph, its condition too (`FLAG`).

It writes `results/gpu/<device>.json`; `--tables` puts it into docs/speed.md. `--device cpu` rehearses it without a GPU. The
exit status is 1 if a triangulation differs from the CPU's or a part has not come to its end, and 2 if there is no GPU.
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

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import jax
import jax.numpy as jnp
from rich.console import Console

from jax_profiling.gate import provenance
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed import backends, gpu_page, launches, probe, profiled
from jax_profiling.speed.bench import ROOT, rewrite_page
from jax_profiling.speed.tables import SCIPY, file_name_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import write_aside
from knn_barycentric.mesh import KNNBarycentric

RESULTS = ROOT / "results" / "gpu"
BEGIN, END = "<!-- from here: make gpu -->", "<!-- to here: make gpu -->"

FLAG = "--xla_gpu_enable_command_buffer=+WHILE"
"""Of `XLA_FLAGS`: loops become part of CUDA graphs, and their conditions are read on the device."""

LANES = (20, 1, 64, 3)
"""In the order in which they are measured, as long as there is time."""
MESHES = ("Delaunay", "Delaunay in one callback", "KNNBarycentric")
REPEATS = 5

SECONDS_BETWEEN = 5.0
"""How often what was found so far is written."""


def same(arguments, progress, note):
    """`backends.compare`, and the fiducial first."""
    names = arguments.lenses or [arguments.lens, backends.TIES, *sorted(set(lens_folder.names()) - {arguments.lens})]
    rows = []
    for row in backends.compare(names, progress):
        rows.append(row)
        note(rows=rows)


def same_of_one(arguments, progress, note):
    """`same` of the lens that is timed."""
    same(argparse.Namespace(lens=arguments.lens, lenses=[arguments.lens, backends.TIES]), progress, note)


def timed(what, meshes, lanes, arguments, progress, note):
    """`probe.measure` of one number of lanes after the other."""
    lens, rows = lens_folder.load(arguments.lens), []
    # Whoever is compiled first in a process takes longer: that is what takes least.
    probe.programs_of(lens, (MESHES[1],), (1,), progress=progress, compilations=1)
    for number in lanes:
        batches = {"batches": (), "likelihood_batches": ()}
        batches["batches" if what == "interpolation" else "likelihood_batches"] = (number,)
        progress(f"{what}, {number} lanes")
        measured = probe.measure(lens, meshes, **batches, repeats=REPEATS, progress=progress, compilations=1)
        rows += [
            row for row in measured.pop("rows") if row["mesh"] != SCIPY or (number == lanes[0] and len(meshes) > 1)
        ]
        note(**measured, rows=rows, most_bytes=(jax.devices()[0].memory_stats() or {}).get("peak_bytes_in_use"))


def kernels(arguments, progress, note):
    """`profiled.stages_of` of the interpolations that `launches` counts, and the milliseconds that a call takes."""
    likelihood, rows = Likelihood(lens_folder.load(arguments.lens), KNNBarycentric), []
    for case in (case for case in launches.CASES if case.program == "interpolation"):
        progress(str(case))
        function, arrays = launches.program_of(likelihood, case)
        arrays = [jnp.asarray(each) for each in arrays]
        program = jax.jit(function).lower(*arrays).compile()
        stages = profiled.stages_of(program, arrays)
        times = probe.milliseconds_of({"": (lambda: jax.block_until_ready(program(*arrays)), {})}, REPEATS)[""]
        path = launches.RESULTS / case.file_of(target_of(jax.devices()[0].device_kind))
        counted = json.loads(path.read_text()) if path.exists() else None
        row = {"case": str(case), "stages": stages, **profiled.total_of(stages), "call_ms": median(times)}
        rows.append({**row, "counted": counted})
        note(rows=rows)


class Part(NamedTuple):
    """What a process of its own does, and for how many seconds at most.

    `measure` takes the arguments, a function that takes a line of text, and one that keeps what was found so far.
    """

    measure: Callable
    loops_on_device: bool = False
    most_seconds: float = 300.0


# With the flag a program may hang, as it did on an H200: such parts come last, and end soon.
flagged = partial(Part, loops_on_device=True, most_seconds=75.0)

PARTS = {
    "same": Part(same),
    "interpolation": Part(partial(timed, "interpolation", MESHES, LANES)),
    "kernels": Part(kernels),
    "likelihood": Part(partial(timed, "likelihood", MESHES, LANES)),
    "same, loops on the device": flagged(same_of_one),
    "interpolation, loops on the device": flagged(partial(timed, "interpolation", MESHES[-1:], LANES[:2])),
    "likelihood, loops on the device": flagged(partial(timed, "likelihood", MESHES[-1:], LANES[:1])),
}


def run_part(name, arguments):
    """One part in this process; what it finds goes to the file `arguments.part_output`, again and again."""

    def note(**found):
        with write_aside(arguments.part_output.parent) as aside:
            (aside / arguments.part_output.name).write_text(json.dumps(found) + "\n")

    if arguments.device == "cpu":
        jax.config.update("jax_platforms", "cpu")
    # A program from the cache would take no time to compile.
    jax.config.update("jax_enable_compilation_cache", False)
    with progress_of(Console(), name) as progress:
        PARTS[name].measure(arguments, progress, note)


def run_parts(arguments):
    """Run each part in a process of its own.

    Yields again and again, so that nothing is lost whatever ends this process, name -> what the part found, how long it took
    (s), and its exit status: None where it did not come to its end.
    """
    found, end = {}, time.perf_counter() + 60.0 * arguments.minutes
    for name in arguments.parts:
        for part in run_part_until(end, name, arguments):
            found[name] = part
            yield found


def run_part_until(end, name, arguments):
    """Yields what a part has found so far until it, its time, or that of all parts has come to its end."""
    began = time.perf_counter()
    last = min(end, began + PARTS[name].most_seconds)
    if began >= last:
        yield {"seconds": 0.0, "status": None}
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "found" / "found.json"
        with started(name, arguments, path) as process:
            try:
                while process.returncode is None and time.perf_counter() < last:
                    with suppress(subprocess.TimeoutExpired):
                        process.wait(min(SECONDS_BETWEEN, last - time.perf_counter()))
                    found = json.loads(path.read_text()) if path.exists() else {}
                    seconds = round(time.perf_counter() - began, 1)
                    yield {**found, "seconds": seconds, "status": process.returncode}
            finally:
                process.kill()


def started(name, arguments, path):
    """The process of a part, which writes what it finds to the path."""
    environment = dict(os.environ)
    if PARTS[name].loops_on_device:
        environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} {FLAG}"
    options = ["--part", name, "--part-output", path, f"--lens={arguments.lens}", f"--device={arguments.device}"]
    options += ["--lenses", ";".join(arguments.lenses)] if arguments.lenses else []
    return subprocess.Popen([sys.executable, "-m", "jax_profiling.speed.gpu", *options], env=environment, cwd=ROOT)


def faults_of(parts):
    """Sentences on what went wrong."""
    for name, part in parts.items():
        if part["status"] != 0:
            yield f"{name}: {'it was given no time to end' if part['status'] is None else 'failed'}; see above."
        for row in part.get("rows", []):
            if row.get("triangles") or not row.get("certified", True):
                yield f"{name}: {row['lens']} has other triangles than on a CPU, {row['triangles']} of them."


def target_of(device):
    """Which of the targets of `launches` a device is."""
    names = sorted(path.stem for path in launches.TARGETS.glob("*.txtpb"))
    return next((name for name in names if name in device.lower()), "h100")


def driver():
    """The release of NVIDIA's driver, if there is one."""
    try:
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        return subprocess.run(query, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "none"


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--lens", default="hst", help="what is timed: a name under dataset/imaging, or a folder (default hst)"
    )
    parser.add_argument(
        "--lenses", type=lambda text: text.split(";"), help="what is compared with the CPU (default: all)"
    )
    parser.add_argument(
        "--parts", type=lambda text: text.split(";"), default=list(PARTS), help=f"of: {'; '.join(PARTS)}"
    )
    parser.add_argument(
        "--minutes",
        type=at_least(0.0, float),
        default=9.0,
        help="after so many no more is begun or waited for (default 9)",
    )
    parser.add_argument("--device", choices=("gpu", "cpu"), default="gpu", help="cpu: rehearse without a GPU")
    parser.add_argument(
        "--output", type=folder_to_write, default=RESULTS, help="folder of the JSON (default results/gpu)"
    )
    parser.add_argument("--tables", action="store_true", help="measure nothing, only rewrite the page")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    parser.add_argument("--part-output", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if set(arguments.parts) - set(PARTS):
        parser.error(f"--parts names {'; '.join(set(arguments.parts) - set(PARTS))}; give any of {'; '.join(PARTS)}.")
    if arguments.tables:
        paths = sorted(RESULTS.glob("*.json"))
        rewrite_page([line for path in paths for line in gpu_page.lines_of(json.loads(path.read_text()))], BEGIN, END)
        return 0
    if arguments.part:
        run_part(arguments.part, arguments)
        return 0
    for name in {arguments.lens, *(arguments.lenses or [])} - {backends.TIES}:
        lens_folder.folder_of(lens_folder.search_and_lens(name)[1])
    device = provenance.device() if arguments.device == "cpu" else device_kind()
    if device is None:
        raise command.BadInput("JAX finds no GPU here; install jax[cuda13], or rehearse with --device cpu.")
    about = {**provenance.releases(), "driver": driver(), "device": device, "lens": arguments.lens}
    path = arguments.output / f"{file_name_of(device)}.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    # What other parts found of the same lens under the same versions stays.
    others = known["parts"] if about.items() <= known.items() else {}
    for parts in run_parts(arguments):
        found = {**about, "parts": others | parts}
        with write_aside(arguments.output) as aside:
            (aside / path.name).write_text(json.dumps(found, indent=1) + "\n")
    print("\n".join(gpu_page.lines_of(found)))
    faults = list(faults_of(parts))
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def device_kind():
    """The GPU in words, asked of a process that ends: one that holds a GPU leaves no memory to others."""
    asked = "import jax; print(jax.devices()[0].device_kind if jax.default_backend() == 'gpu' else '')"
    answer = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True)
    return answer.stdout.strip() or None


if __name__ == "__main__":
    command.run(main)
