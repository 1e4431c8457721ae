"""Convert a lens in a published layout into a lens folder, and show what was understood.

    .venv/bin/python -m jax_profiling.lenses.published euclid CUTOUT.fits --output FOLDER \
        --mask-radius 3.0 --redshift-lens 0.5 --redshift-source 1.0

Nothing is downloaded. docs/workspace/lens_folders.md describes the layouts.
"""

import argparse
from pathlib import Path

from rich.console import Console

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.check.table import table_from
from jax_profiling.lenses.published.convert import convert
from jax_profiling.lenses.published.layouts import LAYOUTS
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import above_zero, folder_to_write
from jax_profiling.terminal.lines import print_line

POSITIVE = ("pixel-scale", "mask-radius", "redshift-lens", "redshift-source", "positions-threshold")


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("layout", choices=LAYOUTS)
    add("path", type=Path, help="the folder or file of one lens")
    add("--output", type=folder_to_write, required=True, help="the lens folder to write")
    add("--bands", type=lambda text: text.split(","), help="comma-separated, such as F150W,F277W or VIS")
    add("--side", type=above_zero, help="cut images to about this side (arcsec)")
    add("--real-space-shape", type=int, nargs=2, metavar=("NY", "NX"), help="real-space grid of visibilities (pixels)")
    for name in POSITIVE:
        add(f"--{name}", type=above_zero, help="a key of info.json that the layout does not have")
    arguments = parser.parse_args(argv)
    if arguments.output.exists() and any(arguments.output.iterdir()):
        raise command.BadInput(f"{arguments.output}: is not empty; give another folder.")
    keys = {name: getattr(arguments, name) for name in (each.replace("-", "_") for each in POSITIVE)}
    convert(
        arguments.layout,
        arguments.path,
        arguments.output,
        bands=arguments.bands,
        side=arguments.side,
        real_space_shape=arguments.real_space_shape,
        **keys,
    )
    lens = lens_folder.load(arguments.output, operators=False)
    console = Console()
    for note in lens.notes:
        print_line(console, f"Note: {note}")
    console.print(table_from(lens))
    return 0


if __name__ == "__main__":
    command.run(main)
