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
    # If all triangles are positive and their boundary is on the hull, they cover the hull equally often everywhere.
    inner = [(a, b) for a, b in boundary if any(orientation(sites[a], sites[b], corner) < 0 for corner in hull)]
    if inner or covered != _doubled_area(hull):
        return "the hull is not covered exactly once" + (f": edge {inner[0]} borders a hole" if inner else "")
    for (tail, head), apex in apexes.items():
        tip = apexes.get((head, tail))
        if tip is not None and in_circle(sites[apex], sites[tail], sites[head], sites[tip]) > 0:
            return f"vertex {tip} is inside the circle of {apex, tail, head}"
    return None


def fault_of_tables(points: Any, simplices: Any, neighbors: Any, vertex_simplex: Any) -> str | None:
    """What is wrong with the tables of a triangulation, in words, or None. Its triangles are Delaunay (`fault_of`).

    Parameters
    ----------
    points
        (N, 2) float, finite.
    simplices, neighbors, vertex_simplex
        (2N, 3), (2N, 3) and (N,) int, the tables of a `triangulation.Triangulation`.

    Returns
    -------
    str or None
        The first of: a clockwise triangle, a triangle of a duplicate, a wrong neighbour, a diagonal against the tie rule, a
        vertex with a wrong triangle in `vertex_simplex`.
    """
    sites = integer_points(points)
    first = {site: vertex for vertex, site in reversed(list(enumerate(sites)))}
    rows = {row: triangle for row, triangle in enumerate(np.asarray(simplices).tolist()) if min(triangle) >= 0}
    for a, b, c in rows.values():
        if orientation(sites[a], sites[b], sites[c]) < 0:
            return f"triangle {a, b, c} is clockwise"
        for vertex in (a, b, c):
            if vertex != first[sites[vertex]]:
                return f"triangle {a, b, c} has vertex {vertex}, a duplicate of {first[sites[vertex]]}"
    corners = [(row, k, t[k], t[k - 2], t[k - 1]) for row, t in rows.items() for k in range(3)]
    row_of = {(b, c): row for row, _, _, b, c in corners}
    for row, k, a, b, c in corners:
        across = row_of.get((c, b), -1)
        if neighbors[row][k] != across:
            return f"neighbors[{row}, {k}] is {neighbors[row][k]}, and {across} is right"
        if across >= 0:
            d = sum(rows[across]) - b - c
            if min(a, d) < min(b, c) and in_circle(*(sites[vertex] for vertex in (a, b, c, d))) == 0:
                return f"edge {b, c} is against the tie rule, and {a, d} is right"
    starts: dict[int, list[int]] = {}
    for row, _, a, _, _ in corners:
        starts.setdefault(a, []).append(row)
    starts |= {a: [row] for row, _, a, b, _ in corners if (b, a) not in row_of}
    for vertex, row in enumerate(np.asarray(vertex_simplex).tolist()):
        if row not in starts.get(vertex, [-1]):
            return f"vertex_simplex[{vertex}] is {row}, and {starts.get(vertex, [-1])[0]} is right"
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


def natural_neighbor_weights_of(points: Any, query_point: Any, kind: str = "sibson") -> dict[int, Fraction]:
    """The exact natural neighbour weights of one query point: vertex -> weight, without the vertices of weight zero.

    Sibson's by clipping: the Voronoi cell of the query is a polygon, and its part nearest to a vertex is that polygon clipped
    by bisectors. Laplace's from the edges of the same cell.

    Parameters
    ----------
    points
        (N, 2) float, finite.
    query_point
        (2,) float, finite.
    kind
        "sibson" or "laplace".

    Returns
    -------
    dict[int, Fraction]
        The limit along the edge for a query on the hull; weight one for the nearest vertex (of several as near, the lowest
        index) outside the hull, and for all queries if the points are on one line.

    Raises
    ------
    ValueError
        If there is no such kind.
    """
    kinds = {"sibson": _stolen_areas, "laplace": _edge_ratios}
    if kind not in kinds:
        raise ValueError(f"`kind` is {kind!r}; give one of {', '.join(map(repr, kinds))}.")
    *sites, query = integer_points(np.vstack([points, np.reshape(query_point, (1, 2))]))
    first = {site: index for index, site in reversed(list(enumerate(sites)))}
    offsets = {index: (x - query[0], y - query[1]) for (x, y), index in first.items()}
    nearest = sorted(offsets, key=lambda index: (_dot(offsets[index], offsets[index]), index))
    if offsets[nearest[0]] == (0, 0):
        return {nearest[0]: Fraction(1)}
    hull = _hull(sorted(offsets.values()))
    sides = [orientation(a, b, (0, 0)) for a, b in zip(hull, hull[1:] + hull[:1], strict=True)]
    if _doubled_area(hull) == 0 or min(sides) < 0:
        return {nearest[0]: Fraction(1)}
    if min(sides) == 0:
        return _on_hull_edge(offsets, hull, sides.index(0))
    cell = _cell(offsets, nearest)
    shares = kinds[kind](cell, offsets)
    total = sum(shares.values())
    return {index: share / total for index, share in shares.items() if share}


