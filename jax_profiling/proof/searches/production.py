"""A production posterior: the mass of a lens with every mesh, after the searches that pipelines chain before (`chained`).

    .venv/bin/python -m jax_profiling.proof.searches.production --lens LENS

`af.Nautilus` samples all parameters of mass profiles and the shear, with the number of live points of autolens's own pipelines.
Writes one JSON file per mesh to `results/searches/production/`, then `docs/searches/production.md` and its corner plot from all
files. An interrupted search continues, and a finished one is not run again. Other releases or arguments begin in a new folder
of `results/local/production`. `--page` only rewrites the page.
"""

import argparse
import hashlib
import json
import logging
import os
import warnings

import autolens as al
import numpy as np

from jax_profiling import ROOT
from jax_profiling.gate import provenance
from jax_profiling.gate.likelihood import Likelihood, model_with_mesh
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.continuity.meshes import TRIANGLES
from jax_profiling.proof.continuity.transects import mass_parameters
from jax_profiling.proof.kept import keep, kept
from jax_profiling.proof.searches import chained, posterior, production_page
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import folder_to_write, words_of

RESULTS = ROOT / "results" / "searches" / "production"

SEARCH_ARGUMENTS = {"n_live": 150, "n_batch": 4, "f_live": 0.5, "seed": 1}
"""Arguments of `af.Nautilus`, as in `chained.SEARCHES`. The exploration ends when the live points hold half of the evidence,
instead of a hundredth, to save evaluations. The number of effective samples stays PyAutoFit's."""

MESHES = {"delaunay": (al.mesh.Delaunay, {})} | TRIANGLES

SAMPLES = 500
"""Samples of equal weight that a JSON file keeps."""


def settings_of():
    """What all searches depend on (dict)."""
    return {"arguments": {**chained.SEARCHES, "mass": SEARCH_ARGUMENTS}, "releases": provenance.releases()}


def local_of(lens, settings):
    """The folder of a lens's searches. PyAutoFit resumes whatever it finds in its own."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:8]
    return ROOT / "results" / "local" / "production" / f"{lens.name}-{digest}"


def sample(lens, mesh, settings, searches, output):
    """Sample the posterior of a lens with a mesh, unless its JSON file is finished.

    Parameters
    ----------
    lens
        The lens that `chained.write` wrote, from `lens.load`.
    mesh
        A key of `MESHES`.
    settings
        What `settings_of` returns.
    searches
        The folder of PyAutoFit's output.
    output
        The folder of the JSON files.
    """
    path = output / f"{lens.name}.{mesh}.json"
    found = {"device": provenance.device()} | kept(path, {"lens": lens.name, "mesh": mesh, **settings})
    if "samples" in found:
        return
    mesh_cls, arguments = MESHES[mesh]
    model = model_with_mesh(lens.model, mesh_cls, **arguments)
    is_resumed = (searches / mesh).exists()
    each = posterior.search(lens, model, mesh, searches / mesh, **SEARCH_ARGUMENTS)
    chosen = np.random.default_rng(0).choice(len(each.samples), size=SAMPLES, p=each.weights)
    size = {"vertices": lens.vertices, "data_points": lens.data_points, "free": list(mass_parameters(model).values())}
    row = posterior.row_of(each) | {"samples": np.round(each.samples[chosen], 7).tolist()}
    if mesh == "linear":
        row["difference_from_delaunay"] = difference_from_delaunay(
            lens, np.array(row["samples"][: production_page.COMPARED])
        )
    if is_resumed:  # The time of earlier runs is unknown.
        row["seconds"] = None
    keep(path, found | size | row, rows=["samples"])


def difference_from_delaunay(lens, samples):
    """The largest difference of the log evidence with `KNNBarycentric` from the one with Delaunay at some samples (nats).

    If it is small, both have the same posterior: one is a sample of the other with equal weights.
    """
    pair = [
        Likelihood(lens, MESHES[mesh][0]).evidences(samples, batch=1).log_evidence for mesh in ("delaunay", "linear")
    ]
    return float(np.abs(np.subtract(*pair)).max())


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="small", help="name under dataset/imaging, or a folder (default small)")
    parser.add_argument(
        "--meshes",
        type=words_of(MESHES),
        default="linear,sibson",
        help="comma-separated meshes (default %(default)s)",
    )
    parser.add_argument("--output", type=folder_to_write, default=str(RESULTS), help="folder of the JSON files")
    parser.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    arguments = parser.parse_args(argv)
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    for name in ("SKIP_VISUALIZATION", "SKIP_LATENTS"):
        os.environ.setdefault(f"PYAUTO_{name}", "1")
    warnings.filterwarnings("ignore")
    with log_dets(accurate=True, natural_neighbors=True):
        if not arguments.page:
            lens = lens_folder.load(arguments.lens)
            settings = settings_of()
            local = local_of(lens, settings)
            chained.write(lens, local / lens.name, local / "pyautofit")
            lens = lens_folder.load(local / lens.name)
            for mesh in arguments.meshes:
                sample(lens, mesh, settings, local / "pyautofit", arguments.output)
    if arguments.output == RESULTS:
        production_page.write(RESULTS, ROOT / "docs" / "searches")
    return 0


if __name__ == "__main__":
    command.run(main)
