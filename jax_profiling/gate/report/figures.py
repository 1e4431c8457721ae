"""The figures of a report: the source on both meshes, the mesh, and the error of every mesh."""

import logging
import math

import autolens as al
import matplotlib.pyplot as plt
import numpy as np
from autoarray.plot.inversion import plot_inversion_reconstruction

from jax_profiling.gate.candidate import VERDICTS
from jax_profiling.gate.ladder import DEFAULT_RUNG
from jax_profiling.gate.report.summary import largest
from jax_profiling.gate.verdict import Gate

plt.switch_backend("Agg")
# matplotlib warns if a font for formulas is missing, and uses another one.
logging.getLogger("matplotlib.font_manager").setLevel(logging.ERROR)


def reconstruction_figure(gate: Gate):
    """The source on Delaunay and on the default rung, and their difference; axes in arcsec."""
    reference, candidate = gate.sources["Delaunay"], gate.sources[DEFAULT_RUNG]
    difference = candidate - reference
    largest = float(np.nanmax(np.abs(difference), initial=0.0)) or 1.0
    scale = {"vmin": float(reference.min()), "vmax": float(reference.max())}

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    for ax, values, title, kwargs in (
        (axes[0], reference, "Delaunay", scale),
        (axes[1], candidate, "KNNBarycentric", scale),
        (axes[2], difference, "difference", {"vmin": -largest, "vmax": largest, "colormap": "RdBu_r"}),
    ):
        plot_inversion_reconstruction(values, gate.mapper, ax=ax, title=title, **kwargs)
        _zoom_to_source(gate, ax)
    return figure


def mesh_figure(gate: Gate):
    """The mesh at the prior median (arcsec): on the image, in the source plane, and in the source plane near the source."""
    dataset = gate.lens.factors[-1].dataset
    vertices = np.asarray(gate.mapper.source_plane_mesh_grid.array)
    simplices = np.asarray(gate.mapper.interpolator.delaunay.simplices)
    figure, axes = plt.subplots(1, 3, figsize=(15, 5), layout="constrained")
    if isinstance(dataset, al.Imaging):
        shape, scale = dataset.data.shape_native, dataset.data.pixel_scales[0]
        extent = 0.5 * scale * np.array([-shape[1], shape[1], -shape[0], shape[0]])
        # The arcsinh shows faint arcs next to a bright lens.
        axes[0].imshow(np.arcsinh(np.asarray(dataset.data.native.array) / 0.1), cmap="gray_r", extent=extent)
    *_, image_plane = gate.lens.factors[-1].adapt_images.galaxy_name_image_plane_mesh_grid_dict.values()
    axes[0].plot(*np.asarray(image_plane).T[::-1], ".", color="C3", markersize=2.0)
    axes[0].set(title="image plane", aspect="equal", xlabel='x (")', ylabel='y (")')
    for ax, title in zip(axes[1:], (f"source plane, {len(vertices)} vertices", "source plane, near the source")):
        y, x = vertices.T
        ax.triplot(x, y, simplices[simplices[:, 0] >= 0], color="C0", linewidth=0.4)
        ax.set(title=title, aspect="equal", xlabel='x (")', ylabel='y (")')
    _zoom_to_source(gate, axes[2], brightness=0.05)
    return figure


def _zoom_to_source(gate, ax, brightness=0.02):
    """Limit axes to the vertices that are brighter than this part of the brightest one."""
    flux, vertices = gate.sources["Delaunay"], np.asarray(gate.mapper.source_plane_mesh_grid.array)
    bright = vertices[flux > brightness * flux.max()] if np.isfinite(flux).all() else vertices
    centre, half_width = bright.mean(axis=0), 1.2 * float(np.ptp(bright, axis=0).max()) / 2.0
    ax.set_aspect("equal")
    ax.set_ylim(centre[0] - half_width, centre[0] + half_width)
    ax.set_xlim(centre[1] - half_width, centre[1] + half_width)
    ax.set_xticks(centre[1] + half_width * np.array([-0.8, 0.0, 0.8]))
    ax.set_yticks(centre[0] + half_width * np.array([-0.8, 0.0, 0.8]))
    ax.xaxis.set_major_formatter('{x:.2f}"')
    ax.yaxis.set_major_formatter('{x:.2f}"')


def verdict_figure(gate: Gate):
    """The error of every mesh on a log axis (nats): a dot for the prior median, a tick for every draw."""
    figure, ax = plt.subplots(figsize=(8, 1.6 + 0.45 * len(gate.candidates)), layout="constrained")
    floor = 1.0e-12
    for row, candidate in enumerate(gate.candidates):
        draws = np.maximum(candidate.errors[1:][~gate.reference.undefined[1:]], floor)
        ax.plot(draws, np.full(len(draws), row), "|", color="0.5", markersize=12)
        ax.plot(max(abs(candidate.nats), floor), row, "o", color="C0" if candidate.rung == DEFAULT_RUNG else "C1")
    for verdict, bound in VERDICTS.items():
        # Relative errors are without the penalty of positions.
        nats = bound * gate.reference.sizes[0]
        if math.isfinite(nats):
            ax.axvline(nats, color="0.3", linestyle=":", linewidth=1)
            ax.text(nats, 1.02, verdict, rotation=45, fontsize=8, transform=ax.get_xaxis_transform())
    noise = max(largest(gate.reference.noise), floor)
    ax.axvspan(floor / 2, noise, color="0.92", zorder=0)
    ax.text(noise, 0.02, "noise of Delaunay ", ha="right", color="0.4", fontsize=8, transform=ax.get_xaxis_transform())
    ax.set_xscale("log")
    ax.set_xlim(left=floor / 2)
    ax.set_ylim(len(gate.candidates) - 0.5, -0.5)
    ax.set_yticks(range(len(gate.candidates)), [candidate.rung for candidate in gate.candidates])
    label = f"|log evidence - Delaunay's| [nats], {gate.lens.name} (smaller values are drawn at {floor:g})"
    ax.set_xlabel(label, parse_math=False)
    return figure


def save(figure, path, dpi=110):
    """Write a figure as PNG and close it. `path` may be a file object."""
    figure.savefig(path, dpi=dpi)
    plt.close(figure)
