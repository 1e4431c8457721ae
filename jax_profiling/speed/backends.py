"""Does a GPU find the triangles, mappings and weights that a CPU finds, and the same ones every time?"""

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import jax
import numpy as np

from delaunax import Triangulation
from jax_profiling.gate.likelihood import Likelihood, interpolator_of
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed.probe import points_of
from knn_barycentric.mesh import KNNBarycentric

VECTORS, RUNS = 3, 10
"""How many parameter vectors of each lens, the prior median among them; how often the GPU runs."""

TIES = "ties"
"""Meshes that are no lens's: an exact lattice, one with duplicates, a circle and small integers."""


def meshes_of(name):
    """(V, N, 2) vertices and (V, Q, 2) data points of a lens in the source plane, or of `TIES`."""
    if name == TIES:
        return ties()
    likelihood = Likelihood(lens_folder.load(name), KNNBarycentric)
    return points_of(likelihood, likelihood.median_and_draws(VECTORS - 1))


def ties(side=24):
    """(4, N, 2) vertices whose decisions are nearly all ties, and (4, Q, 2) points, some of them on edges and vertices."""
    generator = np.random.default_rng(0)
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
    """The `delaunax.Triangulation` of a mesh, and the mappings and weights of its data points and, below, its split points."""
    interpolator = interpolator_of(mesh, mesh_grid, data_points)
    return interpolator.triangulation, interpolator._interpolation


def differences_between(ours: tuple, theirs: tuple, data_points: int) -> dict:
    """How two `interpolation_of` batches differ, whatever the order of triangles and of their corners.

    Returns
    -------
    dict
        `triangles` and `mappings`, how many of them differ; `weights` and `split_weights`, by how much at most where the
        mappings are the same; `dual_areas`, relative to the largest of the mesh; `certified`, whether all meshes are.
    """
    found = {"triangles": 0, "mappings": 0, "weights": 0.0, "split_weights": 0.0, "dual_areas": 0.0}
    found["certified"] = bool(ours[0].certified.all() and theirs[0].certified.all())
    for lane in range(len(ours[0].certified)):
        (first, tables), (second, others) = (jax.tree.map(lambda each: each[lane], both) for both in (ours, theirs))
        found["triangles"] += len(_triangles(first) ^ _triangles(second))
        areas = np.abs(first.dual_areas - second.dual_areas).max() / second.dual_areas.max()
        found["dual_areas"] = max(found["dual_areas"], float(areas))
        (mappings, weights), (other_mappings, other_weights) = _by_vertex(*tables), _by_vertex(*others)
        same = (mappings == other_mappings).all(axis=1)
        found["mappings"] += int((~same).sum())
        off = np.where(same, np.abs(weights - other_weights).max(axis=1), 0.0)
        found["weights"] = max(found["weights"], float(off[:data_points].max()))
        found["split_weights"] = max(found["split_weights"], float(off[data_points:].max(initial=0.0)))
    return found


def _triangles(triangulation: Triangulation):
    """The triangles, each from its smallest vertex on."""
    simplices = triangulation.simplices[triangulation.simplices[:, 0] >= 0]
    places = (simplices.argmin(axis=1)[:, None] + np.arange(3)) % 3
    return set(map(tuple, np.take_along_axis(simplices, places, axis=1).tolist()))


def _by_vertex(mappings, weights):
    order = mappings.argsort(axis=1)
    return np.take_along_axis(mappings, order, axis=1), np.take_along_axis(weights, order, axis=1)


def unsteady(results: list, data_points: int) -> dict:
    """Name of an output -> in how many of several `interpolation_of` batches it differs from the first in any bit."""
    first, *others = [_named(each, data_points) for each in results]
    counts = {name: sum(each[name].tobytes() != value.tobytes() for each in others) for name, value in first.items()}
    return {name: count for name, count in counts.items() if count}


def _named(result, data_points):
    triangulation, (mappings, weights) = result
    tables = {"mappings": mappings, "weights": weights[:, :data_points], "split_weights": weights[:, data_points:]}
    return triangulation._asdict() | tables


def compare(names, progress=lambda message: None):
    """Yields a row of differences between JAX's default device and the CPU for each lens, or `TIES`.

    Parameters
    ----------
    names
        Of lenses, and `TIES`. The meshes of the first, and of `TIES`, are lanes of a batch; those of others run alone.
    progress
        Called with a line of text.
    """
    devices = jax.devices()[0], jax.devices("cpu")[0]
    with ThreadPoolExecutor() as pool:
        programs = {}
        begun = [_begun(name, name in (names[0], TIES), devices, pool, programs, progress) for name in names]
        for name, (vertices, points), (found_by, expected_by) in begun:
            runs, data_points = [found_by() for _ in range(RUNS)], points.shape[1]
            row = {
                "lens": name,
                "meshes": len(vertices),
                "vertices": vertices.shape[1],
                "data_points": data_points,
                **differences_between(runs[0], expected_by(), data_points),
                "unsteady": unsteady(runs, data_points),
            }
            progress(f"{name}: {row}")
            yield row


def _begun(name, together, devices, pool, programs, progress):
    """The name, the arrays of `meshes_of`, and for each device a function that computes.

    Programs compile in the pool, one for all lenses of the same shapes.
    """
    progress(f"{name}: tracing")
    arrays = meshes_of(name)
    functions = []
    for device in devices:
        calls = [arrays] if together else list(zip(*arrays))
        placed = [[jax.device_put(each, device) for each in call] for call in calls]
        key = (device, *(each.shape for each in placed[0]))
        if key not in programs:
            # A function for each, or JAX takes for one device what it has lowered for the other.
            function = partial(interpolation_of, KNNBarycentric(pixels=arrays[0].shape[1], zeroed_pixels=0))
            if together:
                function = jax.vmap(function)
            programs[key] = pool.submit(jax.jit(function).lower(*placed[0]).compile)
        functions.append(partial(_results_of, programs[key], placed, together))
    return name, arrays, functions


def _results_of(compiled, calls, together):
    """What a program gives for all meshes, stacked, on the host."""
    results = [jax.device_get(compiled.result()(*call)) for call in calls]
    return results[0] if together else jax.tree.map(lambda *lanes: np.stack(lanes), *results)
