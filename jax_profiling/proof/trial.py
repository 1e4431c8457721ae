"""Proof by trial: meshes drawn from wide lens priors, each triangulated here and by Qhull.

    .venv/bin/python -m jax_profiling.proof.trial --meshes 10000 --seed 0

Every draw is a lens of one of several mass profiles with shear, far wider than a sampler's priors, over the grid of one of
two instruments; its mesh is traced to the source plane and relocated to the border as in a fit. The triangles must be
Qhull's, and so must be which data points lie outside the hull and which vertex is nearest to them. Where four vertices are
co-circular to rounding, or Qhull drops a vertex next to another one, Qhull's answer is not the only one: such draws are
counted apart, and their triangles must still be a certified Delaunay triangulation. Exit status 1 on any disagreement.
"""

import argparse
import json
from collections import Counter
from pathlib import Path

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al
import jax
import numpy as np
from autoarray.inversion.mesh.image_mesh.abstract import append_with_circle_edge_points
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from scipy.spatial import Delaunay, cKDTree

from delaunax import locate, triangulate
from delaunax.certificate import ties_from
from delaunax.triangulation import effort_of
from jax_profiling.gate.report import device
from jax_profiling.lenses.specs import EDGE_POINTS, MASK_RADIUS, PIXEL_SCALES
from jax_profiling.terminal import command
from jax_profiling.terminal.writing import write_aside

INSTRUMENTS = ("euclid", "hst")

AGREE, TIED, DROPPED = "agree", "tied", "dropped by Qhull"
"""What a draw can be and pass: the same triangles; another diagonal of a tie; more vertices than Qhull kept."""


class ImagePlane:
    """The data grid of an instrument, its border relocator and a mesh grid of (N, 2) vertices (arcsec)."""

    def __init__(self, instrument, shape=(39, 39)):
        pixel_scale = PIXEL_SCALES[instrument]
        side = 2 * int(np.ceil(MASK_RADIUS / pixel_scale)) + 1
        mask = al.Mask2D.circular(shape_native=(side, side), pixel_scales=pixel_scale, radius=MASK_RADIUS)
        self.grid = al.Grid2D.from_mask(mask=mask, over_sample_size=1)
        self.relocator = al.BorderRelocator(mask=mask, sub_size=1)
        overlay = al.image_mesh.Overlay(shape=shape).image_plane_mesh_grid_from(mask=mask)
        self.mesh_grid = append_with_circle_edge_points(
            overlay, centre=(0.0, 0.0), radius=MASK_RADIUS, n_points=EDGE_POINTS
        )

    def traced(self, tracer):
        """(N, 2) mesh vertices and (Q, 2) data points in the source plane of a tracer, both relocated."""
        grid, mesh_grid = (tracer.traced_grid_2d_list_from(grid=each)[-1] for each in (self.grid, self.mesh_grid))
        vertices = self.relocator.relocated_mesh_grid_from(grid=grid, mesh_grid=mesh_grid)
        return np.array(vertices.array), np.array(self.relocator.relocated_grid_from(grid=grid).over_sampled.array)


def drawn_tracer(rng):
    """A lens drawn far wider than a sampler's priors.

    Power law, power law with an m=4 multipole, isothermal, NFW or cored (PIEMD): Einstein radius 0.3-3.2 arcsec, slope
    1.5-2.5, axis ratio 0.3-1, off-centre by up to 0.2 arcsec, either shear up to 0.2.
    """
    centre = tuple(rng.uniform(-0.2, 0.2, 2))
    ell_comps = al.convert.ell_comps_from(axis_ratio=rng.uniform(0.3, 1.0), angle=rng.uniform(0.0, 180.0))
    radius, slope = rng.uniform(0.3, 3.2), rng.uniform(1.5, 2.5)
    power_law = {"centre": centre, "einstein_radius": radius, "slope": slope}
    profiles = (
        lambda: {"mass": al.mp.PowerLaw(ell_comps=ell_comps, **power_law)},
        lambda: {
            "mass": al.mp.PowerLaw(ell_comps=ell_comps, **power_law),
            "multipole": al.mp.PowerLawMultipole(m=4, multipole_comps=tuple(rng.uniform(-0.1, 0.1, 2)), **power_law),
        },
        lambda: {"mass": al.mp.Isothermal(centre=centre, ell_comps=ell_comps, einstein_radius=radius)},
        lambda: {
            "mass": al.mp.NFW(
                centre=centre, ell_comps=ell_comps, kappa_s=0.1 * radius, scale_radius=rng.uniform(5.0, 20.0)
            )
        },
        lambda: {"mass": al.mp.PIEMass(centre=centre, ell_comps=ell_comps, ra=rng.uniform(0.01, 0.3), b0=radius)},
    )[rng.integers(5)]()
    shear = al.mp.ExternalShear(gamma_1=rng.uniform(-0.2, 0.2), gamma_2=rng.uniform(-0.2, 0.2))
    return al.Tracer(galaxies=[al.Galaxy(redshift=0.5, shear=shear, **profiles), al.Galaxy(redshift=1.0)])


