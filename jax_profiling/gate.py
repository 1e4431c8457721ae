"""The science gate: a live reference, candidates and draws -> verdicts."""

import json
from dataclasses import dataclass, field

import autolens as al
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autoarray.inversion.mesh.mesh.knn import KNearestNeighbor
from autoarray.inversion.mesh.mesh.knn import KNNBarycentric as ShippedKNNBarycentric

from jax_profiling.lens import Lens
from jax_profiling.likelihood import Evidence, Likelihood
from jax_profiling.noise_floor import PermutedDelaunay
from jax_profiling.writing import write_aside
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
    "autoarray KNearestNeighbor": (KNearestNeighbor, _SHIPPED_ARGUMENTS),
    "autoarray DelaunayNN": (DelaunayNN, {}),
}
"""autoarray's own meshes, for comparison, with the arguments that are their defaults."""

VERDICTS = {"drop-in": 1.0e-4, "opt-in": 1.0e-3, "marginal": 1.0e-2, "abandon": np.inf}
"""Verdict -> the largest relative error of the log evidence that still earns it."""

FLOOR = "Delaunay, vertices permuted"
"""The row of the reference's own noise floor."""

DRIFT = 1.0e-3
"""The reference may differ from its pin by this much (nats): NNLS solvers and backends differ by about 1e-5."""


@dataclass(frozen=True)
class Candidate:
    """How far a mesh is from the reference on one lens.

    Attributes
    ----------
    rung
        A key of `RUNGS` or `PEERS`.
    log_evidence, nats
        Its log evidence at the prior median, and that minus the reference's; NaN where the likelihood is.
    worst_nats, worst_relative_error
        The largest |difference| from the reference over the prior median and all draws; infinite where the mesh
        has no finite log evidence and the reference has one.
    draws
        How many draws the reference has a finite log evidence for.
    certified
        Whether every triangulation was certified.
    draw_nats
        The difference at every one of those draws.
    tied
        Of the prior median and those draws, how many have ties: meshes with several Delaunay triangulations.
    """

    rung: str
    log_evidence: float
    nats: float
    relative_error: float
    worst_nats: float
    worst_relative_error: float
    draws: int
    certified: bool
    draw_nats: np.ndarray = field(repr=False)
    tied: int

    @property
    def verdict(self):
        """The best verdict that the worst relative error earns."""
        return next(verdict for verdict, bound in VERDICTS.items() if self.worst_relative_error <= bound)


@dataclass(frozen=True)
class Drift:
    """The reference left its pin: the library moved, which says nothing about the meshes.

    `pinned` and `live` are log evidences (nats), `release` is the autolens release that `pinned` was made with.
    """

    pinned: float
    live: float
    release: str


@dataclass(frozen=True)
class Gate:
    """What the gate found on one lens.

    Attributes
    ----------
    lens
        The lens.
    log_evidence
        The live reference's, at the prior median (nats).
    candidates
        A `Candidate` per mesh, in the order of `RUNGS` and `PEERS`.
    floor
        The reference itself with its vertices in another order, as a `Candidate`: its noise floor. None where neither
        the median nor a draw has ties.
    drift
        Set where the reference left its pin.
    mapper
        The reference's mapper at the prior median.
    sources
        "Delaunay" and every rung -> (N,) reconstructed flux at the prior median.
    """

    lens: Lens
    log_evidence: float
    candidates: list
    floor: Candidate | None
    drift: Drift | None
    mapper: al.Mapper = field(repr=False)
    sources: dict = field(repr=False)

    @property
    def passed(self):
        """Whether the default rung is at least opt-in."""
        return any(c.rung == DEFAULT_RUNG and c.verdict in ("drop-in", "opt-in") for c in self.candidates)


