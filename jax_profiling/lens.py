"""A lens folder: load it, check it, simulate it.

The folder holds PyAuto's own files: `data.fits`, `noise_map.fits`, `psf.fits`, `info.json`, `model.json`, optionally
`mask_extra_galaxies.fits`; a simulated lens also has `tracer.json` (the truth) and `expected.json` (the reference log
evidence per autolens release).
"""

import argparse
import importlib
import json
import os
from dataclasses import dataclass
from pathlib import Path

import autofit as af
import autolens as al
import numpy as np
from astropy.io import fits
from autoarray.dataset.plot.imaging_plots import fits_imaging
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points
from filelock import FileLock

from jax_profiling import command
from jax_profiling.specs import EDGE_POINTS, ON_DEMAND, PIXEL_SCALES, SPECS, shape_native_of
from jax_profiling.writing import write_aside

DATASETS = Path(__file__).resolve().parents[1] / "dataset" / "imaging"

OVER_SAMPLE_SIZES = {"sub_size_list": [4, 2, 1], "radial_list": [0.3, 0.6], "centre_list": [(0.0, 0.0)]}
"""Over-sampling of the light profiles unless `info.json` gives one (radii in arcsec)."""


class LensError(Exception):
    """A lens folder cannot be used; the message is one sentence that names the file and the mend."""


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
        return _json_from(path) if path.exists() and self.model_path.parent == self.folder else {}


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
    info = _info_from(folder / "info.json")
    model_path = _model_json_of(Path(search)) if search else folder / "model.json"
    model = _model_from(model_path)
    imaging = _imaging_from(folder, info["pixel_scale"])

    extra = folder / "mask_extra_galaxies.fits"
    if extra.exists():
        _check_shape(extra, _image_from(extra), imaging.data.native)
        mask = al.Mask2D.from_fits(file_path=extra, pixel_scales=info["pixel_scale"], invert=True)
        imaging = imaging.apply_noise_scaling(mask=mask)

    mask = al.Mask2D.circular(
        shape_native=imaging.shape_native, pixel_scales=imaging.pixel_scales, radius=info["mask_radius"]
    )
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

    mesh_grid = _image_plane_mesh_grid_from(folder, info, dataset)
    paths = [str(("galaxies", name)) for name, _ in galaxies_with_pixelization(model)]
    adapt_images = al.AdaptImages(
        galaxy_name_image_dict={path: dataset.data for path in paths},
        galaxy_name_image_plane_mesh_grid_dict={path: mesh_grid for path in paths},
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


def galaxies_with_pixelization(model):
    """(name, galaxy model) of every galaxy of a model that has a pixelization."""
    return [
        (name, galaxy)
        for name, galaxy in model.galaxies.items()
        if getattr(galaxy, "pixelization", None) is not None and hasattr(galaxy.pixelization, "mesh")
    ]


def _folder_of(lens):
    named = DATASETS / str(lens)
    if not (named / "info.json").exists() and str(lens) in SPECS:
        simulate(str(lens))
    folder = named if named.is_dir() else Path(lens)
    if not folder.is_dir():
        raise LensError(f"{lens}: no such lens; give a folder, or one of {', '.join(sorted({*names(), *SPECS}))}.")
    return folder.resolve()


def _model_json_of(search):
    """The `model.json` of a search's output folder, which keeps it under `files`."""
    for path in (search / "files" / "model.json", search / "model.json"):
        if path.exists():
            return path
    raise LensError(f"{search}: holds no files/model.json; give the output folder of a PyAutoFit search.")


def _json_from(path):
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise LensError(f"{path}: missing; write it as the README's section on your own lens shows.") from None
    except (OSError, ValueError) as error:
        raise LensError(f"{path}: not readable as JSON ({error}); mend or rewrite it.") from None


def _info_from(path):
    info = _json_from(path)
    if not isinstance(info, dict):
        raise LensError(f"{path}: not a JSON object; write keys such as pixel_scale and mask_radius into one.")
    for key in ("pixel_scale", "mask_radius", "redshift_lens", "redshift_source"):
        value = info.get(key)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value > 0:
            raise LensError(f"{path}: {key} is {value!r}; give it as a positive number.")
    info.setdefault("over_sample_size_pixelization", 1)
    info.setdefault("edge_points", EDGE_POINTS)
    info.setdefault("image_mesh", {"type": "Overlay", "shape": [39, 39]})
    for key in ("over_sample_size_pixelization", "over_sample_size_lp"):
        if key in info and (not isinstance(info[key], int) or info[key] < 1):
            raise LensError(f"{path}: {key} is {info[key]!r}; give it as a whole number of at least 1.")
    return info


def _model_from(path):
    model_dict = _json_from(path)
    # PyAutoFit reads an unknown class as an empty collection, which would be another model without a word.
    for class_path in sorted(_class_paths_of(model_dict)):
        module, _, name = class_path.rpartition(".")
        try:
            getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError):
            raise LensError(
                f"{path}: names {class_path}, which cannot be imported; correct it, or install what provides it."
            ) from None
    try:
        model = af.AbstractPriorModel.from_dict(model_dict)
        found = galaxies_with_pixelization(model)
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LensError(f"{path}: not a PyAutoFit model ({reason}); write it with json.dump(model.dict()).") from None
    if not found:
        raise LensError(f"{path}: no galaxy has a pixelization with a mesh; add one to the source galaxy.")
    for name, galaxy in found:
        mesh = galaxy.pixelization.mesh
        if not issubclass(getattr(mesh, "cls", type(mesh)), al.mesh.Delaunay):
            raise LensError(f"{path}: galaxy {name} has a mesh without triangles; give it al.mesh.Delaunay.")
    return model


