"""How the log determinants change a search: the table of `af.Nautilus` runs in `docs/evidence.md`.

    .venv/bin/python -m jax_profiling.proof.searches.coefficients --lens small

Searches the coefficients of AdaptSplit with autolens's default priors (1e-6 to 1e6) and the Einstein radius. Everything else is
fixed at its prior median. Runs with the shipped and with the accurate log determinants, from the same seed. The table shows the
share of draws with a log evidence of NaN, the number of evaluations, and the posterior.
"""

import argparse

import autofit as af
import autolens as al
import numpy as np

from jax_profiling import ROOT
from jax_profiling.gate import provenance, report
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.patches import log_dets
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.proof.searches import posterior
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.writing import atomic_writes
from knn_barycentric.mesh import KNNBarycentric

LANES = 20
"""Number of lanes of the batched likelihood."""


def likelihood_of(lens):
    """The `Likelihood` of the model to search."""
    likelihood = Likelihood(lens, KNNBarycentric)
    likelihood.model = posterior.model_of(lens, KNNBarycentric, free=("einstein_radius",))
    for _, galaxy in galaxies_with_pixelization(likelihood.model):
        galaxy.pixelization.regularization = af.Model(al.reg.AdaptSplit)
    return likelihood


def row_of(name, lens, draws, folder):
    """The column names and the row for one kind of log determinants: draws from the priors, then a search."""
    likelihood = likelihood_of(lens)
    at_draws = likelihood.evidences(likelihood.draws(draws), LANES).log_evidence
    found = posterior.search(lens, likelihood.model, name, folder)
    names = [path.rpartition(".")[2] for path in likelihood.model.model_component_and_parameter_names]
    is_log = np.array(["coefficient" in each for each in names])
    found = found._replace(samples=np.where(is_log, np.log10(np.where(is_log, found.samples, 1.0)), found.samples))
    columns = [f"log10 {each}" if log else each for each, log in zip(names, is_log)]
    return columns, (
        name,
        f"{100.0 * np.isnan(at_draws).mean():.1f} %",
        str(found.evaluations),
        f"{found.log_evidence:.3f}",
        *(f"{each:.4f} +- {by:.4f}" for each, by in zip(found.mean, found.error)),
        f"{found.effective_size:.0f}",
    )


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="small", help="name under dataset/imaging, or a folder (default small)")
    parser.add_argument(
        "--draws", type=at_least(1), default=1000, help="draws from the priors, for the share of NaN (default 1000)"
    )
    parser.add_argument(
        "--output",
        type=folder_to_write,
        default=str(ROOT / "results" / "local" / "coefficients"),
        help="folder of the results",
    )
    arguments = parser.parse_args(argv)
    lens = lens_folder.load(arguments.lens)
    searches = posterior.emptied(arguments.output)
    rows = []
    for name, accurate in (("shipped", False), ("accurate", True)):
        with log_dets(accurate):
            columns, row = row_of(name, lens, arguments.draws, searches)
        rows.append(row)
    heads = (
        "log determinant",
        f"NaN of {arguments.draws} draws",
        "evaluations",
        "log evidence",
        *columns,
        "effective samples",
    )
    lines = [
        f"{lens.name}: `af.Nautilus`, {posterior.SEARCH_ARGUMENTS}; {provenance.versions()}.",
        "",
        *report.markdown_table(heads, rows),
    ]
    with atomic_writes(arguments.output) as scratch:
        (scratch / "coefficients.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    command.run(main)
