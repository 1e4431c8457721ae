"""The science gate: a live reference, candidates and draws -> verdicts."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import autolens as al
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autoarray.inversion.mesh.mesh.knn import KNearestNeighbor
from autoarray.inversion.mesh.mesh.knn import KNNBarycentric as ShippedKNNBarycentric

from jax_profiling.gate.drift import Drift, drift_of
from jax_profiling.gate.likelihood import BATCH, Likelihood
from jax_profiling.gate.mended_peers import MendedKNearestNeighbor, MendedKNNBarycentric
from jax_profiling.gate.reference import MOVES, STABLE, Reference, reference_of, undefined_more_often
from jax_profiling.gate.second_look import second_look
from jax_profiling.lenses.lens import Lens
from knn_barycentric.mesh import KNNBarycentric

DEFAULT_RUNG = "delaunay"

RUNGS = {
    "clip": (KNNBarycentric, {"triangle": "clip"}),
    "wendland": (KNNBarycentric, {"triangle": "wendland"}),
    **{f"enclosing-{k}": (KNNBarycentric, {"triangle": "enclosing", "k_neighbors": k}) for k in (4, 5, 6, 10)},
    "delaunay": (KNNBarycentric, {}),
}
"""This project's ways to choose a triangle: name -> mesh class and arguments."""

_SHIPPED_ARGUMENTS = {"k_neighbors": 10, "radius_scale": 1.5, "split_neighbor_division": 2}

PEERS = {
    "autoarray KNNBarycentric": (ShippedKNNBarycentric, _SHIPPED_ARGUMENTS),
    "autoarray KNNBarycentric mended": (MendedKNNBarycentric, _SHIPPED_ARGUMENTS),
    "autoarray KNearestNeighbor": (KNearestNeighbor, _SHIPPED_ARGUMENTS),
    "autoarray KNearestNeighbor mended": (MendedKNearestNeighbor, _SHIPPED_ARGUMENTS),
    "autoarray DelaunayNN": (DelaunayNN, {}),
}
"""autoarray's own meshes, for comparison, with the arguments that are their defaults; two also as they were meant."""

VERDICTS = {"drop-in": 1.0e-4, "opt-in": 1.0e-3, "marginal": 1.0e-2, "abandon": np.inf}
"""Verdict -> the largest relative error of the log evidence that still earns it."""

DROP_IN_NATS = 1.0e-6
"""What this project asks of its default rung at a stable prior median, beside nothing unexplained anywhere (nats)."""


@dataclass(frozen=True)
class Candidate:
    """How far a mesh is from the reference on one lens, at V parameter vectors: the prior median and then every draw.

    A vector where the reference is undefined judges nothing, save whether the mesh is undefined as often.

    Attributes
    ----------
    rung
        A key of `RUNGS` or `PEERS`.
    reference
        The `Reference` that it is compared with.
    values
        V float64 arrays: its log evidence (nats) at each vector and, where the reference is unstable, at the same moved by its
        last bits.
    certified
        Whether every triangulation was certified.
    """

    rung: str
    reference: Reference
    values: list
    certified: bool

    @property
    def log_evidence(self):
        """Its log evidence at the prior median; NaN where the likelihood is."""
        return float(self.values[0][0])

    @property
    def nats(self):
        """Its log evidence minus the reference's at the prior median."""
        return self.log_evidence - self.reference.log_evidence

    @cached_property
    def errors(self):
        """(V,) float64, how far it is from the reference (`Reference.excess`, nats)."""
        return np.array([self.reference.excess(vector, values) for vector, values in enumerate(self.values)])

    @property
    def relative_errors(self):
        """(V,) float64, `errors` over the size of the reference's log evidence; 0 where that is undefined."""
        return np.where(self.reference.undefined, 0.0, self.errors / self.reference.sizes)

    @property
    def relative_error(self):
        """The relative error at the prior median."""
        return float(self.relative_errors[0])

    @property
    def draws(self):
        """How many draws judge the mesh."""
        return int((~self.reference.undefined[1:]).sum())

    @property
    def worst_nats(self):
        """The largest error of all."""
        return float(self.errors.max())

    @property
    def worst_relative_error(self):
        """The largest relative error of all."""
        return float(self.relative_errors.max())

    @property
    def unexplained(self):
        """(V,) bool, where the reference's noise does not explain the error."""
        return self.errors > np.where(self.reference.stable, STABLE * self.reference.sizes, 0.0)

    @property
    def undefined(self):
        """(own, reference's): the shares of NaN at the unstable vectors and their moves; 0 where there are none."""
        return tuple(float(np.mean(np.isnan(each))) if len(each) else 0.0 for each in self._at_unstable)

    @property
    def undefined_more_often(self):
        """Whether the mesh is undefined at unstable vectors more often than chance explains."""
        return undefined_more_often(*self._at_unstable)

    @property
    def _at_unstable(self):
        unstable = np.flatnonzero(self.reference.unstable)
        both = ([each[vector] for vector in unstable] for each in (self.values, self.reference.values))
        return [np.concatenate([[], *each]) for each in both]

    @property
    def doubted(self):
        """(V,) bool, the unstable vectors that speak against a mesh against which no stable one does."""
        unstable, unexplained = self.reference.unstable, self.unexplained
        if unexplained[~unstable].any():
            return np.zeros_like(unexplained)
        undefined = np.array([np.isnan(each).any() for each in self.values])
        return unstable & (unexplained | (undefined & self.undefined_more_often))

    @property
    def is_delaunay(self):
        """Whether it meets this project's own bar: nothing unexplained, and 1e-6 nats at a stable prior median."""
        at_median = not self.reference.stable[0] or abs(self.nats) <= DROP_IN_NATS
        return self.certified and at_median and not self.unexplained.any() and not self.undefined_more_often

    @property
    def verdict(self):
        """The best verdict that the worst relative error earns; "abandon" too if it is undefined more often."""
        if self.undefined_more_often:
            return "abandon"
        return next(verdict for verdict, bound in VERDICTS.items() if self.worst_relative_error <= bound)

    @property
    def passed(self):
        """Whether it is at least opt-in, at one vector or more that can judge it."""
        return not self.reference.undefined.all() and self.verdict in ("drop-in", "opt-in")


