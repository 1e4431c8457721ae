"""What is right, in rational arithmetic on the host: slow, plain, and independent of everything else here.

Floats are integers times a power of two, so Python's integers hold every determinant exactly.
"""

from collections import Counter
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

Point = tuple[int, int]


def fault_of(points: Any, simplices: Any) -> str | None:
    """What is wrong with a Delaunay triangulation, in words, or None if it is one.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    simplices
        (T, 3) int, its triangles in either orientation; rows of negative numbers are unused.

    Returns
    -------
    str or None
        The first of: an index that is no vertex's, a triangle that is flat, a vertex without a triangle, an edge of three
        triangles, an edge of one triangle that is not on the hull, a hull that is not covered exactly once, an edge that is
        not locally Delaunay.
    """
    sites, triangles = integer_points(points), _used(simplices)
    distinct = set(sites)
    hull = _hull(sorted(distinct))
    if not triangles:
        return None if _doubled_area(hull) == 0 else "no triangle, but the vertices are not on one line"
    if max(map(max, triangles)) >= len(sites):
        return "a triangle names a vertex that does not exist"
    oriented = []
    for a, b, c in triangles:
        turn = orientation(sites[a], sites[b], sites[c])
        if turn == 0:
            return f"triangle {a, b, c} is flat"
        oriented.append((a, b, c) if turn > 0 else (a, c, b))
    used = {sites[vertex] for triangle in oriented for vertex in triangle}
    if used != distinct:
        return f"a vertex has no triangle: {next(vertex for vertex, site in enumerate(sites) if site not in used)}"
    apexes = _apexes(oriented)
    if len(apexes) != 3 * len(oriented):
        edges = Counter((t[k - 2], t[k - 1]) for t in oriented for k in range(3))
        return f"two triangles lie on the same side of an edge: {edges.most_common(1)[0][0]}"
    covered = sum(orientation(*(sites[vertex] for vertex in triangle)) for triangle in oriented)
    boundary = [edge for edge in apexes if edge[::-1] not in apexes]
    # Positive triangles whose boundary is on the hull cover the hull everywhere equally often.
    inner = [(a, b) for a, b in boundary if any(orientation(sites[a], sites[b], corner) < 0 for corner in hull)]
    if inner or covered != _doubled_area(hull):
        return "the hull is not covered exactly once" + (f": edge {inner[0]} borders a hole" if inner else "")
    for (tail, head), apex in apexes.items():
        tip = apexes.get((head, tail))
        if tip is not None and in_circle(sites[apex], sites[tail], sites[head], sites[tip]) > 0:
            return f"vertex {tip} is inside the circle of {apex, tail, head}"
    return None


def is_on_line(points: Any) -> bool:
    """Whether all points are exactly on one line, as one or two of them always are."""
    return _doubled_area(_hull(sorted(set(integer_points(points))))) == 0


def ties_of(points: Any, simplices: Any) -> int:
    """Across how many edges of a Delaunay triangulation the other diagonal is exactly as good; 0 if it is the only one."""
    sites = integer_points(points)
    oriented = [
        (a, b, c) if orientation(sites[a], sites[b], sites[c]) > 0 else (a, c, b) for a, b, c in _used(simplices)
    ]
    apexes = _apexes(oriented)
    pairs = (
        (apex, tail, head, apexes[head, tail])
        for (tail, head), apex in apexes.items()
        if tail < head and (head, tail) in apexes
    )
    return sum(in_circle(*(sites[vertex] for vertex in four)) == 0 for four in pairs)


def integer_points(points: Any) -> list[Point]:
    """Points as integers in units of one power of two; equal exactly where the points are."""
    fractions = [[Fraction(float(x)) for x in point] for point in np.asarray(points, dtype=float)]
    unit = max((x.denominator for point in fractions for x in point), default=1)
    return [(int(x * unit), int(y * unit)) for x, y in fractions]


def orientation(a: Point, b: Point, c: Point) -> int:
    """Twice the signed area of a triangle, positive if it is counter-clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def in_circle(a: Point, b: Point, c: Point, d: Point) -> int:
    """Positive if d is inside the circle through the counter-clockwise a, b and c, zero if it is on it."""
    total, offsets = 0, [(p[0] - d[0], p[1] - d[1]) for p in (a, b, c)]
    for k in range(3):
        (x, y), (u, v), (s, t) = offsets[k], offsets[k - 2], offsets[k - 1]
        total += (x * x + y * y) * (u * t - v * s)
    return total


def _used(simplices):
    return [tuple(row) for row in np.asarray(simplices).tolist() if min(row) >= 0]


def _apexes(oriented):
    """The directed edge of a triangle -> the vertex opposite."""
    return {(t[k - 2], t[k - 1]): t[k] for t in oriented for k in range(3)}


def _hull(sites: Sequence[Point]) -> list[Point]:
    """The corners of the convex hull of sorted points, by Andrew's monotone chain."""

    def chain(ordered):
        corners: list[Point] = []
        for site in ordered:
            while len(corners) > 1 and orientation(corners[-2], corners[-1], site) <= 0:
                corners.pop()
            corners.append(site)
        return corners[:-1]

    return chain(sites) + chain(sites[::-1])


def _doubled_area(polygon):
    return sum(a[0] * b[1] - a[1] * b[0] for a, b in zip(polygon, polygon[1:] + polygon[:1], strict=True))
