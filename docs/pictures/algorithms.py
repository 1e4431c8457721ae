"""The drawings of docs/architecture.md, from one real mesh of 30 points.

    .venv/bin/python docs/pictures/algorithms.py

writes `in_circle.svg`, `insertion.svg`, `star.svg` and `natural_neighbours.svg` into this folder, or into the one that it is
given. Every step is computed, not sketched: signs come from `delaunax.oracle`, and each drawing compares its triangles with
`delaunax.triangulate`.
"""

import sys
from itertools import pairwise
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
from drawing import EMPTY, FLIPPED, GREY, NEW, circle_of, draw_circle, draw_edge, draw_mesh, name, panels, unit, zoom
from matplotlib.patches import Circle, Polygon

import delaunax
from delaunax import oracle

jax.config.update("jax_enable_x64", True)

CENTRE = 14
"""The vertex in the middle of the mesh."""


def thirty_points():
    """(30, 2) integer coordinates below 1000: a jittered grid, so that all triangles are easy to see."""
    rng = np.random.default_rng(4)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(5)), axis=-1).reshape(-1, 2)
    return np.round(160 * (grid + 0.5) + rng.uniform(-62, 62, grid.shape))


def triangles_of(points):
    """The triangles that `delaunax` finds, as sorted tuples."""
    simplices = delaunax.triangulate(points).simplices
    return sorted(tuple(sorted(row)) for row in simplices.tolist() if row[0] >= 0)


class Insertion:
    """Insert vertex a into the Delaunay triangulation of the others, by Lawson's flips; triangles are counter-clockwise."""

    def __init__(self, points, a):
        self.a, self.sites = a, oracle.integer_points(points)
        others = np.delete(np.arange(len(points)), a)
        self.triangles = [self._oriented(*others[list(row)].tolist()) for row in triangles_of(points[others])]

    def _oriented(self, *corners):
        a, b, c = corners
        return (a, b, c) if oracle.orientation(*(self.sites[k] for k in corners)) > 0 else (a, c, b)

    def containing(self):
        """The triangle that contains the vertex."""
        return next(
            t
            for t in self.triangles
            if all(oracle.orientation(*(self.sites[k] for k in (self.a, t[k - 2], t[k - 1]))) > 0 for k in range(3))
        )

    def split(self):
        """Make three triangles of the one that contains the vertex."""
        b, c, d = split = self.containing()
        self.triangles.remove(split)
        self.triangles += [(self.a, b, c), (self.a, c, d), (self.a, d, b)]

    def next_flip(self):
        """The next edge (b, c) opposite the vertex with the vertex d beyond inside its circle; None if there is none."""
        apexes = {(t[k - 2], t[k - 1]): t[k] for t in self.triangles for k in range(3)}
        for (b, c), apex in apexes.items():
            d = apexes.get((c, b))
            if apex == self.a and d is not None and is_in_circle(self.sites, self.a, b, c, d):
                return b, c, d
        return None

    def flip(self, b, c, d):
        """Replace the edge (b, c) by (a, d)."""
        gone = {self.a, b, c}, {b, c, d}
        self.triangles = [t for t in self.triangles if set(t) not in gone] + [(self.a, b, d), (self.a, d, c)]


def is_in_circle(sites, a, b, c, d):
    """Whether d lies inside the circle of the counter-clockwise a, b and c."""
    return oracle.in_circle(*(sites[k] for k in (a, b, c, d))) > 0


