"""The result of a chunk as JSON, and back into a `Reference` and `Candidate`s that the gate judges."""

import json
import math

import numpy as np

from jax_profiling.gate.candidate import Candidate
from jax_profiling.gate.reference import Reference
from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes, finite_or_none

FLAGS = ("tied", "dropped", "counted", "recounted")
"""The attributes of a `Reference` with one truth value per vector."""

ARRAYS = ("penalties", *FLAGS, "qhull", "permuted")
"""The attributes of a `Reference` with one value per vector."""


def record_of(reference, candidates):
    """The JSON of a reference and its candidates at V vectors. A number that is not finite becomes null."""
    return {
        "parameters": [rows[0].tolist() for rows in reference.parameters],
        "values": [_to_json(row) for row in reference.values],
        **{name: _to_json(getattr(reference, name)) for name in ARRAYS},
        "faults": list(reference.faults),
        "candidates": {
            candidate.rung: {"values": [_to_json(row) for row in candidate.values], "certified": candidate.certified}
            for candidate in candidates
        },
    }


def reference_and_candidates_of(records):
    """The `Reference` and the `Candidate`s of one lens, from the records of its consecutive chunks."""
    rows = {name: [row for record in records for row in record[name]] for name in ("parameters", "values", "faults")}
    arrays = {name: _from_json([value for record in records for value in record[name]]) for name in ARRAYS}
    reference = Reference(
        parameters=[np.array([row]) for row in rows["parameters"]],
        values=list(map(_from_json, rows["values"])),
        faults=tuple(rows["faults"]),
        **arrays | {name: arrays[name].astype(bool) for name in FLAGS},
    )
    candidates = []
    for rung in records[0]["candidates"]:
        by_chunk = [record["candidates"][rung] for record in records]
        values = [_from_json(row) for each in by_chunk for row in each["values"]]
        candidates.append(Candidate(rung, reference, values, all(each["certified"] for each in by_chunk)))
    return reference, candidates


def read(path):
    """The object in a JSON file, or None if the file is missing, truncated or something else."""
    try:
        value = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None


def of_chunk(chunk, folder):
    """The record of a chunk in a folder of records, or None. A record of other files of the lens does not count.

    Raises
    ------
    BadInput
        If the record belongs to another lens of the same name.
    """
    record = read(folder / f"{chunk.key}.json")
    if not record or "lens" not in record:
        return None
    if record["lens"] != chunk.lens:
        raise BadInput(f"{folder}: has results of {record['lens']}, not of {chunk.lens}; give another --output.")
    return record if record.get("files") == chunk.files else None


def write(record, path):
    """Write a record atomically."""
    with atomic_writes(path.parent) as scratch:
        (scratch / path.name).write_text(json.dumps(record, allow_nan=False) + "\n")


def _to_json(values):
    return list(map(finite_or_none, np.asarray(values).tolist()))


def _from_json(values):
    return np.array([math.nan if value is None else value for value in values], dtype=float)
