"""`summary.json`: the result of the gate on one lens for programs to read. Its keys do not change."""

import autolens as al
import jax
import numpy as np

from jax_profiling.gate import provenance
from jax_profiling.gate.verdict import Gate
from jax_profiling.terminal.writing import finite_or_none

KINDS = ("undefined", "unstable", "tied", "dropped", "counted")
"""Properties of a parameter vector that the reports count (`reference.Reference`)."""


def summary_from(gate: Gate):
    """The contents of `summary.json` (dict). Numbers that are not finite become null, because JSON has no NaN."""
    reference = gate.reference
    return {
        "lens": gate.lens.name,
        "autolens": al.__version__,
        "jax": jax.__version__,
        "device": provenance.device(),
        "vertices": gate.lens.vertices,
        "data_points": gate.lens.data_points,
        "reference": {
            "mesh": "Delaunay",
            "log_evidence": finite_or_none(gate.log_evidence),
            "log_det": provenance.log_det(),
            "noise_nats": finite_or_none(largest(reference.noise)),
            **{kind: float(np.mean(getattr(reference, kind))) for kind in KINDS},
        },
        "candidates": [
            {
                "rung": candidate.rung,
                "log_evidence": finite_or_none(candidate.log_evidence),
                "nats": finite_or_none(candidate.nats),
                "relative_error": finite_or_none(candidate.relative_error),
                "worst_nats": finite_or_none(candidate.worst_nats),
                "worst_relative_error": finite_or_none(candidate.worst_relative_error),
                "unexplained": int(candidate.unexplained.sum()),
                "worst_unexplained_nats": finite_or_none(largest(candidate.errors[candidate.unexplained])),
                "draws": candidate.draws,
                "certified": candidate.certified,
                "verdict": candidate.verdict,
            }
            for candidate in gate.candidates
        ],
        "drift": None if gate.drift is None else vars(gate.drift) | {"live": finite_or_none(gate.drift.live)},
        "passed": gate.passed,
    }


def largest(values):
    """The largest of some numbers, ignoring NaN; 0 if there is none."""
    return float(np.nanmax(values, initial=0.0))
