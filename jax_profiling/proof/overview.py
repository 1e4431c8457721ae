"""The page of all lenses: the image and the source-plane mesh of each.

    .venv/bin/python -m jax_profiling.proof.overview

Writes `docs/workspace/lenses.png`, and `docs/workspace/lenses.md` with one line per lens.
"""

import autolens as al
import matplotlib.pyplot as plt
import numpy as np

from jax_profiling import ROOT
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.report import markdown_table
from jax_profiling.gate.report.figures import save
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.simulated.specs import SPECS
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import atomic_writes

DOCS = ROOT / "docs" / "workspace"

COLUMNS = 5
"""Number of lenses in a row of the figure."""


def figure_from(lenses):
    """The image of every lens, and below each its source plane with caustics and the mesh at the prior median."""
    rows = -(-len(lenses) // COLUMNS)
    figure, axes = plt.subplots(2 * rows, COLUMNS, figsize=(3.2 * COLUMNS, 6.4 * rows), layout="constrained")
    for ax in axes.flat:
        ax.set_axis_off()
    for number, lens in enumerate(lenses):
        row, column = divmod(number, COLUMNS)
        plot_image(lens, axes[2 * row, column])
        plot_source_plane(lens, axes[2 * row + 1, column])
    return figure


def plot_image(lens, ax):
    """The data inside the mask (axes in arcsec). The arcsinh shows faint arcs next to a bright lens."""
    reach = 0.5 * lens.info["pixel_scale"] * lens.dataset.data.shape_native[0]
    image = np.arcsinh(np.asarray(lens.dataset.data.native.array) / 0.1)
    ax.set_axis_on()
    ax.imshow(image, cmap="magma", extent=(-reach, reach, -reach, reach))
    ax.set_title(lens.name)
    ax.set_ylabel('y (")')


def plot_source_plane(lens, ax):
    """The mesh of the last pixelization at the prior median, and the true caustics (axes in arcsec)."""
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
    """The contents of `docs/workspace/lenses.md`."""
    rows = []
    for lens in lenses:
        spec = SPECS[lens.name]()
        size = f"{lens.data_points} data points, {lens.vertices} vertices"
        rows.append((f"`{lens.name}`", spec.instrument, size, spec.geometry))
    lines = [
        "# The lenses",
        "",
        "Every lens is simulated from a spec in `jax_profiling/lenses/simulated/specs.py` and has a folder under "
        "`dataset/imaging/`. `python -m jax_profiling.lenses.simulate NAME` simulates a lens without a folder. The data of "
        "`ao` are too large for the repository.",
        "",
        *markdown_table(("lens", "instrument", "size", "what it tests"), rows),
        "",
        "![image and source plane of every lens, with mesh and caustics](lenses.png)",
        "",
        "The source planes are shown at the prior median. Grey: the mesh. Red: the true tangential caustics. Blue crosses: the "
        "centres of the source's light profiles. If there are two source planes, the farther one is shown.",
    ]
    return "\n".join(lines) + "\n"


@command.status_2_on_bad_input
def main(_=None):
    lenses = [lens_folder.load(name) for name in SPECS if name in lens_folder.names()]
    with atomic_writes(DOCS) as scratch:
        save(figure_from(lenses), scratch / "lenses.png", dpi=70)
        (scratch / "lenses.md").write_text(markdown_from(lenses))
    print(f"{len(lenses)} lenses: docs/workspace/lenses.md")


if __name__ == "__main__":
    command.run(main)
