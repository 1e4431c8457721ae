"""One dataset of a lens: inspect its files, then build what is fitted, with the mesh that its source is reconstructed on."""

from dataclasses import dataclass
from pathlib import Path

import autolens as al
import numpy as np
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points

from jax_profiling.lenses.files import LensError, fault_line
from jax_profiling.lenses.folder.data.images import inspect_imaging
from jax_profiling.lenses.folder.data.mask import extent_of
from jax_profiling.lenses.folder.data.visibilities import holds_visibilities, inspect_visibilities
from jax_profiling.lenses.folder.info_schema import MOST_VERTICES
from jax_profiling.lenses.folder.written import positions_from, settings_from
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.terminal.command import message_of

OVER_SAMPLE_SIZES = {"sub_size_list": [4, 2, 1], "radial_list": [0.3, 0.6], "centre_list": [(0.0, 0.0)]}
"""Over-sampling of the light profiles unless `info.json` gives one (radii in arcsec)."""

TRANSFORMERS = {"DFT": al.TransformerDFT, "NUFFT": al.TransformerNUFFT}
"""From an image to visibilities, by the name in `info.json`."""

FEWEST_VERTICES = 3


@dataclass(frozen=True)
class DatasetFiles:
    """The files of one dataset after their inspection.

    Attributes
    ----------
    folder
        Where they are.
    info
        `info.json`, with defaults filled in.
    images
        Name -> `FitsImage`: data, noise map and PSF, or visibilities; optionally an adapt image and extra galaxies.
    mask
        The `al.Mask2D` of the image or of the real-space grid.
    positions
        A list of `al.PositionsLH`, or None.
    """

    folder: Path
    info: dict
    images: dict
    mask: al.Mask2D
    positions: list | None


@dataclass(frozen=True)
class Factor:
    """One dataset of a lens, and what its analysis takes besides the model; several are the factors of an
    `af.FactorGraphModel`.

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
    whole_image
        (ny, nx), the image before it is masked; None for visibilities.
    """

    info: dict
    dataset: al.Imaging | al.Interferometer
    adapt_images: al.AdaptImages
    settings: al.Settings | None
    positions: list | None
    vertices: int
    whole_image: np.ndarray | None = None


def inspect_dataset(folder, info, inspection):
    """The `DatasetFiles` of a folder.

    Parameters
    ----------
    folder
        The folder of one dataset.
    info
        Its `info.json`, or None if that is wrong; then only the files themselves are inspected.
    inspection
        Gathers faults and notes. If it has faults afterwards, the result cannot be used.
    """
    inspect = inspect_visibilities if holds_visibilities(folder, info) else inspect_imaging
    images, mask = inspect(folder, info, inspection)
    positions = None
    if info is not None:
        # Without data the size of the image is unknown.
        shape = info.get("real_space_shape") or ("data" in images and images["data"].shape)
        extent = extent_of(shape, info) if shape else None
        positions = inspection.attempt(positions_from, folder, info, extent)
    return DatasetFiles(folder, info, images, mask, positions)


def factor_from(files, model, operators=True, say=lambda message: None):
    """The `Factor` of inspected files.

    Parameters
    ----------
    files
        `DatasetFiles` without faults.
    model
        The model that is fitted to them.
    operators
        Whether to build the sparse operator that `info.json` asks for, which takes a while.
    say
        Takes a line about the step that begins.

    Raises
    ------
    LensError
        If autolens cannot build the dataset or the mesh.
    """
    info = files.info
    say("dataset, mask and over-sampling")
    dataset = _interferometer_of(files) if info["dataset"] == "interferometer" else _imaging_of(files)
    if operators and info["sparse_operator"]:
        say("sparse operator")
        cpu = info["sparse_operator"] == "cpu"
        dataset = dataset.apply_sparse_operator_cpu() if cpu else dataset.apply_sparse_operator()
    adapt_image = _adapt_image_of(files, dataset)
    say(f"{info['image_mesh']['type']} image mesh")
    mesh_grid = _image_plane_mesh_grid_of(files, adapt_image)
    paths = [str(path) for path, _ in galaxies_with_pixelization(model)]
    return Factor(
        info=info,
        dataset=dataset,
        adapt_images=al.AdaptImages(
            galaxy_name_image_dict=dict.fromkeys(paths, adapt_image),
            galaxy_name_image_plane_mesh_grid_dict=dict.fromkeys(paths, mesh_grid),
        ),
        settings=settings_from(info),
        positions=files.positions,
        vertices=len(mesh_grid),
        whole_image=files.images["data"].values if isinstance(dataset, al.Imaging) else None,
    )