def _dot(a, b):
    return a[0] * b[0] + a[1] * b[1]


def _on_hull_edge(offsets, hull, edge):
    """Linear weights of the two vertices next to the query, on the line of a hull edge through the query."""
    tail, head = hull[edge], hull[(edge + 1) % len(hull)]
    along = (head[0] - tail[0], head[1] - tail[1])
    places = {index: _dot(offset, along) for index, offset in offsets.items() if orientation(tail, head, offset) == 0}
    before = max((index for index in places if places[index] < 0), key=places.__getitem__)
    behind = min((index for index in places if places[index] > 0), key=places.__getitem__)
    length = places[behind] - places[before]
    return {before: Fraction(places[behind], length), behind: Fraction(-places[before], length)}


def _cell(offsets, nearest):
    """The Voronoi cell of the origin: (corner, index of the vertex across the edge from that corner), counter-clockwise."""
    size = max(max(abs(x), abs(y)) for x, y in offsets.values())
    # Corners of the cell are circumcentres: fractions with a denominator of one at least.
    bound = Fraction(8 * size**3 + 1)
    cell = [((x * bound, y * bound), -1) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    for index in nearest:
        squared = _dot(offsets[index], offsets[index])
        if squared > 4 * max(_dot(corner, corner) for corner, _ in cell):
            break
        cell = _clipped(cell, offsets[index], Fraction(squared, 2), index)
    return cell


def _clipped(polygon, normal, height, label):
    """The part of a convex polygon where `normal . x <= height`; its new edge is labelled."""
    heights = [_dot(normal, corner) - height for corner, _ in polygon]
    kept = []
    for k, (corner, own) in enumerate(polygon):
        following = (k + 1) % len(polygon)
        here, there = heights[k], heights[following]
        if here <= 0:
            kept.append((corner, label if here == 0 < there else own))
        if here * there < 0:
            part, other = here / (here - there), polygon[following][0]
            crossing = tuple(start + part * (end - start) for start, end in zip(corner, other, strict=True))
            kept.append((crossing, label if here < 0 else own))
    return kept


def _stolen_areas(cell, offsets):
    """Twice the area of the cell's part that is nearer to each natural neighbour than to the others."""
    neighbors = list(dict.fromkeys(index for _, index in cell))
    areas = {}
    for k, index in enumerate(neighbors):
        (x, y), part = offsets[index], cell
        # From the next ones around the query on, which cut off most of the cell.
        number = len(neighbors)
        others = [
            neighbors[(k + step) % number] for turn in range(1, number // 2 + 1) for step in {turn, -turn % number}
        ]
        for other in others:
            u, v = offsets[other]
            height = Fraction(u * u + v * v - x * x - y * y, 2)
            part = _clipped(part, (u - x, v - y), height, other)
        areas[index] = _doubled_area([corner for corner, _ in part])
    return areas


def _edge_ratios(cell, offsets):
    """The length of each edge of the cell, divided by the distance of the vertex across: both are along one direction."""
    ratios = {}
    for (corner, index), (following, _) in zip(cell, cell[1:] + cell[:1], strict=True):
        (x, y), (u, v) = offsets[index], (following[0] - corner[0], following[1] - corner[1])
        ratios[index] = (x * v - y * u) / _dot((x, y), (x, y))
    return ratios
