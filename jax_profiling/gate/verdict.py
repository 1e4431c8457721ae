"""The science gate: evaluate the reference and the candidates on one lens, and judge them."""

from dataclasses import dataclass, field, replace

import autolens as al
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay import Delaunay

from jax_profiling.gate.candidate import Candidate
from jax_profiling.gate.drift import Drift, drift_of
from jax_profiling.gate.ladder import DEFAULT_RUNG, PEERS, RUNGS
from jax_profiling.gate.likelihood import BATCH, Likelihood
from jax_profiling.gate.live_reference import PERTURBATIONS, reference_of
from jax_profiling.gate.patches import zero_tiny_weights
from jax_profiling.gate.reference import Reference
from jax_profiling.gate.second_look.recount import recounted
from jax_profiling.gate.second_look.retest import retest
from jax_profiling.lenses.lens import Lens


@dataclass(frozen=True)
class Gate:
    """The result of the gate on one lens.

    Attributes
    ----------
    lens
        The lens.
    reference
        The live `Reference`.
    candidates
        One `Candidate` per mesh, in the order of `RUNGS` and `PEERS`.
    drift
        A `Drift` if the reference differs from its pin, else None.
    mapper
        The reference's mapper at the prior median.
    sources
        "Delaunay" and every rung -> (N,) reconstructed flux at the prior median.
    """

    lens: Lens
    reference: Reference
    candidates: list
    drift: Drift | None
    mapper: al.Mapper = field(repr=False)
    sources: dict = field(repr=False)

    @property
    def log_evidence(self):
        """The reference's log evidence at the prior median (nats)."""
        return self.reference.log_evidence

    @property
    def default(self):
        """The `Candidate` of the default rung, or None."""
        return next((candidate for candidate in self.candidates if candidate.rung == DEFAULT_RUNG), None)

    @property
    def passed(self):
        """Whether the default rung passes (`Candidate.passed`)."""
        return self.default is not None and self.default.passed


def run(
    lens,
    rungs=None,
    draws=0,
    perturbations=PERTURBATIONS,
    progress=lambda message: None,
    batch=BATCH,
    reference_on_numpy=False,
    judged=lambda candidate: None,
):
    """Compare meshes with Delaunay on one lens.

    Reference and candidates run in the same process and in the same mode: the prior median alone is jitted, the median with
    draws is one batched program. If the lens is fitted on NumPy, both run on NumPy.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    rungs
        Keys of `RUNGS` and `PEERS`; all of them by default. The default rung is always added.
    draws
        Number of parameter vectors drawn from the priors (seed 0).
    perturbations
        Number of perturbations of each vector (`live_reference`).
    progress
        Called with one line of text whenever a likelihood begins.
    batch
        Number of lanes of the batched program.
    reference_on_numpy
        Evaluate Delaunay on NumPy, for fits in which Delaunay cannot run under JAX.
    judged
        Called with the `Candidate` of every mesh as soon as it is judged; the default rung comes first.

    Returns
    -------
    Gate
    """
    delaunay = Likelihood(lens, Delaunay)
    reference, candidates, sources = compare(
        lens,
        delaunay.median_and_draws(draws),
        [rung for rung in (*RUNGS, *PEERS) if rungs is None or rung in rungs or rung == DEFAULT_RUNG],
        perturbations,
        progress,
        batch if draws else 1,
        use_jax=lens.use_jax and not reference_on_numpy,
        judged=judged,
    )
    return Gate(
        lens=lens,
        reference=reference,
        candidates=candidates,
        drift=drift_of(lens.expected, reference.qhull_log_evidence),
        mapper=delaunay.mapper(delaunay.prior_medians),
        sources=sources,
    )


def compare(
    lens,
    parameters,
    rungs,
    perturbations,
    progress,
    batch,
    use_jax=None,
    likelihood=Likelihood,
    judged=lambda candidate: None,
):
    """Compare meshes with Delaunay at any parameter vectors of a lens.

    Parameters
    ----------
    lens, perturbations, progress, batch, judged
        As in `run`.
    parameters
        (V, D) float64.
    rungs
        Keys of `RUNGS` and `PEERS`.
    use_jax
        Whether the reference runs under JAX; by default as the lens says.
    likelihood
        `Likelihood`, or a subclass that compiles differently.

    Returns
    -------
    reference
        The `Reference`.
    candidates
        One `Candidate` per rung, in the order of `rungs`.
    sources
        "Delaunay" and every rung -> (N,) flux at the vertices of the first parameter vector.
    """
    settings = {"lens": lens, "batch": batch, "perturbations": perturbations}
    settings |= {"progress": progress, "use_jax": use_jax, "likelihood": likelihood}
    candidates, sources, reference_again = [], {}, None
    reference, sources["Delaunay"] = reference_of(parameters=parameters, **settings)
    # The default rung first: its verdict is the one that people wait for.
    for rung in sorted(rungs, key=lambda rung: rung != DEFAULT_RUNG):
        candidate, sources[rung] = candidate_of(rung, reference, **settings)
        if rung == DEFAULT_RUNG and (which := candidate.needs_recount).any():
            progress("recount with tiny weights as zero")
            with zero_tiny_weights():
                reference_again, _ = reference_of(parameters=parameters[which], **settings)
        if reference_again is not None:
            with zero_tiny_weights():
                again, _ = candidate_of(rung, reference_again, **settings)
            candidate = recounted(candidate, again, which)
        candidates.append(candidate)
        judged(candidate)
    # If the default rung was judged again, every mesh is judged by the same reference.
    reference = next((each.reference for each in candidates if each.rung == DEFAULT_RUNG), reference)
    candidates.sort(key=lambda candidate: rungs.index(candidate.rung))
    return reference, [replace(each, reference=reference) for each in candidates], sources


def candidate_of(rung, reference, lens, batch, perturbations, progress, use_jax, likelihood):
    """The `Candidate` of a rung at the vectors of a reference, and the (N,) flux at the vertices of the first one.

    Parameters
    ----------
    rung
        A key of `RUNGS` or `PEERS`.
    reference
        The `Reference`.
    lens, batch, perturbations, progress, use_jax, likelihood
        As in `compare`.
    """
    progress(rung)
    mesh_cls, arguments = {**RUNGS, **PEERS}[rung]
    mesh = likelihood(lens, mesh_cls, **arguments)
    vectors = [rows[:1] for rows in reference.parameters]
    # A mesh gets fewer perturbations than the reference: with as many, a right mesh would leave the range more often.
    unstable = [reference.parameters[vector][1 : 1 + perturbations] for vector in np.flatnonzero(reference.unstable)]
    evidence = mesh.evidences(np.concatenate([*vectors, *unstable]), batch)
    candidate = candidate_from(rung, reference, evidence, perturbations)
    if rung == DEFAULT_RUNG and perturbations and candidate.needs_retest.any():
        progress("retest with fresh perturbations")
        candidate = retest(candidate, mesh, lens, perturbations, batch, use_jax, likelihood)
    return candidate, evidence.values[0]


def candidate_from(rung, reference, evidence, perturbations):
    """The `Candidate` from one `Evidence` that holds the V vectors, then the perturbations of every unstable vector."""
    count = len(reference.values)
    at_vectors, at_perturbations = np.split(evidence.log_evidence, [count])
    values = list(at_vectors[:, None])
    for vector in np.flatnonzero(reference.unstable):
        own, at_perturbations = np.split(at_perturbations, [perturbations])
        values[vector] = np.concatenate([values[vector], own])
    return Candidate(rung, reference, values, bool(evidence.certified[:count][~reference.undefined].all()))