def _imaging_of(files):
    """The masked and over-sampled `al.Imaging`."""
    info, mask = files.info, files.mask
    data, noise_map, psf = (files.images[name].values for name in ("data", "noise_map", "psf"))
    # A NaN outside the mask would spread through the convolution.
    usable = np.isfinite(data) & np.isfinite(noise_map) & (noise_map > 0.0)
    data = np.where(usable, data, 0.0)
    noise_map = np.where(usable, noise_map, noise_map[~np.asarray(mask)].max())
    data, noise_map, psf = (
        al.Array2D.no_mask(values, pixel_scales=mask.pixel_scales) for values in (data, noise_map, psf)
    )
    imaging = al.Imaging(data=data, noise_map=noise_map, psf=al.Convolver(kernel=psf), check_noise_map=False)
    if "mask_extra_galaxies" in files.images:
        kept = ~files.images["mask_extra_galaxies"].values.astype(bool)
        imaging = imaging.apply_noise_scaling(mask=al.Mask2D(mask=kept, pixel_scales=mask.pixel_scales))
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


def _interferometer_of(files):
    tables = {name: files.images[name].values for name in ("data", "noise_map", "uv_wavelengths")}
    try:
        return al.Interferometer(
            data=al.Visibilities(visibilities=tables["data"]),
            noise_map=al.VisibilitiesNoiseMap(visibilities=tables["noise_map"]),
            uv_wavelengths=tables["uv_wavelengths"],
            real_space_mask=files.mask,
            transformer_class=TRANSFORMERS[files.info["transformer"]],
        )
    except Exception as error:
        found = f'transformer is "{files.info["transformer"]}", which fails ({message_of(error)})'
        raise LensError(fault_line(files.folder / "info.json", found, "write the other one")) from None


def _adapt_image_of(files, dataset):
    """The image that mesh and regularization adapt to: `adapt_image.fits`, or else the data (the dirty image)."""
    if "adapt_image" in files.images:
        return al.Array2D(values=files.images["adapt_image"].values, mask=dataset.grid.mask)
    return dataset.data if isinstance(dataset, al.Imaging) else dataset.dirty_image


def _image_plane_mesh_grid_of(files, adapt_image):
    """The vertices in the image plane, (N, 2) in arcsec; the edge points come last."""
    spec, mask = dict(files.info["image_mesh"]), files.mask
    kind = spec.pop("type")
    if kind == "Overlay":
        spec["shape"] = tuple(spec["shape"])
    if kind == "KMeans" and spec["pixels"] > (pixels := int((~np.asarray(mask)).sum())):
        # autoarray would end the process.
        raise _mesh_error(files, f"{spec['pixels']} clusters of {pixels} pixels inside the mask")
    try:
        image_mesh = getattr(al.image_mesh, kind)(**spec)
        mesh_grid = image_mesh.image_plane_mesh_grid_from(mask=mask, adapt_data=adapt_image)
        vertices = np.asarray(mesh_grid.array)
    except Exception as error:
        raise _mesh_error(files, message_of(error)) from None
    if not FEWEST_VERTICES <= len(vertices) <= MOST_VERTICES:
        limits = f"{FEWEST_VERTICES} to {MOST_VERTICES} make a mesh"
        raise _mesh_error(files, f"{len(vertices)} vertices inside the mask, and {limits}")
    if not np.isfinite(vertices).all():
        raise _mesh_error(files, "some vertices are NaN")
    return append_with_circle_edge_points(
        mesh_grid, centre=mask.mask_centre, radius=files.info["edge_radius"], n_points=files.info["edge_points"]
    )


def _mesh_error(files, reason):
    fix = 'write another mesh, such as {"type": "Overlay", "shape": [39, 39]}'
    return LensError(fault_line(files.folder / "info.json", f"image_mesh cannot be built ({reason})", fix))
