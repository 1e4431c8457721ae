"""Measure the meshes: time per call and per lane of a batch, compile time, and memory.

    .venv/bin/python -m jax_profiling.speed.probe --lens hst --batch 1,3,20

Two programs are timed at parameter vectors from the model's priors. The interpolation starts from ray-traced points and ends
with mappings and weights; it includes triangulation, dual areas and split points. The other program is the whole likelihood.
Calls are interleaved, and the figures are medians and quartiles. The results go to
`results/vmap_probe/<device>-<precision>.json`. A Markdown table and a chart in the same folder compare all devices.
"""

import argparse
import time

import autolens as al
import jax
import numpy as np
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import provenance
from jax_profiling.gate.report import figures
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.files import json_from
from jax_profiling.speed import steps
from jax_profiling.speed.programs import COMPILATIONS, DEFAULT_MESHES, MESHES, programs_of
from jax_profiling.speed.tables import GROUPS, figure_of, file_name_of, markdown_of, table_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write, words_of
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes, write_json

RESULTS = ROOT / "results" / "vmap_probe"

REPEATS = 5


def milliseconds_of(programs, repeats=REPEATS, settle=False):
    """Key -> (repeats,) milliseconds per call. Calls are interleaved, and the first call of each is not timed.

    With `settle`, an untimed call precedes every timed one. The next program has to clear the memory that the previous one has
    freed (hundreds of MiB for many lanes), and that takes longer than a short program.
    """
    times = {key: [] for key in programs}
    for repeat in range(repeats + 1):
        for key, (call, _) in programs.items():
            if settle:
                call()
            start = time.perf_counter()
            call()
            if repeat:
                times[key].append(1.0e3 * (time.perf_counter() - start))
    return times


def measure(
    lens,
    meshes=DEFAULT_MESHES,
    batches=(1, 3, 20),
    likelihood_batches=(1, 3),
    repeats=REPEATS,
    progress=lambda message: None,
    compilations=COMPILATIONS,
):
    """The contents of the JSON file: a row per mesh, program and number of lanes."""
    programs = programs_of(lens, meshes, batches, likelihood_batches, progress, compilations)
    times_of = {}
    # One program after the other: a likelihood would evict the interpolation from the processor's cache.
    for program in ("interpolation", "likelihood"):
        progress(f"timing the {program}")
        same = {key: each for key, each in programs.items() if key[1] == program}
        times_of |= milliseconds_of(same, repeats, settle=program == "interpolation")
    rows = []
    for (mesh, program, lanes), times in times_of.items():
        lower, median, upper = np.percentile(times, (25, 50, 75)) / lanes
        cost = programs[mesh, program, lanes][1]
        rows.append(
            {"mesh": mesh, "program": program, "lanes": lanes, "ms_per_lane": median, "quartiles": [lower, upper]}
            | cost
        )
    return {
        "lens": lens.name,
        "vertices": lens.vertices,
        "data_points": lens.data_points,
        "autolens": al.__version__,
        "jax": jax.__version__,
        "device": provenance.device(),
        "precision": "fp64" if jax.config.jax_enable_x64 else "fp32",
        "repeats": repeats,
        "rows": rows,
    }


def decomposition_of(lens, progress=lambda message: None):
    """Key of `GROUPS` -> mesh -> milliseconds of one lane on this device."""
    milliseconds = steps.profile(lens, progress=progress)["milliseconds"]
    return {
        group: {mesh: sum(milliseconds[step][mesh]["median"] for step in members) for mesh in steps.MESHES}
        for group, (_, members) in GROUPS.items()
    }


def write(measured, folder=RESULTS):
    """Write the JSON of this device, and compare all devices that have a JSON in the folder."""
    name = file_name_of(f"{measured['device']}-{measured['precision']}")
    others = [each for path, each in devices_in(folder).items() if path.stem != name]
    with atomic_writes(folder) as scratch:
        write_json(measured, scratch / f"{name}.json")
        (scratch / "speed.md").write_text(markdown_of([measured, *others]))
        figures.save(figure_of([measured, *others]), scratch / "speed.png")


def devices_in(folder):
    """{path: contents} of the JSON files of devices in a folder.

    Raises
    ------
    BadInput
        If a JSON file there is something else.
    """
    devices = {path: json_from(path) for path in sorted(folder.glob("*.json"))}
    for path, each in devices.items():
        if not (isinstance(each, dict) and {"device", "precision", "rows"} <= each.keys()):
            raise command.BadInput(f"{path}: is no result of this command; give another --output.")
    return devices


def lanes_from(parser, option, text):
    """Parse an option of the command line into numbers of lanes; "none" is no number."""
    try:
        lanes = [] if text == "none" else [int(number) for number in text.split(",")]
    except ValueError:
        lanes = [0]
    if min(lanes, default=1) < 1:
        parser.error(f"--{option} is {text}; give whole numbers of at least 1, such as 1,3,20, or none.")
    return lanes


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="hst", help="a name under dataset/imaging, or a folder (default hst)")
    parser.add_argument("--batch", default="1,3,20", help="lanes of the interpolation, or none (default 1,3,20)")
    parser.add_argument(
        "--meshes",
        type=words_of(MESHES, ";"),
        default=DEFAULT_MESHES,
        help=f"separated by semicolons; some of: {'; '.join(MESHES)} (default: {'; '.join(DEFAULT_MESHES)})",
    )
    parser.add_argument("--likelihood-batch", default="1,3", help="lanes of the likelihood, or none (default 1,3)")
    parser.add_argument("--steps", action="store_true", help="also time the steps of the likelihood")
    parser.add_argument(
        "--repeats", type=at_least(1), default=REPEATS, help=f"timed calls per program (default {REPEATS})"
    )
    parser.add_argument(
        "--output",
        type=folder_to_write,
        default=str(RESULTS),
        help="folder of the JSON, table and chart (default results/vmap_probe)",
    )
    arguments = parser.parse_args(argv)
    batches, likelihood_batches = (
        lanes_from(parser, option, vars(arguments)[option.replace("-", "_")])
        for option in ("batch", "likelihood-batch")
    )
    if not (batches or likelihood_batches):
        parser.error("--batch and --likelihood-batch are none; give numbers of lanes to one of them.")
    # The cache would hide the time of a compilation.
    jax.config.update("jax_enable_compilation_cache", False)
    devices_in(arguments.output)
    lens = lens_folder.load(arguments.lens)
    if arguments.steps:
        steps.check_can_profile(lens, "--steps")
    with progress_of(Console(stderr=True), lens.name) as progress:
        measured = measure(lens, arguments.meshes, batches, likelihood_batches, arguments.repeats, progress)
        if arguments.steps:
            measured["steps"] = decomposition_of(lens, progress)
    write(measured, arguments.output)
    print("\n".join(table_of(measured)))
    return 0


if __name__ == "__main__":
    command.run(main)