_triangulate = jax.jit(triangulate)
_locate = jax.jit(locate)
_effort_of = jax.jit(effort_of)


def outcome_of(points, queries):
    """Compare one mesh with Qhull.

    Parameters
    ----------
    points, queries
        (N, 2) and (Q, 2) float64, the vertices and the data points (arcsec).

    Returns
    -------
    str
        `AGREE`, `TIED` or `DROPPED`; anything else is a disagreement, in words.
    """
    triangulation, qhull = jax.tree.map(np.asarray, _triangulate(points)), Delaunay(points)
    if not triangulation.certified:
        return "not certified"
    ours, theirs = (
        set(map(tuple, np.sort(each[each[:, 0] >= 0], axis=1))) for each in (triangulation.simplices, qhull.simplices)
    )
    outcome = AGREE
    if ours != theirs:
        if len(qhull.coplanar) and len(np.unique(points, axis=0)) > len(points) - len(qhull.coplanar):
            outcome = DROPPED
        elif ties_from(points, triangulation.simplices, triangulation.neighbors) >= len(ours - theirs) / 2:
            outcome = TIED
        else:
            return f"{len(ours - theirs)} triangles differ"

    mappings = np.asarray(_locate(triangulation, points, queries))
    outside = mappings[:, 1] < 0
    distance = np.hypot(*(queries[outside] - points[mappings[outside, 0]]).T)
    if not np.allclose(distance, cKDTree(points).query(queries[outside])[0], rtol=1.0e-12, atol=0.0):
        return "a nearest vertex is another"
    # Points that the relocation puts onto the hull itself are on either side of it by rounding.
    strayed = queries[outside != (qhull.find_simplex(queries) < 0)]
    if len(strayed) and _distance_to_hull(points, qhull.convex_hull, strayed).max() > 1.0e-12 * np.ptp(points):
        return "a data point is on the other side of the hull"
    return outcome


def _distance_to_hull(points, hull, queries):
    a, b = points[hull[:, 0]], points[hull[:, 1]]
    edge, offset = b - a, queries[:, None, :] - a
    along = np.clip((edge * offset).sum(axis=-1) / (edge**2).sum(axis=-1), 0.0, 1.0)
    return np.linalg.norm(offset - along[..., None] * edge, axis=-1).min(axis=1)


def run(meshes, seed, image_planes, progress=lambda: None):
    """Draw meshes and compare each with Qhull.

    Parameters
    ----------
    meshes
        How many; they alternate between the image planes.
    seed
        Draw k depends on the seed and on k alone.
    image_planes
        Name -> `ImagePlane`.
    progress
        Called after every mesh.

    Returns
    -------
    dict
        "outcomes": outcome -> how often; "disagreements": [draw, image plane, what] of those that fail;
        "rounds": tables that were put to the certificate -> how often; "exact_stars": quantiles of the number of stars
        that were sought among all vertices, exactly.
    """
    outcomes, rounds, disagreements, sought = Counter(), Counter(), [], []
    names = list(image_planes)
    for draw in range(meshes):
        name = names[draw % len(names)]
        points, queries = image_planes[name].traced(drawn_tracer(np.random.default_rng((seed, draw))))
        outcome = outcome_of(points, queries)
        outcomes[outcome] += 1
        if outcome not in (AGREE, TIED, DROPPED):
            disagreements.append([draw, name, outcome])
        effort = _effort_of(points)
        rounds[int(effort.rounds)] += 1
        sought.append(int(effort.exact_stars))
        progress()
    return {
        "outcomes": dict(outcomes),
        "disagreements": disagreements,
        "rounds": dict(sorted(rounds.items())),
        "exact_stars": {f"{q} %": float(np.percentile(sought, q)) for q in (0, 50, 90, 99, 100)},
    }


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=int, default=10000, help="how many meshes to draw (default 10000)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the draws (default 0)")
    parser.add_argument("--output", type=Path, help="folder for trial.json (default: none is written)")
    arguments = parser.parse_args(argv)
    if arguments.meshes < 1:
        parser.error(f"--meshes is {arguments.meshes}; give a number of at least 1.")

    console = Console()
    columns = (TextColumn("meshes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("meshes", total=arguments.meshes)
        image_planes = {name: ImagePlane(name) for name in INSTRUMENTS}
        found = run(arguments.meshes, arguments.seed, image_planes, progress=lambda: bar.advance(task))
    found = {"seed": arguments.seed, "autolens": al.__version__, "jax": jax.__version__, "device": device(), **found}
    console.print_json(json.dumps(found))
    if arguments.output:
        with write_aside(arguments.output) as aside:
            (aside / "trial.json").write_text(json.dumps(found, indent=1) + "\n")
    return 1 if found["disagreements"] else 0


if __name__ == "__main__":
    command.run(main)
