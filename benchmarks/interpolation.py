"""How long does each mesh take to interpolate a lens, alone and per lane of a batch?

    .venv/bin/python benchmarks/interpolation.py --lens hst --batch 20

Times the triangulation or neighbour search, the dual areas, the split points, and the mappings and weights of data and split
points, on the source-plane mesh and data of the prior median; no ray-tracing, no inversion. Calls are interleaved. The
row "SciPy" is autoarray's eager NumPy path: Qhull, `find_simplex` and all the rest in compiled C, without JAX. Prints a
Markdown table.
"""

import argparse
import sys
import time
from pathlib import Path
from types import SimpleNamespace

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import jax_profiling  # noqa: E402, F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al  # noqa: E402
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402

import knn_barycentric  # noqa: E402
from jax_profiling import gate, lens, report  # noqa: E402
from jax_profiling.likelihood import Likelihood, model_with_mesh  # noqa: E402

REPEATS = 15


def interpolation_of(mesh, vertices, data_points, xp):
    """Mappings and weights of the data points and of the split points."""
    interpolator = mesh.interpolator_cls(
        mesh=mesh,
        mesh_grid=al.Grid2DIrregular(vertices, xp=xp),
        data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=data_points)),
        xp=xp,
    )
    return interpolator._mappings_sizes_weights, interpolator._mappings_sizes_weights_split


FED = {
    f"{name}, fed in JAX": mesh for name, mesh in (("Delaunay", al.mesh.Delaunay), ("DelaunayNN", al.mesh.DelaunayNN))
}
"""autoarray's meshes whose tables come from the in-graph triangulation (`patch(delaunay=True)`)."""

ROWS = {
    "autoarray Delaunay": (al.mesh.Delaunay, {}),
    **gate.RUNGS,
    **gate.PEERS,
    **{name: (FED[name], {}) for name in FED},
}
"""Row -> mesh class and arguments."""


def compiled_call(function, arrays):
    """A function without arguments that runs a program, compiled here, and waits for it."""
    compiled = jax.jit(function).lower(*arrays).compile()
    return lambda: jax.block_until_ready(compiled(*arrays))


def calls_of(loaded, batch, meshes):
    """Row -> functions without arguments: of one lane, and of a batch (None where there is none)."""
    reference = Likelihood(loaded, al.mesh.Delaunay)
    interpolator = reference.mapper(reference.prior_medians).interpolator
    one = [np.asarray(each) for each in (interpolator.mesh_grid_xy, interpolator.data_grid.over_sampled.array)]
    # Lanes of a sampler are different lenses: here, the source plane stretched a little further from lane to lane.
    many = [np.stack([each * [1.0 + 1.0e-3 * lane, 1.0] for lane in range(batch)]) for each in one]

    calls = {"SciPy": (lambda: interpolation_of(interpolator.mesh, *one, xp=np), None)}
    for name, (mesh_cls, arguments) in ROWS.items():
        if meshes is not None and name not in meshes:
            continue
        model = model_with_mesh(loaded.model, mesh_cls, **arguments)
        (_, galaxy), *_ = lens.galaxies_with_pixelization(model)
        mesh = galaxy.pixelization.mesh.instance_from_vector([])
        if name in FED:
            knn_barycentric.patch(delaunay=True)
        try:
            calls[name] = tuple(
                compiled_call(transform(lambda *arrays, mesh=mesh: interpolation_of(mesh, *arrays, xp=jnp)), arrays)
                for transform, arrays in ((lambda function: function, one), (jax.vmap, many))
            )
        finally:
            knn_barycentric.unpatch()
    return calls


def milliseconds_of(calls):
    """Call -> (REPEATS,) milliseconds, interleaved, after one call each that compiles."""
    times = {name: [] for name in calls}
    for repeat in range(REPEATS + 1):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            if repeat > 0:
                times[name].append(1.0e3 * (time.perf_counter() - began))
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="hst", help="name under dataset/imaging, or a folder (default hst)")
    parser.add_argument("--batch", type=int, default=20, help="lanes of the batch (default 20)")
    parser.add_argument("--meshes", help="rows beside SciPy, separated by semicolons (default all)")
    arguments = parser.parse_args()
    loaded = lens.load(arguments.lens)
    meshes = arguments.meshes and arguments.meshes.split(";")
    calls = calls_of(loaded, arguments.batch, meshes)

    alone = milliseconds_of({name: one for name, (one, _) in calls.items()})
    lanes = milliseconds_of({name: many for name, (_, many) in calls.items() if many})
    rows = []
    for name in calls:
        lower, median, upper = np.percentile(alone[name], (25, 50, 75))
        lane = f"{np.median(lanes[name]) / arguments.batch:.1f}" if name in lanes else ""
        ratio = f"{median / np.median(alone['SciPy']):.2f}" if "SciPy" in alone else ""
        rows.append((name, f"{median:.1f} ({lower:.1f}-{upper:.1f})", lane, ratio))
    print(
        f"{loaded.name}: {loaded.vertices} vertices, {loaded.data_points} data points; median (quartiles) of {REPEATS}, "
    )
    print(f"autolens {al.__version__}, jax {jax.__version__}, {report.device()}\n")
    print("\n".join(report.markdown_table(("mesh", "ms", f"ms per lane of {arguments.batch}", "ratio to SciPy"), rows)))


if __name__ == "__main__":
    main()