def insertion(points, a):
    """Find the triangle, split it, flip edges until every circle is empty."""
    steps = Insertion(points, a)
    start = steps.containing()
    stages = [("1. walk to the triangle", [], None, list(steps.triangles))]
    steps.split()
    stages.append(("2. split it", [(a, k) for k in start], steps.next_flip(), list(steps.triangles)))
    while (edge := steps.next_flip()) is not None:
        steps.flip(*edge)
        stages.append((f"{len(stages) + 1}. flip", [(a, edge[2])], steps.next_flip(), list(steps.triangles)))
    assert sorted(tuple(sorted(t)) for t in steps.triangles) == triangles_of(points)

    figure, axes = panels(len(stages), columns=3, width=2.9)
    for ax, (title, new_edges, tested, triangles) in zip(axes, stages, strict=True):
        draw_mesh(ax, points, triangles)
        for edge in new_edges:
            draw_edge(ax, points, *edge, color=NEW)
        if tested is not None:
            b, c, d = tested
            draw_circle(ax, points, a, b, c)
            draw_edge(ax, points, b, c, linestyle="--")
            for corner, letter in zip(tested, "bcd", strict=True):
                ax.plot(*points[corner], "o", color=FLIPPED, markersize=5)
                name(ax, points[corner], letter, FLIPPED, away=11 * unit(points[corner] - points[a]))
        ax.plot(*points[a], "o", color=NEW, markersize=6)
        name(ax, points[a], "a", NEW, away=(-9, 6))
        ax.set_title(title, fontsize=10)
        zoom(ax, points[a], 275)
    axes[0].add_patch(Polygon(points[list(start)], color=NEW, alpha=0.15, linewidth=0))
    axes[-1].set_title(f"{stages[-1][0]}: all circles are empty", fontsize=10)
    return figure


def star(points, a):
    """From the nearest neighbour, counter-clockwise: each step takes the candidate with the empty circle."""
    sites = oracle.integer_points(points)
    others = [k for k in range(len(points)) if k != a]
    fan = [min(others, key=lambda k: (sites[k][0] - sites[a][0]) ** 2 + (sites[k][1] - sites[a][1]) ** 2)]
    while len(fan) == 1 or fan[-1] != fan[0]:
        b = fan[-1]
        left = [k for k in others if oracle.orientation(sites[a], sites[b], sites[k]) > 0]
        best = left[0]
        for d in left[1:]:
            if is_in_circle(sites, a, b, best, d):
                best = d
        fan.append(best)
    found = sorted(tuple(sorted((a, b, c))) for b, c in pairwise(fan))
    assert found == [t for t in triangles_of(points) if a in t]

    figure, axes = panels(4, columns=4, width=2.25)
    titles = {
        0: "begin at the nearest\nneighbour b",
        1: "left of a-b, c has\nthe empty circle",
        2: "c is the next b",
        len(found): "back at the start:\nthe star of a",
    }
    for ax, (number, title) in zip(axes, titles.items(), strict=True):
        ax.plot(*points.T, ".", color=GREY, markersize=4)
        for b, c in list(pairwise(fan))[:number]:
            ax.add_patch(Polygon(points[[a, b, c]], facecolor=NEW, alpha=0.12, edgecolor="none"))
            draw_edge(ax, points, b, c, color=NEW, linewidth=1.5)
        for k in fan[: number + 1]:
            draw_edge(ax, points, a, k, color=NEW, linewidth=1.5)
        if number in (1, 2):
            draw_circle(ax, points, a, fan[number - 1], fan[number])
            name(ax, points[fan[number]], "c", FLIPPED, away=12 * unit(points[fan[number]] - points[a]))
        if number < 3:
            b = fan[max(number - 1, 0)]
            name(ax, points[b], "b", FLIPPED, away=12 * unit(points[b] - points[a]))
            name(ax, points[a], "a", NEW, away=-11 * unit(points[fan[0]] - points[a]))
        ax.plot(*points[a], "o", color=NEW, markersize=6)
        ax.set_title(title, fontsize=10)
        zoom(ax, points[a], 235)
    return figure


def cavity_and_ring(points, query):
    """The triangles with a query inside their circle, and the vertices on their boundary, counter-clockwise."""
    sites, number = oracle.integer_points(np.vstack([points, query])), len(points)
    triangles = (t if oracle.orientation(*(sites[k] for k in t)) > 0 else t[::-1] for t in triangles_of(points))
    cavity = [t for t in triangles if is_in_circle(sites, *t, number)]
    edges = {(t[k - 2], t[k - 1]) for t in cavity for k in range(3)}
    following = dict(edge for edge in edges if edge[::-1] not in edges)
    ring = [min(following)]
    while len(ring) < len(following):
        ring.append(following[ring[-1]])
    assert len(cavity) == len(ring) - 2
    return cavity, ring


