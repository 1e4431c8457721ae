"""
JAX assertions: KNNBarycentric
==============================

Smoke checks that `KNNBarycentric` behaves under JAX as PyAutoLens needs it: jit, vmap, cross-conditioning, NNLS and
determinism, on real lens folders.

    python scripts/jax_assertions/knn_barycentric.py --lens hst

A line per check; the exit status is 0 if all hold, 1 if one fails, 2 if the input is bad. The same checks run under
pytest, one test per lens and check.

__Contents__

- **jit:** jit equals eager, weights are weights, no host callback.
- **vmap:** a batch of mass models equals the same models one by one; a lane that is not finite spoils no other.
- **Cross-conditioning:** equal to Delaunay however the inversion is conditioned.
- **NNLS:** the positive-only solver and the gradient of the whole likelihood.
- **Determinism:** the same bits from run to run, process to process, and in any order of the batch.
- **By hand**, **Under pytest**.
"""

import argparse
import hashlib
import subprocess
import sys
import time
from functools import cache, cached_property
from pathlib import Path
from types import SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
# Replaced, not preceded: in this script's own folder, `import knn_barycentric` would find the script itself.
sys.path[0] = str(ROOT)

import jax_profiling  # noqa: E402, F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from autoarray.inversion.inversion.inversion_util import reconstruction_positive_only_from  # noqa: E402
from autogalaxy.profiles.light.linear import LightProfileLinearObjFuncList  # noqa: E402

import delaunax  # noqa: E402
from delaunax.certificate import ties_from  # noqa: E402
from jax_profiling.gate.likelihood import Likelihood  # noqa: E402
from jax_profiling.lenses import lens as lens_folder  # noqa: E402
from jax_profiling.terminal import command  # noqa: E402
from knn_barycentric import KNNBarycentric  # noqa: E402

EPS = np.finfo(float).eps


class Case:
    """A lens with `KNNBarycentric` and with Delaunay; what several checks need is compiled once."""

    def __init__(self, lens):
        self.lens = lens
        self.ours = Likelihood(lens, KNNBarycentric)
        self.delaunay = Likelihood(lens, al.mesh.Delaunay)

    @property
    def medians(self):
        return jnp.asarray(self.ours.prior_medians)

    def batch(self, number):
        """(number, D): the prior median and distinct mass models near it."""
        draws = self.ours.draws(number, seed=7)
        return jnp.asarray(np.concatenate([self.ours.prior_medians[None], draws[1:]]))

    @cached_property
    def untied(self):
        """(D,) the prior median, or the first draw on whose mesh Delaunay has only one answer to compare with."""
        candidates = self.batch(8)
        return next((each for each in candidates if not self.is_tied(each)), candidates[0])

    def is_tied(self, parameters):
        """Whether four vertices of the mesh are on one circle, but for rounding, so that it has several triangulations."""
        points = np.asarray(self.ours.mapper(np.asarray(parameters)).interpolator.mesh_grid_xy)
        triangulation = delaunax.triangulate(points)
        return ties_from(points, triangulation.simplices, triangulation.neighbors) > 0

    @cached_property
    def interpolation(self):
        return jax.jit(self.ours.interpolation)

    @cached_property
    def interpolations(self):
        return jax.jit(jax.vmap(self.ours.interpolation))

    def gradient(self, likelihood):
        """(D,) the gradient of a likelihood's log evidence at the prior median."""
        return np.asarray(jax.jit(jax.grad(lambda p: likelihood.evidence(p).log_evidence))(self.medians))

    @cached_property
    def conditioned(self):
        """Name -> the jitted inversion on a mesh that is stretched, clustered and regularized at will."""
        return {"ours": jax.jit(inversion_of(self.ours)), "delaunay": jax.jit(inversion_of(self.delaunay))}


@cache
def case_of(lens):
    return Case(lens_folder.load(lens))


def same_bits(one, other):
    """Whether two arrays, or tuples of them, hold the same bits (NaN equals NaN)."""
    ones, others = (jax.tree.leaves(jax.tree.map(np.asarray, each)) for each in (one, other))
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ones, others, strict=True))


"""
__jit__
"""


