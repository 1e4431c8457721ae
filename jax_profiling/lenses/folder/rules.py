"""Rules across the keys of `info.json`."""

import autolens as al

from jax_profiling.lenses.folder.faults import Rule, faults_of, shown
from jax_profiling.lenses.folder.info_schema import Info
from jax_profiling.terminal.command import message_of


def _imaging_only(key):
    return Rule(
        (key, "dataset"),
        lambda size, dataset: dataset == "imaging" or size in (None, 1),
        "leave it out, because autolens does not over-sample visibilities",
    )


def _visibilities_only(key):
    return Rule(
        (key, "dataset"),
        lambda value, dataset: dataset == "interferometer" or value is None,
        'leave it out, or write "dataset": "interferometer"',
    )


RULES = (
    Rule(
        ("redshift_lens", "redshift_source"),
        lambda lens, source: lens < source,
        "write a redshift below redshift_source",
    ),
    Rule(
        ("mask_radius", "pixel_scale"),
        lambda radius, pixel_scale: radius > pixel_scale,
        "write more than one pixel_scale, both in arcsec",
    ),
    Rule(
        ("edge_radius", "mask_radius"),
        lambda edge, mask: edge is None or 0.5 * mask <= edge <= 2.0 * mask,
        "write arcsec between half and twice mask_radius, because the ring surrounds the mask",
    ),
    Rule(
        ("real_space_shape", "dataset"),
        lambda shape, dataset: dataset == "imaging" or shape is not None,
        "write the pixels of the real-space grid, [y, x], which visibilities need",
    ),
    _visibilities_only("real_space_shape"),
    _visibilities_only("transformer"),
    _imaging_only("over_sample_size_pixelization"),
    _imaging_only("over_sample_size_lp"),
    Rule(
        ("sparse_operator", "dataset"),
        lambda operator, dataset: dataset == "imaging" or operator != "cpu",
        "write true or false, because autolens has this operator for images only",
    ),
)


def info_faults(value):
    """(key, found, fix) of every fault of `info.json`, given as a dictionary without comments."""
    faults = faults_of(value, Info, RULES)
    if any(key.startswith("settings") for key, _, _ in faults):
        return faults
    return faults + _settings_faults(value.get("settings", {}))


def _settings_faults(settings):
    """autolens checks some settings itself, when a fit reads them."""
    faults = []
    for name, value in settings.items():
        try:
            getattr(al.Settings(**{name: value}), name)
        except ValueError as error:
            words = message_of(error).rstrip(".")
            faults.append((f"settings.{name}", f"is {shown(value)}", f"write what al.Settings takes ({words})"))
    return faults
