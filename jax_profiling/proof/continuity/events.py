"""Events: what changes between the tables of two neighbouring parameter vectors."""

from typing import NamedTuple

import numpy as np

KINDS = {
    "flip": "an edge flips",
    "triangle": "a data point changes its triangle",
    "split": "a split point changes its triangle",
    "hull": "a data or split point crosses the hull",
    "nearest": "a point outside the hull changes its nearest vertex",
    "border": "a point starts or stops being relocated",
    "active": "NNLS changes its active set",
}
"""Key -> words. All but the last are seen in `Tables`; the last in the reconstruction."""

GEOMETRIC = tuple(KINDS)[:-1]

ACTIVE_SHARE = 1.0e-9
"""NNLS holds a vertex at zero if its flux is below this share of the largest flux. NNLS solutions are not quite zero."""


class Tables(NamedTuple):
    """The integer tables behind a log evidence.

    Attributes
    ----------
    simplices
        (M, 3) int, triangles, padded with -1; empty on a rectangular mesh.
    data, split
        (Q, K) and (4N, K) int, the vertices of every data point and split point, padded with -1. K is 3 on triangles. A point
        outside the hull has one vertex.
    relocated
        (R,) bool, whether each data point and each vertex is moved to the border.
    """

    simplices: np.ndarray
    data: np.ndarray
    split: np.ndarray
    relocated: np.ndarray


def count_events(before: Tables, after: Tables):
    """The number of events of every geometric kind between two tables (dict).

    A point that an edge flip gives another triangle counts as part of the flip: its old triangle no longer exists.
    """
    moved, crossed, shifted = zip(*(_changes(before, after, name) for name in ("data", "split")))
    return {
        "flip": _changed_edges(before.simplices, after.simplices),
        "triangle": moved[0],
        "split": moved[1],
        "hull": sum(crossed),
        "nearest": sum(shifted),
        "border": int((before.relocated != after.relocated).sum()),
    }


def _changes(before, after, name):
    """How many points change their triangle or cell, cross the hull, and change their nearest vertex."""
    old, new = (np.sort(getattr(tables, name), axis=1) for tables in (before, after))
    differs = (old != new).any(axis=1)
    old, new = old[differs], new[differs]
    was_outside, is_outside = ((each >= 0).sum(axis=1) == 1 for each in (old, new))
    inside = ~was_outside & ~is_outside
    survives = inside
    if len(after.simplices):
        survives = inside & np.isin(_codes(old), _codes(np.sort(after.simplices, axis=1)))
    return int(survives.sum()), int((was_outside != is_outside).sum()), int((was_outside & is_outside).sum())


def _codes(rows):
    """(M,) int64, one number per row of three vertices."""
    return rows.astype(np.int64) @ np.array([1 << 40, 1 << 20, 1])


def _changed_edges(before, after):
    """The number of edges that only one of two triangulations has, in pairs; a hull edge counts as one pair."""
    old, new = (_edges(simplices) for simplices in (before, after))
    return max(len(np.setdiff1d(old, new, assume_unique=True)), len(np.setdiff1d(new, old, assume_unique=True)))


def _edges(simplices):
    used = simplices[(simplices >= 0).all(axis=1)].astype(np.int64)
    ends = np.sort(np.concatenate([used[:, [0, 1]], used[:, [1, 2]], used[:, [2, 0]]]), axis=1)
    return np.unique(ends[:, 0] << 20 | ends[:, 1])


def active_of(values):
    """(N,) bool, the vertices with flux; `values` is their flux."""
    return values > ACTIVE_SHARE * np.max(values)
