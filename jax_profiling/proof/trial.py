"""Proof by trial: meshes of drawn lenses, each triangulated here and by Qhull, and judged in rational arithmetic.

    .venv/bin/python -m jax_profiling.proof.trial --meshes 10000 --seed 0

The meshes are those of `drawn.FAMILIES` in turn: lenses far wider than any prior, autolens's default priors, and symmetric
lenses. Every triangulation has to be Delaunay in rational arithmetic (`delaunax.oracle`). So where it is the only one, Qhull's
is the same or wrong. Which data points lie outside the hull, and which vertex is nearest to them, must be as Qhull and a k-d
tree of SciPy's say. Exit status 1 on any disagreement.
"""

import argparse
import json
from collections import Counter

import jax_profiling  # noqa: F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al
import jax
import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from scipy.spatial import Delaunay, cKDTree

from delaunax import locate, oracle, triangulate
from delaunax.triangulation import effort_of
from jax_profiling.gate.provenance import device
from jax_profiling.proof.drawn import FAMILIES
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.writing import write_aside

AGREE, TIED, QHULL_ERRS = "agree", "tied", "Qhull is not exact"
"""What a draw can be and pass: the same triangles; one of several right ones; Qhull drops a vertex, or has a wrong triangle."""


_triangulate = jax.jit(triangulate)
_locate = jax.jit(locate)
_effort_of = jax.jit(effort_of)


def outcome_of(points, queries):
    """Judge one mesh, and compare it with Qhull.

    Parameters
    ----------
    points, queries
        (N, 2) and (Q, 2) float64, the vertices and the data points (arcsec).

    Returns
    -------
    str
        `AGREE`, `TIED` or `QHULL_ERRS`; anything else is a disagreement, in words.
    """
    triangulation, qhull = jax.tree.map(np.asarray, _triangulate(points)), Delaunay(points)
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
        # Ours is right: theirs can only be another one, or none.
        outcome = TIED if oracle.fault_of(points, qhull.simplices) is None else QHULL_ERRS

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


def run(meshes, seed, families, progress=lambda: None):
    """Draw meshes and compare each with Qhull.

    Parameters
    ----------
    meshes
        How many; they alternate between the families.
    seed
        Draw k depends on the seed and on k alone.
    families
        Name -> what draws meshes, as in `drawn.FAMILIES`.
    progress
        Called after every mesh.

    Returns
    -------
    dict
        "outcomes": family -> outcome -> how often; "disagreements": [draw, family, what] of those that fail;
        "rounds": tables that were put to the certificate -> how often; "exact": quantiles of the number of
        decisions that were made in integers (`delaunax.triangulation.Effort`).
    """
    outcomes, rounds, disagreements, exact = {name: Counter() for name in families}, Counter(), [], []
    names = list(families)
    for draw in range(meshes):
        name = names[draw % len(names)]
        points, queries = families[name].drawn(np.random.default_rng((seed, draw)))
        outcome = outcome_of(points, queries)
        outcomes[name][outcome] += 1
        if outcome not in (AGREE, TIED, QHULL_ERRS):
            disagreements.append([draw, name, outcome])
        effort = _effort_of(points)
        rounds[int(effort.rounds)] += 1
        exact.append(int(effort.exact))
        progress()
    return {
        "outcomes": {name: dict(found) for name, found in outcomes.items() if found},
        "disagreements": disagreements,
        "rounds": dict(sorted(rounds.items())),
        "exact": {f"{q} %": float(np.percentile(exact, q)) for q in (0, 50, 90, 99, 100)},
    }


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--meshes", type=at_least(1), default=10000, help="how many meshes to draw (default 10000)")
    parser.add_argument("--seed", type=at_least(0), default=0, help="seed of the draws (default 0)")
    parser.add_argument("--output", type=folder_to_write, help="folder for trial.json (default: none is written)")
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
        with write_aside(arguments.output) as aside:
            (aside / "trial.json").write_text(json.dumps(found, indent=1) + "\n")
    return 1 if found["disagreements"] else 0


if __name__ == "__main__":
    command.run(main)
