"""A figure of the image, mask, mesh and PSF of a lens folder."""

import autolens as al
import numpy as np
from matplotlib.figure import Figure

MASK_COLOUR, MESH_COLOUR = "tab:cyan", "tab:orange"


def figure_from(lens):
    """A figure with a row for every dataset.

    The panels of an image are the data with the outline of the mask, the signal to noise inside the mask, the mesh on the
    image that it adapts to, and the PSF (logarithmic). For visibilities, the dirty image replaces the first, the baselines
    the second and the last.
    """
    rows = len(lens.factors)
    figure = Figure(figsize=(17, 4.4 * rows), layout="constrained")
    for row, axes in zip(lens.factors, figure.subplots(rows, 4, squeeze=False)):
        visibilities = isinstance(row.dataset, al.Interferometer)
        (_draw_visibilities if visibilities else _draw_imaging)(row, axes)
        _draw_mesh(row, axes[2])
    figure.suptitle(f"{lens.name}: what was understood (arcsec)", parse_math=False)
    return figure


def _draw_imaging(factor, axes):
    dataset = factor.dataset
    mask, reach = ~np.asarray(dataset.mask), _reach(dataset.mask)
    _draw_masked(axes[0], factor.whole_image, mask, reach, "data and mask")
    ratio = np.where(mask, np.asarray(dataset.signal_to_noise_map.native.array), np.nan)
    axes[0].figure.colorbar(axes[1].imshow(ratio, extent=reach, cmap="viridis"), ax=axes[1])
    axes[1].set_title("signal to noise")
    psf = np.asarray(dataset.psf.kernel.native.array)
    half = 0.5 * factor.info["pixel_scale"] * np.array(psf.shape)
    faintest = max(psf.max() * 1.0e-5, 0.0)
    image = np.log10(np.maximum(psf, faintest))
    axes[3].imshow(image, extent=(-half[1], half[1], -half[0], half[0]), cmap="magma")
    axes[3].axhline(0.0, color="white", linewidth=0.4)
    axes[3].axvline(0.0, color="white", linewidth=0.4)
    axes[3].set_title(f"PSF, {psf.shape[0]} x {psf.shape[1]} pixels (log10)")


def _draw_visibilities(factor, axes):
    dataset = factor.dataset
    mask = ~np.asarray(dataset.real_space_mask)
    image = np.asarray(dataset.dirty_image.native.array)
    _draw_masked(axes[0], image, mask, _reach(dataset.real_space_mask), "dirty image and mask")
    u, v = 1.0e-3 * np.asarray(dataset.uv_wavelengths).T
    axes[1].plot(np.append(u, -u), np.append(v, -v), ",", color="black")
    axes[1].set_aspect("equal")
    axes[1].set_title("baselines (1000 wavelengths)")
    amplitudes = np.abs(np.asarray(dataset.data.array))
    axes[3].plot(np.hypot(u, v), amplitudes, ",", color="black")
    axes[3].set_title("amplitude over baseline (1000 wavelengths)")


def _draw_masked(axis, image, mask, reach, title):
    axis.imshow(_stretched(image), extent=reach, cmap="magma")
    axis.contour(mask.astype(float), levels=[0.5], colors=MASK_COLOUR, linewidths=1.0, extent=reach, origin="upper")
    axis.set_title(title)


def _draw_mesh(factor, axis):
    """The vertices in the image plane, the edge points apart, on the image that the mesh adapts to."""
    (image, *_), (mesh_grid, *_) = (
        list(images.values())
        for images in (
            factor.adapt_images.galaxy_name_image_dict,
            factor.adapt_images.galaxy_name_image_plane_mesh_grid_dict,
        )
    )
    axis.imshow(_stretched(np.asarray(image.native.array)), extent=_reach(image.mask), cmap="Greys")
    y, x = np.asarray(mesh_grid.array).T
    inner = len(x) - factor.info["edge_points"]
    axis.plot(x[:inner], y[:inner], ".", markersize=2.0, color=MESH_COLOUR, label=f"{inner} vertices")
    axis.plot(x[inner:], y[inner:], "+", markersize=5.0, color=MASK_COLOUR, label=f"{len(x) - inner} edge points")
    for likelihood in factor.positions or ():
        y, x = np.asarray(likelihood.positions.array).T
        axis.plot(x, y, "x", color="tab:red", label="positions.json")
    axis.legend(loc="lower right", fontsize="small")
    axis.set_title(f"{factor.info['image_mesh']['type']} mesh on the adapt image")


def _stretched(image):
    """An arcsinh stretch, so that arcs show beside the centre of the lens."""
    usable = np.abs(image[np.isfinite(image) & (image != 0.0)])
    return np.arcsinh(image / (np.median(usable) if usable.size else 1.0))


def _reach(mask):
    """(left, right, bottom, top) of an image in arcsec."""
    (scale_y, scale_x), (ny, nx) = mask.pixel_scales, mask.shape_native
    return -0.5 * nx * scale_x, 0.5 * nx * scale_x, -0.5 * ny * scale_y, 0.5 * ny * scale_y