def _class_paths_of(part):
    """Every `class_path` in a model's dictionary."""
    if isinstance(part, dict):
        own = {part["class_path"]} if isinstance(part.get("class_path"), str) else set()
        return own.union(*map(_class_paths_of, part.values()))
    return set().union(*map(_class_paths_of, part)) if isinstance(part, list) else set()


def _image_from(path):
    try:
        with fits.open(path) as hdu_list:
            image = np.asarray(hdu_list[0].data, dtype=float)
    except FileNotFoundError:
        raise LensError(f"{path}: missing; put the FITS image there.") from None
    except Exception as error:
        raise LensError(f"{path}: not readable as FITS ({error}); write it again.") from None
    if image.ndim != 2:
        raise LensError(f"{path}: the first HDU holds no 2D image; write the image there.")
    return image


def _check_shape(path, image, data):
    if image.shape != data.shape:
        raise LensError(f"{path}: shape {image.shape} differs from data.fits {data.shape}; cut both to one shape.")


def _imaging_from(folder, pixel_scale):
    paths = {key: folder / f"{key}.fits" for key in ("data", "noise_map", "psf")}
    images = {key: _image_from(path) for key, path in paths.items()}
    _check_shape(paths["noise_map"], images["noise_map"], images["data"])
    for key, image in images.items():
        if not np.isfinite(image).all():
            raise LensError(f"{paths[key]}: holds NaN or infinite values; replace or mask them.")
    if not (images["noise_map"] > 0.0).all():
        raise LensError(f"{paths['noise_map']}: holds values that are not positive; give the RMS noise of every pixel.")
    if not images["psf"].sum() > 0.0 or any(length % 2 == 0 for length in images["psf"].shape):
        raise LensError(f"{paths['psf']}: not a kernel of odd shape and positive sum; cut or replace it.")
    return al.Imaging.from_fits(
        data_path=paths["data"], noise_map_path=paths["noise_map"], psf_path=paths["psf"], pixel_scales=pixel_scale
    )


