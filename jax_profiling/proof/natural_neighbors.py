"""Natural neighbours on lenses and on default-prior meshes: `docs/proofs/natural_neighbors.md`.

    .venv/bin/python -m jax_profiling.proof.natural_neighbors --lenses small cusp --draws 2 --meshes 50

The first table compares log evidences at the prior median and at draws of each lens: with autoarray's `DelaunayNN`, and with
autoarray's code on right weights (`gate.meshes.oracle_natural_neighbors`). The second table counts neighbours on meshes from
autolens's default priors, and compares weights with rational arithmetic.

The exit status is 1 if a weight is not finite, if a weight differs by more than 1e-7 from the right one, or if a log evidence
with right weights differs by more than 1e-9 (relative) on NumPy, or by more than 1e-8 under `jit`. Points with linear weights
are counted, and not compared.
"""

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN

import delaunax
from delaunax import oracle
from jax_profiling.gate.likelihood import Likelihood, interpolator_of
from jax_profiling.gate.meshes.oracle_natural_neighbors import OracleNaturalNeighbor
from jax_profiling.gate.patches import patched
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.random_meshes import IMAGE_MESHES, DefaultPriors
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, words_of
from knn_barycentric import NaturalNeighbor

TOLERANCE = 1.0e-9
"""Largest relative difference of two log evidences."""

JIT_TOLERANCE = 1.0e-8
"""The same between the NNLS solvers of NumPy and JAX, which stop 2e-9 apart."""

WEIGHT_TOLERANCE = 1.0e-7
"""Largest difference of a weight from the right one."""

LIMITS = (8, 16, 32, 64, 128)
"""Neighbour counts that the table of draws shows the share of points above of."""


def lens_table(name, draws):
    """The line of a lens in the table of log evidences, and whether the difference is small.

    `NaturalNeighbor` and `DelaunayNN` run on JAX; the reference runs on NumPy and is compared with `NaturalNeighbor` there.
    """
    lens = lens_folder.load(name)
    ours, theirs = (Likelihood(lens, mesh_cls, use_jax=True) for mesh_cls in (NaturalNeighbor, DelaunayNN))
    right = Likelihood(lens, OracleNaturalNeighbor, use_jax=False)
    vectors = ours.median_and_draws(draws)
    jitted, upstream = (each.evidences(vectors, batch=1).log_evidence for each in (ours, theirs))
    numpy, reference = ([each.evidence(vector, xp=np).log_evidence for vector in vectors] for each in (ours, right))
    replaced = sum(right.mapper(vector).interpolator.replaced for vector in vectors)
    known, defined = np.isfinite(upstream), np.isfinite(reference)
    differences = [
        np.abs(jitted / upstream - 1.0)[known].max(initial=0.0),
        np.abs(np.divide(numpy, reference) - 1.0)[defined].max(initial=0.0),
        np.abs(np.divide(jitted, numpy) - 1.0)[defined].max(initial=0.0),
    ]
    same = (np.isfinite(numpy) == defined).all() and np.isfinite(jitted[defined]).all()
    passed = same and differences[1] <= TOLERANCE and differences[2] <= JIT_TOLERANCE
    shown = " | ".join(f"{difference:.1e}" for difference in differences)
    return f"| {name} | {len(vectors)} | {(~known).sum()} | {replaced} | {shown} |", passed


@jax.jit
def tables_and_counts(points, data):
    """The `Tables` of a mesh, the split points, and the number of neighbours of every data point and split point."""
    interpolator = interpolator_of(NaturalNeighbor(pixels=len(points)), points, data)
    split_points = interpolator.split_points
    counts = delaunax.natural_neighbor_weights(
        interpolator.triangulation, points, jnp.concatenate([data, split_points]), max_neighbors=1
    ).count
    return interpolator.tables, split_points, counts


def worst_error(points, queries, mappings, weights, owner, rows):
    """The largest difference of a weight from the oracle's at some of the queries."""
    worst = 0.0
    for row in rows:
        mine = owner == row
        found = np.zeros(len(points) + 1)
        np.add.at(found, mappings[mine], weights[mine])
        worst = max(worst, error_of(points, queries[row], found[:-1]))
    return worst


