"""Gradient searches near a caustic with Delaunay and with KNNBarycentric, from the same start.

    .venv/bin/python -m jax_profiling.proof.searches.gradients

Runs `af.MultiStartProdigy` and `af.LBFGS` on the lens `gradient_search`, and compares the gradients of the log evidence between
batch sizes. The table goes to `results/local/gradients/gradients.md`.
"""

import argparse
import time

import autofit as af
import autolens as al
import jax
import numpy as np
from autonerves import conf

from jax_profiling import ROOT
from jax_profiling.gate import provenance, report
from jax_profiling.gate.likelihood import Likelihood, analysis_of
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.searches import posterior
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.writing import atomic_writes
from knn_barycentric.mesh import KNNBarycentric

MESHES = {"Delaunay": al.mesh.Delaunay, "KNNBarycentric": KNNBarycentric}

START = {
    "mass.centre.centre_0": 0.0,
    "mass.centre.centre_1": 0.0,
    "mass.ell_comps.ell_comps_0": 0.2,
    "mass.ell_comps.ell_comps_1": 0.2625,
    "mass.einstein_radius": 1.4,
    "mass.slope": 2.1,
    "shear.gamma_1": 0.1,
    "shear.gamma_2": 0.05,
    "regularization.inner_coefficient": 1.0,
    "regularization.outer_coefficient": 1.0,
    "regularization.signal_scale": 1.0,
}
"""The true parameters. They are free, with Gaussian priors around the truth; all others are fixed at their prior medians."""

PRIOR_WIDTH = 0.01
"""Width of a prior divided by its mean (not divided if the mean is zero). Searches start about this far from the truth."""


def near_truth(lens, mesh_cls):
    """The `Likelihood` of a lens with the parameters of `START` free, with priors around the truth."""
    likelihood = Likelihood(lens, mesh_cls)
    medians = dict(zip(likelihood.model.priors_ordered_by_id, likelihood.prior_medians))
    priors = dict(medians)
    for path, prior in likelihood.model.path_priors_tuples:
        for name, value in START.items():
            if ".".join(path).endswith(name):
                priors[prior] = af.GaussianPrior(mean=value, sigma=PRIOR_WIDTH * (abs(value) or 1.0))
    likelihood.model = likelihood.model.mapper_from_partial_prior_arguments(priors)
    return likelihood


def start_of(likelihood, seed=0):
    """(D,) float64, a draw from the priors where the searches start."""
    return likelihood.draws(1, seed)[0]


def gradients_of(likelihood):
    """A function from (B, D) parameters to the (B, D) gradients of the log evidence, compiled once per B."""
    both = jax.value_and_grad(lambda vector: likelihood.evidence(vector).log_evidence)
    program = jax.jit(jax.vmap(both))
    return lambda parameters: np.asarray(program(parameters)[1])


def spread_of(likelihood):
    """How much the gradient at each of four starts differs between batches of one, two and four lanes.

    A relocated data point can lie on an edge. Both triangles then give the same value and different gradients, and rounding
    decides between them.

    Returns
    -------
    (4,) float64
        The difference divided by the largest component of the gradient.
    """
    starts = np.array([start_of(likelihood, seed=seed) for seed in range(4)])
    gradients = gradients_of(likelihood)
    together = gradients(starts)
    largest = np.abs(together).max(axis=1)
    apart = (np.concatenate([gradients(lanes) for lanes in np.split(starts, 4 // width)]) for width in (1, 2))
    return np.max([np.abs(each - together).max(axis=1) / largest for each in apart], axis=0)


def search_of(likelihood, search):
    """The highest log likelihood that a search finds, and its duration (s)."""
    began = time.perf_counter()
    result = search.fit(model=likelihood.model, analysis=analysis_of(likelihood.lens.factors[0], use_jax=True))
    return float(result.samples.max_log_likelihood_sample.log_likelihood), time.perf_counter() - began


def searches_of(likelihood, name, steps):
    """Name -> search. The starts are the same for both meshes."""
    point = dict(zip(likelihood.model.priors_ordered_by_id, start_of(likelihood)))
    start = af.InitializerParamStartPoints(point)
    return {
        # This search draws its own starts, which depend only on the seed.
        "af.MultiStartProdigy": af.MultiStartProdigy(
            name="prodigy", unique_tag=name, n_starts=4, n_steps=steps, seed=1
        ),
        "af.LBFGS": af.LBFGS(name="lbfgs", unique_tag=name, maxiter=steps, initializer=start),
    }


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="gradient_search", help="name or folder (default gradient_search)")
    parser.add_argument("--steps", type=at_least(1), default=30, help="steps of every search (default 30)")
    parser.add_argument(
        "--output",
        type=folder_to_write,
        default=str(ROOT / "results" / "local" / "gradients"),
        help="folder of the results",
    )
    arguments = parser.parse_args(argv)
    lens = lens_folder.load(arguments.lens)
    conf.instance.output_path = str(posterior.emptied(arguments.output))
    rows = []
    for name, mesh_cls in MESHES.items():
        likelihood = near_truth(lens, mesh_cls)
        value = float(likelihood.jitted(start_of(likelihood)).log_evidence)
        rows.append((name, "start", f"{value:.6f}", ""))
        spread = ", ".join(f"{each:.0e}" for each in spread_of(likelihood))
        rows.append((name, "gradients in batches of 1, 2, 4", f"{spread} apart", ""))
        for title, search in searches_of(likelihood, name, arguments.steps).items():
            best, seconds = search_of(likelihood, search)
            rows.append((name, title, f"{best:.6f}", f"{seconds:.0f}"))
    lines = [
        f"{lens.name}, {arguments.steps} steps; {provenance.versions()}.",
        "",
        *report.markdown_table(("mesh", "search", "log evidence", "seconds"), rows),
    ]
    with atomic_writes(arguments.output) as scratch:
        (scratch / "gradients.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    command.run(main)
