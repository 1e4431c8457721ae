"""A lensed image, its source on the mesh, and the same symmetric mesh by Qhull and by `delaunax`.

    .venv/bin/python docs/pictures/lens.py

writes `lens_and_source.png` and `symmetric_mesh.png` into this folder. The first is the fit of the
lens `hst` at its prior median. The second is an Overlay mesh at the median of autolens's default priors.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parents[1]))

import jax_profiling  # noqa: F401  E402  isort: skip  (sets up JAX)

import jax  # noqa: E402
import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
from scipy.spatial import Delaunay  # noqa: E402

import delaunax  # noqa: E402
from delaunax import oracle  # noqa: E402
from jax_profiling.gate.likelihood import Likelihood  # noqa: E402
from jax_profiling.lenses import lens as lens_folder  # noqa: E402
from jax_profiling.proof.random_meshes import DefaultPriors  # noqa: E402
from knn_barycentric import KNNBarycentric  # noqa: E402


def lens_and_source(name):
    """The data of a lens, and the reconstructed source with the mesh on top (arcsec)."""
    lens = lens_folder.load(name)
    likelihood = Likelihood(lens, KNNBarycentric)
    values = likelihood.evidences(likelihood.prior_medians[None], batch=1).values[0]
    y, x = np.asarray(likelihood.mapper(likelihood.prior_medians).interpolator.mesh_grid_xy).T
    simplices = delaunax.triangulate(np.stack([y, x], axis=1)).simplices
    simplices = simplices[simplices[:, 0] >= 0]

    figure, (image_ax, source_ax) = plt.subplots(1, 2, figsize=(10, 4.9), layout="constrained")
    reach = 0.5 * lens.info["pixel_scale"] * lens.dataset.data.shape_native[0]
    image = np.arcsinh(np.asarray(lens.dataset.data.native.array) / 0.1)
    image_ax.imshow(image, cmap="magma", extent=(-reach, reach, -reach, reach))
    image_ax.set_title("the lensed image")
    source_ax.tripcolor(x, y, simplices, values, shading="gouraud", cmap="magma")
    source_ax.triplot(x, y, simplices, color="w", linewidth=0.3, alpha=0.5)
    bright = np.stack([x, y])[:, values > 0.05 * values.max()]
    centre, half_width = bright.mean(axis=1), 0.75 * np.ptp(bright, axis=1).max()
    source_ax.set_xlim(centre[0] - half_width, centre[0] + half_width)
    source_ax.set_ylim(centre[1] - half_width, centre[1] + half_width)
    source_ax.set_facecolor("k")
    source_ax.set_title("its source, on the Delaunay mesh")
    for ax in (image_ax, source_ax):
        ax.set_aspect("equal")
        ax.set_xlabel('x (")')
        ax.set_ylabel('y (")')
    return figure


def symmetric_mesh():
    """The mesh of a lens at the median of autolens's default priors: all of it, and one crowd of vertices by both (arcsec)."""
    family = DefaultPriors("Overlay", symmetric=True)
    medians = np.array(family.model.vector_from_unit_vector([0.5] * family.model.prior_count))
    vertices, _ = jax.jit(family.traced)(medians)  # Eagerly, some of the vertices coincide.
    points = np.ascontiguousarray(np.asarray(vertices)[:, ::-1])
    qhull, exact = Delaunay(points).simplices, delaunax.triangulate(points).simplices
    exact = exact[exact[:, 0] >= 0]
    assert len(np.unique(points, axis=0)) == len(points)
    assert oracle.fault_of(points, exact) is None
    dropped = np.setdiff1d(np.arange(len(points)), qhull)
    print(f"{len(points)} distinct vertices, {len(dropped)} of them without a triangle in Qhull")

    figure, axes = plt.subplots(1, 3, figsize=(13, 4.5), layout="constrained")
    axes[0].triplot(*points.T, exact, color="C0", linewidth=0.4)
    axes[0].plot(*points[dropped].T, "o", color="C3", markersize=7, fillstyle="none")
    axes[0].set_title(f"{len(points)} vertices; Qhull drops {len(dropped)} (red)")
    axes[0].set_xlabel('x (")')
    axes[0].set_ylabel('y (")')

    crowd = max(dropped, key=lambda vertex: (np.abs(points - points[vertex]).max(axis=1) < CROWD).sum())
    near = np.flatnonzero(np.abs(points - points[crowd]).max(axis=1) < CROWD)
    offsets = (points - points[near].mean(axis=0)) / CROWD
    for ax, simplices, title in ((axes[1], qhull, "Qhull"), (axes[2], exact, "delaunax")):
        ax.triplot(*offsets.T, simplices, color="C0", linewidth=0.8)
        without = np.setdiff1d(near, simplices)
        ax.plot(*offsets[np.setdiff1d(near, without)].T, "o", color="C0", markersize=5)
        ax.plot(*offsets[without].T, "o", color="C3", markersize=7, fillstyle="none")
        ax.set_title(f"{title}: {len(near) - len(without)} of {len(near)} vertices have triangles")
        ax.set_xlim(-0.8, 0.8)
        ax.set_ylim(-0.8, 0.8)
        ax.set_xlabel(f'offset along x (units of {CROWD:g}")')
    for ax in axes:
        ax.set_aspect("equal")
    return figure


CROWD = 1e-8
"""Within how many arcsec of each other vertices count as one crowd in the drawing."""


if __name__ == "__main__":
    plt.switch_backend("Agg")
    symmetric_mesh().savefig(FOLDER / "symmetric_mesh.png", dpi=90)
    lens_and_source("hst").savefig(FOLDER / "lens_and_source.png", dpi=90)
