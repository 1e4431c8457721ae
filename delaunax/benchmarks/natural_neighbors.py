"""Time `NaturalNeighborInterpolator` as the number of points grows, next to MetPy's natural neighbours.

    pip install --target FOLDER metpy
    PYTHONPATH=FOLDER python delaunax/benchmarks/natural_neighbors.py

Points are uniform in a disc, with as many queries for both libraries. Both triangulate in every call. The tables are Markdown.
MetPy is no requirement of this project; without it the exit status is 2.
"""

import sys
import time
from statistics import median

import jax
import numpy as np
from pieces import SIZES, disc

from delaunax import NaturalNeighborInterpolator

try:
    import metpy
    from metpy.interpolate import natural_neighbor_to_points
except ImportError as error:
    print(f"{error}: run `pip install --target FOLDER metpy` and put FOLDER into PYTHONPATH.", file=sys.stderr)
    sys.exit(2)

QUERIES = 2000
REPEATS = 5


def milliseconds_of(call, repeats=REPEATS):
    """The median of several calls, after one that is not timed."""
    call()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(1.0e3 * (time.perf_counter() - start))
    return median(times)


def row_of(size):
    """One line: points, milliseconds of both, their ratio, and the largest difference of values between 0 and 1."""
    rng = np.random.default_rng(size)
    points, queries, values = disc(rng, size), disc(rng, QUERIES, 0.95), rng.random(size)
    ours = jax.jit(lambda points, values, queries: NaturalNeighborInterpolator(points, values)(queries))
    program = ours.lower(points, values, queries).compile()
    arrays = jax.device_put((points, values, queries))
    found, expected = np.asarray(program(*arrays)), natural_neighbor_to_points(points, values, queries)
    difference = np.nanmax(np.abs(found - expected))
    fast = milliseconds_of(lambda: jax.block_until_ready(program(*arrays)))
    slow = milliseconds_of(lambda: natural_neighbor_to_points(points, values, queries), repeats=1)
    return f"| {size} | {fast:.1f} | {slow:.0f} | {slow / fast:.0f} | {difference:.0e} |"


def main():
    if sys.argv[1:]:
        print(__doc__)
        return
    print(f"{QUERIES} queries; MetPy {metpy.__version__}, jax {jax.__version__}, fp64, {jax.devices()[0].platform}\n")
    print("| points | `delaunax`, ms | MetPy, ms | ratio | largest difference |")
    print("|---" * 5 + "|")
    for size in SIZES:
        print(row_of(size), flush=True)


if __name__ == "__main__":
    main()
