"""Retest a mesh at the unstable vectors that fail it, with fresh perturbations.

At an unstable vector the mesh and the reference each give a few values from a wide range, and sometimes NaN. Of 92 unstable
vectors in the production matrix, one failed a right mesh by chance. A wrong mesh fails the retest too.
"""

from dataclasses import replace

import numpy as np

from jax_profiling.gate.live_reference import RETEST_PERTURBATIONS, with_more_perturbations


def retest(candidate, mesh, lens, perturbations, batch, use_jax, likelihood):
    """Evaluate the candidate at other perturbations where it `needs_retest`, and the reference at more of them.

    Parameters
    ----------
    candidate
        The `Candidate`.
    mesh
        The likelihood of its mesh.
    lens, perturbations, batch, use_jax, likelihood
        As in `verdict.compare`.

    Returns
    -------
    Candidate
        With new values at the retested vectors, and with the extended reference.
    """
    which = candidate.needs_retest
    reference = with_more_perturbations(lens, candidate.reference, which, batch, use_jax, likelihood)
    values = list(candidate.values)
    for vector in np.flatnonzero(which):
        fresh = reference.parameters[vector][-RETEST_PERTURBATIONS:][:perturbations]
        values[vector] = np.concatenate([values[vector][:1], mesh.evidences(fresh, batch).log_evidence])
    return replace(candidate, reference=reference, values=values)
