"""Meshes that a triangulation has to survive: regular, degenerate, extreme. One table for every test.

Most have `SIZE` vertices, because every other number is another compilation.
"""

from functools import cache

import autolens as al
import numpy as np
from scipy.spatial import ConvexHull, QhullError

SIDE = 20
SIZE = SIDE**2


def _grid(side=SIDE):
    return np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2).astype(float)


def _rotated(points, angle=0.3):
    c, s = np.cos(angle), np.sin(angle)
    return points @ np.array([[c, -s], [s, c]])


def _circle(number):
    angle = 2.0 * np.pi * np.arange(number) / number
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1)


def _with_centre(points):
    return np.vstack([points, np.zeros((1, 2))])


def _random(number=SIZE, seed=0):
    return np.random.default_rng(seed).random((number, 2))


def _clusters(spread):
    """Clusters of ten vertices among unit spacing."""
    centres = _grid(8)[: SIZE // 10]
    return (centres[:, None, :] + spread * _random(SIZE, seed=1).reshape(-1, 10, 2)).reshape(-1, 2)


def _line(number=SIZE):
    return np.stack([np.arange(number), 2.0 * np.arange(number)], axis=-1)


def _hexagonal():
    grid = _grid()
    return np.stack([grid[:, 0] + 0.5 * (grid[:, 1] % 2), grid[:, 1] * np.sqrt(0.75)], axis=-1)


def _relocated(number, reach=2.0):
    """A mesh most of whose vertices the border relocation has moved onto one ellipse."""
    points = reach * (2.0 * _random(number) - 1.0)
    radius = np.hypot(points[:, 0], points[:, 1] / 0.7)
    return np.where((radius > 1.0)[:, None], points / radius[:, None], points)


def _folded():
    """A regular mesh as an isothermal lens without ellipticity or shear folds it: symmetric, and coincident to rounding."""
    grid = (_grid() - 0.5 * (SIDE - 1)) * 4.4 / SIDE
    return grid - 1.6 * grid / np.linalg.norm(grid, axis=1, keepdims=True)


@cache
def _image_mesh(name):
    """An adaptive image mesh of a ring, traced to the source plane of an isothermal lens with shear."""
    mask = al.Mask2D.circular(shape_native=(71, 71), pixel_scales=0.1, radius=3.5)
    radii = np.hypot(*al.Grid2D.from_mask(mask=mask).T)
    ring = al.Array2D(values=np.exp(-(((radii - 1.6) / 0.3) ** 2)), mask=mask)
    image_mesh = getattr(al.image_mesh, name)(pixels=SIZE, weight_floor=0.1, weight_power=2.0)
    mesh_grid = image_mesh.image_plane_mesh_grid_from(mask=mask, adapt_data=ring)
    mass = al.mp.Isothermal(einstein_radius=1.6, ell_comps=(0.05, 0.1))
    lens = al.Galaxy(redshift=0.5, mass=mass, shear=al.mp.ExternalShear(gamma_1=0.05, gamma_2=0.02))
    tracer = al.Tracer(galaxies=[lens, al.Galaxy(redshift=1.0)])
    return np.array(tracer.traced_grid_2d_list_from(grid=al.Grid2DIrregular(mesh_grid))[-1].array)


UNIQUE = {
    "random": _random(),
    "three": _random(3),
    "four": _random(4),
    "scaled by 1e-12": 1.0e-12 * _random(),
    "stretched by 1e6": _random() * [1.0e6, 1.0],
    "all but one on a line": np.vstack([_line(SIZE - 1), [[3.0, 3.0]]]),
    "relocated onto an ellipse": _relocated(SIZE),
    "a thousand relocated": _relocated(1300, reach=3.0),
    "Hilbert image mesh": _image_mesh("Hilbert"),
    "KMeans image mesh": _image_mesh("KMeans"),
}
"""Meshes with one Delaunay triangulation, which Qhull finds."""

TIED = {
    "grid": _grid(),
    "shifted grid": 0.1 * _grid() + 0.033,
    "rotated grid": _rotated(_grid()),
    "hexagonal grid": _hexagonal(),
    "300 on a circle": _circle(300),
    "299 on a circle, and the centre": _with_centre(_circle(299)),
    "1000 on a circle": _circle(1000),
    "999 on a circle, and the centre": _with_centre(_circle(999)),
    "concentric rings": np.vstack([radius * _circle(SIZE // 4) for radius in (0.3, 0.6, 0.8, 1.0)]),
    "square": np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]),
    "four places, a hundred times": np.repeat([[0.0, 0.0], [1.0, 0.1], [0.2, 1.0], [0.6, 0.5]], SIZE // 4, axis=0),
    "every vertex three times": np.repeat(_random(SIZE // 3 + 1), 3, axis=0)[:SIZE],
}
"""Meshes with co-circular or coincident vertices: several triangulations are right, or Qhull names other duplicates."""

FINE = {
    "offset by 1e6": _random() + 1.0e6,
    "clusters of 1e-6": _clusters(1.0e-6),
    "clusters of 1e-9": _clusters(1.0e-9),
    "clusters of 1e-16": _clusters(1.0e-16),
    "folded by a singular lens": _folded(),
}
"""Meshes finer than Qhull resolves: it may drop vertices."""

WITHOUT_TRIANGLE = {
    "one": _random(1),
    "two": _random(2),
    "one place, many times": np.repeat(_random(1), SIZE, axis=0),
    "line": _line(),
    "tilted line": _rotated(_line(40)),
}
"""Meshes without any triangle."""

REFUSED = {"long tilted line": _rotated(_line())}
"""Meshes on one line but for rounding, which are neither certified to have triangles nor to have none."""

ALL = {**UNIQUE, **TIED, **FINE, **WITHOUT_TRIANGLE}


def simplices_of(table):
    """The triangles of a padded table, as a set of sorted vertex triples."""
    table = np.asarray(table)
    return set(map(tuple, np.sort(table[table[:, 0] >= 0], axis=1).tolist()))


def queries_of(points, number=500, seed=2):
    """(M, 2): points in and around a mesh and far from it, on its vertices, on chords, on its hull and an ulp off it."""
    low, high = points.min(axis=0), points.max(axis=0)
    spread = np.where(high > low, high - low, 1.0)
    rng = np.random.default_rng(seed)
    around = low + spread * (2.0 * rng.random((number, 2)) - 0.5)
    inside = low + spread * rng.random((number, 2))
    far = low + 1.0e3 * spread * (rng.random((20, 2)) - 0.5)
    return np.concatenate([around, inside, far, points[:200], 0.5 * (points[:-1] + points[1:])[:100], _on_hull(points)])


def _on_hull(points, number=60):
    """(3 * number, 2): points on the edges of the hull, an ulp farther from the middle of the mesh, and an ulp nearer."""
    try:
        edges = points[ConvexHull(points - points.mean(axis=0)).simplices]
    except (QhullError, ValueError):
        edges = np.stack([points, np.roll(points, 1, axis=0)], axis=1)
    rows, along = np.arange(number) % len(edges), np.random.default_rng(3).random((number, 1))
    on = edges[rows, 0] + along * (edges[rows, 1] - edges[rows, 0])
    outwards = np.where(on > points.mean(axis=0), np.inf, -np.inf)
    return np.concatenate([on, np.nextafter(on, outwards), np.nextafter(on, -outwards)])
