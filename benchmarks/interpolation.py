"""How long does each mesh take to interpolate a lens?

    .venv/bin/python benchmarks/interpolation.py [lens]

Times the step "interpolation and mapper" of the likelihood (triangulation or neighbour search, split points, mappings and
weights of data and split points) for every mesh of the gate, interleaved, and prints a Markdown table.
"""

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax_profiling  # noqa: E402, F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al  # noqa: E402
import jax  # noqa: E402
import numpy as np  # noqa: E402

from jax_profiling import gate, lens, report  # noqa: E402
from jax_profiling.likelihood import Likelihood  # noqa: E402

REPEATS = 15


def main(name="hst"):
    loaded = lens.load(name)
    meshes = {"autoarray Delaunay": (al.mesh.Delaunay, {}), **gate.RUNGS, **gate.PEERS}
    calls = {}
    for mesh, (mesh_cls, arguments) in meshes.items():
        likelihood = Likelihood(loaded, mesh_cls, **arguments)
        compiled = jax.jit(likelihood.interpolation).lower(likelihood.prior_medians).compile()
        calls[mesh] = (compiled, likelihood.prior_medians)

    times = {mesh: [] for mesh in meshes}
    for repeat in range(REPEATS + 1):
        for mesh, (compiled, parameters) in calls.items():
            began = time.perf_counter()
            jax.block_until_ready(compiled(parameters))
            if repeat > 0:
                times[mesh].append(1.0e3 * (time.perf_counter() - began))

    reference = np.median(times["autoarray Delaunay"])
    rows = []
    for mesh, milliseconds in times.items():
        lower, median, upper = np.percentile(milliseconds, (25, 50, 75))
        rows.append((mesh, f"{median:.0f} ({lower:.0f}-{upper:.0f})", f"{median / reference:.2f}"))
    print(f"{loaded.name}: {loaded.vertices} vertices, {loaded.data_points} data points; median (quartiles) of {REPEATS}, ")
    print(f"autolens {al.__version__}, jax {jax.__version__}, {report.device()}\n")
    print("\n".join(report.markdown_table(("mesh", "ms", "ratio to autoarray Delaunay"), rows)))


if __name__ == "__main__":
    main(*sys.argv[1:])
