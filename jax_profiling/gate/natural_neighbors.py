"""`NaturalNeighbor` judged on a lens, as the default mesh is: against autoarray's code with right weights.

    .venv/bin/python -m jax_profiling.gate.natural_neighbors --lens small --draws 2

The reference (`meshes.oracle_natural_neighbors`) runs on JAX without `jit`, with the same solver as the mesh. At unstable
vectors the mesh runs without `jit` too: deflections of a round lens differ by 1e-8 arcsec between the two, which is more than
the perturbations of the reference cover. There the compiled value only counts if it is NaN. The exit status is 1 unless the
verdict is at least "opt-in".
"""

import argparse

import numpy as np

from jax_profiling.gate.candidate import Candidate
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.live_reference import PERTURBATIONS, perturbed, with_zeros_perturbed
from jax_profiling.gate.meshes.oracle_natural_neighbors import OracleNaturalNeighbor
from jax_profiling.gate.patches import patched
from jax_profiling.gate.reference import Reference
from jax_profiling.gate.uncompiled import UncompiledLikelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least
from knn_barycentric import NaturalNeighbor

ROW = "natural neighbours"
"""The name of the mesh in tables."""


def candidate_of(lens, draws=0, perturbations=PERTURBATIONS, batch=1):
    """The `Candidate` of `NaturalNeighbor` at the prior median and at draws of a lens.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    draws
        Number of parameter vectors drawn from the priors.
    perturbations
        Number of perturbations of each vector.
    batch
        Number of lanes of the compiled program.
    """
    with patched(natural_neighbors=True):
        ours, uncompiled = (each(lens, NaturalNeighbor) for each in (Likelihood, UncompiledLikelihood))
        reference = _reference_of(lens, ours.median_and_draws(draws), perturbations)
        found = ours.evidences(np.stack([rows[0] for rows in reference.parameters]), batch)
        values = list(found.log_evidence[:, None])
        for vector in np.flatnonzero(reference.unstable):
            values[vector] = uncompiled.evidences(reference.parameters[vector][: 1 + perturbations]).log_evidence
            if np.isnan(found.log_evidence[vector]):
                # Fewer values could not fail: those without `jit` are finite.
                count = len(values[vector]) if np.isfinite(reference.values[vector][0]) else 1
                values[vector][:count] = np.nan
        return Candidate(ROW, reference, values, bool(found.certified[~reference.undefined].all()))


def _reference_of(lens, vectors, perturbations):
    """The `Reference` at (V, D) vectors. At unstable ones the mesh moves too: parameters move all vertices of a tie alike."""
    parameters = list(with_zeros_perturbed(perturbed(vectors, perturbations)))
    found = [UncompiledLikelihood(lens, OracleNaturalNeighbor).evidences(rows) for rows in parameters]
    values, penalties = [each.log_evidence for each in found], np.array([each.penalty[0] for each in found])
    no, nan = np.zeros(len(vectors), bool), np.full(len(vectors), np.nan)
    reference = Reference(parameters, values, penalties, no, no, no, no, nan, nan, (None,) * len(vectors))
    for vector in np.flatnonzero(reference.unstable):
        for seed, row in enumerate(np.repeat(parameters[vector][1:], 2, axis=0), start=1):
            more = UncompiledLikelihood(lens, OracleNaturalNeighbor, seed=seed).evidences(row[None]).log_evidence
            reference.parameters[vector] = np.concatenate([reference.parameters[vector], row[None]])
            reference.values[vector] = np.concatenate([reference.values[vector], more])
    return reference


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", action="append", help="name under dataset, or a folder (default small)")
    parser.add_argument("--draws", type=at_least(0), default=0, help="draws from the priors of each lens")
    parser.add_argument("--perturbations", type=at_least(0), default=PERTURBATIONS, help="perturbations of each vector")
    arguments = parser.parse_args(argv)
    passed = True
    for name in arguments.lens or ["small"]:
        candidate = candidate_of(lens_folder.load(name), arguments.draws, arguments.perturbations)
        passed &= candidate.passed
        print(
            f"{name}: {ROW} {candidate.log_evidence:.6f}, reference {candidate.reference.log_evidence:.6f}, "
            f"worst relative error {candidate.worst_relative_error:.1e}, "
            f"{candidate.reference.unstable.sum()} unstable vectors: {candidate.verdict}",
            flush=True,
        )
    return 0 if passed else 1


if __name__ == "__main__":
    command.run(main)
