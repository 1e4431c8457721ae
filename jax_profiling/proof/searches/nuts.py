"""`af.BlackJAXNUTS`, which follows gradients, from the posterior that `af.Nautilus` found without them."""

import autofit as af
import numpy as np

from jax_profiling.proof.searches.posterior import fit_of
from jax_profiling.terminal.writing import finite_or_none

ARGUMENTS = {"num_warmup": 60, "num_samples": 60, "num_chains": 1, "seed": 1, "max_num_doublings": 5}

SPREAD = 0.5
"""A chain starts at most this many standard deviations from the mean."""


def sample(lens, model, mean, error, name, folder, arguments=ARGUMENTS):
    """Sample the posterior of a model of a lens, starting from an estimate of it.

    Parameters
    ----------
    lens, model, name, folder
        As in `posterior.fit_of`.
    mean, error
        (D,) the estimated mean and standard deviations. They set the starts and the first mass matrix.
    arguments
        Arguments of `af.BlackJAXNUTS`.

    Returns
    -------
    dict
        Ready for JSON: "mean", "error" (lists), "effective_samples" (the smallest of all parameters), "rhat" (the largest),
        "divergent" and "acceptance" (of trajectories), "tree_depths" (depth -> number of samples), "evaluations_used" (of the
        samples, without the warm-up), "seconds".
    """
    mean, error = np.asarray(mean), np.asarray(error)
    near = zip(mean - SPREAD * error, mean + SPREAD * error, strict=True)
    result, seconds, _ = fit_of(
        af.BlackJAXNUTS,
        lens,
        model,
        name,
        folder,
        initializer=af.InitializerParamBounds(dict(zip(model.priors_ordered_by_id, near, strict=True))),
        inverse_mass_matrix=np.square(error),
        **arguments,
    )
    samples = result.samples
    positions, info = np.asarray(samples.parameter_lists), samples.samples_info
    return {
        "mean": positions.mean(axis=0).tolist(),
        "error": positions.std(axis=0).tolist(),
        "effective_samples": finite_or_none(info["ess_min"]),
        "rhat": finite_or_none(info["rhat_max"]),
        "divergent": info["n_divergent"],
        "acceptance": finite_or_none(info["mean_acceptance"]),
        "tree_depths": {str(depth): count for depth, count in info["tree_depth_histogram"].items()},
        "evaluations_used": info["n_logl_evals"],
        "seconds": round(seconds, 1),
    }
