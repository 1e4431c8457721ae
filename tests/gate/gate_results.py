"""Results of the gate made from plain numbers, for tests of verdicts and reports."""

import numpy as np

from jax_profiling.gate import verdict
from jax_profiling.gate.likelihood import Evidence
from jax_profiling.gate.reference import Reference

UNSTABLE = [[-1000.0, -1000.0, -1000.0], [-1000.0, -998.0, -1001.0]]
"""Values of a reference: a stable median, and a draw with a noise of 3 nats."""


def reference_of(
    values, tied=False, dropped=False, counted=False, recounted=False, faults=None, qhull=np.nan, permuted=np.nan
):
    """A reference with (V, 1 + P) values, or with V values and no noise."""
    values = np.asarray(values, dtype=float)
    values = values if values.ndim == 2 else np.stack([values, values], axis=1)
    count = len(values)
    kinds = [np.broadcast_to(kind, count) for kind in (tied, dropped, counted, recounted)]
    qhull, permuted = np.full(count, qhull), np.full(count, permuted)
    faults = faults or (None,) * count
    parameters = list(np.zeros((*values.shape, 1)))
    return Reference(parameters, list(values), np.zeros(count), *kinds, qhull, permuted, faults)


def candidate_of(differences, reference=-1000.0, rung="delaunay", certified=True):
    """A mesh that differs by so many nats from a reference without noise."""
    references = np.full(len(differences), reference)
    return compared_with(reference_of(references), references + differences, certified=certified, rung=rung)


def compared_with(reference, log_evidence, perturbed=(), certified=True, rung="delaunay"):
    """A mesh with V log evidences and, for every unstable vector, a row of `perturbed`."""
    log_evidence = np.concatenate([log_evidence, *perturbed])
    evidence = Evidence(
        log_evidence,
        np.zeros_like(log_evidence),
        np.broadcast_to(certified, log_evidence.shape),
        (),
        np.zeros((len(log_evidence), 3)),
    )
    perturbations = len(perturbed[0]) if len(perturbed) else 0
    return verdict.candidate_from(rung, reference, evidence, perturbations)


class _Lens:
    name, vertices, data_points = "toy", 3, 7


def gate_of(*candidates, drift=None):
    """The result of a gate with these candidates, on a lens of three vertices."""
    return verdict.Gate(_Lens, candidates[0].reference, list(candidates), drift, mapper=None, sources={})
