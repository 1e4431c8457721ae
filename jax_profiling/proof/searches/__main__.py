"""What does the roughness of the log evidence cost a search? Three that climb and two that sample, per mesh.

    .venv/bin/python -m jax_profiling.proof.searches --lenses small --starts 20

`lbfgs` and `prodigy` are `af.LBFGS` and `af.MultiStartProdigy`; `bounded` is `af.LBFGS` inside the priors. `nautilus` is
`af.Nautilus`, and `nuts` is `af.BlackJAXNUTS`, which starts from the posterior of `nautilus`. Writes one JSON file per lens,
mesh and search to `results/searches/`, then `docs/searches/searches.md` from all files. A file keeps its finished starts, so an
interrupted run continues there. A file of other releases or options is not overwritten. `--page` only rewrites the page.
"""

import argparse
import json
import logging
import os
import time
import warnings
from functools import partial

import autofit as af
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import provenance
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.continuity.meshes import TRIANGLES
from jax_profiling.proof.kept import keep, kept
from jax_profiling.proof.searches import nuts, page, posterior
from jax_profiling.proof.searches.recorded import SEED, RecordedFitness, lbfgs, prodigy, starts_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write, words_of
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import finite_or_none

RESULTS = ROOT / "results" / "searches"

SAMPLERS = {"nautilus": posterior.SEARCH_ARGUMENTS, "nuts": nuts.ARGUMENTS}
"""Searches that sample -> their arguments."""

SEARCHES = ("lbfgs", "bounded", "prodigy", *SAMPLERS)


def follow_gradients(fitness, name, settings, count, lanes, path, say):
    """Run the starts of a gradient search that its file lacks; `af.MultiStartProdigy` runs them together."""
    found = {"starts": [], "device": provenance.device()} | kept(path, settings)
    starts = starts_of(fitness.model, count)
    runs = {
        "lbfgs": lbfgs,
        "bounded": partial(lbfgs, clipper=af.ClipperPriorBox()),
        "prodigy": partial(prodigy, lanes=lanes, say=say),
    }
    found.setdefault("truth", finite_or_none(fitness.slope_at(fitness.model.physical_values_from_prior_medians)[0]))
    while (done := len(found["starts"])) < count:
        group = starts[done : count if name == "prodigy" else done + 1]
        say(f"start {done + 1} of {count}" if len(group) == 1 else f"{len(group)} starts together")
        began = time.perf_counter()
        records = runs[name](fitness, group, settings["evaluations"])
        seconds = (time.perf_counter() - began) / len(group)
        found["starts"] += [
            _row_of(fitness, start, record, seconds) for start, record in zip(group, records, strict=True)
        ]
        keep(path, found, rows=["starts"])


def _row_of(fitness, start, record, seconds):
    """A start of a search as a dict, ready for JSON."""
    log_posterior, slope = fitness.slope_at(record.best)
    return {
        "start": list(map(float, start)),
        "best": list(map(float, record.best)),
        "log_posterior": finite_or_none(log_posterior),
        "log_prior": finite_or_none(fitness.log_prior_at(record.best)),
        "slope": finite_or_none(slope),
        "seconds": round(seconds, 1),
        "values": [finite_or_none(round(value, 3)) for value in record.values],
    }


def sample(lens, mesh, name, settings, path, folder):
    """Run a search that samples, unless its file is finished.

    Raises
    ------
    command.BadInput
        If `af.BlackJAXNUTS` has no posterior of `af.Nautilus` to start from.
    """
    found = {"device": provenance.device()} | kept(path, settings)
    if "mean" in found:
        return
    mesh_cls, arguments = TRIANGLES[mesh]
    model = posterior.model_of(lens, mesh_cls, **arguments)
    searches = posterior.emptied(folder)
    if name == "nautilus":
        found |= posterior.row_of(posterior.search(lens, model, mesh, searches))
    else:
        known = path.with_name(f"{lens.name}.{mesh}.nautilus.json")
        if not known.exists():
            raise command.BadInput(f"{known} is missing, from which `nuts` starts; add nautilus to --searches.")
        start = json.loads(known.read_text())
        found["releases_of_nautilus"] = start["releases"]
        found |= nuts.sample(lens, model, start["mean"], start["error"], mesh, searches)
    keep(path, found | {"free": list(posterior.FREE)})


def measure_lens(name, arguments):
    """Run every search on a lens with every mesh."""
    with progress_of(Console(), name) as say:
        lens = lens_folder.load(name, say=say)
        for mesh in arguments.meshes:
            gradients = [each for each in arguments.searches if each not in SAMPLERS]
            fitness = RecordedFitness(lens, mesh) if gradients else None
            for search in arguments.searches:
                settings = {
                    "lens": lens.name,
                    "mesh": mesh,
                    "search": search,
                    "releases": provenance.releases(),
                }
                path = arguments.output / f"{lens.name}.{mesh}.{search}.json"
                if search in SAMPLERS:
                    say(f"{mesh}: {search}")
                    settings |= {"arguments": SAMPLERS[search]}
                    sample(lens, mesh, search, settings, path, ROOT / "results" / "local" / search / lens.name / mesh)
                    continue
                settings |= {"seed": SEED, "evaluations": arguments.evaluations}
                follow_gradients(
                    fitness,
                    search,
                    settings,
                    arguments.starts,
                    arguments.lanes,
                    path,
                    lambda step, mesh=mesh, search=search: say(f"{mesh}: {search}, {step}"),
                )


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lenses", default="small", help="comma-separated names or folders (default %(default)s)")
    parser.add_argument(
        "--meshes",
        type=words_of(TRIANGLES),
        default="linear,sibson",
        help="comma-separated meshes (default %(default)s)",
    )
    parser.add_argument(
        "--searches", type=words_of(SEARCHES), default=",".join(SEARCHES), help="comma-separated searches (default all)"
    )
    parser.add_argument("--starts", type=at_least(1), default=20, help="starts of a gradient search (default 20)")
    parser.add_argument(
        "--evaluations", type=at_least(2), default=100, help="evaluations per start (default %(default)s)"
    )
    parser.add_argument("--lanes", type=at_least(1), default=4, help="lanes of MultiStartProdigy (default 4)")
    parser.add_argument("--output", type=folder_to_write, default=str(RESULTS), help="folder of the JSON files")
    parser.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    logging.getLogger("autofit").setLevel(logging.WARNING)
    # A search of few evaluations takes less time than its figures, its latent variables and the trace before it.
    for name, value in {"SKIP_VISUALIZATION": "1", "SKIP_LATENTS": "1", "JAX_PREFLIGHT": "0"}.items():
        os.environ.setdefault(f"PYAUTO_{name}", value)
    warnings.filterwarnings("ignore")
    with log_dets(accurate=True, natural_neighbors=True):
        for name in [] if arguments.page else arguments.lenses.split(","):
            measure_lens(name, arguments)
    if arguments.output == RESULTS:
        page.write(RESULTS, ROOT / "docs" / "searches")
    return 0


if __name__ == "__main__":
    command.run(main)
