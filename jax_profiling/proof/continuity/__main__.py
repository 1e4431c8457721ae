"""How rough is the log evidence? Kinks and jumps along lines through the parameters, for every mesh.

    .venv/bin/python -m jax_profiling.proof.continuity --lenses small

Writes one JSON file per lens and mesh to `results/continuity/`, then `docs/searches/continuity.md` and its figures from all
files. Files of the same releases and options are not measured again, and others are not overwritten. `--page` only rewrites the
page.
"""

import argparse
import logging
import time
import warnings

import numpy as np
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import provenance
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.continuity.measure import STEPS, Amount, Brackets, evidence_along, find_brackets
from jax_profiling.proof.continuity.meshes import MESHES, TRIANGLES, Programs
from jax_profiling.proof.continuity.page import tables as page
from jax_profiling.proof.continuity.transects import SEED, prior_widths, transects_of
from jax_profiling.proof.kept import keep, kept
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write, words_of
from jax_profiling.terminal.progress import progress_of

RESULTS = ROOT / "results" / "continuity"

LENSES = ("small", "no_light", "two_planes")
"""Lenses that are measured by default."""


def measured_or(path, settings, measure):
    """The contents of a JSON file with these settings (dict), measured and written first if it is missing."""
    found = kept(path, settings)
    if "seconds" not in found:
        began = time.perf_counter()
        found |= {"device": provenance.device(), **measure()}
        found["seconds"] = round(time.perf_counter() - began, 1)
        keep(path, found)
    return found


def measure_lens(name, meshes, amount, batch, results):
    """Measure a lens with every mesh: the files `<lens>.<family>.events.json` and `<lens>.<mesh>.json`."""
    settings = {"releases": provenance.releases(), "seed": SEED}
    with progress_of(Console(), name) as say:
        lens = lens_folder.load(name, say=say)
        triangles = None
        for mesh in meshes:
            if mesh in TRIANGLES:
                triangles = Programs(lens, mesh, batch) if triangles is None else triangles.with_mesh(lens, mesh)
            programs = triangles if mesh in TRIANGLES else Programs(lens, mesh, batch)
            transects = transects_of(programs.likelihood.model)
            family = "triangles" if mesh in TRIANGLES else mesh

            def find(programs=programs, transects=transects):
                rates, brackets = find_brackets(programs, transects, amount.events, say)
                usable = np.isfinite(brackets.step).all(axis=1)
                columns = {key: each[usable].tolist() for key, each in brackets._asdict().items()}
                return {"rates": rates, "brackets": columns}

            of_events = settings | {"events_per_kind": amount.events}
            events = measured_or(results / f"{lens.name}.{family}.events.json", of_events, find)
            brackets = Brackets(**{key: np.array(each) for key, each in events["brackets"].items()})
            brackets = brackets._replace(step=brackets.step.reshape(-1, 2))

            def evaluate(programs=programs, transects=transects, brackets=brackets, events=events, mesh=mesh):
                return {
                    "lens": lens.name,
                    "mesh": mesh,
                    "vertices": lens.vertices,
                    "data_points": lens.data_points,
                    "lines": list(transects.names),
                    "origin": transects.origin.tolist(),
                    "prior_widths": prior_widths(programs.likelihood.model).tolist(),
                    "rates": events["rates"],
                    **evidence_along(programs, transects, brackets, amount, lambda step: say(f"{mesh}: {step}")),
                }

            measured_or(results / f"{lens.name}.{mesh}.json", settings | {"amount": amount._asdict()}, evaluate)


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--lenses", default=",".join(LENSES), help="comma-separated names or folders (default %(default)s)"
    )
    parser.add_argument(
        "--meshes", type=words_of(MESHES), default=",".join(MESHES), help="comma-separated meshes (default all)"
    )
    parser.add_argument(
        "--events", type=at_least(1), default=6, help="events of each kind that are bisected (default 6)"
    )
    parser.add_argument(
        "--active",
        type=at_least(0),
        default=6,
        help="changes of the active set that are bisected (default %(default)s)",
    )
    parser.add_argument(
        "--steps", type=at_least(1), default=len(STEPS), help="step sizes, from 1e-2 down (default %(default)s)"
    )
    parser.add_argument(
        "--profile", type=at_least(1), default=48, help="evidences of the profile (default %(default)s)"
    )
    parser.add_argument("--batch", type=at_least(1), default=4, help="lanes of the compiled programs (default 4)")
    parser.add_argument("--output", type=folder_to_write, default=str(RESULTS), help="folder of the JSON files")
    parser.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    with log_dets(accurate=True, natural_neighbors=True):
        amount = Amount(arguments.events, arguments.active, arguments.steps, arguments.profile)
        for name in [] if arguments.page else arguments.lenses.split(","):
            measure_lens(name, arguments.meshes, amount, arguments.batch, arguments.output)
    if arguments.output == RESULTS:
        page.write(RESULTS, ROOT / "docs" / "searches")
    return 0


if __name__ == "__main__":
    command.run(main)
