"""Fuzz the triangulation with random lens meshes, and judge every one in rational arithmetic.

    .venv/bin/python -m jax_profiling.proof.fuzz --meshes 10000 --seed 0

The meshes alternate between the families of `random_meshes.FAMILIES`: lenses from a range wider than any prior, autolens's
default priors, and symmetric lenses. Every triangulation must be Delaunay in rational arithmetic (`delaunax.oracle`). If
Qhull's triangulation differs, the mesh has ties or Qhull is wrong. The data points outside the hull must be the same as
Qhull's, and their nearest vertices the same as SciPy's. The exit status is 1 on any disagreement.
"""

import argparse
import json
from collections import Counter

import autolens as al
import jax
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from scipy.spatial import Delaunay, cKDTree

from delaunax import locate, oracle, triangulate
from delaunax.triangulation import triangulate_and_count
from jax_profiling.gate.provenance import device
from jax_profiling.proof.random_meshes import FAMILIES
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.writing import atomic_writes, write_json

AGREE, TIED, QHULL_ERRS = "agree", "tied", "Qhull is not exact"
"""The outcomes that pass.

The triangles are Qhull's; the mesh has ties and both triangulations are right; Qhull drops a vertex or has a wrong triangle."""


def outcome_of(points, queries):
    """Judge the triangulation of one mesh and compare it with Qhull's.

    Parameters
    ----------
    points, queries
        (N, 2) and (Q, 2) float64, the vertices and the data points (arcsec).

    Returns
    -------
    str
        `AGREE`, `TIED` or `QHULL_ERRS`; any other text describes a disagreement.
    """
    triangulation, qhull = triangulate(points), Delaunay(points)
    if not triangulation.certified:
        return "not certified"
    fault = oracle.fault_of(points, triangulation.simplices)
    if fault is not None:
        return f"not Delaunay: {fault}"
    outcome = AGREE
    ours, theirs = (
        set(map(tuple, np.sort(each[each[:, 0] >= 0], axis=1))) for each in (triangulation.simplices, qhull.simplices)
    )
    if ours != theirs:
        # Ours is Delaunay, so Qhull's is another Delaunay triangulation or none.
        outcome = TIED if oracle.fault_of(points, qhull.simplices) is None else QHULL_ERRS

    mappings = locate(triangulation, points, queries)
    outside = mappings[:, 1] < 0
    distance = np.hypot(*(queries[outside] - points[mappings[outside, 0]]).T)
    if not np.allclose(distance, cKDTree(points).query(queries[outside])[0], rtol=1.0e-12, atol=0.0):
        return "a nearest vertex differs from SciPy's"
    # Relocation puts some points on the hull itself; rounding decides their side.
    differing = queries[outside != (qhull.find_simplex(queries) < 0)]
    if len(differing) and _distance_to_hull(points, qhull.convex_hull, differing).max() > 1.0e-12 * np.ptp(points):
        return "a data point is on the other side of the hull"
    return outcome


def _distance_to_hull(points, hull, queries):
    a, b = points[hull[:, 0]], points[hull[:, 1]]
    edge, offset = b - a, queries[:, None, :] - a
    along = np.clip((edge * offset).sum(axis=-1) / (edge**2).sum(axis=-1), 0.0, 1.0)
    return np.linalg.norm(offset - along[..., None] * edge, axis=-1).min(axis=1)


def run(meshes, seed, families, progress=lambda: None):
    """Triangulate random meshes and judge each (`outcome_of`).

    Parameters
    ----------
    meshes
        Number of meshes; they alternate between the families.
    seed
        Mesh k depends on the seed and on k only.
    families
        Name -> source of random meshes, as in `random_meshes.FAMILIES`.
    progress
        Called after every mesh.

    Returns
    -------
    dict
        "outcomes": family -> outcome -> count; "disagreements": [mesh, family, outcome] of every failure; "exact": quantiles
        of the number of signs decided in integers (CPU) or of stars recomputed exactly (GPU).
    """
    outcomes, disagreements, exact = {name: Counter() for name in families}, [], []
    names = list(families)
    for number in range(meshes):
        name = names[number % len(names)]
        points, queries = families[name].random(np.random.default_rng((seed, number)))
        outcome = outcome_of(points, queries)
        outcomes[name][outcome] += 1
        if outcome not in (AGREE, TIED, QHULL_ERRS):
            disagreements.append([number, name, outcome])
        exact.append(int(triangulate_and_count(points)[1]))
        progress()
    return {
        "outcomes": {name: dict(found) for name, found in outcomes.items() if found},
        "disagreements": disagreements,
        "exact": {f"{q} %": float(np.percentile(exact, q)) for q in (0, 50, 90, 99, 100)},
    }


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=at_least(1), default=10000, help="number of meshes (default 10000)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="seed of the meshes (default 0)")
    parser.add_argument("--output", type=folder_to_write, help="folder for fuzz.json (default: no file)")
    arguments = parser.parse_args(argv)
    console = Console()
    columns = (TextColumn("meshes"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("meshes", total=arguments.meshes)
        families = {name: family() for name, family in FAMILIES.items()}
        found = run(arguments.meshes, arguments.seed, families, progress=lambda: bar.advance(task))
    found = {"seed": arguments.seed, "autolens": al.__version__, "jax": jax.__version__, "device": device(), **found}
    console.print_json(json.dumps(found))
    if arguments.output:
        with atomic_writes(arguments.output) as scratch:
            write_json(found, scratch / "fuzz.json")
    return 1 if found["disagreements"] else 0


if __name__ == "__main__":
    command.run(main)
