"""What a cell found, as JSON, and back: a reference and candidates that the gate judges as it judges its own."""

import json
import math

import numpy as np

from jax_profiling.gate.candidate import Candidate
from jax_profiling.gate.reference import Reference
from jax_profiling.terminal.writing import write_aside

ARRAYS = ("penalties", "tied", "dropped", "qhull", "permuted")
"""The attributes of a `Reference` that have a value for each vector."""


def record_of(reference, candidates):
    """The JSON of a reference and its candidates at V vectors; a number that is not finite is null."""
    return {
        "parameters": [rows[0].tolist() for rows in reference.parameters],
        "values": [_finite(row) for row in reference.values],
        **{name: _finite(getattr(reference, name)) for name in ARRAYS},
        "faults": list(reference.faults),
        "candidates": {
            candidate.rung: {"values": [_finite(row) for row in candidate.values], "certified": candidate.certified}
            for candidate in candidates
        },
    }


def found_in(records):
    """The `Reference` and the candidates in the records of one lens, whose vectors follow one another."""
    rows = {name: [row for record in records for row in record[name]] for name in ("parameters", "values", "faults")}
    arrays = {name: _array([value for record in records for value in record[name]]) for name in ARRAYS}
    reference = Reference(
        parameters=[np.array([row]) for row in rows["parameters"]],
        values=list(map(_array, rows["values"])),
        faults=tuple(rows["faults"]),
        **arrays | {name: arrays[name].astype(bool) for name in ("tied", "dropped")},
    )
    candidates = []
    for rung in records[0]["candidates"]:
        found = [record["candidates"][rung] for record in records]
        values = [_array(row) for each in found for row in each["values"]]
        candidates.append(Candidate(rung, reference, values, all(each["certified"] for each in found)))
    return reference, candidates


def read(path):
    """A record, or None where there is none or it is not whole."""
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return None


def write(record, path):
    """Write a record, whole or not at all."""
    with write_aside(path.parent) as aside:
        (aside / path.name).write_text(json.dumps(record, allow_nan=False) + "\n")


def _finite(values):
    return [value if math.isfinite(value) else None for value in np.asarray(values).tolist()]


def _array(values):
    return np.array([math.nan if value is None else value for value in values], dtype=float)
