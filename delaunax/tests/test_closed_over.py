"""Public functions under every transformation of JAX, with arrays that are traced or closed over.

XLA can abort the process while it compiles a program with constants. So programs come from no cache, and the cases of each
number of points run in a process of their own: `python test_closed_over.py NUMBER [CASE ...]`. The process prints each case
before it runs, so an abort names its case. Another process goes on with the next case.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

SIZES = (3, 30, 170, 1000, 5000)
"""From about 170 points on, XLA puts tables into constants of another kind."""

TRACED = {
    "triangulate": ("nothing", "points"),
    "convex_hull": ("nothing", "points"),
    "vertex_neighbor_vertices": ("nothing", "points"),
    "locate": ("nothing", "points", "queries"),
    "find_simplex": ("nothing", "points", "queries"),
    "barycentric_weights": ("nothing", "points", "queries"),
    "linear_interpolate": ("nothing", "points", "values", "queries"),
    "LinearInterpolator": ("nothing", "values", "queries"),
    "griddata": ("nothing", "points", "values", "queries"),
    "is_delaunay": ("nothing", "points"),
    "natural_neighbor_weights": ("nothing", "points", "queries"),
    "NaturalNeighborInterpolator": ("nothing", "values", "queries"),
}
"""Which arguments of each function are traced, one at a time; the others are closed over."""

TRANSFORMATIONS = ("jit", "vmap", "grad", "jvp", "scan", "cond", "export")

CASES = [
    f"{function}/{traced}/{kind}/{transformation}"
    for transformation in TRANSFORMATIONS
    for function, arguments in TRACED.items()
    for traced in arguments
    for kind in ("numpy", "jax")
    if traced != "nothing" or transformation in ("jit", "cond", "export")
]


KNOWN_TO_ABORT = [
    "LinearInterpolator/queries/numpy/jit",
    "locate/queries/jax/jit",
    "linear_interpolate/values/numpy/jit",
]
"""Cases from bug reports, for 170 points or more."""


def selected_from(number):
    """Every 115th case, from another first one for each number of points, so that all sizes together cover every name."""
    spread = CASES[SIZES.index(number) * 40 % 115 :: 115]
    return spread + [case for case in KNOWN_TO_ABORT if number == 170 and case not in spread]


@pytest.mark.parametrize("number", SIZES)
def test_no_case_aborts_or_differs_from_eager(number):
    assert faults_of(number, selected_from(number)) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", SIZES)
def test_no_case_of_all_aborts_or_differs_from_eager(number):
    assert faults_of(number, CASES) == []


def test_the_selection_covers_every_function_and_transformation():
    names = {name for number in SIZES for case in selected_from(number) for name in case.split("/")}
    assert names == {name for case in CASES for name in case.split("/")}


def faults_of(number, cases):
    """The cases that abort or give a wrong result, as lines."""
    faults, environment = [], os.environ | {"JAX_ENABLE_COMPILATION_CACHE": "false"}
    while cases:
        command = [sys.executable, str(Path(__file__).resolve()), str(number), *cases]
        run = subprocess.run(command, capture_output=True, text=True, timeout=900, env=environment)
        faults += [line for line in run.stdout.splitlines() if line.startswith("wrong ")]
        if run.returncode == 0:
            break
        begun = [line.split()[1] for line in run.stdout.splitlines() if line.startswith("case ")]
        assert begun, run.stderr
        faults.append(f"aborted with {run.returncode}: {begun[-1]}")
        cases = cases[cases.index(begun[-1]) + 1 :]
    return faults


def main(number, cases):
    """Run the cases, and print those that go wrong."""
    import conftest  # noqa: F401  (fp64)

    arguments = _arguments(number)
    for case in cases:
        print("case", case, flush=True)
        try:
            fault = _fault_of(case, arguments)
        except Exception as error:
            fault = f"{type(error).__name__}: {error}".splitlines()[0]
        if fault:
            print(f"wrong {case}: {fault}", flush=True)


def _arguments(number):
    import numpy as np

    random = np.random.default_rng(number)
    points, queries = random.random((number, 2)), 0.2 + 0.6 * random.random((20, 2))
    return {"points": points, "values": np.sin(5.0 * points[:, 0]), "queries": queries}


def _fault_of(case, arguments):
    """What is wrong with the result of a case, or None."""
    import jax
    import jax.export
    import jax.numpy as jnp
    import numpy as np

    import delaunax

    name, traced, kind, transformation = case.split("/")
    closed = arguments if kind == "numpy" else jax.tree.map(jnp.asarray, arguments)
    # Made outside unless it depends on the traced points.
    ready = delaunax.triangulate(closed["points"])
    interpolator = delaunax.LinearInterpolator(closed["points"], closed["values"], 0.5)
    natural = delaunax.NaturalNeighborInterpolator(closed["points"], closed["values"], fill_value=0.5)
    mappings = delaunax.locate(ready, closed["points"], closed["queries"])

    def call(points, values, queries, triangulation):
        of_triangulation = {
            "triangulate": lambda: triangulation.dual_areas,
            "convex_hull": lambda: delaunax.convex_hull(triangulation),
            "vertex_neighbor_vertices": lambda: tuple(delaunax.vertex_neighbor_vertices(triangulation)),
            "locate": lambda: delaunax.locate(triangulation, points, queries),
            "find_simplex": lambda: delaunax.find_simplex(triangulation, points, queries),
            "barycentric_weights": lambda: delaunax.barycentric_weights(points, queries, mappings),
            "linear_interpolate": lambda: delaunax.linear_interpolate(points, values, queries, 0.5),
            "LinearInterpolator": lambda: interpolator.with_values(values)(queries),
            "griddata": lambda: delaunax.griddata(points, values, queries, method="nearest"),
            "is_delaunay": lambda: delaunax.is_delaunay(points, triangulation.simplices),
            "natural_neighbor_weights": lambda: (
                delaunax.natural_neighbor_weights(triangulation, points, queries).weights
            ),
            "NaturalNeighborInterpolator": lambda: natural.with_values(values)(queries),
        }
        return of_triangulation[name]()

    def function(argument=None):
        used = closed if argument is None else {**closed, traced: argument}
        new = traced == "points" or name == "triangulate"
        return call(**used, triangulation=delaunax.triangulate(used["points"]) if new else ready)

    def total(argument):
        return sum(jnp.asarray(leaf, float).sum() for leaf in jax.tree.leaves(function(argument)))

    def pushed(argument):
        _, tangents = jax.jvp(function, (argument,), (jnp.ones_like(argument),))
        # Integers have no tangents.
        return [each for each in jax.tree.leaves(tangents) if each.dtype != jax.dtypes.float0]

    expected = wanted = function()
    given = () if traced == "nothing" else (jnp.asarray(arguments[traced]),)
    twice = [jnp.stack([each, each]) for each in given]
    if transformation == "grad":
        wanted = jax.grad(total)(*given)
    if transformation == "jvp":
        wanted = pushed(*given)

    def found():
        match transformation:
            case "jit":
                return jax.jit(function)(*given)
            case "vmap":
                return jax.tree.map(lambda lanes: lanes[1], jax.jit(jax.vmap(function))(*twice))
            case "grad":
                return jax.jit(jax.grad(total))(*given)
            case "jvp":
                return jax.jit(pushed)(*given)
            case "scan":
                scanned = jax.lax.scan(lambda carry, each: (carry, function(each)), 0.0, *twice)[1]
                return jax.tree.map(lambda lanes: lanes[1], scanned)
            case "cond":
                empty = jax.tree.map(jnp.zeros_like, expected)
                return jax.jit(lambda flag, *each: jax.lax.cond(flag, function, lambda *_: empty, *each))(True, *given)
            case "export":
                return jax.export.export(jax.jit(function))(*given).call(*given)

    rtol = 1e-12 if wanted is expected else 1e-9  # Sums of derivatives cancel.
    close = jax.tree.map(lambda *both: np.allclose(*both, rtol=rtol, atol=1e-12, equal_nan=True), found(), wanted)
    return None if jax.tree.all(close) else "differs from the eager result"


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:] or CASES)
