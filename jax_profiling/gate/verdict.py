"""The science gate: a live reference, candidates and draws -> verdicts."""

import json
from dataclasses import dataclass, field

import autolens as al
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autoarray.inversion.mesh.mesh.knn import KNearestNeighbor
from autoarray.inversion.mesh.mesh.knn import KNNBarycentric as ShippedKNNBarycentric

from jax_profiling.gate.likelihood import Evidence, Likelihood
from jax_profiling.gate.noise import PermutedDelaunay
from jax_profiling.lenses.lens import Lens
from jax_profiling.terminal.writing import write_aside
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
    """How far a mesh is from the reference on one lens, at the prior median and then at every draw.

    A draw where the reference has no finite log evidence judges nothing and is left out; the median never is.

    Attributes
    ----------
    rung
        A key of `RUNGS` or `PEERS`.
    log_evidence
        Its log evidence at the prior median; NaN where the likelihood is.
    differences
        (1 + draws,) float64, its log evidence minus the reference's (nats); NaN where it has none.
    relative_errors
        (1 + draws,) float64, |difference| over |the reference's log evidence|; infinite where it has none.
    ties
        (1 + draws,) int, how many ties its triangulations have; where there are any, the mesh has several.
    certified
        Whether every triangulation was certified.
    """

    rung: str
    log_evidence: float
    differences: np.ndarray
    relative_errors: np.ndarray
    ties: np.ndarray
    certified: bool

    @property
    def errors(self):
        """(1 + draws,) float64, |difference| (nats); infinite where the mesh has no finite log evidence."""
        return np.where(np.isfinite(self.differences), np.abs(self.differences), np.inf)

    @property
    def draws(self):
        """How many draws judge the mesh."""
        return len(self.differences) - 1

    @property
    def nats(self):
        """The difference at the prior median."""
        return float(self.differences[0])

    @property
    def relative_error(self):
        """The relative error at the prior median."""
        return float(self.relative_errors[0])

    @property
    def worst_nats(self):
        """The largest error of all."""
        return float(self.errors.max())

    @property
    def worst_relative_error(self):
        """The largest relative error of all."""
        return float(self.relative_errors.max())

    @property
    def tied(self):
        """(1 + draws,) bool: where the mesh has several Delaunay triangulations, so that the reference is one of several."""
        return self.ties > 0

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
    def default(self):
        """The `Candidate` of the default rung, or None."""
        return next((candidate for candidate in self.candidates if candidate.rung == DEFAULT_RUNG), None)

    @property
    def compared(self):
        """Every `Candidate` of a report, the noise floor first where there is one."""
        return [*([self.floor] if self.floor else []), *self.candidates]

    @property
    def passed(self):
        """Whether the default rung is at least opt-in."""
        return self.default is not None and self.default.verdict in ("drop-in", "opt-in")


def run(lens, rungs=None, draws=0, progress=lambda message: None):
    """Compare meshes with Delaunay on one lens.

    Reference and candidates run in the same process and in the same mode: the prior median alone is jitted, the median and
    draws are one batched program.

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
        medians = likelihood.prior_medians[None]
        if draws:
            found = likelihood.evidences(np.concatenate([medians, likelihood.draws(draws)]))
        else:
            found = Evidence(*(np.asarray(each)[None] for each in likelihood.jitted(medians[0])))
        sources[name] = found.values[0]
        return found

    sources = {}
    reference = Likelihood(lens, Delaunay)
    references = evaluate("Delaunay", reference).log_evidence
    candidates = []
    for rung in chosen:
        mesh_cls, arguments = known[rung]
        candidates.append(_candidate(rung, references, evaluate(rung, Likelihood(lens, mesh_cls, **arguments))))
    floor = None
    if any(candidate.rung == DEFAULT_RUNG and candidate.tied.any() for candidate in candidates):
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
    """Compare (1 + draws,) evidences with the references'."""
    judging = np.isfinite(references)
    judging[0] = True
    differences = (evidence.log_evidence - references)[judging]
    relative_errors = np.abs(differences / references[judging])
    return Candidate(
        rung=rung,
        log_evidence=float(evidence.log_evidence[0]),
        differences=differences,
        relative_errors=np.where(np.isfinite(relative_errors), relative_errors, np.inf),
        ties=evidence.ties[judging],
        certified=bool(evidence.certified[judging].all()),
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
        If the gate did not pass, because a pin must not bury a failure, or if the model is that of a search.
    """
    if not gate.passed:
        raise ValueError(f"{gate.lens.name}: the gate fails, so its pin stays; mend the mesh first.")
    if gate.lens.model_path.parent != gate.lens.folder:
        raise ValueError(
            f"{gate.lens.name}: the model is that of a search, which has no pins; pin the lens folder itself."
        )
    expected = gate.lens.expected
    old = expected.get(al.__version__, {}).get("log_evidence")
    expected[al.__version__] = {"log_evidence": gate.log_evidence}
    with write_aside(gate.lens.folder) as aside:
        (aside / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    return old, gate.log_evidence
