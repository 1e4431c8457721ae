"""Simulate a lens from its spec into a lens folder.

.venv/bin/python -m jax_profiling.lenses.simulate NAME
"""

import argparse
import os
from functools import partial
from pathlib import Path

import autolens as al
import numpy as np
from astropy.io import fits
from autoarray.dataset.plot.imaging_plots import fits_imaging
from autoarray.dataset.plot.interferometer_plots import fits_interferometer
from filelock import FileLock

from jax_profiling import ROOT
from jax_profiling.lenses.simulated import population
from jax_profiling.lenses.simulated.production import PRODUCTION, uv_wavelengths
from jax_profiling.lenses.simulated.spec import (
    BACKGROUND_SKY_LEVEL,
    EDGE_POINTS,
    EXPOSURE_TIME,
    PIXEL_SCALES,
    shape_native_of,
)
from jax_profiling.lenses.simulated.specs import ON_DEMAND, SPECS
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import atomic_writes, write_json

NOISE_SIGMA = 5.0
"""The RMS noise of the real and of the imaginary part of a simulated visibility (Jy)."""

DATASETS = ROOT / "dataset" / "imaging"
MATRIX = DATASETS.parent / "matrix"
"""The folder of the production matrix."""

POPULATION = DATASETS.parent / "population"
"""The folder of drawn lenses. They are not in the repository, because a name gives the same lens again."""


def simulate(name, folder=None):
    """Simulate a lens into its folder; safe to call from several processes at once.

    Parameters
    ----------
    name
        A key of `specs.SPECS` or of `production.PRODUCTION`, or the name of a drawn lens (`population.names_of`).
    folder
        The lens folder to write. The default is `dataset/imaging/<name>` for `SPECS`, `dataset/matrix/<name>` for `PRODUCTION`
        and `dataset/population/<name>` for a drawn lens. An existing folder is left alone.

    Returns
    -------
    Path
        The lens folder.
    """
    spec = {**SPECS, **PRODUCTION}.get(name) or partial(population.spec_of_name, name)
    folder = Path(folder or _folder_of(name))
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.parent / f".{folder.name}.lock"):
        if not (folder / "info.json").exists():
            _simulate(spec(), folder)
    return folder


def _folder_of(name):
    if name in SPECS or name in PRODUCTION:
        return (DATASETS if name in SPECS else MATRIX) / name
    return POPULATION / name


def _simulate(spec, folder):
    redshifts = [galaxy.redshift for galaxy in spec.tracer.galaxies]
    info = {
        "pixel_scale": PIXEL_SCALES[spec.instrument],
        "redshift_lens": min(redshifts),
        "redshift_source": max(redshifts),
        "over_sample_size_pixelization": 1,
        "edge_points": EDGE_POINTS,
        **spec.info,
    }
    with atomic_writes(folder) as scratch:
        for number, (name, dataset) in enumerate(spec.datasets.items()):
            (scratch / name).mkdir()
            _write_dataset(spec, dataset["tracer"], scratch / name, seed=spec.noise_seed + number)
            write_json(dataset.get("info", {}), scratch / name / "info.json")
        if not spec.datasets:
            _write_dataset(spec, spec.tracer, scratch, seed=spec.noise_seed)
        al.output_to_json(spec.tracer, file_path=scratch / "tracer.json")
        write_json(spec.model.dict(), scratch / "model.json")
        if "positions_threshold" in info:
            write_json(_positions_of(spec), scratch / "positions.json")
        (scratch / "README.md").write_text(f"{spec.geometry[0].upper()}{spec.geometry[1:]}.\n")
        # Last, because `info.json` makes a folder a lens folder.
        write_json(info, scratch / "info.json")


