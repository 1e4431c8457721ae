"""Evaluate the `Reference` of a lens in this process: Delaunay, its noise, and the exact triangulation where Qhull is wrong."""

from dataclasses import replace

import jax
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay import Delaunay

from delaunax import oracle
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.meshes.exact_delaunay import ExactDelaunay
from jax_profiling.gate.meshes.permuted_delaunay import permuted_vertices
from jax_profiling.gate.reference import Reference
from jax_profiling.gate.second_look.counted import is_counted_at

PERTURBATIONS = 4
"""Number of perturbations of every parameter vector."""

EXTRA_PERTURBATIONS = 8
"""Number of further perturbations of an unstable vector: the range of a few values says little about the next one."""

MAX_ROUNDS = 4
"""How often further perturbations are added at most, while fewer than `EXTRA_PERTURBATIONS` values are finite."""

RETEST_PERTURBATIONS = 24
"""Number of further perturbations of a vector that is retested."""


def perturbed(parameters, number=PERTURBATIONS, seed=0):
    """Change every parameter by one unit in the last place, up or down at random.

    Parameters
    ----------
    parameters
        (V, D) float64.
    number
        Number of perturbations.
    seed
        Seed of the directions.

    Returns
    -------
    (V, 1 + number, D) float64
        Each vector followed by its perturbations.
    """
    down = np.random.default_rng(seed).random((len(parameters), number, parameters.shape[1])) < 0.5
    moved = np.nextafter(parameters[:, None], np.where(down, -np.inf, np.inf))
    return np.concatenate([parameters[:, None], moved], axis=1)


def with_zeros_perturbed(parameters):
    """Perturbed parameters in which perturbed zeros are as large as the last bit of 1.

    Zeros are the centres, ellipticities and shears of a symmetric lens. Their own last bits (5e-324) are lost in the first
    addition, so the lens would stay symmetric. Works on an array of any shape.
    """
    return np.where(np.abs(parameters) < np.finfo(float).tiny, np.sign(parameters) * np.finfo(float).epsneg, parameters)


def reference_of(
    lens,
    parameters,
    batch,
    perturbations=PERTURBATIONS,
    progress=lambda message: None,
    use_jax=None,
    likelihood=Likelihood,
):
    """The `Reference` at (V, D) parameter vectors, and the (N,) flux at the vertices of the first one.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    parameters
        (V, D) float64.
    batch
        Number of lanes of the compiled program (`Likelihood.evidences`).
    perturbations
        Number of perturbations of each vector.
    progress
        Called with one line of text whenever a likelihood begins.
    use_jax
        Whether the reference runs under JAX; by default as the lens says.
    likelihood
        `Likelihood`, or a subclass that compiles differently.
    """
    parameters = list(perturbed(parameters, perturbations))
    progress("Delaunay")
    delaunay = likelihood(lens, Delaunay, use_jax)
    found = _at_each(delaunay, parameters, batch)
    values = [each.log_evidence for each in found]
    penalties = np.array([each.penalty[0] for each in found], dtype=float)
    tied, dropped = np.array([_tied_or_dropped(_meshes_of(each)) for each in found], bool).T
    counted = np.array([is_counted_at(delaunay, rows[0]) for rows in parameters])
    qhull, permuted = np.full((2, len(values)), np.nan)
    faults = np.full(len(values), None)
    exact = likelihood(lens, ExactDelaunay)
    if (inexact := np.flatnonzero(tied | dropped)).size:
        progress("Delaunay, vertices permuted")
        unperturbed = np.array([parameters[vector][0] for vector in inexact])
        with permuted_vertices():
            permuted[inexact] = delaunay.evidences(unperturbed, batch).log_evidence
        progress("Delaunay on the exact triangulation")
        for vector in inexact:
            parameters[vector], qhull[vector] = with_zeros_perturbed(parameters[vector]), values[vector][0]
        evidences = _at_each(exact, [parameters[vector] for vector in inexact], batch)
        for vector, evidence in zip(inexact, evidences, strict=True):
            values[vector] = evidence.log_evidence
            meshes = _meshes_of(evidence)
            faults[vector] = next(filter(None, (oracle.fault_of(*mesh) for mesh in meshes)), None)
            tied[vector] |= faults[vector] is None and any(oracle.ties_of(*mesh) > 0 for mesh in meshes)
    kinds = tied, dropped, counted, np.zeros_like(counted)
    reference = Reference(parameters, values, penalties, *kinds, qhull, permuted, tuple(faults))
    for round_ in range(1, MAX_ROUNDS + 1 if perturbations else 1):
        finite = np.array([np.isfinite(row).sum() for row in values])
        too_few = (finite > 0) & (finite < EXTRA_PERTURBATIONS)
        which = reference.unstable if round_ == 1 else reference.unstable & too_few
        if which.any():
            progress("Delaunay, more perturbations")
        _perturb_more(reference, which, EXTRA_PERTURBATIONS, round_, (delaunay, exact), batch)
    return reference, found[0].values[0]