def _image_plane_mesh_grid_from(folder, info, dataset):
    spec, path = info["image_mesh"], folder / "info.json"
    try:
        kind = spec["type"]
        if kind == "Overlay":
            image_mesh = al.image_mesh.Overlay(shape=tuple(spec["shape"]))
        elif kind == "Hilbert":
            image_mesh = al.image_mesh.Hilbert(pixels=spec["pixels"], weight_floor=0.0, weight_power=1.0)
        else:
            raise ValueError(f"unknown type {kind!r}")
        mesh_grid = image_mesh.image_plane_mesh_grid_from(mask=dataset.mask, adapt_data=dataset.data)
    except Exception as error:
        raise LensError(
            f"{path}: image_mesh {spec!r} cannot be built ({error!r}); "
            'give {"type": "Overlay", "shape": [39, 39]} or {"type": "Hilbert", "pixels": 1500}.'
        ) from None
    return append_with_circle_edge_points(
        mesh_grid, centre=dataset.mask.mask_centre, radius=info["mask_radius"], n_points=info["edge_points"]
    )


def simulate(name, folder=None):
    """Simulate a lens of `specs.SPECS` into its folder; safe to call from several processes at once.

    Parameters
    ----------
    name
        A key of `specs.SPECS`.
    folder
        Where the lens folder goes, default `dataset/imaging/<name>`. A folder that exists is left alone.
    """
    folder = Path(folder or DATASETS / name)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if not (folder / "info.json").exists():
            _simulate(SPECS[name](), folder)


def _simulate(spec, folder):
    pixel_scale = PIXEL_SCALES[spec.instrument]
    shape_native = shape_native_of(spec.info["mask_radius"], pixel_scale)
    grid = al.Grid2D.uniform(shape_native=shape_native, pixel_scales=pixel_scale)
    grid = grid.apply_over_sampling(
        over_sample_size=al.util.over_sample.over_sample_size_via_radial_bins_from(
            grid=grid, sub_size_list=[32, 8, 2], radial_list=[0.3, 0.6], centre_list=[(0.0, 0.0)]
        )
    )
    simulator = al.SimulatorImaging(
        exposure_time=300.0,
        background_sky_level=0.1,
        psf=al.Convolver.from_gaussian(shape_native=(21, 21), sigma=pixel_scale, pixel_scales=pixel_scale),
        add_poisson_noise_to_data=True,
        noise_seed=1,
    )
    imaging = simulator.via_tracer_from(tracer=spec.tracer, grid=grid)

    redshifts = [galaxy.redshift for galaxy in spec.tracer.galaxies]
    info = {
        "pixel_scale": pixel_scale,
        "redshift_lens": min(redshifts),
        "redshift_source": max(redshifts),
        "over_sample_size_pixelization": 1,
        "edge_points": EDGE_POINTS,
        **spec.info,
    }
    with write_aside(folder) as aside:
        fits_imaging(imaging, **{f"{key}_path": aside / f"{key}.fits" for key in ("data", "noise_map", "psf")})
        al.output_to_json(spec.tracer, file_path=aside / "tracer.json")
        (aside / "model.json").write_text(json.dumps(spec.model.dict(), indent=1) + "\n")
        (aside / "README.md").write_text(f"{spec.geometry[0].upper()}{spec.geometry[1:]}.\n")
        # Last, because its presence is what makes a folder a lens folder.
        (aside / "info.json").write_text(json.dumps(info, indent=1) + "\n")


def main(argv=None):
    parser = argparse.ArgumentParser(description="Simulate lenses from their specs, in specs.py.")
    committed = [name for name in SPECS if name not in ON_DEMAND]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"any of {', '.join(SPECS)} (default all but {', '.join(ON_DEMAND)})"
    )
    names = parser.parse_args(argv).names
    for name in names:
        if name not in SPECS:
            parser.error(f"{name} is no lens of specs.py; give any of {', '.join(SPECS)}.")
    for name in names or committed:
        simulate(name)
        print(f"{name}: {os.path.relpath(DATASETS / name)}")
    return 0


if __name__ == "__main__":
    command.run(main)
