"""The pictures of a report: the source on both meshes, and how far every mesh is from Delaunay."""

import logging
import math

import matplotlib.pyplot as plt
import numpy as np
from autoarray.plot.inversion import plot_inversion_reconstruction

from jax_profiling.gate.verdict import DEFAULT_RUNG, VERDICTS, Gate

plt.switch_backend("Agg")
# A machine without one of the fonts of formulas has another.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def reconstruction_figure(gate: Gate):
    """The source reconstructed on Delaunay and on the default rung, and their difference."""
    reference, candidate = gate.sources["Delaunay"], gate.sources[DEFAULT_RUNG]
    difference = candidate - reference
    largest = float(np.nanmax(np.abs(difference), initial=0.0)) or 1.0
    scale = {"vmin": float(reference.min()), "vmax": float(reference.max())}

    mesh_grid = np.asarray(gate.mapper.source_plane_mesh_grid.array)
    bright = mesh_grid[reference > 0.02 * reference.max()]
    centre, half_width = bright.mean(axis=0), 1.2 * float(np.ptp(bright, axis=0).max()) / 2.0

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    for ax, values, title, kwargs in (
        (axes[0], reference, "Delaunay", scale),
        (axes[1], candidate, "KNNBarycentric", scale),
        (axes[2], difference, "difference", {"vmin": -largest, "vmax": largest, "colormap": "RdBu_r"}),
    ):
        plot_inversion_reconstruction(values, gate.mapper, ax=ax, title=title, **kwargs)
        ax.set_aspect("equal")
        ax.set_ylim(centre[0] - half_width, centre[0] + half_width)
        ax.set_xlim(centre[1] - half_width, centre[1] + half_width)
        ax.set_xticks(centre[1] + half_width * np.array([-0.8, 0.0, 0.8]))
        ax.set_yticks(centre[0] + half_width * np.array([-0.8, 0.0, 0.8]))
        ax.xaxis.set_major_formatter('{x:.2f}"')
        ax.yaxis.set_major_formatter('{x:.2f}"')
    return figure


def verdict_figure(gate: Gate):
    """|difference| in nats per mesh on a log axis: at the prior median, and at every draw."""
    figure, ax = plt.subplots(figsize=(8, 1.6 + 0.45 * len(gate.candidates)), layout="constrained")
    floor = 1.0e-12
    for row, candidate in enumerate(gate.candidates):
        draws = np.maximum(candidate.errors[1:], floor)
        ax.plot(draws, np.full(len(draws), row), "|", color="0.5", markersize=12)
        ax.plot(max(abs(candidate.nats), floor), row, "o", color="C0" if candidate.rung == DEFAULT_RUNG else "C1")
    for verdict, bound in VERDICTS.items():
        if math.isfinite(bound):
            nats = bound * abs(gate.log_evidence)
            ax.axvline(nats, color="0.3", linestyle=":", linewidth=1)
            ax.text(nats, 1.02, verdict, rotation=45, fontsize=8, transform=ax.get_xaxis_transform())
    noise = max(float(np.nanmax(gate.reference.noise, initial=0.0)), floor)
    ax.axvspan(floor / 2, noise, color="0.92", zorder=0)
    ax.text(noise, 0.02, "noise of Delaunay ", ha="right", color="0.4", fontsize=8, transform=ax.get_xaxis_transform())
    ax.set_xscale("log")
    ax.set_xlim(left=floor / 2)
    ax.set_ylim(len(gate.candidates) - 0.5, -0.5)
    ax.set_yticks(range(len(gate.candidates)), [candidate.rung for candidate in gate.candidates])
    ax.set_xlabel(f"|log evidence - Delaunay's| [nats], {gate.lens.name} (at most {floor:g}: drawn there)")
    return figure


def save(figure, path, dpi=110):
    """Write a figure as PNG and close it."""
    figure.savefig(path, dpi=dpi)
    plt.close(figure)