@dataclass(frozen=True)
class Gate:
    """What the gate found on one lens.

    Attributes
    ----------
    lens
        The lens.
    reference
        The live `Reference`.
    candidates
        A `Candidate` per mesh, in the order of `RUNGS` and `PEERS`.
    drift
        Set where the reference left its pin.
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
        """The reference's, at the prior median (nats)."""
        return self.reference.log_evidence

    @property
    def default(self):
        """The `Candidate` of the default rung, or None."""
        return next((candidate for candidate in self.candidates if candidate.rung == DEFAULT_RUNG), None)

    @property
    def passed(self):
        """Whether the default rung is at least opt-in, at one vector or more that can judge it."""
        return self.default is not None and self.default.passed


def run(lens, rungs=None, draws=0, moves=MOVES, progress=lambda message: None, batch=BATCH, reference_on_numpy=False):
    """Compare meshes with Delaunay on one lens.

    Reference and candidates run in the same process and in the same mode: the prior median alone is jitted, the median and
    draws are one batched program. A lens that is fitted on NumPy is so by both.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    rungs
        Keys of `RUNGS` and `PEERS`; the default rung is always among them. All if omitted.
    draws
        How many parameter vectors to draw from the model's priors (seed 0).
    moves
        How many times the reference is evaluated again at each vector, moved by its last bits.
    progress
        Called with a line of text whenever a likelihood begins.
    batch
        How many lanes the batched program has.
    reference_on_numpy
        Evaluate Delaunay on NumPy, for fits in which it cannot run under JAX.

    Returns
    -------
    Gate
    """
    delaunay = Likelihood(lens, Delaunay)
    reference, candidates, sources = compare(
        lens,
        delaunay.median_and_draws(draws),
        [rung for rung in (*RUNGS, *PEERS) if rungs is None or rung in rungs or rung == DEFAULT_RUNG],
        moves,
        progress,
        batch if draws else 1,
        use_jax=lens.use_jax and not reference_on_numpy,
    )
    return Gate(
        lens=lens,
        reference=reference,
        candidates=candidates,
        drift=drift_of(lens.expected, reference.as_it_stands),
        mapper=delaunay.mapper(delaunay.prior_medians),
        sources=sources,
    )


def compare(lens, parameters, rungs, moves, progress, batch, use_jax=None, likelihood=Likelihood):
    """Compare meshes with Delaunay at any parameter vectors of a lens.

    Parameters
    ----------
    lens, moves, progress, batch
        As `run` has them.
    parameters
        (V, D) float64.
    rungs
        Keys of `RUNGS` and `PEERS`.
    use_jax
        Whether the reference is evaluated under JAX; the lens's own by default.
    likelihood
        `Likelihood`, or a class that compiles in another way.

    Returns
    -------
    (Reference, a `Candidate` per rung, {"Delaunay" and every rung: (N,) flux at the first vector's vertices}).
    """
    known = {**RUNGS, **PEERS}
    candidates, sources = [], {}
    reference, sources["Delaunay"] = reference_of(lens, parameters, batch, moves, progress, use_jax, likelihood)
    # Fewer moves than the reference has, whose range its tails then fill better than those of the mesh can leave it.
    unstable = [reference.parameters[vector][1 : 1 + moves] for vector in np.flatnonzero(reference.unstable)]
    for rung in rungs:
        progress(rung)
        mesh_cls, arguments = known[rung]
        mesh = likelihood(lens, mesh_cls, **arguments)
        evidence = mesh.evidences(np.concatenate([parameters, *unstable]), batch)
        candidate = _candidate(rung, reference, evidence, moves)
        if rung == DEFAULT_RUNG and moves and candidate.doubted.any():
            progress("both at other moves")
            candidate = second_look(candidate, mesh, lens, moves, batch, use_jax, likelihood)
        candidates.append(candidate)
        sources[rung] = evidence.values[0]
    # All are judged by what the default has shown of the reference.
    reference = next((each.reference for each in candidates if each.rung == DEFAULT_RUNG), reference)
    return reference, [replace(each, reference=reference) for each in candidates], sources


def _candidate(rung, reference, evidence, moves):
    """Compare evidences at the V vectors, followed by those at so many moves of every unstable one, with the reference's."""
    count = len(reference.values)
    alone, moved = np.split(evidence.log_evidence, [count])
    values = list(alone[:, None])
    for vector in np.flatnonzero(reference.unstable):
        own, moved = np.split(moved, [moves])
        values[vector] = np.concatenate([values[vector], own])
    return Candidate(rung, reference, values, bool(evidence.certified[:count][~reference.undefined].all()))