def with_more_perturbations(lens, reference, which, batch, use_jax=None, likelihood=Likelihood):
    """A copy of a reference with `RETEST_PERTURBATIONS` more perturbations at some vectors.

    Parameters
    ----------
    lens, batch, use_jax, likelihood
        As in `reference_of`.
    reference
        The `Reference`.
    which
        (V,) bool, the vectors.
    """
    reference = replace(reference, parameters=list(reference.parameters), values=list(reference.values))
    likelihoods = likelihood(lens, Delaunay, use_jax), likelihood(lens, ExactDelaunay)
    _perturb_more(reference, which, RETEST_PERTURBATIONS, MAX_ROUNDS + 1, likelihoods, batch)
    return reference


def _perturb_more(reference, which, number, seed, likelihoods, batch):
    """Append perturbations, and the values there, to each vector of the (V,) bool `which`; changes the reference's lists.

    `likelihoods` are those on Qhull's and on the exact triangulation.
    """
    for likelihood, is_exact in zip(likelihoods, (False, True), strict=True):
        vectors = np.flatnonzero(which & (reference.uses_exact_triangulation == is_exact))
        if not vectors.size:
            continue
        unperturbed = np.array([reference.parameters[vector][0] for vector in vectors])
        added = perturbed(unperturbed, number, seed)[:, 1:]
        added = with_zeros_perturbed(added) if is_exact else added
        for vector, rows, evidence in zip(vectors, added, _at_each(likelihood, list(added), batch), strict=True):
            reference.parameters[vector] = np.concatenate([reference.parameters[vector], rows])
            reference.values[vector] = np.concatenate([reference.values[vector], evidence.log_evidence])


def _at_each(likelihood, parameters, batch):
    """The `Evidence` of each of V (M, D) arrays of parameters."""
    found = likelihood.evidences(np.concatenate(parameters), batch)
    ends = np.cumsum([len(rows) for rows in parameters])
    return [jax.tree.map(lambda table: table[end - len(rows) : end], found) for rows, end in zip(parameters, ends)]


def _meshes_of(evidence):
    """The (points, simplices) of every pixelization at the first of several parameter vectors."""
    return [[table[0] for table in mesh] for mesh in evidence.meshes]


def _tied_or_dropped(meshes):
    """(tied, dropped) of the (points, simplices) of one vector, by the rational oracle."""
    tied = dropped = False
    for points, simplices in meshes:
        if not np.isfinite(points).all():
            continue
        distinct = oracle.integer_points(points)
        if {distinct[vertex] for vertex in np.unique(simplices[simplices >= 0])} != set(distinct):
            dropped = True
        elif oracle.fault_of(points, simplices) is not None or oracle.ties_of(points, simplices) > 0:
            tied = True
    return tied, dropped
