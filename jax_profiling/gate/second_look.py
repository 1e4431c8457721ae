"""What speaks against a mesh at unstable vectors is looked at once more, at moves that it and the reference have not seen.

There both give a few values from a wide range, and NaN by chance: the production matrix has 92 such vectors, and at one of them
chance alone failed a right mesh. What is wrong with a mesh shows again, and what was chance does not.
"""

from dataclasses import replace

import numpy as np

from jax_profiling.gate.reference import AGAIN, moved_again


def second_look(candidate, mesh, lens, moves, batch, use_jax, likelihood):
    """The candidate at other moves of the vectors where it is `Candidate.doubted`, which its reference has beside its own.

    Parameters
    ----------
    candidate
        The `verdict.Candidate`.
    mesh
        Its likelihood.
    lens, moves, batch, use_jax, likelihood
        As `verdict.compare` has them.
    """
    reference = moved_again(lens, candidate.reference, candidate.doubted, batch, use_jax, likelihood)
    values = list(candidate.values)
    for vector in np.flatnonzero(candidate.doubted):
        moved = mesh.evidences(reference.parameters[vector][-AGAIN:][:moves], batch).log_evidence
        values[vector] = np.concatenate([values[vector][:1], moved])
    return replace(candidate, reference=reference, values=values)
