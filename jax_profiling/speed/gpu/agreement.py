"""Compare a GPU with a CPU: do both compute the same triangles, mappings and weights, and does every run repeat them?"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np

from delaunax import Triangulation
from jax_profiling.gate.likelihood import Likelihood, interpolator_of
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed.programs import points_of
from knn_barycentric.mesh import KNNBarycentric

VECTORS, RUNS = 3, 10
"""The parameter vectors of each lens (the prior median and two draws), and the number of runs on the GPU."""

TIES = "ties"
"""The name of `tied_meshes`, in place of the name of a lens."""


def meshes_of(name):
    """(V, N, 2) vertices and (V, Q, 2) data points in the source plane of a lens, or `tied_meshes` for `TIES`."""
    if name == TIES:
        return tied_meshes()
    likelihood = Likelihood(lens_folder.load(name), KNNBarycentric)
    return points_of(likelihood, likelihood.median_and_draws(VECTORS - 1))


def tied_meshes():
    """Meshes full of ties: a lattice, a lattice with duplicates, a circle, and small integers.

    Returns
    -------
    vertices
        (4, N, 2) float64.
    points
        (4, Q, 2) float64, some of them on edges and vertices.
    """
    side, generator = 24, np.random.default_rng(0)
    lattice = np.stack(np.meshgrid(np.arange(side), np.arange(side)), axis=-1).reshape(-1, 2) / 8.0
    angle = np.linspace(0.0, 2.0 * np.pi, side**2, endpoint=False)
    vertices = [
        lattice,
        lattice[generator.integers(side**2, size=side**2)],
        np.stack([np.cos(angle), np.sin(angle)], axis=-1),
        generator.integers(0, 40, size=(side**2, 2)).astype(float),
    ]
    inside = np.concatenate([generator.random((3 * side**2, 2)), generator.integers(0, 17, (side**2, 2)) / 16.0])
    return np.stack(vertices), np.stack(
        [each.min(axis=0) + inside * (each.max(axis=0) - each.min(axis=0)) for each in vertices]
    )


def interpolation_of(mesh, mesh_grid, data_points):
    """The `delaunax.Triangulation` of a mesh, and (mappings, weights) of its data points, followed by its split points."""
    interpolator = interpolator_of(mesh, mesh_grid, data_points)
    return interpolator.triangulation, interpolator._interpolation


def differences_between(first: tuple, second: tuple, data_points: int) -> dict:
    """Compare two batches of `interpolation_of`. The order of triangles and of their corners does not matter.

    Returns
    -------
    dict
        `triangles` and `mappings`: the number of differences. `weights` and `split_weights`: the largest difference where the
        mappings agree. `dual_areas`: the largest difference relative to the largest area of the mesh. `certified`: whether all
        meshes are certified in both batches. A difference from or to NaN is the largest float, because JSON has no infinity.
    """
    differences = {"triangles": 0, "mappings": 0, "weights": 0.0, "split_weights": 0.0, "dual_areas": 0.0}
    differences["certified"] = bool(first[0].certified.all() and second[0].certified.all())
    for lane in range(len(first[0].certified)):
        (one, tables), (other, other_tables) = (
            jax.tree.map(lambda each: each[lane], batch) for batch in (first, second)
        )
        differences["triangles"] += len(_triangles(one) ^ _triangles(other))
        areas = _finite(np.abs(one.dual_areas - other.dual_areas).max() / other.dual_areas.max())
        differences["dual_areas"] = max(differences["dual_areas"], float(areas))
        (mappings, weights), (other_mappings, other_weights) = _sort_corners(*tables), _sort_corners(*other_tables)
        same = (mappings == other_mappings).all(axis=1)
        differences["mappings"] += int((~same).sum())
        errors = np.where(same, _finite(np.abs(weights - other_weights)).max(axis=1), 0.0)
        differences["weights"] = max(differences["weights"], float(errors[:data_points].max()))
        differences["split_weights"] = max(differences["split_weights"], float(errors[data_points:].max(initial=0.0)))
    return differences


def _finite(differences):
    """The largest float for NaN, which a maximum could hide."""
    return np.nan_to_num(differences, nan=np.finfo(float).max)


def _triangles(triangulation: Triangulation):
    """The set of triangles, each from its lowest vertex."""
    simplices = triangulation.simplices[triangulation.simplices[:, 0] >= 0]
    corners = (simplices.argmin(axis=1)[:, None] + np.arange(3)) % 3
    return set(map(tuple, np.take_along_axis(simplices, corners, axis=1).tolist()))


def _sort_corners(mappings, weights):
    order = mappings.argsort(axis=1)
    return np.take_along_axis(mappings, order, axis=1), np.take_along_axis(weights, order, axis=1)


def changes_between(runs: list, data_points: int) -> dict:
    """Name of an output -> the number of runs that differ from the first in any bit. Outputs without a change are left out."""
    first, *others = [_arrays_of(each, data_points) for each in runs]
    counts = {name: sum(each[name].tobytes() != value.tobytes() for each in others) for name, value in first.items()}
    return {name: count for name, count in counts.items() if count}


def _arrays_of(result, data_points):
    triangulation, (mappings, weights) = result
    tables = {"mappings": mappings, "weights": weights[:, :data_points], "split_weights": weights[:, data_points:]}
    fields = triangulation._asdict()
    tree = {f"tree_{number}": leaf for number, leaf in enumerate(jax.tree.leaves(fields.pop("tree")))}
    return fields | tree | tables


def compare(names, progress=lambda message: None):
    """Compare JAX's default device with the CPU. Yields a row of differences for each lens, or for `TIES`.

    Parameters
    ----------
    names
        Names of lenses, and `TIES`. The meshes of the first lens and of `TIES` are lanes of one batch; all others run alone.
    progress
        Called with a line of text.
    """
    devices = jax.devices()[0], jax.devices("cpu")[0]
    with ThreadPoolExecutor() as pool:
        programs = {}
        cases = [_submit(name, name in (names[0], TIES), devices, pool, programs, progress) for name in names]
        for name, (vertices, points), (run, run_on_cpu) in cases:
            runs, data_points = [run() for _ in range(RUNS)], points.shape[1]
            row = {
                "lens": name,
                "meshes": len(vertices),
                "vertices": vertices.shape[1],
                "data_points": data_points,
                **differences_between(runs[0], run_on_cpu(), data_points),
                "changes_between_runs": changes_between(runs, data_points),
            }
            progress(f"{name}: {row}")
            yield row


def _submit(name, as_batch, devices, pool, programs, progress):
    """The name, the arrays of `meshes_of`, and a function per device that computes.

    The pool compiles the programs, one for all lenses with the same shapes.
    """
    progress(f"{name}: tracing")
    arrays = meshes_of(name)
    functions = []
    for device in devices:
        calls = [arrays] if as_batch else list(zip(*arrays))
        on_device = [[jax.device_put(each, device) for each in call] for call in calls]
        key = (device, *(each.shape for each in on_device[0]))
        if key not in programs:
            # A new function per device: JAX would lower the same function only once.
            function = partial(interpolation_of, KNNBarycentric(pixels=arrays[0].shape[1], zeroed_pixels=0))
            if as_batch:
                function = jax.vmap(function)
            programs[key] = pool.submit(jax.jit(function).lower(*on_device[0]).compile)
        functions.append(partial(_results_of, programs[key], on_device, as_batch))
    return name, arrays, functions


def _results_of(program, calls, as_batch):
    """The results of all meshes on the host, stacked."""
    results = [jax.device_get(program.result()(*call)) for call in calls]
    return results[0] if as_batch else jax.tree.map(lambda *lanes: np.stack(lanes), *results)
