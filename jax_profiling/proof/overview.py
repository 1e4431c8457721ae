"""All lenses of the repository on one page: what each looks like, and what its source plane does to the mesh.

    .venv/bin/python -m jax_profiling.proof.overview

writes `docs/lenses.png`, and `docs/lenses.md` with a line per lens.
"""

from pathlib import Path

import autolens as al
import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.gate.figures import save
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.report import markdown_table
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.specs import SPECS
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import write_aside

DOCS = Path(__file__).resolve().parents[2] / "docs"

ACROSS = 5
"""Lenses beside each other in the figure."""


def figure_from(lenses):
    """For every lens its image, and below it the source plane with the caustics and the mesh at the prior median."""
    down = -(-len(lenses) // ACROSS)
    figure, axes = plt.subplots(2 * down, ACROSS, figsize=(3.2 * ACROSS, 6.4 * down), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for number, lens in enumerate(lenses):
        row, column = divmod(number, ACROSS)
        plot_image(lens, axes[2 * row, column])
        plot_source_plane(lens, axes[2 * row + 1, column])
    return figure


def plot_image(lens, ax):
    """The data inside the mask, by arcsinh so that arcs show beside the lens's centre (arcsec)."""
    reach = 0.5 * lens.info["pixel_scale"] * lens.dataset.data.shape_native[0]
    image = np.arcsinh(np.asarray(lens.dataset.data.native.array) / 0.1)
    ax.set_axis_on()
    ax.imshow(image, cmap="magma", extent=(-reach, reach, -reach, reach))
    ax.set_title(lens.name)
    ax.set_ylabel('y (")')


def plot_source_plane(lens, ax):
    """The mesh of the last pixelization at the prior median, and the caustics of the truth (arcsec)."""
    likelihood = Likelihood(lens, al.mesh.Delaunay)
    interpolator = likelihood.mapper(likelihood.prior_medians).interpolator
    y, x = np.asarray(interpolator.mesh_grid_xy).T
    simplices = interpolator.delaunay.simplices
    ax.set_axis_on()
    ax.triplot(x, y, simplices[simplices[:, 0] >= 0], color="0.75", linewidth=0.4)

    tracer = al.from_json(file_path=lens.folder / "tracer.json")
    caustics = al.LensCalc.from_tracer(tracer)
    grid = al.Grid2D.uniform(shape_native=(400, 400), pixel_scales=2.5 * lens.info["mask_radius"] / 400)
    for caustic in caustics.tangential_caustic_list_from(grid=grid):
        ax.plot(*np.asarray(caustic).T[::-1], color="C3", linewidth=1.2)
    for galaxy in tracer.planes[-1]:
        for profile in galaxy.cls_list_from(al.LightProfile):
            ax.plot(*profile.centre[::-1], "+", color="C0", markersize=10)
    ax.set_title(f"source plane, {len(x)} vertices")
    ax.set_xlabel('x (")')
    ax.set_ylabel('y (")')
    ax.set_aspect("equal")


def markdown_from(lenses):
    """The contents of `docs/lenses.md`."""
    rows = []
    for lens in lenses:
        spec = SPECS[lens.name]()
        size = f"{lens.data_points} data points, {lens.vertices} vertices"
        rows.append((f"`{lens.name}`", spec.instrument, size, spec.geometry))
    lines = [
        "# The lenses",
        "",
        "Simulated from the specs in `jax_profiling/lenses/specs.py`, one folder each under `dataset/imaging/`. `python -m "
        "jax_profiling.lenses.simulate NAME` simulates one whose folder is missing; `ao` is too large for the repository.",
        "",
        *markdown_table(("lens", "instrument", "size", "the geometry that it stresses"), rows),
        "",
        "![image and source plane of every lens, with mesh and caustics](lenses.png)",
        "",
        "The source plane is that of the prior median: grey the mesh, red the tangential caustics of the truth, blue crosses "
        "the centres of the source's light profiles. Of two source planes the farther is shown.",
    ]
    return "\n".join(lines) + "\n"


@command.refuses_bad_input
def main(_=None):
    lenses = [lens_folder.load(name) for name in SPECS if name in lens_folder.names()]
    with write_aside(DOCS) as aside:
        save(figure_from(lenses), aside / "lenses.png", dpi=70)
        (aside / "lenses.md").write_text(markdown_from(lenses))
    print(f"{len(lenses)} lenses: {DOCS.name}/lenses.md")


if __name__ == "__main__":
    command.run(main)