def run(lens, rungs=None, draws=0, progress=lambda message: None):
    """Compare meshes with Delaunay on one lens.

    Reference and candidates run in the same process and in the same mode: jitted at the prior median, batched at
    the draws.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    rungs
        Keys of `RUNGS` and `PEERS`; the default rung is always among them. All if omitted.
    draws
        How many parameter vectors to draw from the model's priors (seed 0).
    progress
        Called with a line of text whenever a likelihood begins.

    Returns
    -------
    Gate
    """
    known = {**RUNGS, **PEERS}
    chosen = [rung for rung in known if rungs is None or rung in rungs or rung == DEFAULT_RUNG]

    def evaluate(name, likelihood):
        progress(name)
        median = likelihood.jitted(likelihood.prior_medians)
        sources[name] = np.asarray(median.values)
        all_ = [Evidence(*(np.asarray(each)[None] for each in median[:3]))]
        if draws:
            all_.append(likelihood.evidences(likelihood.draws(draws)))
        return Evidence(*map(np.concatenate, zip(*all_)))

    sources = {}
    reference = Likelihood(lens, Delaunay)
    references = evaluate("Delaunay", reference).log_evidence
    candidates = []
    for rung in chosen:
        mesh_cls, arguments = known[rung]
        candidates.append(_candidate(rung, references, evaluate(rung, Likelihood(lens, mesh_cls, **arguments))))
    floor = None
    if any(candidate.rung == DEFAULT_RUNG and candidate.tied for candidate in candidates):
        floor = _candidate(FLOOR, references, evaluate(FLOOR, Likelihood(lens, PermutedDelaunay)))
    return Gate(
        lens=lens,
        log_evidence=float(references[0]),
        candidates=candidates,
        floor=floor,
        drift=drift_of(lens.expected, float(references[0])),
        mapper=reference.mapper(reference.prior_medians),
        sources=sources,
    )


def _candidate(rung, references, evidence):
    """Compare (1 + draws,) evidences with the references'; a reference that is not finite judges nothing."""
    finite = np.isfinite(references)
    nats = evidence.log_evidence - references
    error = np.where(np.isfinite(nats), np.abs(nats), np.inf)
    relative_error = np.where(np.isfinite(nats), error / np.abs(references), np.inf)
    return Candidate(
        rung=rung,
        log_evidence=float(evidence.log_evidence[0]),
        nats=float(nats[0]),
        relative_error=float(relative_error[0]),
        worst_nats=float(error[finite].max(initial=error[0])),
        worst_relative_error=float(relative_error[finite].max(initial=relative_error[0])),
        draws=int(finite[1:].sum()),
        certified=bool(evidence.certified[finite].all()),
        draw_nats=nats[1:][finite[1:]],
        tied=int((evidence.ties[finite] > 0).sum()),
    )


def drift_of(expected, live):
    """The `Drift` of the reference from its pin, or None.

    Compared with the pin of this autolens release, or with the newest pin where this release has none; None also
    where the lens has no pins at all.
    """
    release = al.__version__ if al.__version__ in expected else max(expected, key=_release_order, default=None)
    if release is None:
        return None
    pinned = expected[release]["log_evidence"]
    return None if abs(live - pinned) <= DRIFT else Drift(pinned=pinned, live=live, release=release)


def _release_order(release):
    return tuple(int(part) for part in release.split("."))


def update_pin(gate):
    """Pin the live reference for this autolens release in the lens's `expected.json`.

    Returns
    -------
    (old, new)
        The log evidences; `old` is None where this release had no pin.

    Raises
    ------
    ValueError
        If the gate did not pass: a pin must not bury a failure.
    """
    if not gate.passed:
        raise ValueError(f"{gate.lens.name}: the gate fails, so its pin stays; mend the mesh first.")
    expected = gate.lens.expected
    old = expected.get(al.__version__, {}).get("log_evidence")
    expected[al.__version__] = {"log_evidence": gate.log_evidence}
    with write_aside(gate.lens.folder) as aside:
        (aside / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    return old, gate.log_evidence
