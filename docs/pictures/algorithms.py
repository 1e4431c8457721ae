"""The drawings of docs/architecture.md, from one real mesh of 30 points.

    .venv/bin/python docs/pictures/algorithms.py

writes `in_circle.svg`, `insertion.svg`, `star.svg` and `natural_neighbours.svg` into this folder. Every step is computed, not
sketched: signs come from `delaunax.oracle`, and each drawing ends by comparing its triangles with `delaunax.triangulate`.
"""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle, Polygon

import delaunax
from delaunax import oracle

FOLDER = Path(__file__).resolve().parent

MESH, NEW, FLIPPED, EMPTY, GREY = "0.6", "#c1272d", "#0068b2", "#e8a202", "0.35"
"""Colours: triangles; the new vertex or the star's own; edges that change; circles; everything in the background."""


def thirty_points():
    """(30, 2) integer coordinates below 1000: a jittered grid, so that all triangles are easy to see."""
    rng = np.random.default_rng(4)
    grid = np.stack(np.meshgrid(np.arange(6), np.arange(5)), axis=-1).reshape(-1, 2)
    return np.round(160 * (grid + 0.5) + rng.uniform(-62, 62, grid.shape))


def triangles_of(points):
    """The triangles that `delaunax` finds, as sorted tuples."""
    simplices = delaunax.triangulate(points).simplices
    return sorted(tuple(sorted(row)) for row in simplices.tolist() if row[0] >= 0)


def circle_of(a, b, c):
    """The centre and radius of the circle through three points."""
    (bx, by), (cx, cy) = b - a, c - a
    doubled = 2.0 * (bx * cy - by * cx)
    offset = (
        np.array([cy * (bx**2 + by**2) - by * (cx**2 + cy**2), bx * (cx**2 + cy**2) - cx * (bx**2 + by**2)]) / doubled
    )
    return a + offset, np.hypot(*offset)


def panels(number, width=3.3):
    figure, axes = plt.subplots(1, number, figsize=(width * number, 3.0), layout="constrained")
    for ax in np.atleast_1d(axes):
        ax.set_axis_off()
        ax.set_aspect("equal")
    return figure, np.atleast_1d(axes)


def draw_mesh(ax, points, triangles, **style):
    style = {"color": MESH, "linewidth": 0.8} | style
    ax.triplot(*points.T, np.array(triangles), **style)
    ax.plot(*points.T, ".", color=GREY, markersize=4)


def draw_circle(ax, points, *corners, **style):
    style = {"edgecolor": EMPTY, "linewidth": 1.2, "fill": False} | style
    centre, radius = circle_of(*(points[corner] for corner in corners))
    ax.add_patch(Circle(centre, radius, **style))


def draw_edge(ax, points, a, b, **style):
    style = {"color": FLIPPED, "linewidth": 2.0} | style
    ax.plot(*points[[a, b]].T, **style)


def zoom(ax, centre, half_width):
    ax.set_xlim(centre[0] - half_width, centre[0] + half_width)
    ax.set_ylim(centre[1] - half_width, centre[1] + half_width)


def name(ax, point, text, colour=GREY, away=(9, 9)):
    ax.annotate(
        text,
        point,
        xytext=away,
        textcoords="offset points",
        color=colour,
        fontsize=11,
        fontstyle="italic",
        ha="center",
        va="center",
    )


def save(figure, stem):
    plt.rcParams["svg.hashsalt"] = stem  # The same file on every run.
    figure.savefig(FOLDER / f"{stem}.svg", metadata={"Date": None})
    plt.close(figure)


class Insertion:
    """One vertex inserted into the Delaunay triangulation of the others, by Lawson's flips; triangles are counter-clockwise."""

    def __init__(self, points, vertex):
        self.points, self.vertex, self.sites = points, vertex, oracle.integer_points(points)
        others = np.delete(np.arange(len(points)), vertex)
        self.triangles = [self._oriented(*others[list(row)].tolist()) for row in triangles_of(points[others])]
        self.flipped = []

    def _oriented(self, a, b, c):
        return (a, b, c) if oracle.orientation(*(self.sites[k] for k in (a, b, c))) > 0 else (a, c, b)

    def holder(self):
        """The triangle that holds the vertex."""
        v = self.sites[self.vertex]
        return next(
            t
            for t in self.triangles
            if all(oracle.orientation(v, self.sites[t[k - 2]], self.sites[t[k - 1]]) > 0 for k in range(3))
        )

    def split(self):
        a, b, c = held = self.holder()
        self.triangles.remove(held)
        self.triangles += [(self.vertex, b, c), (self.vertex, c, a), (self.vertex, a, b)]

    def next_flip(self):
        """The next edge (c, b) opposite the vertex whose circle holds the vertex j beyond; None if all circles are empty."""
        apexes = {(t[k - 2], t[k - 1]): t[k] for t in self.triangles for k in range(3)}
        for (c, b), apex in apexes.items():
            j = apexes.get((b, c))
            if apex == self.vertex and j is not None:
                v = self.sites[self.vertex]
                if oracle.in_circle(v, self.sites[c], self.sites[b], self.sites[j]) > 0:
                    return c, b, j
        return None

    def flip(self, c, b, j):
        v, gone = self.vertex, ({self.vertex, c, b}, {c, b, j})
        self.triangles = [t for t in self.triangles if set(t) not in gone] + [(v, c, j), (v, j, b)]
        self.flipped.append((c, b))


