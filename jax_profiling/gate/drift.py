"""Drift: the library's own log evidence left its pin, which says nothing about the meshes."""

import json
from dataclasses import dataclass

import autolens as al

from jax_profiling.terminal.writing import write_aside

DRIFT = 1.0e-3
"""The reference may differ from its pin by this much (nats): NNLS solvers and backends differ by about 1e-5."""


@dataclass(frozen=True)
class Drift:
    """The reference left its pin: the library moved, which says nothing about the meshes.

    `pinned` and `live` are log evidences (nats), `release` is the autolens release that `pinned` was made with.
    """

    pinned: float
    live: float
    release: str


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
    expected = dict(gate.lens.expected)
    old = expected.get(al.__version__, {}).get("log_evidence")
    expected[al.__version__] = {"log_evidence": gate.reference.as_it_stands}
    with write_aside(gate.lens.folder) as aside:
        (aside / "expected.json").write_text(json.dumps(expected, indent=1, sort_keys=True) + "\n")
    return old, gate.reference.as_it_stands