def error_of(points, query, found):
    """The largest difference of the (N,) weights of a query from the oracle's; outside the hull, as far as rounding decides."""
    expected, used = oracle.natural_neighbor_weights_of(points, query), np.flatnonzero(found)
    extent = np.ptp(points, axis=0).max()
    if len(expected) == 1 and len(used) == 2:
        # Outside the hull by less than rounding, where `locate` takes it for inside: linear on the hull edge.
        return np.abs(found @ points - query).max() / extent
    if len(expected) == 1 and len(used) == 1:
        # Two vertices can be nearest to rounding. Inside the hull, the query is at the vertex.
        distances = np.hypot(*(points[[*expected, *used]] - query).T)
        return max(abs(found.sum() - 1.0), np.ptp(distances) / extent)
    difference = found.copy()
    for vertex, weight in expected.items():
        difference[vertex] -= float(weight)
    return np.abs(difference).max()


def judge(points, data, rng, sample):
    """(not finite, linear rows, worst error, counts of data points, counts of split points) of one mesh."""
    tables, split_points, counts = jax.tree.map(np.asarray, tables_and_counts(points, data))
    owners = tables.row_owner, np.arange(len(split_points))
    pairs = (tables.mappings, tables.weights), (tables.split_mappings, tables.split_weights)
    counts = np.split(counts, [len(data)])
    bad = linear = 0
    worst = 0.0
    for queries, (mappings, weights), owner, count in zip((data, split_points), pairs, owners, counts, strict=True):
        places = np.bincount(owner, weights=(mappings >= 0).sum(axis=1), minlength=len(queries))
        bad += (~np.isfinite(weights)).sum()
        is_linear = places != count
        linear += is_linear.sum()
        rows = [np.argmax(np.where(is_linear, 0, count)), *rng.integers(len(queries), size=sample)]
        rows = [row for row in rows if not is_linear[row]]
        worst = max(worst, worst_error(points, queries, mappings, weights, owner, rows))
    return bad, linear, worst, *counts


def draws_table(image_meshes, meshes, sample, seed):
    """Yield one line of the table of draws per family of default-prior meshes, and whether all weights are right."""
    for name in image_meshes:
        for symmetric in (False, True):
            source, rng = DefaultPriors(name, symmetric), np.random.default_rng(seed)
            found = []
            for _ in range(meshes):
                points, data = source.random(rng)
                found.append(judge(points, data, rng, sample))
            bad, linear, errors, data_counts, split_counts = zip(*found, strict=True)
            counts = np.concatenate([np.concatenate(data_counts), np.concatenate(split_counts)])
            shares = " | ".join(f"{(counts > limit).mean():.2g}" for limit in LIMITS)
            worst = int(np.argmax(errors))
            family = f"{name}, {'one parameter random' if symmetric else 'all random'}"
            yield (
                f"| {family} | {meshes} | {sum(bad)} | {sum(linear)} | {counts.mean():.1f} | {counts.max()} | {shares} "
                f"| {errors[worst]:.1e} (draw {worst}) |",
                sum(bad) == 0 and errors[worst] <= WEIGHT_TOLERANCE,
            )


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lenses", nargs="*", default=["small"], help="lenses to compare with DelaunayNN")
    parser.add_argument("--draws", type=at_least(0), default=2, help="draws from the priors of each lens")
    parser.add_argument("--meshes", type=at_least(0), default=50, help="default-prior draws of each family of meshes")
    parser.add_argument(
        "--image-meshes",
        type=words_of(IMAGE_MESHES),
        default=",".join(IMAGE_MESHES),
        help="comma-separated image meshes of these families (default %(default)s)",
    )
    parser.add_argument("--sample", type=at_least(0), default=3, help="random points of each mesh for the oracle")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args(argv)
    passed = True
    with patched(natural_neighbors=True):
        print("| lens | vectors | DelaunayNN is NaN | rows of the oracle | DelaunayNN | right weights | NumPy |")
        print("|---" * 7 + "|")
        for name in arguments.lenses:
            line, is_small = lens_table(name, arguments.draws)
            passed &= is_small
            print(line, flush=True)
        if arguments.meshes:
            shares = " | ".join(f"above {limit}" for limit in LIMITS)
            print(f"\n| family | draws | not finite | linear | mean | largest | {shares} | worst error |")
            print("|---" * (7 + len(LIMITS)) + "|")
            for line, is_right in draws_table(
                arguments.image_meshes, arguments.meshes, arguments.sample, arguments.seed
            ):
                passed &= is_right
                print(line, flush=True)
    return 0 if passed else 1


if __name__ == "__main__":
    command.run(main)
