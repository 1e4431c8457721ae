"""One dataset of a lens: load it, check it, and draw the mesh that its source is reconstructed on."""

from dataclasses import dataclass

import autolens as al
import numpy as np
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points

from jax_profiling.lenses.files import (
    LensError,
    check_shape,
    image_from,
    imaging_from,
    interferometer_from,
    mask_from,
    positions_from,
    settings_from,
)
from jax_profiling.lenses.model import galaxies_with_pixelization

OVER_SAMPLE_SIZES = {"sub_size_list": [4, 2, 1], "radial_list": [0.3, 0.6], "centre_list": [(0.0, 0.0)]}
"""Over-sampling of the light profiles unless `info.json` gives one (radii in arcsec)."""


@dataclass(frozen=True)
class Factor:
    """One dataset of a lens, and what its analysis takes beside the model; several are the factors of an `af.FactorGraphModel`.

    Attributes
    ----------
    info
        `info.json`, with defaults filled in.
    dataset
        The masked and over-sampled `al.Imaging`, or the `al.Interferometer`.
    adapt_images
        The image-plane mesh grid (and adapt image) of every galaxy with a pixelization.
    settings
        The `al.Settings` of the fit; None for autolens's own.
    positions
        A list of `al.PositionsLH`, or None.
    vertices
        The number of mesh vertices N, edge points included.
    """

    info: dict
    dataset: al.Imaging | al.Interferometer
    adapt_images: al.AdaptImages
    settings: al.Settings | None
    positions: list | None
    vertices: int


def factor_from(folder, info, model):
    """The `Factor` of the files in a folder, for the model that is fitted to them."""
    if info["dataset"] == "interferometer":
        dataset = interferometer_from(folder, info, mask_from(folder, info, tuple(info["real_space_shape"])))
    else:
        dataset = imaging_of(folder, info)
    if info["sparse_operator"] == "cpu":
        dataset = dataset.apply_sparse_operator_cpu()
    elif info["sparse_operator"]:
        dataset = dataset.apply_sparse_operator()
    adapt_image = adapt_image_of(folder, dataset)
    mesh_grid = image_plane_mesh_grid_from(folder, info, dataset, adapt_image)
    paths = [str(path) for path, _ in galaxies_with_pixelization(model)]
    return Factor(
        info=info,
        dataset=dataset,
        adapt_images=al.AdaptImages(
            galaxy_name_image_dict=dict.fromkeys(paths, adapt_image),
            galaxy_name_image_plane_mesh_grid_dict=dict.fromkeys(paths, mesh_grid),
        ),
        settings=settings_from(folder / "info.json", info),
        positions=positions_from(folder, info),
        vertices=len(mesh_grid),
    )


def imaging_of(folder, info):
    """The masked and over-sampled `al.Imaging` of a lens folder."""
    mask = mask_from(folder, info, image_from(folder / "data.fits").shape)
    imaging = imaging_from(folder, mask)
    extra = folder / "mask_extra_galaxies.fits"
    if extra.exists():
        check_shape(extra, image_from(extra), imaging.data.native)
        scaled = al.Mask2D.from_fits(file_path=extra, pixel_scales=info["pixel_scale"], invert=True)
        imaging = imaging.apply_noise_scaling(mask=scaled)

    dataset = imaging.apply_mask(mask=mask)
    over_sample_size_lp = info.get("over_sample_size_lp")
    if over_sample_size_lp is None:
        over_sample_size_lp = al.util.over_sample.over_sample_size_via_radial_bins_from(
            grid=dataset.grid, **OVER_SAMPLE_SIZES
        )
    over_sample_size_pixelization = info["over_sample_size_pixelization"]
    if isinstance(over_sample_size_pixelization, dict):
        above = np.asarray(dataset.signal_to_noise_map.array) > over_sample_size_pixelization["signal_to_noise"]
        sizes = np.where(above, over_sample_size_pixelization["above"], over_sample_size_pixelization["below"])
        over_sample_size_pixelization = al.Array2D(values=sizes, mask=dataset.mask)
    return dataset.apply_over_sampling(
        over_sample_size_lp=over_sample_size_lp, over_sample_size_pixelization=over_sample_size_pixelization
    )


def adapt_image_of(folder, dataset):
    """What mesh and regularization adapt to: `adapt_image.fits`, or else the data (of visibilities the dirty image)."""
    path = folder / "adapt_image.fits"
    mask = dataset.grid.mask
    if not path.exists():
        return dataset.data if isinstance(dataset, al.Imaging) else dataset.dirty_image
    image = image_from(path)
    if image.shape != mask.shape_native:
        raise LensError(
            f"{path}: shape {image.shape} differs from the mask's {mask.shape_native}; cut both to one shape."
        )
    return al.Array2D(values=image, mask=mask)


def image_plane_mesh_grid_from(folder, info, dataset, adapt_image):
    spec, path = info["image_mesh"], folder / "info.json"
    try:
        kind = spec["type"]
        if kind == "Overlay":
            image_mesh = al.image_mesh.Overlay(shape=tuple(spec["shape"]))
        elif kind in ("Hilbert", "KMeans"):
            weights = {"weight_floor": spec.get("weight_floor", 0.0), "weight_power": spec.get("weight_power", 1.0)}
            image_mesh = getattr(al.image_mesh, kind)(pixels=spec["pixels"], **weights)
        else:
            raise ValueError(f"unknown type {kind!r}")
        mesh_grid = image_mesh.image_plane_mesh_grid_from(mask=dataset.grid.mask, adapt_data=adapt_image)
    except Exception as error:
        raise LensError(
            f"{path}: image_mesh {spec!r} cannot be built ({error!r}); "
            'give {"type": "Overlay", "shape": [39, 39]} or {"type": "Hilbert", "pixels": 1500}.'
        ) from None
    return append_with_circle_edge_points(
        mesh_grid, centre=dataset.grid.mask.mask_centre, radius=info["edge_radius"], n_points=info["edge_points"]
    )