def check_jit(case):
    """Mappings and weights of the jitted program are those of the eager NumPy fit; so is the log evidence."""
    jitted = case.interpolation(case.medians)
    eager = case.ours.interpolation(case.ours.prior_medians, xp=np)
    vertices = case.lens.vertices
    data = largest(dense(jitted.mappings, jitted.weights, vertices) - dense(eager.mappings, eager.weights, vertices))
    split = largest(
        dense(jitted.split_mappings, jitted.split_weights, vertices)
        - dense(eager.split_mappings, eager.split_weights, vertices)
    )
    # Ray-tracing rounds differently in the two modes; a vertex moves by some epsilons.
    assert data <= 1.0e-8 and split <= 1.0e-8, f"jit and eager weights differ by {data:.1e} and {split:.1e}"

    for weights in (np.asarray(jitted.weights), np.asarray(jitted.split_weights)):
        assert ((weights >= 0.0) & (weights <= 1.0)).all(), "a weight lies outside [0, 1]"
        assert largest(weights.sum(axis=1) - 1.0) <= 8 * EPS, "a row of weights does not sum to 1"

    log_evidence = float(case.ours.jitted(case.medians).log_evidence)
    eager_log_evidence = float(case.ours.evidence(case.ours.prior_medians, xp=np).log_evidence)
    difference = abs(log_evidence - eager_log_evidence)
    # NumPy and JAX solve the NNLS by different algorithms, which stop 4e-10 apart on the fiducial.
    assert difference <= 1.0e-8 * abs(log_evidence), f"jit and eager log evidence differ by {difference:.1e} nats"
    return f"weights within {max(data, split):.0e}, log evidence within {difference:.0e} nats of eager"


def check_no_host_callback(case):
    """The compiled program contains no host callback, where Delaunay's does."""
    ours, theirs = (
        str(jax.jit(each.evidence).lower(case.medians).as_text()).count("callback")
        for each in (case.ours, case.delaunay)
    )
    assert theirs > 0, "Delaunay's program shows no callback, so this check sees nothing"
    assert ours == 0, f"{ours} host callbacks in the program"
    return f"none; Delaunay's program has {theirs}"


def dense(mappings, weights, vertices):
    """(rows, N): each vertex's weight, whatever the order within a row."""
    mappings, weights = np.asarray(mappings), np.asarray(weights)
    matrix = np.zeros((len(mappings), vertices))
    used = mappings >= 0
    rows = np.broadcast_to(np.arange(len(mappings))[:, None], mappings.shape)
    np.add.at(matrix, (rows[used], mappings[used]), weights[used])
    return matrix


def largest(array):
    return float(np.abs(array).max(initial=0.0))


"""
__vmap__
"""


def check_vmap_interpolation(case):
    """The interpolation of batches of 1, 3 and 20 mass models is that of the models one by one, to the bit."""
    alone = [case.interpolation(parameters) for parameters in case.batch(20)]
    for number in (1, 3, 20):
        lanes = case.interpolations(case.batch(20)[:number])
        for lane, expected in enumerate(alone[:number]):
            same = same_bits([each[lane] for each in lanes], list(expected))
            close = all(np.allclose(each[lane], wanted, atol=1.0e-9) for each, wanted in zip(lanes, expected))
            assert same or close, f"lane {lane} of {number} differs from the model alone"
    return "batches of 1, 3, 20"


def check_vmap_likelihood(case):
    """The log evidence of a batch of 3 mass models is that of the models one by one."""
    batch = case.batch(3)
    alone = np.array([float(case.ours.jitted(parameters).log_evidence) for parameters in batch])
    lanes = np.asarray(case.ours.batched(batch).log_evidence)
    assert len(set(alone)) == 3, "the mass models are not distinct"
    worst = largest((lanes - alone) / alone)
    assert worst <= 1.0e-9, f"log evidence differs by {worst:.1e} relative"
    return f"log evidence within {worst:.0e} relative"


def check_vmap_not_finite(case):
    """A lane with non-finite input is NaN and changes no other lane, in the interpolation and in the log evidence."""
    batch = case.batch(3)
    spoilt = batch.at[1].set(jnp.nan)
    lanes, expected = case.interpolations(spoilt), case.interpolations(batch)
    assert np.isnan(lanes.weights[1]).all(), "weights of the spoilt lane are not NaN"
    evidence, evidence_expected = case.ours.batched(spoilt), case.ours.batched(batch)
    assert np.isnan(evidence.log_evidence[1]), f"log evidence of the spoilt lane is {evidence.log_evidence[1]}"
    assert not evidence.certified[1], "the spoilt lane is certified"
    for lane in (0, 2):
        assert same_bits([x[lane] for x in lanes], [x[lane] for x in expected]), f"weights of lane {lane} changed"
        change = abs(evidence.log_evidence[lane] - evidence_expected.log_evidence[lane])
        assert change == 0.0, f"log evidence of lane {lane} changed by {change:.1e}"
    return "NaN stays in its lane"


