"""A table of the image, mask, mesh and model of a lens folder."""

import autolens as al
import numpy as np
from rich.table import Table
from rich.text import Text
from scipy.ndimage import zoom

from jax_profiling.lenses.model import galaxies_with_pixelization, models_of

SUB_PIXELS = 10
"""Sub-pixels per side for the width of a PSF."""


def table_from(lens):
    """A `rich.table.Table` with a line for every part of a lens: files, mask, mesh, over-sampling, positions and model."""
    table = Table(title=Text(f"{lens.name}: what was understood"), show_header=False, title_justify="left")
    for line in lines_from(lens):
        table.add_row(*map(Text, line))
    return table


def lines_from(lens):
    """(name, words) of every part of a lens."""
    lines = []
    models = models_of(lens.model)
    for number, (factor, model) in enumerate(zip(lens.factors, models, strict=True)):
        if len(lens.factors) > 1:
            lines.append(("dataset", f"{number + 1} of {len(lens.factors)}"))
        lines += _visibility_lines(factor) if isinstance(factor.dataset, al.Interferometer) else _image_lines(factor)
        lines += _mesh_lines(factor, model)
        lines += _setting_lines(factor)
    lines.append(("model", f"{lens.model.prior_count} free parameters, from {lens.model_path.name}"))
    lines += [(f"  {'.'.join(map(str, path))}", words) for path, words in _galaxy_lines(models[0])]
    pins = ", ".join(lens.expected)
    lines.append(("pins", f"autolens {pins}" if pins else "none"))
    return lines


def _image_lines(factor):
    dataset, info = factor.dataset, factor.info
    mask, scale = dataset.mask, info["pixel_scale"]
    ratio = np.asarray(dataset.signal_to_noise_map.array)
    psf = np.asarray(dataset.psf.kernel.native.array)
    return [
        ("image", f"{_across(mask.shape_native)} pixels of {scale:g} arcsec, {_extent(mask.shape_native, scale)}"),
        ("mask", _mask_words(mask, len(ratio))),
        ("signal to noise", f"{ratio.max():.1f} at most, {np.median(ratio):.2f} in the median inside the mask"),
        ("psf", f"{_across(psf.shape)} pixels, FWHM {_fwhm_of(psf, scale):.2g} arcsec"),
        ("over-sampling", _over_sampling_words(info, dataset)),
    ]


def _fwhm_of(psf, scale):
    """The diameter of the circle with the area above half of the peak (arcsec), on ten spline-interpolated sub-pixels."""
    fine = zoom(psf, SUB_PIXELS, order=3, grid_mode=True, mode="nearest")
    return 2.0 * scale / SUB_PIXELS * np.sqrt((fine >= 0.5 * fine.max()).sum() / np.pi)


def _visibility_lines(factor):
    dataset, info = factor.dataset, factor.info
    shape, scale = dataset.real_space_mask.shape_native, info["pixel_scale"]
    baselines = np.hypot(*np.asarray(dataset.uv_wavelengths).T)
    return [
        ("visibilities", f"{len(baselines)}, transformer {info['transformer']}"),
        ("baselines", f"{baselines.min():.3g} to {baselines.max():.3g} wavelengths"),
        ("real space", f"{_across(shape)} pixels of {scale:g} arcsec, {_extent(shape, scale)}"),
        ("mask", _mask_words(dataset.real_space_mask, int((~np.asarray(dataset.real_space_mask)).sum()))),
    ]


def _mask_words(mask, pixels):
    y, x = mask.mask_centre
    # autoarray also calls a mask circular that leaves out nothing.
    circular = np.asarray(mask).any() and mask.is_circular
    return f"{pixels} pixels inside, centre [{y:.3g}, {x:.3g}]{', circular' if circular else ''}"


def _mesh_lines(factor, model):
    spec, edge_points = factor.info["image_mesh"], factor.info["edge_points"]
    keys = ", ".join(f"{key} {value}" for key, value in spec.items() if key != "type")
    edge = f"{edge_points} edge points at {factor.info['edge_radius']:g} arcsec"
    sources = " and ".join(".".join(map(str, path)) for path, _ in galaxies_with_pixelization(model))
    return [("mesh", f"{spec['type']}, {keys}: {factor.vertices - edge_points} vertices and {edge}; of {sources}")]


def _setting_lines(factor):
    info = factor.info
    lines = []
    if info["sparse_operator"]:
        lines.append(("sparse operator", str(info["sparse_operator"])))
    if info["settings"]:
        lines.append(("settings", ", ".join(f"{key} {value}" for key, value in info["settings"].items())))
    if factor.positions:
        (likelihood,) = factor.positions
        lines.append(("positions", f"{len(likelihood.positions)} images, threshold {likelihood.threshold:g} arcsec"))
    return lines


def _galaxy_lines(model):
    """(path, words) of every galaxy: its redshift and its profiles."""
    found = []
    for group, galaxies in model.items():
        for name, galaxy in getattr(galaxies, "items", tuple)():
            parts = [f"{key} {_class_name(part)}" for key, part in galaxy.items() if hasattr(part, "prior_count")]
            redshift = getattr(galaxy.redshift, "value", galaxy.redshift) if hasattr(galaxy, "redshift") else None
            found.append(((group, name), ", ".join([f"redshift {redshift:g}" if _is_number(redshift) else "", *parts])))
    return [(path, words.strip(", ")) for path, words in found]


def _class_name(part):
    return getattr(part, "cls", type(part)).__name__


def _is_number(value):
    return isinstance(value, int | float)


def _over_sampling_words(info, dataset):
    mesh = info["over_sample_size_pixelization"]
    if isinstance(mesh, dict):
        mesh = f"{mesh['above']} above signal to noise {mesh['signal_to_noise']:g} and {mesh['below']} below"
    return f"mesh {mesh}, light profiles {info.get('over_sample_size_lp', '4, 2 and 1 outwards')}"


def _across(shape):
    return f"{shape[0]} x {shape[1]}"


def _extent(shape, scale):
    return f"{shape[0] * scale:.4g} x {shape[1] * scale:.4g} arcsec"