def insertion(points, vertex):
    """Find the triangle, split it, flip edges until every circle is empty."""
    steps = Insertion(points, vertex)
    others = np.delete(np.arange(len(points)), vertex)
    held = steps.holder()
    stages = [("1. walk to the triangle", [], None, list(steps.triangles))]
    steps.split()
    stages.append(("2. split it", [(vertex, k) for k in held], steps.next_flip(), list(steps.triangles)))
    while (edge := steps.next_flip()) is not None:
        steps.flip(*edge)
        stages.append((f"{len(stages) + 1}. flip", [(vertex, edge[2])], steps.next_flip(), list(steps.triangles)))
    assert sorted(tuple(sorted(t)) for t in steps.triangles) == triangles_of(points)
    print(f"{len(steps.flipped)} flips")

    figure, axes = panels(len(stages), width=2.7)
    for ax, (title, new, doubtful, triangles) in zip(axes, stages):
        draw_mesh(
            ax,
            points[others] if not new else points,
            [tuple(np.searchsorted(others, t)) for t in triangles] if not new else triangles,
        )
        if not new:
            ax.add_patch(Polygon(points[list(held)], color=NEW, alpha=0.15, linewidth=0))
        for edge in new:
            draw_edge(ax, points, *edge, color=NEW)
        if doubtful is not None:
            c, b, j = doubtful
            draw_circle(ax, points, vertex, c, b)
            draw_edge(ax, points, c, b, linestyle="--")
            for corner, letter in ((c, "c"), (b, "b"), (j, "j")):
                ax.plot(*points[corner], "o", color=FLIPPED, markersize=5)
                name(ax, points[corner], letter, FLIPPED, away=11 * _unit(points[corner] - points[vertex]))
        ax.plot(*points[vertex], "o", color=NEW, markersize=6)
        name(ax, points[vertex], "v", NEW, away=(-9, 6))
        ax.set_title(title, fontsize=10)
        zoom(ax, points[vertex], 275)
    axes[-1].set_title(axes[-1].get_title() + ": all circles are empty", fontsize=10)
    return figure


def star(points, vertex):
    """From the nearest neighbour on, counter-clockwise: each step takes the candidate whose circle is empty."""
    sites = oracle.integer_points(points)
    v = sites[vertex]
    others = [k for k in range(len(points)) if k != vertex]
    current = min(others, key=lambda k: (sites[k][0] - v[0]) ** 2 + (sites[k][1] - v[1]) ** 2)
    fan = [current]
    while len(fan) == 1 or fan[-1] != fan[0]:
        c = fan[-1]
        left = [k for k in others if oracle.orientation(v, sites[c], sites[k]) > 0]
        best = left[0]
        for j in left[1:]:
            if oracle.in_circle(v, sites[c], sites[best], sites[j]) > 0:
                best = j
        fan.append(best)
    found = sorted(tuple(sorted((vertex, c, b))) for c, b in zip(fan, fan[1:]))
    assert found == [t for t in triangles_of(points) if vertex in t]
    print(f"star of {len(found)} triangles")

    figure, axes = panels(4, width=2.9)
    titles = (
        "begin at the nearest\nneighbour c",
        "left of vc, b has\nthe empty circle",
        "b is the next c",
        "back at the start:\nthe star of v",
    )
    for ax, title, number in zip(axes, titles, (0, 1, 2, len(found))):
        ax.plot(*points.T, ".", color=GREY, markersize=4)
        for c, b in list(zip(fan, fan[1:]))[:number]:
            ax.add_patch(Polygon(points[[vertex, c, b]], facecolor=NEW, alpha=0.12, edgecolor="none"))
        for k in fan[: number + 1]:
            draw_edge(ax, points, vertex, k, color=NEW, linewidth=1.5)
        for c, b in list(zip(fan, fan[1:]))[:number]:
            draw_edge(ax, points, c, b, color=NEW, linewidth=1.5)
        if number in (1, 2):
            draw_circle(ax, points, vertex, fan[number - 1], fan[number])
            name(ax, points[fan[number]], "b", FLIPPED, away=12 * _unit(points[fan[number]] - points[vertex]))
        if number < 3:
            k = fan[max(number - 1, 0)]
            name(ax, points[k], "c", FLIPPED, away=12 * _unit(points[k] - points[vertex]))
        ax.plot(*points[vertex], "o", color=NEW, markersize=6)
        if number < len(found):
            name(ax, points[vertex], "v", NEW, away=-11 * _unit(points[fan[0]] - points[vertex]))
        ax.set_title(title, fontsize=10)
        zoom(ax, points[vertex], 235)
    return figure


def _unit(vector):
    return vector / np.hypot(*vector)