def _write_dataset(spec, tracer, folder, seed):
    """The FITS files of one dataset."""
    if spec.info.get("dataset") == "interferometer":
        dataset = _interferometer_of(spec, tracer, seed)
        paths = ("data", "noise_map", "uv_wavelengths")
        fits_interferometer(dataset, **{f"{key}_path": folder / f"{key}.fits" for key in paths})
        return
    imaging = _imaging_of(spec, tracer, seed)
    fits_imaging(imaging, **{f"{key}_path": folder / f"{key}.fits" for key in ("data", "noise_map", "psf")})
    native = np.asarray(imaging.noise_map.native.array)
    grid = al.Grid2D.uniform(shape_native=native.shape, pixel_scales=imaging.pixel_scales)
    if spec.adapt_signal_to_noise is not None:
        source = np.asarray(tracer.image_2d_list_from(grid=grid)[-1].native.array)
        fits.writeto(folder / "adapt_image.fits", np.minimum(source, spec.adapt_signal_to_noise * native))
    if spec.noise_scaled is not None:
        centre, radius = spec.noise_scaled
        inside = np.hypot(*np.moveaxis(np.asarray(grid.native.array) - centre, -1, 0)) < radius
        fits.writeto(folder / "mask_extra_galaxies.fits", inside.astype(float))


def _imaging_of(spec, tracer, seed):
    pixel_scale = PIXEL_SCALES[spec.instrument]
    shape_native = shape_native_of(spec.side or spec.info["mask_radius"], pixel_scale)
    grid = al.Grid2D.uniform(shape_native=shape_native, pixel_scales=pixel_scale)
    grid = grid.apply_over_sampling(
        over_sample_size=al.util.over_sample.over_sample_size_via_radial_bins_from(
            grid=grid, sub_size_list=[32, 8, 2], radial_list=[0.3, 0.6], centre_list=[(0.0, 0.0)]
        )
    )
    simulator = al.SimulatorImaging(
        exposure_time=EXPOSURE_TIME,
        background_sky_level=BACKGROUND_SKY_LEVEL,
        psf=al.Convolver.from_gaussian(shape_native=(21, 21), sigma=pixel_scale, pixel_scales=pixel_scale),
        add_poisson_noise_to_data=True,
        noise_seed=seed,
    )
    return simulator.via_tracer_from(tracer=tracer, grid=grid)


def _interferometer_of(spec, tracer, seed):
    simulator = al.SimulatorInterferometer(
        uv_wavelengths=uv_wavelengths(), exposure_time=EXPOSURE_TIME, noise_sigma=NOISE_SIGMA, noise_seed=seed
    )
    grid = al.Grid2D.uniform(
        shape_native=tuple(spec.info["real_space_shape"]), pixel_scales=PIXEL_SCALES[spec.instrument]
    )
    return simulator.via_tracer_from(tracer=tracer, grid=grid)


def _positions_of(spec):
    """The images of the source's centre, [y, x] in arcsec."""
    solver = al.PointSolver.for_grid(
        grid=al.Grid2D.uniform(shape_native=(120, 120), pixel_scales=0.05), pixel_scale_precision=0.001
    )
    centre = spec.tracer.galaxies[-1].bulge.centre
    images = solver.solve(tracer=spec.tracer, source_plane_coordinate=centre)
    return [[round(float(value), 4) for value in image] for image in np.asarray(images.array)]


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description="Simulate lenses from their specs, in specs.py and production.py.")
    specs = {**SPECS, **PRODUCTION}
    committed = [name for name in specs if name not in ON_DEMAND]
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"any of {', '.join(specs)} (default all but {', '.join(ON_DEMAND)})"
    )
    names = parser.parse_args(argv).names
    for name in names:
        if name not in specs and not population.is_name(name):
            parser.error(f"{name} is not a simulated lens; give one of {', '.join(specs)}, or population-SEED-NUMBER.")
    for name in names or committed:
        note = ", which exists and is left alone" if (_folder_of(name) / "info.json").exists() else ""
        print(f"{name}: {os.path.relpath(simulate(name))}{note}")
    return 0


if __name__ == "__main__":
    command.run(main)
