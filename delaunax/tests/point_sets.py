"""Point sets that a triangulation has to survive: regular, degenerate, extreme. One table for all tests.

Most have `SIZE` points, because every other number of points is compiled again. Sets with ties are shuffled. Otherwise the
fan from the lowest index is often the fan from the highest, too.
"""

import numpy as np
from scipy.spatial import ConvexHull, QhullError

SIDE = 20
SIZE = SIDE**2


def grid(side=SIDE):
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2).astype(float)


def rotated(points, angle=0.3):
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, -s], [s, c]])


def shuffled(points, seed=0):
    """The points in random order."""
    return np.random.default_rng(seed).permutation(points)


def repeated(points, number=SIZE):
    """The points, some of them more often, until there are so many. Duplicates have no triangle."""
    return np.resize(points, (number, 2))


def circle(number):
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def with_centre(points):
    return np.vstack([points, np.zeros((1, 2))])


def random(number=SIZE, seed=0):
    return np.random.default_rng(seed).random((number, 2))


def clusters(spread):
    """Clusters of ten points among unit spacing."""
    centres = grid(8)[: SIZE // 10]
    return (centres[:, None, :] + spread * random(SIZE, seed=1).reshape(-1, 10, 2)).reshape(-1, 2)


def line(number=SIZE):
    return np.stack([np.arange(number), 2.0 * np.arange(number)], axis=-1)


def hexagonal():
    points = grid()
    return np.stack([points[:, 0] + 0.5 * (points[:, 1] % 2), points[:, 1] * np.sqrt(0.75)], axis=-1)


def relocated(number, reach=2.0):
    """Points; those outside an ellipse are moved onto it."""
    points = reach * (2.0 * random(number) - 1.0)
    radius = np.hypot(points[:, 0], points[:, 1] / 0.7)
    return np.where((radius > 1.0)[:, None], points / radius[:, None], points)


def folded(side=SIDE):
    """A grid that a map with a singular centre folds onto itself. Some of its points coincide up to rounding."""
    points = (grid(side) - 0.5 * (side - 1)) * 4.4 / side
    return points - 1.6 * points / np.linalg.norm(points, axis=1, keepdims=True)


def moved_by_bits(points, bits=1, seed=0):
    """Points with every coordinate moved by up to so many units in the last place."""
    rng = np.random.default_rng(seed)
    for _ in range(bits):
        step = rng.integers(-1, 2, points.shape)
        points = np.where(step == 0, points, np.nextafter(points, np.where(step > 0, np.inf, -np.inf)))
    return points


def integers(number, below, seed):
    return np.random.default_rng(seed).integers(0, below, (number, 2)).astype(float)


def spiral(number=SIZE):
    angle = np.linspace(0.0, 12.0 * np.pi, number)
    return np.stack([angle * np.cos(angle), angle * np.sin(angle)], axis=-1)


def crowded_place(number=SIZE):
    """All points except 14 coincide. The 14 lie on five places, which near vertices do not all include."""
    places = np.array([[1.0, 1.0], [0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 2.0], [2.0, 1.0]])
    return np.random.default_rng(7).permutation(np.repeat(places, [number - 14, 1, 7, 3, 2, 1], axis=0))


def circles_of_integers():
    """Copies of two circles on which 56 integer points lie exactly."""
    line = range(-65, 66)
    one = np.array([[x, y] for x in line for y in line if x * x + y * y in (25**2, 65**2)], dtype=float)
    return np.concatenate([one + [200.0 * k, 0.0] for k in range(8)])[:SIZE]


def parabola(number=SIZE):
    x = np.arange(number) - number // 2.0
    return np.stack([x, x**2], axis=-1)


UNIQUE = {
    "random": random(),
    "four": random(4),
    "scaled by 1e-12": 1.0e-12 * random(),
    "stretched by 1e6": random() * [1.0e6, 1.0],
    "all but one on a line": np.vstack([line(SIZE - 1), [[3.0, 3.0]]]),
    "relocated onto an ellipse": relocated(SIZE),
    "a thousand relocated": relocated(1300, reach=3.0),
}
"""Sets with one Delaunay triangulation, which Qhull finds."""

TIED = {
    "grid": shuffled(grid()),
    "shifted grid": shuffled(0.1 * grid() + 0.033),
    "rotated grid": shuffled(rotated(grid())),
    "hexagonal grid": shuffled(hexagonal()),
    "300 on a circle": shuffled(repeated(circle(300))),
    "299 on a circle, and the centre": shuffled(repeated(with_centre(circle(299)))),
    "concentric rings": shuffled(np.vstack([radius * circle(SIZE // 4) for radius in (0.3, 0.6, 0.8, 1.0)])),
    "three places": repeated(random(3), 4),
    "square": np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
    "four places, a hundred times": np.repeat([[0.0, 0.0], [1.0, 0.1], [0.2, 1.0], [0.6, 0.5]], SIZE // 4, axis=0),
    "one place, many times, and five others": crowded_place(),
    "every point three times": np.repeat(random(SIZE // 3 + 1), 3, axis=0)[:SIZE],
}
"""Sets with co-circular or coincident points: several triangulations are right, or Qhull names other duplicates."""

FINE = {
    "offset by 1e6": random() + 1.0e6,
    "offset by 1e10": random() + 1.0e10,
    "offset by 1e15": 10.0 * random() + 1.0e15,
    "clusters of 1e-6": clusters(1.0e-6),
    "clusters of 1e-9": clusters(1.0e-9),
    "clusters of 1e-16": shuffled(clusters(1.0e-16)),
    "folded onto itself": shuffled(folded()),
    "spikes of 1e-12": np.vstack([random(SIZE // 2), random(SIZE // 2) + [1.0e-12, 0.0]]),
    "scales from 1e-12 to 1": np.vstack([1.0e-12 * random(SIZE // 2, 4), random(SIZE // 2, 5)]),
}
"""Sets finer than Qhull resolves: it may drop points."""

EXACT = {
    "grid moved by last bits": shuffled(moved_by_bits(grid() + 1.0)),
    "circle moved by last bits": shuffled(repeated(moved_by_bits(3.0 * circle(200), 2))),
    "grid of 2^-45 and far points": shuffled(np.vstack([0.95 + 2.0**-45 * grid()[2:], [[18.0, 18.0], [16.8, 16.8]]])),
    "grid of last bits and far points": shuffled(
        np.vstack([0.5 + 2.0**-53 * grid()[2:], [[12.0, 12.0], [24.0, 24.0]]])
    ),
    "a row stepped by single bits": shuffled(
        repeated(np.stack([np.arange(258), moved_by_bits(np.ones(258))], axis=-1))
    ),
    "integers with duplicates": integers(SIZE, 18, 0),
    "half-integers with duplicates": 0.5 * integers(SIZE, 18, 1),
    "integers on two circles": shuffled(circles_of_integers()),
    "parabola": shuffled(parabola()),
    "spiral": spiral(),
    "fan of needles": shuffled(repeated(np.vstack([[[0.0, 0.0]], circle(199) * [1.0, 1.0e-8] + [1.0, 0.0]]))),
    "one needle": repeated(np.array([[0.0, 0.0], [0.0, 1.9073486328e-6], [1.9073486328e-6, 53.0]]), 4),
}
"""Sets in which floating point cannot decide."""

SCALED = {
    "scaled by 1e-200": 1.0e-200 * random(SIZE, 1),
    "scaled by 1e160": 1.0e160 * random(SIZE, 1),
    "scaled by 1e300": 1.0e300 * random(SIZE, 1),
    "scaled by 1e-310": 1.0e-310 * random(SIZE, 1),
    "subnormal integers": 5.0e-324 * integers(SIZE, 42, 2),
    "scales from 1e-300 to 1": np.vstack([1.0e-300 * random(10, 4), random(SIZE - 10, 5)]),
    "flattened by 2^-970": random(SIZE, 1) * [1.0, 2.0**-970],
    "flattened by 2^-103": random(SIZE, 1) * [1.0, 2.0**-103],
}
"""Sets at the ends of the range of fp64."""

WITHOUT_TRIANGLE = {
    "one": random(1),
    "two places": repeated(random(2), 4),
    "one place, many times": np.repeat(random(1), SIZE, axis=0),
    "line": line(),
    "horizontal line": line() * [1.0, 0.0] + [0.0, 0.1],
}
"""Sets without any triangle."""

ROUNDED_LINES = {"rounded line": repeated(rotated(line(40))), "long rounded line": rotated(line())}
"""Sets on one line up to rounding: exactly, they have triangles as thin as rounding."""

ALL = {**UNIQUE, **TIED, **FINE, **WITHOUT_TRIANGLE}
"""Sets that tests in floating point can follow."""

EVERY = {**ALL, **EXACT, **SCALED, **ROUNDED_LINES}


def simplices_of(table):
    """The triangles of a padded table, as a set of sorted vertex triples."""
    table = np.asarray(table)
    return set(map(tuple, np.sort(table[table[:, 0] >= 0], axis=1).tolist()))


def queries_of(points, number=500, seed=2):
    """(M, 2): in and around a set and far from it, on its points, on chords, on its hull and one ulp off the hull."""
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    rng = np.random.default_rng(seed)
    around = low + spread * (2.0 * rng.random((number, 2)) - 0.5)
    inside = low + spread * rng.random((number, 2))
    far = low + 1.0e3 * spread * (rng.random((20, 2)) - 0.5)
    return np.concatenate([around, inside, far, points[:200], 0.5 * (points[:-1] + points[1:])[:100], _on_hull(points)])


def _on_hull(points, number=60):
    """(3 * number, 2): on the edges of the hull, one ulp farther from the middle of the set, and one ulp nearer."""
    try:
        edges = points[ConvexHull(points - points.mean(axis=0)).simplices]
    except (QhullError, ValueError):
        edges = np.stack([points, np.roll(points, 1, axis=0)], axis=1)
    rows, along = np.arange(number) % len(edges), np.random.default_rng(3).random((number, 1))
    on = edges[rows, 0] + along * (edges[rows, 1] - edges[rows, 0])
    outwards = np.where(on > points.mean(axis=0), np.inf, -np.inf)
    return np.concatenate([on, np.nextafter(on, outwards), np.nextafter(on, -outwards)])