"""
__Cross-conditioning__

The inversion solves (F + H) s = D. Its conditioning runs over many orders of magnitude: with the regularization
coefficient, with the anisotropy of the source plane, and with vertices that crowd together.
"""

COEFFICIENTS = (1.0e-4, 1.0e-2, 1.0, 1.0e2, 1.0e4)
STRETCHES = (1.0e1, 1.0e2, 1.0e3, 1.0e4)
CLUSTERS = (1.0e-1, 1.0e-2)
CLUSTER_SIZE = 8


def inversion_of(likelihood):
    """A function of (parameters, coefficient, stretch, shrink) that gives F, H, the data vector, s and the evidence.

    `coefficient` multiplies the regularization matrix of the model, `stretch` the y coordinates of the source plane,
    and `shrink` the distances within clusters of `CLUSTER_SIZE` consecutive vertices.
    """

    def inverted(parameters, coefficient, stretch, shrink):
        fit = likelihood.fit(parameters)
        mapper = fit.inversion.cls_list_from(al.Mapper)[-1]
        interpolator = mapper.interpolator
        scale = jnp.stack([stretch, jnp.ones_like(stretch)])
        vertices = interpolator.mesh_grid.array
        anchors = vertices[np.arange(len(vertices)) // CLUSTER_SIZE * CLUSTER_SIZE]
        interpolator.mesh_grid = al.Grid2DIrregular((anchors + shrink * (vertices - anchors)) * scale, xp=jnp)
        data_points = interpolator.data_grid.over_sampled.array * scale
        interpolator.data_grid = SimpleNamespace(
            over_sampled=SimpleNamespace(array=data_points), over_sampler=interpolator.data_grid.over_sampler
        )

        inversion = fit.inversion
        vars(inversion)["regularization_matrix"] = coefficient * inversion.regularization_matrix
        return (
            inversion.curvature_matrix,
            inversion.regularization_matrix,
            inversion.data_vector,
            inversion.reconstruction,
            fit.log_evidence,
        )

    return inverted


def sweep():
    """(what, coefficient, stretch, shrink) of every point of the sweep."""
    yield from ((f"coefficient {c:g}", c, 1.0, 1.0) for c in COEFFICIENTS)
    yield from ((f"anisotropy {s:g}", 1.0, s, 1.0) for s in STRETCHES)
    yield from ((f"vertices clustered to {s:g}", 1.0, 1.0, s) for s in CLUSTERS)


def check_cross_conditioning(case):
    """Curvature matrix, regularization matrix, reconstruction and log evidence are Delaunay's over the sweep.

    The matrices agree to rounding of their sums. Rounding of relative size eps in F + H moves the solution by
    eps x condition number, and the evidence by the solution's share of it; both with a factor of 100 in hand. The
    interior-point NNLS stops at a duality gap of its own, which is why the reconstruction is granted 1e-7 of its
    maximum where the conditioning would ask for less.
    """
    worst = {}
    lights = lights_of(case)
    for what, coefficient, stretch, shrink in sweep():
        arguments = (case.untied, *map(jnp.asarray, (coefficient, stretch, shrink)))
        ours, theirs = (
            [np.asarray(each) for each in case.conditioned[mesh](*arguments)] for mesh in ("ours", "delaunay")
        )
        for name, one, other in zip(("curvature matrix", "regularization matrix"), ours, theirs):
            difference = largest(one - other) / largest(other)
            worst[name] = max(worst.get(name, 0.0), difference)
            assert difference <= 1.0e-9, f"{what}: {name} differs by {difference:.1e}"

        empty = np.flatnonzero(~ours[1].any(axis=1))
        assert len(empty) == lights, f"{what}: {len(empty)} rows of H are zero, not the {lights} of the linear light"
        regularized = np.setdiff1d(np.arange(len(ours[1])), empty)
        spectra = [np.linalg.eigvalsh(each[1][np.ix_(regularized, regularized)]) for each in (ours, theirs)]
        assert spectra[0][0] > 0.0, f"{what}: H has rank {np.sum(spectra[0] > 0.0)} of {len(regularized)}"

        system = ours[0] + ours[1]
        scale = 1.0 / np.sqrt(np.diag(system))
        condition = np.linalg.cond(system * scale[:, None] * scale)
        granted = max(1.0e-7, min(100.0 * EPS * condition, 1.0e-2))
        difference = largest(ours[3] - theirs[3]) / largest(theirs[3])
        worst["reconstruction"] = max(worst.get("reconstruction", 0.0), difference)
        assert difference <= granted, f"{what}: reconstruction differs by {difference:.1e}, condition {condition:.0e}"
        difference = abs(ours[4] - theirs[4]) / abs(theirs[4])
        worst["log evidence"] = max(worst.get("log evidence", 0.0), difference)
        assert difference <= 1.0e-9, f"{what}: log evidence differs by {difference:.1e}, condition {condition:.0e}"
    return ", ".join(f"{name} within {difference:.0e}" for name, difference in worst.items())


def lights_of(case):
    """How many linear light profiles the model has."""
    inversion = case.ours.fit(case.ours.prior_medians, xp=np).inversion
    return sum(light.params for light in inversion.cls_list_from(LightProfileLinearObjFuncList))


"""
__NNLS__
"""


def check_nnls(case):
    """The positive-only solution on this mesh's curvature matrices is finite, non-negative, optimal and Delaunay's.

    Optimal means the conditions of Karush, Kuhn and Tucker in the units in which the solver works (unit diagonal): at
    every vertex the lesser of flux and slope of the objective, each relative to the largest, vanishes. The solution's
    own gradient, with respect to the data vector, is finite.
    """
    solve = jax.jit(lambda data_vector, system: reconstruction_positive_only_from(data_vector, system, xp=jnp))
    slope = jax.jit(jax.grad(lambda data_vector, system: jnp.sum(solve(data_vector, system) ** 2)))
    residual_worst, difference_worst = 0.0, 0.0
    for coefficient in (COEFFICIENTS[0], 1.0, COEFFICIENTS[-1]):
        arguments = (case.untied, *map(jnp.asarray, (coefficient, 1.0, 1.0)))
        solutions = {}
        for mesh, inverted in case.conditioned.items():
            curvature, regularization, data_vector, _, _ = inverted(*arguments)
            system = curvature + regularization
            solutions[mesh] = np.asarray(solve(data_vector, system))
            if mesh == "ours":
                gradient = np.asarray(slope(data_vector, system))
                diagonal = np.sqrt(np.diag(system))
                slopes = np.asarray(system @ solutions[mesh] - data_vector) / diagonal
                slopes /= largest(data_vector / diagonal)
        ours = solutions["ours"]
        assert np.isfinite(ours).all() and np.isfinite(gradient).all(), f"coefficient {coefficient:g}: not finite"
        assert (ours >= 0.0).all(), f"coefficient {coefficient:g}: negative flux {ours.min():.1e}"
        fluxes = ours * diagonal
        residual = largest(np.minimum(fluxes / largest(fluxes), slopes))
        difference = largest(ours - solutions["delaunay"]) / largest(ours)
        assert residual <= 1.0e-7, f"coefficient {coefficient:g}: KKT residual {residual:.1e}"
        assert difference <= 1.0e-7, f"coefficient {coefficient:g}: {difference:.1e} from Delaunay's solution"
        residual_worst, difference_worst = max(residual_worst, residual), max(difference_worst, difference)
    return f"KKT residual {residual_worst:.0e}, within {difference_worst:.0e} of Delaunay's"


def interpolating(mappings, weights):
    """The vertices that interpolate every point. Which of two triangles one on their edge is given to is chance."""
    return np.sort(np.where(weights > 1.0e-12, mappings, -1), axis=1)


def check_gradient(case):
    """The gradient of the log evidence with respect to the parameters is finite, and is the central differences'.

    Compared where no data or split point has other vertices on the two sides. A deflection has no derivative at the centre of
    its mass: with a data point there (`cusp`, `small`) reverse mode loses all but a few digits on every mesh, and a gradient
    that is not the differences' has to be the one with Delaunay's mesh.
    """
    gradient, of_delaunay = case.gradient(case.ours), None
    assert np.isfinite(gradient).all(), "the gradient is not finite"
    compared, shared, worst = 0, 0, 0.0
    for index, name in enumerate(case.ours.model.model_component_and_parameter_names):
        if not any(key in name for key in ("einstein_radius", "gamma", "mass")):
            continue
        for step in (1.0e-6, 1.0e-7, 1.0e-8):
            sides = [case.medians.at[index].add(sign * step) for sign in (1.0, -1.0)]
            tables = [case.interpolation(side) for side in sides]
            if not all(np.array_equal(*(interpolating(*each[k : k + 2]) for each in tables)) for k in (0, 2)):
                continue
            high, low = (float(case.ours.jitted(side).log_evidence) for side in sides)
            numeric = (high - low) / (2.0 * step)
            # The difference of two evidences is good to some 1e-12 of them, and that is divided by the step.
            noise = 1.0e-12 * abs(high) / step
            error = abs(gradient[index] - numeric)
            if error <= 2.0e-3 * abs(numeric) + noise:
                worst = max(worst, error / abs(numeric))
                compared += 1
                break
            of_delaunay = case.gradient(case.delaunay) if of_delaunay is None else of_delaunay
            difference = abs(gradient[index] - of_delaunay[index])
            assert difference <= 1.0e-6 * largest(of_delaunay), (
                f"{name}: {gradient[index]:.6g} against {numeric:.6g}, and {of_delaunay[index]:.6g} of Delaunay's mesh"
            )
            shared += 1
            break
    assert compared + shared > 0, "a point has other vertices on the two sides for every parameter"
    said = [f"{compared} mass parameters within {worst:.0e} of central differences"] if compared else []
    said += [f"{shared} not, but as with Delaunay's mesh"] if shared else []
    return f"{', '.join(said)}, all finite"


"""
__Determinism__
"""


def check_determinism(case):
    """Two runs, two processes and two orders of a batch give the same bits."""
    batch = case.batch(3)
    once = (case.interpolations(batch), case.ours.batched(batch).log_evidence)
    again = (case.interpolations(batch), case.ours.batched(batch).log_evidence)
    assert same_bits(once, again), "two runs differ"
    turned = (case.interpolations(batch[::-1]), case.ours.batched(batch[::-1]).log_evidence)
    assert same_bits(once, jax.tree.map(lambda lanes: lanes[::-1], turned)), "two orders of the batch differ"

    command = [sys.executable, __file__, "--lens", str(case.lens.folder), "--digest"]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    assert other == digest_of(case), "two processes differ"
    return f"sha256 {other[:12]}"


def digest_of(case):
    """A digest of the bits of the batched interpolation and of the jitted log evidence."""
    results = (case.interpolations(case.batch(3)), case.ours.jitted(case.medians).log_evidence)
    return hashlib.sha256(b"".join(np.asarray(each).tobytes() for each in jax.tree.leaves(results))).hexdigest()


CHECKS = {
    name.removeprefix("check_").replace("_", " "): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}

"""
__By hand__
"""


@command.refuses_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", action="append", help="name under dataset/imaging, or a folder; 'all' (default hst)")
    parser.add_argument("--digest", action="store_true", help="only print the digest that determinism compares")
    arguments = parser.parse_args(argv)
    names = arguments.lens or ["hst"]
    cases = [case_of(name) for name in (lens_folder.names() if "all" in names else names)]
    failed = 0
    for case in cases:
        if arguments.digest:
            print(digest_of(case))
            continue
        for what, check in CHECKS.items():
            failed += not said(case, what, check)
    return 1 if failed else 0


def said(case, what, check):
    """Run a check and print its line; whether it held."""
    began = time.perf_counter()
    try:
        outcome, held = check(case), True
    except AssertionError as error:
        outcome, held = str(error), False
    print(f"{case.lens.name}: {what}: {'ok' if held else 'FAILED'}: {outcome} [{time.perf_counter() - began:.0f} s]")
    sys.stdout.flush()
    return held


"""
__Under pytest__
"""


@pytest.mark.parametrize("what", CHECKS)
def test_assertion(lens_name, what):
    CHECKS[what](case_of(lens_name))


if __name__ == "__main__":
    command.run(main)
