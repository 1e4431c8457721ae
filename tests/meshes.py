"""Meshes that a triangulation has to survive: regular, degenerate, extreme. One table for every test."""

import numpy as np


def _grid(side=13):
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2).astype(float)


def _rotated(points, angle=0.3):
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, -s], [s, c]])


def _circle(number):
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _random(number, seed=0):
    return np.random.default_rng(seed).random((number, 2))


def _clusters(spread):
    return (_random(12)[:, None, :] + spread * _random(12 * 9, seed=1).reshape(12, 9, 2)).reshape(-1, 2)


def _line(number=40):
    return np.stack([np.arange(number), 2.0 * np.arange(number)], axis=-1)


def _hexagonal(side=12):
    grid = _grid(side)
    return np.stack([grid[:, 0] + 0.5 * (grid[:, 1] % 2), grid[:, 1] * np.sqrt(0.75)], axis=-1)


def _ellipse_hull(number=300):
    """A mesh most of whose vertices the border relocation has moved onto one ellipse."""
    points = 4.0 * _random(number) - 2.0
    radius = np.hypot(points[:, 0], points[:, 1] / 0.7)
    return np.where((radius > 1.0)[:, None], points / radius[:, None], points)


UNIQUE = {
    "random": _random(400),
    "three": _random(3),
    "four": _random(4),
    "circle with centre": np.vstack([_circle(100), [[0.0, 0.0]]]),
    "scaled by 1e-12": 1.0e-12 * _random(150),
    "stretched by 1e6": _random(150) * [1.0e6, 1.0],
    "all but one on a line": np.vstack([_line(), [[3.0, 3.0]]]),
    "relocated onto an ellipse": _ellipse_hull(),
}
"""Meshes with one Delaunay triangulation, which Qhull finds."""

TIED = {
    "grid": _grid(),
    "shifted grid": 0.1 * _grid() + 0.033,
    "rotated grid": _rotated(_grid()),
    "hexagonal grid": _hexagonal(),
    "300 on a circle": _circle(300),
    "concentric rings": np.vstack([radius * _circle(40) for radius in (0.3, 0.6, 1.0)]),
    "square": np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
    "every vertex three times": np.repeat(_random(60), 3, axis=0),
}
"""Meshes with co-circular or coincident vertices: several triangulations are right."""

FINE = {
    "offset by 1e6": _random(150) + 1.0e6,
    "clusters of 1e-6": _clusters(1.0e-6),
    "clusters of 1e-9": _clusters(1.0e-9),
}
"""Meshes finer than Qhull resolves: it drops vertices."""

WITHOUT_TRIANGLE = {
    "one": _random(1),
    "two": _random(2),
    "one place, five times": np.repeat(_random(1), 5, axis=0),
    "line": _line(),
    "tilted line": _rotated(_line()),
}
"""Meshes without any triangle."""

ALL = {**UNIQUE, **TIED, **FINE, **WITHOUT_TRIANGLE}


def simplices_of(table):
    """The triangles of a padded table, as a set of sorted vertex triples."""
    table = np.asarray(table)
    return set(map(tuple, np.sort(table[table[:, 0] >= 0], axis=1).tolist()))


def queries_of(points, number=500, seed=2):
    """(M, 2): points in and around a mesh, on its vertices, and on the middle of its sides' chords."""
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    rng = np.random.default_rng(seed)
    around = low + spread * (2.0 * rng.random((number, 2)) - 0.5)
    inside = low + spread * rng.random((number, 2))
    far = low + 1.0e3 * spread * (rng.random((20, 2)) - 0.5)
    return np.concatenate([around, inside, far, points[:200], 0.5 * (points[:-1] + points[1:])[:100]])
