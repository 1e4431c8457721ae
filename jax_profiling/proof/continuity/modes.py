"""Is the log evidence the same in every mode? Eager, `jit`, `vmap` of many lane counts, and any order of lanes.

    .venv/bin/python -m jax_profiling.proof.continuity.modes --lenses small

Writes one JSON file per lens to `results/continuity/modes/`. Log evidences have the accurate log determinants.
"""

import argparse
import logging
import warnings

import jax.numpy as jnp
import numpy as np
from rich.console import Console
from scipy.stats import norm

from jax_profiling import ROOT
from jax_profiling.gate import provenance
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.continuity.meshes import MESHES, likelihood_of
from jax_profiling.proof.continuity.transects import SEED
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import folder_to_write, words_of
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes, write_json

RESULTS = ROOT / "results" / "continuity" / "modes"

LANES = (1, 2, 3, 16, 20, 50, 64)
"""Lane counts of the batched programs."""

VECTORS, SPREAD = 4, 0.1
"""Number of parameter vectors, and their distance from the prior median per parameter, in sigmas of the prior's quantiles."""


def vectors_of(likelihood):
    """(VECTORS, D) float64, parameter vectors near the prior median. They stay inside every prior."""
    shifts = np.random.default_rng(SEED).normal(size=(VECTORS, likelihood.model.prior_count))
    quantiles = norm.cdf(SPREAD * shifts)
    return np.array([likelihood.model.vector_from_unit_vector(each) for each in quantiles], dtype=float)


def mode_differences_of(likelihood, say=lambda message: None):
    """The largest relative difference of the log evidence from `jit` in every mode (dict).

    A batch repeats the vectors until every lane has one. It runs in this order and in a random order.
    """
    vectors = vectors_of(likelihood)
    say("jit")
    reference = likelihood.evidences(vectors, batch=1).log_evidence
    say("eager")
    found = {"eager": _worst(float(likelihood.evidence(vectors[0]).log_evidence), reference[0])}
    for count in LANES:
        say(f"vmap of {count}")
        rows = np.arange(-(-VECTORS // count) * count) % VECTORS
        orders = rows, np.random.default_rng(SEED).permutation(rows)
        batches = [batch for order in orders for batch in order.reshape(-1, count)]
        values = [likelihood.batched(jnp.asarray(vectors[batch])).log_evidence for batch in batches]
        found[f"vmap of {count}"] = _worst(np.concatenate(values), reference[np.concatenate(batches)])
    return found


def _worst(values, reference):
    """The largest relative difference.

    Raises
    ------
    command.BadInput
        If a log evidence is not finite.
    """
    if not (np.isfinite(values).all() and np.isfinite(reference).all()):
        raise command.BadInput("a log evidence near the prior median is NaN; give another lens.")
    return float(np.max(np.abs(values - reference) / np.abs(reference)))


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lenses", default="small", help="comma-separated names or folders (default %(default)s)")
    parser.add_argument(
        "--meshes", type=words_of(MESHES), default="linear,sibson", help="comma-separated meshes (default %(default)s)"
    )
    parser.add_argument("--output", type=folder_to_write, default=str(RESULTS), help="folder of the JSON files")
    arguments = parser.parse_args(argv)
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    with log_dets(accurate=True, natural_neighbors=True):
        for name in arguments.lenses.split(","):
            with progress_of(Console(), name) as say:
                lens = lens_folder.load(name, say=say)
                found = {
                    mesh: mode_differences_of(
                        likelihood_of(lens, mesh), say=lambda mode, mesh=mesh: say(f"{mesh}, {mode}")
                    )
                    for mesh in arguments.meshes
                }
            summary = {
                "lens": lens.name,
                "releases": provenance.releases(),
                "device": provenance.device(),
                "seed": SEED,
            }
            with atomic_writes(arguments.output) as scratch:
                write_json(summary | {"differences": found}, scratch / f"{lens.name}.json")
    return 0


if __name__ == "__main__":
    command.run(main)
