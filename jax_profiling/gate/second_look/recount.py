"""Judge a mesh again at the counted vectors that fail it, after all meshes count the same data points.

At a counted vector rounding decides which weights are zero, and adaptive regularization counts the others (`counted`). So two
right meshes may differ by nats. With tiny weights taken for zero, all meshes count alike, and a wrong mesh still fails.
"""

from dataclasses import replace

import numpy as np


def with_recounted(reference, again, which):
    """A copy of a reference with other values at some vectors.

    Parameters
    ----------
    reference
        The `Reference`.
    again
        The `Reference` at the chosen vectors only, with tiny weights taken for zero.
    which
        (V,) bool, the chosen vectors.
    """
    shipped = np.array([row[0] for row in reference.values])
    return replace(
        reference,
        parameters=_replaced(reference.parameters, again.parameters, which),
        values=_replaced(reference.values, again.values, which),
        qhull=np.where(which & reference.is_shipped, shipped, reference.qhull),
        recounted=reference.recounted | which,
        faults=tuple(_replaced(reference.faults, again.faults, which)),
    )


def recounted(candidate, again, which):
    """A copy of a candidate with other values and another reference at some vectors.

    Parameters
    ----------
    candidate
        The `Candidate`.
    again
        The `Candidate` of the same mesh at the chosen vectors only, with tiny weights taken for zero.
    which
        (V,) bool, the chosen vectors.
    """
    return replace(
        candidate,
        reference=with_recounted(candidate.reference, again.reference, which),
        values=_replaced(candidate.values, again.values, which),
        certified=candidate.certified and again.certified,
    )


def _replaced(rows, others, which):
    rows = list(rows)
    for vector, other in zip(np.flatnonzero(which), others, strict=True):
        rows[vector] = other
    return rows
