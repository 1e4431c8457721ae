"""Simulate a lens from its spec into a lens folder.

.venv/bin/python -m jax_profiling.lenses.simulate NAME
"""

import argparse
import json
import os
from pathlib import Path

import autolens as al
from autoarray.dataset.plot.imaging_plots import fits_imaging
from filelock import FileLock

from jax_profiling.lenses.spec import EDGE_POINTS, PIXEL_SCALES, shape_native_of
from jax_profiling.lenses.specs import ON_DEMAND, SPECS
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import write_aside

DATASETS = Path(__file__).resolve().parents[2] / "dataset" / "imaging"


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
