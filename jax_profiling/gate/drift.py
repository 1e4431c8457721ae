"""Drift: whether the reference still has the log evidence that was pinned. Drift says nothing about the meshes."""

import json
import math
from dataclasses import dataclass

import autolens as al

from jax_profiling.gate import provenance
from jax_profiling.lenses.lens import release_order
from jax_profiling.terminal.writing import atomic_writes

DRIFT_NATS = 1.0e-3
"""Largest accepted difference of the reference from its pin (nats). NNLS solvers and backends differ by about 1e-5."""


@dataclass(frozen=True)
class Drift:
    """A reference that differs from its pin.

    Attributes
    ----------
    pinned, live
        The pinned log evidence and the one found now (nats).
    release
        The autolens release that was pinned.
    """

    pinned: float
    live: float
    release: str


def drift_of(expected, live):
    """Compare the reference with its pin.

    Parameters
    ----------
    expected
        The lens's `expected.json`: autolens release -> {"log_evidence": nats}. Without a pin for this release, the newest
        one counts.
    live
        The log evidence found now (nats).

    Returns
    -------
    Drift or None
        None if they agree, and if there is no pin. Pins have autolens's own log determinants, so it is None with others, too.
    """
    if provenance.log_det() != "shipped":
        return None
    release = al.__version__ if al.__version__ in expected else max(expected, key=release_order, default=None)
    if release is None:
        return None
    pinned = expected[release]["log_evidence"]
    return None if abs(live - pinned) <= DRIFT_NATS else Drift(pinned=pinned, live=live, release=release)


def update_pin(gate):
    """Pin the live reference for this autolens release in the lens's `expected.json`.

    Returns
    -------
    old, new
        The log evidences (nats). `old` is None if this release had no pin.

    Raises
    ------
    ValueError
        If the gate did not pass, because a pin must not hide a failure, if the log evidence is not finite or has other log
        determinants than autolens's own, or if the model comes from a search.
    """
    if provenance.log_det() != "shipped":
        raise ValueError(f"{gate.lens.name}: a pin has autolens's own log determinants; leave out --log-det accurate.")
    if not gate.passed:
        raise ValueError(f"{gate.lens.name}: the gate fails, so the pin is kept; fix the mesh first.")
    if not math.isfinite(gate.reference.qhull_log_evidence):
        raise ValueError(
            f"{gate.lens.name}: the log evidence is not finite, so it is not pinned; give another prior median."
        )
    if gate.lens.model_path.parent != gate.lens.folder:
        raise ValueError(f"{gate.lens.name}: the model of a search has no pins; pin the lens folder itself.")
    expected = dict(gate.lens.expected)
    old = expected.get(al.__version__, {}).get("log_evidence")
    expected[al.__version__] = {"log_evidence": gate.reference.qhull_log_evidence}
    with atomic_writes(gate.lens.folder) as scratch:
        (scratch / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    return old, gate.reference.qhull_log_evidence
