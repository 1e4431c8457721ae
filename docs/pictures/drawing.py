"""The parts that drawings of triangulations are made of."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.patches import Circle

MESH, NEW, FLIPPED, EMPTY, GREY = "0.6", "#c1272d", "#0068b2", "#e8a202", "0.35"
"""Colours: triangles; the new vertex or the star's own; edges that change; circles; everything in the background."""


def circle_of(a, b, c):
    """The centre and radius of the circle through three points."""
    (bx, by), (cx, cy) = b - a, c - a
    doubled = 2.0 * (bx * cy - by * cx)
    offset = (
        np.array([cy * (bx**2 + by**2) - by * (cx**2 + cy**2), bx * (cx**2 + cy**2) - cx * (bx**2 + by**2)]) / doubled
    )
    return a + offset, np.hypot(*offset)


def unit(vector):
    """The vector of length one."""
    return vector / np.hypot(*vector)


def panels(number, columns, width):
    """A figure of square panels without axes, `width` inches each."""
    rows = -(-number // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(width * columns, (width + 0.45) * rows), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
        ax.set_aspect("equal")
    return figure, axes.flat[:number]


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
