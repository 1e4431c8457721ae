"""A lens folder: load it and check it.

The folder holds PyAuto's own files: `data.fits`, `noise_map.fits`, `psf.fits`, `info.json`, `model.json`, optionally
`mask.fits`, `mask_extra_galaxies.fits` and `adapt_image.fits`; a simulated lens also has `tracer.json` (the truth) and
`expected.json` (the reference log evidence per autolens release).
"""

from dataclasses import dataclass
from pathlib import Path

import autofit as af
import autolens as al
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points

from jax_profiling.lenses.files import LensError, check_shape, image_from, imaging_from, info_from, json_from, mask_from
from jax_profiling.lenses.model import galaxies_with_pixelization, model_from, model_json_of
from jax_profiling.lenses.simulate import DATASETS, simulate
from jax_profiling.lenses.specs import SPECS

OVER_SAMPLE_SIZES = {"sub_size_list": [4, 2, 1], "radial_list": [0.3, 0.6], "centre_list": [(0.0, 0.0)]}
"""Over-sampling of the light profiles unless `info.json` gives one (radii in arcsec)."""


@dataclass(frozen=True)
class Lens:
    """A lens that is ready to be fitted.

    Attributes
    ----------
    name
        The folder's name.
    folder
        Where its files are.
    model_path
        The `model.json` that is fitted: the folder's own, or that of a search.
    info
        `info.json`, with defaults filled in.
    dataset
        The masked and over-sampled `al.Imaging`.
    model
        The PyAutoFit model of `model.json`.
    adapt_images
        The image-plane mesh grid (and adapt image) of every galaxy with a pixelization.
    vertices
        The number of mesh vertices N, edge points included, of the first pixelization.
    """

    name: str
    folder: Path
    model_path: Path
    info: dict
    dataset: al.Imaging
    model: af.AbstractPriorModel
    adapt_images: al.AdaptImages
    vertices: int

    @property
    def data_points(self):
        """The number of image pixels inside the mask."""
        return self.dataset.data.shape[0]

    @property
    def expected(self):
        """`expected.json`, {autolens release: {"log_evidence": x}}; empty where the model has no pins."""
        path = self.folder / "expected.json"
        return json_from(path) if path.exists() and self.model_path.parent == self.folder else {}


def names():
    """The names of the lens folders under `dataset/imaging/`."""
    return sorted(path.parent.name for path in DATASETS.glob("*/info.json"))


def load(lens):
    """Load and check a lens folder.

    Parameters
    ----------
    lens
        The name of a folder under `dataset/imaging/`, or the path of one anywhere. A lens of `specs.SPECS` whose
        folder does not exist yet is simulated first. `SEARCH@LENS` is the model of a finished PyAutoFit search, by its
        output folder, on the dataset of such a lens.

    Returns
    -------
    Lens

    Raises
    ------
    LensError
        If a file is missing, unreadable or does not fit the others.
    """
    # A folder may have the sign in its name.
    search, _, lens = ("", "", lens) if Path(lens).is_dir() else str(lens).rpartition("@")
    folder = _folder_of(lens)
    info = info_from(folder / "info.json")
    model_path = model_json_of(Path(search)) if search else folder / "model.json"
    model = model_from(model_path)
    data_path = folder / "data.fits"
    mask = mask_from(folder, info, image_from(data_path).shape)
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
    dataset = dataset.apply_over_sampling(
        over_sample_size_lp=over_sample_size_lp,
        over_sample_size_pixelization=info["over_sample_size_pixelization"],
    )

    adapt_image, path = dataset.data, folder / "adapt_image.fits"
    if path.exists():
        image = image_from(path)
        check_shape(path, image, imaging.data.native)
        adapt_image = al.Array2D(values=image, mask=dataset.mask)
    mesh_grid = image_plane_mesh_grid_from(folder, info, dataset, adapt_image)
    paths = [str(("galaxies", name)) for name, _ in galaxies_with_pixelization(model)]
    adapt_images = al.AdaptImages(
        galaxy_name_image_dict=dict.fromkeys(paths, adapt_image),
        galaxy_name_image_plane_mesh_grid_dict=dict.fromkeys(paths, mesh_grid),
    )
    return Lens(
        name=f"{Path(search).name}@{folder.name}" if search else folder.name,
        folder=folder,
        model_path=model_path,
        info=info,
        dataset=dataset,
        model=model,
        adapt_images=adapt_images,
        vertices=len(mesh_grid),
    )


def _folder_of(lens):
    named = DATASETS / str(lens)
    if not (named / "info.json").exists() and str(lens) in SPECS:
        simulate(str(lens))
    folder = named if named.is_dir() else Path(lens)
    if not folder.is_dir():
        raise LensError(f"{lens}: no such lens; give a folder, or one of {', '.join(sorted({*names(), *SPECS}))}.")
    return folder.resolve()


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
        mesh_grid = image_mesh.image_plane_mesh_grid_from(mask=dataset.mask, adapt_data=adapt_image)
    except Exception as error:
        raise LensError(
            f"{path}: image_mesh {spec!r} cannot be built ({error!r}); "
            'give {"type": "Overlay", "shape": [39, 39]} or {"type": "Hilbert", "pixels": 1500}.'
        ) from None
    return append_with_circle_edge_points(
        mesh_grid, centre=dataset.mask.mask_centre, radius=info["edge_radius"], n_points=info["edge_points"]
    )
