"""The programs of the probe: the interpolation and the likelihood of every mesh, compiled for each number of lanes."""

import gc
import time
from contextlib import nullcontext
from functools import partial

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np

from jax_profiling.gate import verdict
from jax_profiling.gate.likelihood import Likelihood, tables_of
from jax_profiling.gate.patches import patched
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.speed.peers import CallbackDelaunay
from jax_profiling.speed.tables import SCIPY
from knn_barycentric import KNNBarycentric, NaturalNeighbor

JAX_TABLES = {"Delaunay, JAX tables": al.mesh.Delaunay, "DelaunayNN, JAX tables": al.mesh.DelaunayNN}
"""autoarray's meshes on the triangulation of `delaunax` (`patch(delaunay=True)`)."""

MESHES = {
    "Delaunay": (al.mesh.Delaunay, {}),
    "Delaunay in one callback": (CallbackDelaunay, {}),
    "KNNBarycentric": (KNNBarycentric, {}),
    "NaturalNeighbor": (NaturalNeighbor, {}),
    "NaturalNeighbor, Laplace": (NaturalNeighbor, {"kind": "laplace"}),
    **{name: row for name, row in verdict.RUNGS.items() if name != verdict.DEFAULT_RUNG},
    **verdict.PEERS,
    **{name: (mesh_cls, {}) for name, mesh_cls in JAX_TABLES.items()},
}
"""Row -> mesh class and arguments."""

PATCHES = {
    **dict.fromkeys(JAX_TABLES, {"delaunay": True}),
    **{name: {"natural_neighbors": True} for name, (mesh_cls, _) in MESHES.items() if mesh_cls is NaturalNeighbor},
}
"""Row -> the arguments of `knn_barycentric.patch` that it needs."""

DEFAULT_MESHES = ("Delaunay", "Delaunay in one callback", "Delaunay, JAX tables", "KNNBarycentric", "NaturalNeighbor")

COMPILATIONS = 5
"""Each program is traced and compiled this often. The median counts."""


def programs_of(lens, meshes, batches, likelihood_batches=(), progress=lambda message: None, compilations=COMPILATIONS):
    """(mesh, program, lanes) -> a compiled function without arguments, and the cost of its compilation.

    Parameters
    ----------
    lens
        The lens, from `lens.load`.
    meshes
        Keys of `MESHES`.
    batches
        Numbers of lanes of the interpolation. One lane runs without vmap.
    likelihood_batches
        Numbers of lanes of the whole likelihood.
    progress
        Called with a line of text before every round of compilations.
    compilations
        The number of rounds.
    """
    reference = Likelihood(lens, al.mesh.Delaunay)
    max_lanes = max([*batches, *likelihood_batches])
    parameters = reference.median_and_draws(max_lanes - 1)
    ray_traced = points_of(reference, parameters[: max([1, *batches])])
    mesh = mesh_of(reference)
    likelihoods = {
        name: Likelihood(lens, mesh_cls, **arguments)
        for name, (mesh_cls, arguments) in MESHES.items()
        if name in meshes
    }
    functions = {}
    for lanes in batches:
        stacked = [each[:lanes] for each in ray_traced]
        for name in meshes:
            functions[name, "interpolation", lanes] = partial(tables_of, mesh_of(likelihoods[name])), stacked
    for lanes in likelihood_batches:
        for name in meshes:
            functions[name, "likelihood", lanes] = log_evidence_of(likelihoods[name]), [parameters[:lanes]]

    if compilations > 1:
        # The first compilation in a process takes longer, so it is repeated.
        (first, each), *_ = functions.items()
        _compile(first, *each)
    compiled, costs = {}, {key: [] for key in functions}
    for number in range(compilations):
        progress(f"compiling, {number + 1} of {compilations}")
        # Programs that are compared compile one after the other; every second round reverses the order.
        for key in list(functions)[:: -1 if number % 2 else 1]:
            compiled[key], cost = _compile(key, *functions[key])
            costs[key].append(cost)
    first_mesh = [each[0] for each in ray_traced]
    on_numpy = {(SCIPY, "interpolation", 1): (lambda: tables_of(mesh, *first_mesh, xp=np), {})} if batches else {}
    return on_numpy | {key: (compiled[key], _median_of(costs[key])) for key in functions}


def _median_of(costs):
    """The median of each cost over several compilations, and the seconds of each compilation with its tracing."""
    return {name: float(np.median([cost[name] for cost in costs])) for name in costs[0]} | {
        "to_compile_seconds": [cost["trace_seconds"] + cost["compile_seconds"] for cost in costs]
    }


def log_evidence_of(likelihood):
    return lambda vector: likelihood.evidence(vector).log_evidence


def mesh_of(likelihood):
    """The mesh of a likelihood's pixelization."""
    (_, galaxy), *_ = galaxies_with_pixelization(likelihood.model)
    return galaxy.pixelization.mesh.instance_from_vector([])


def ray_traced_of(likelihood, parameters):
    """The (N, 2) vertices and (Q, 2) data points in the source plane (arcsec)."""
    interpolator = likelihood.mapper(parameters).interpolator
    return np.asarray(interpolator.mesh_grid_xy), np.asarray(interpolator.data_grid.over_sampled.array)


def points_of(likelihood, parameters):
    """(lanes, N, 2) vertices and (lanes, Q, 2) data points in the source plane, from (lanes, D) parameters."""
    return [np.stack(column) for column in zip(*(ray_traced_of(likelihood, vector) for vector in parameters))]


def tables_of_lanes(likelihood, parameters):
    """The interpolation at (lanes, D) parameters, as a function and its arrays."""
    return lanes_of(partial(tables_of, mesh_of(likelihood)), points_of(likelihood, parameters))


def lanes_of(function, arrays):
    """A function over the first axis of the arrays, and the arrays. One lane runs without vmap."""
    return (jax.vmap(function), arrays) if len(arrays[0]) > 1 else (function, [each[0] for each in arrays])


def _compile(key, function, lanes):
    """A compiled function over the lanes, and its cost in seconds and bytes. Caches are empty before."""
    name, _, _ = key
    function, arrays = lanes_of(function, [jnp.asarray(each) for each in lanes])
    jax.clear_caches()
    # Collect the garbage of the previous program now, not during this one.
    gc.collect()
    with patched(**PATCHES[name]) if name in PATCHES else nullcontext():
        start = time.perf_counter()
        lowered = jax.jit(function).lower(*arrays)
        traced = time.perf_counter()
        program = lowered.compile()
    cost = {"trace_seconds": traced - start, "compile_seconds": time.perf_counter() - traced}
    memory = program.memory_analysis()
    if memory is not None:
        cost["peak_bytes"] = memory.temp_size_in_bytes + memory.argument_size_in_bytes + memory.output_size_in_bytes
    return lambda: jax.block_until_ready(program(*arrays)), cost