def stolen_cells(points, query, cavity, ring):
    """For every vertex of the ring, the corners of the part of its Voronoi cell that the query takes."""
    for k, vertex in enumerate(ring):
        ends = [circle_of(query, points[vertex], points[other])[0] for other in (ring[k - 1], ring[k + 1 - len(ring)])]
        corners = np.array(ends + [circle_of(*points[list(t)])[0] for t in cavity if vertex in t])
        around = corners - corners.mean(axis=0)
        yield corners[np.argsort(np.arctan2(around[:, 1], around[:, 0]))]


def natural_neighbours(points, query):
    """The cavity and ring of a query, and what its new Voronoi cell takes from every neighbour (Sibson's weights)."""
    cavity, ring = cavity_and_ring(points, query)
    cells = list(stolen_cells(points, query, cavity, ring))
    areas = np.array([0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)) for x, y in (cell.T for cell in cells)])
    weights = areas / areas.sum()
    assert np.allclose(weights @ points[ring], query)

    figure, axes = panels(3, columns=3, width=2.9)
    for ax in axes:
        draw_mesh(ax, points, triangles_of(points))
        ax.plot(*query, "o", color=NEW, markersize=6)
        name(ax, query, "q", NEW, away=(-9, -7))
        zoom(ax, query, 270)
    for t in cavity:
        draw_circle(axes[0], points, *t)
        axes[0].add_patch(Polygon(points[list(t)], color=EMPTY, alpha=0.18, linewidth=0))
    axes[0].set_title("cavity: circles that contain q", fontsize=10)
    axes[1].add_patch(Polygon(points[ring], facecolor=EMPTY, alpha=0.12, edgecolor=FLIPPED, linewidth=2))
    axes[1].set_title("ring: its natural neighbours", fontsize=10)
    axes[2].set_title("the area taken from each cell", fontsize=10)
    colours = plt.get_cmap("tab10").colors
    for k, (vertex, cell, weight) in enumerate(zip(ring, cells, weights, strict=True)):
        away = unit(points[vertex] - query)
        axes[1].plot(*np.array([query, points[vertex]]).T, color=NEW, linewidth=1.0)
        name(axes[1], points[vertex], f"$v_{k + 1}$", FLIPPED, away=13 * away)
        axes[2].add_patch(Polygon(cell, facecolor=colours[k], alpha=0.45, edgecolor="w", linewidth=1.0))
        name(axes[2], points[vertex], f"{weight:.2f}", GREY, away=15 * away)
    return figure


def in_circle():
    """The four points of every in-circle test, and its three answers."""
    a, b, c = corners = np.array([[0.0, 0.0], [180.0, -30.0], [120.0, 150.0]])
    centre, radius = circle_of(a, b, c)
    figure, axes = panels(3, columns=3, width=2.9)
    answers = {
        0.72: "d inside: the edge b-c is wrong",
        1.0: "d on the circle: a tie",
        1.3: "d outside: b-c is Delaunay",
    }
    for ax, (distance, title) in zip(axes, answers.items(), strict=True):
        d = centre + distance * radius * unit(np.array([1.0, 0.72]))
        ax.add_patch(Circle(centre, radius, edgecolor=EMPTY, linewidth=1.4, fill=False))
        ax.add_patch(Polygon(corners, facecolor=NEW, alpha=0.1, edgecolor=NEW, linewidth=1.2))
        ax.plot(*np.array([b, c]).T, color=FLIPPED, linewidth=2.0)
        for point, letter, colour in ((a, "a", NEW), (b, "b", FLIPPED), (c, "c", FLIPPED), (d, "d", GREY)):
            ax.plot(*point, "o", color=colour, markersize=6)
            name(ax, point, letter, colour, away=12 * unit(point - centre))
        ax.set_title(title, fontsize=10)
        zoom(ax, centre, 1.75 * radius)
    return figure


def main(folder):
    """Write all drawings into a folder."""
    plt.switch_backend("Agg")
    mesh = thirty_points()
    drawings = {
        "in_circle": in_circle(),
        "insertion": insertion(mesh, CENTRE),
        "star": star(mesh, CENTRE),
        "natural_neighbours": natural_neighbours(np.delete(mesh, CENTRE, axis=0), mesh[CENTRE] + [13.0, 7.0]),
    }
    for stem, figure in drawings.items():
        with plt.rc_context({"svg.hashsalt": stem}):  # The same file on every run.
            figure.savefig(Path(folder) / f"{stem}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent)
