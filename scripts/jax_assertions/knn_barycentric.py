"""
JAX assertions: KNNBarycentric
==============================

Smoke checks that `KNNBarycentric` works under JAX as PyAutoLens needs it, on real lens folders.

    python scripts/jax_assertions/knn_barycentric.py --lens hst

It prints one line per check. The exit status is 0 if all pass, 1 if one fails, 2 if the input is bad. pytest runs the same
checks, one test per lens and check.

__Contents__

- **jit**, **vmap** (`jit_and_vmap.py`): jit equals eager, no host callback, a batch equals its models, NaN stays in its lane.
- **Cross-conditioning**, **NNLS** (`inversion.py`): the inversion is Delaunay's at every conditioning, and solved.
- **Gradient** (`gradient.py`): the gradient of the likelihood equals central differences.
- **Determinism** (`determinism.py`): the same bits from run to run, process to process, and in any order of a batch.
- **Natural neighbours** (`natural_neighbors.py`): `NaturalNeighbor` gives the same under jit, vmap and NumPy.
- **By hand**, **Under pytest**: below.
"""

import argparse
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# Replaces this script's own folder, in which `import knn_barycentric` would find the script itself.
sys.path[0] = str(ROOT)

import jax_profiling  # noqa: E402, F401  isort: skip  (sets up JAX before anything imports it)

import pytest  # noqa: E402

from jax_profiling.lenses import lens as lens_folder  # noqa: E402
from jax_profiling.terminal import command  # noqa: E402
from scripts.jax_assertions import determinism, gradient, inversion, jit_and_vmap, natural_neighbors
from scripts.jax_assertions.case import case_of

CHECKS = {
    "jit": jit_and_vmap.check_jit,
    "no host callback": jit_and_vmap.check_no_host_callback,
    "vmap interpolation": jit_and_vmap.check_vmap_interpolation,
    "vmap likelihood": jit_and_vmap.check_vmap_likelihood,
    "vmap not finite": jit_and_vmap.check_vmap_not_finite,
    "cross conditioning": inversion.check_cross_conditioning,
    "nnls": inversion.check_nnls,
    "gradient": gradient.check_gradient,
    "determinism": determinism.check_determinism,
    "natural neighbours": natural_neighbors.check_natural_neighbors,
}
"""Name -> check. A check takes a `Case`, raises an `AssertionError` if it fails, and returns what it found (str)."""

"""
__By hand__
"""


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", action="append", help="name under dataset/imaging, or a folder; 'all' (default hst)")
    parser.add_argument(
        "--digest", action="store_true", help="only print the digest that the determinism check compares"
    )
    arguments = parser.parse_args(argv)
    cases = [case_of(name) for name in lens_folder.named(arguments.lens or ["hst"])]
    if arguments.digest:
        for case in cases:
            print(determinism.digest_of(case))
        return 0
    passed = [passes(case, what, check) for case in cases for what, check in CHECKS.items()]
    return 0 if all(passed) else 1


def passes(case, what, check):
    """Run a check and print one line; whether it passed."""
    began = time.perf_counter()
    try:
        outcome, passed = check(case), True
    except AssertionError as error:
        outcome, passed = str(error), False
    except Exception as error:  # The checks that remain run, too.
        outcome, passed = command.one_line(error), False
    seconds = time.perf_counter() - began
    print(f"{case.lens.name}: {what}: {'ok' if passed else 'FAILED'}: {outcome} [{seconds:.0f} s]", flush=True)
    return passed


"""
__Under pytest__
"""


LONG = [name for name in CHECKS if name not in ("jit", "no host callback", "vmap interpolation")]
"""Checks that take half a minute or more on `hst`. By default they run on `small`."""


@pytest.mark.parametrize("what", [what for what in CHECKS if what not in LONG])
def test_assertion(lens_name, what):
    CHECKS[what](case_of(lens_name))


@pytest.mark.small_lens
@pytest.mark.parametrize("what", LONG)
def test_long_assertion(lens_name, what):
    CHECKS[what](case_of(lens_name))


if __name__ == "__main__":
    command.run(main)