def natural_neighbours(points, query):
    """The cavity and ring of a query, and what its new Voronoi cell takes from every neighbour (Sibson's weights)."""
    every = np.vstack([points, query])
    number, sites = len(points), oracle.integer_points(np.vstack([points, query]))
    triangles = triangles_of(points)

    def oriented(a, b, c):
        return (a, b, c) if oracle.orientation(sites[a], sites[b], sites[c]) > 0 else (a, c, b)

    cavity = [
        t for t in (oriented(*t) for t in triangles) if oracle.in_circle(*(sites[k] for k in t), sites[number]) > 0
    ]
    edges = {(t[k - 2], t[k - 1]) for t in cavity for k in range(3)}
    following = dict(edge for edge in edges if edge[::-1] not in edges)
    ring = [min(following)]
    while len(ring) < len(following):
        ring.append(following[ring[-1]])
    assert len(cavity) == len(ring) - 2
    print(f"cavity of {len(cavity)} triangles, ring of {len(ring)}")

    figure, axes = panels(3)
    for ax in axes:
        draw_mesh(ax, points, triangles)
    for t in cavity:
        draw_circle(axes[0], points, *t)
        axes[0].add_patch(Polygon(points[list(t)], color=EMPTY, alpha=0.18, linewidth=0))
    axes[0].set_title("cavity: circles that hold q", fontsize=10)
    axes[1].add_patch(Polygon(points[ring], facecolor=EMPTY, alpha=0.12, edgecolor=FLIPPED, linewidth=2))
    for k, vertex in enumerate(ring):
        draw_edge(axes[1], every, number, vertex, color=NEW, linewidth=1.0)
        name(axes[1], points[vertex], f"$v_{k + 1}$", FLIPPED, away=13 * _unit(points[vertex] - query))
    axes[1].set_title("ring: its natural neighbours", fontsize=10)

    colours = plt.get_cmap("tab10")(np.arange(len(ring)))
    weights = []
    for k, vertex in enumerate(ring):
        before, after = ring[k - 1], ring[(k + 1) % len(ring)]
        around = [circle_of(*(points[j] for j in t))[0] for t in cavity if vertex in t]
        ends = [circle_of(query, points[vertex], points[other])[0] for other in (before, after)]
        corners = np.array([*ends, *around])
        middle = corners.mean(axis=0)
        corners = corners[np.argsort(np.arctan2(*(corners - middle).T[::-1]))]
        axes[2].add_patch(Polygon(corners, facecolor=colours[k], alpha=0.45, edgecolor="w", linewidth=1.0))
        x, y = corners.T
        weights.append(0.5 * abs(x @ np.roll(y, -1) - y @ np.roll(x, -1)))
    weights = np.array(weights) / sum(weights)
    assert np.allclose(weights @ points[ring], query)
    for weight, vertex in zip(weights, ring):
        name(axes[2], points[vertex], f"{weight:.2f}", GREY, away=15 * _unit(points[vertex] - query))
    axes[2].set_title("the area taken from each cell", fontsize=10)
    for ax in axes:
        ax.plot(*query, "o", color=NEW, markersize=6)
        name(ax, query, "q", NEW, away=(-9, -7))
        zoom(ax, query, 270)
    return figure


def in_circle():
    """The four points of every in-circle test, and its three answers."""
    v, c, b = np.array([0.0, 0.0]), np.array([180.0, -30.0]), np.array([120.0, 150.0])
    four = np.array([v, c, b])
    centre, radius = circle_of(v, c, b)
    figure, axes = panels(3, width=2.9)
    for ax, distance, title in zip(
        axes, (0.72, 1.0, 1.3), ("j inside: j is better than b", "j on the circle: a tie", "j outside: b stays")
    ):
        j = centre + distance * radius * _unit(np.array([1.0, 0.72]))
        ax.add_patch(Circle(centre, radius, edgecolor=EMPTY, linewidth=1.4, fill=False))
        ax.add_patch(Polygon(four, facecolor=NEW, alpha=0.1, edgecolor=NEW, linewidth=1.5))
        ax.annotate("", c, v, arrowprops={"arrowstyle": "-|>", "color": NEW, "linewidth": 2.0, "shrinkB": 3})
        for point, text, colour in ((v, "v", NEW), (c, "c", FLIPPED), (b, "b", FLIPPED), (j, "j", GREY)):
            ax.plot(*point, "o", color=colour, markersize=6)
            name(ax, point, text, colour, away=12 * _unit(point - centre))
        ax.set_title(title, fontsize=10)
        zoom(ax, centre, 1.75 * radius)
    return figure


if __name__ == "__main__":
    plt.switch_backend("Agg")
    plt.rcParams["svg.fonttype"] = "path"
    mesh = thirty_points()
    save(in_circle(), "in_circle")
    save(insertion(mesh, 14), "insertion")
    save(star(mesh, 14), "star")
    save(natural_neighbours(np.delete(mesh, 14, axis=0), mesh[14] + np.array([13.0, 7.0])), "natural_neighbours")
