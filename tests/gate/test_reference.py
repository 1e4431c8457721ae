"""The reference on real fits: wrong meshes fail at a plain vector, at a tied one and at an unstable one."""

from dataclasses import replace
from functools import partial

import autolens as al
import jax.numpy as jnp
import numpy as np
import pytest

import delaunax
from delaunax import oracle
from delaunax.tables.simplices import neighbors_from, vertex_simplex_from
from jax_profiling.gate import live_reference, verdict
from jax_profiling.gate.meshes.rungs import RungMesh
from jax_profiling.gate.uncompiled import UncompiledLikelihood
from knn_barycentric.interpolator import InterpolatorKNNBarycentric
from knn_barycentric.mesh import KNNBarycentric

PERTURBATIONS = 2


@pytest.fixture(scope="module")
def likelihood_of(small):
    """Mesh class and its arguments -> the likelihood of `small`."""
    return partial(UncompiledLikelihood, small)


@pytest.fixture(scope="module")
def vectors(likelihood_of):
    """(2, D): the prior median, and a round, centred lens without shear, which makes the mesh tied."""
    likelihood = likelihood_of(al.mesh.Delaunay)
    names = likelihood.model.model_component_and_parameter_names
    broken_symmetry = [any(word in name for word in ("centre", "ell_comps", "gamma_")) for name in names]
    medians = likelihood.prior_medians
    return np.stack([medians, np.where(broken_symmetry, 0.0, medians)])


@pytest.fixture(scope="module")
def reference_of(small, vectors):
    """A function of the number of perturbations that gives the reference at both vectors."""
    return lambda number: live_reference.reference_of(small, vectors, 1, number, likelihood=UncompiledLikelihood)[0]


@pytest.fixture(scope="module")
def found(reference_of):
    return reference_of(PERTURBATIONS)


def _candidate(found, vectors, likelihood):
    perturbed = [found.parameters[vector][1 : 1 + PERTURBATIONS] for vector in np.flatnonzero(found.unstable)]
    evidence = likelihood.evidences(np.concatenate([vectors, *perturbed]), batch=1)
    return verdict.candidate_from("delaunay", found, evidence, PERTURBATIONS)


def test_only_the_symmetric_lens_is_tied(found):
    assert found.uses_exact_triangulation.tolist() == [False, True]
    assert found.faults == (None, None)
    assert np.isfinite(found.qhull_error).tolist() == [False, True] == np.isfinite(found.order_dependence).tolist()
    assert found.stable[0]


def test_the_default_rung_is_delaunay_at_both(found, vectors, likelihood_of):
    candidate = _candidate(found, vectors, likelihood_of(KNNBarycentric))
    assert candidate.is_delaunay and candidate.verdict == "drop-in"


class _RolledWeights(InterpolatorKNNBarycentric):
    def _interpolation_at(self, points):
        mappings, weights = super()._interpolation_at(points)
        return mappings, jnp.roll(weights, 1, axis=1)


class RolledWeights(KNNBarycentric):
    interpolator_cls = _RolledWeights


def test_wrong_meshes_fail_at_both(found, vectors, likelihood_of):
    for mesh_cls, arguments in ((RungMesh, {"rung": "clip"}), (RolledWeights, {})):
        candidate = _candidate(found, vectors, likelihood_of(mesh_cls, **arguments))
        assert candidate.unexplained.all() and candidate.verdict != "drop-in", mesh_cls


def without_a_vertex(points):
    """The triangulation of all points except number 100."""
    return _triangulate(points.at[100].set(points[101]))


def with_a_flipped_edge(points):
    """The triangulation with the wrong diagonal in the first quadrilateral that is clearly convex."""
    triangulation = _triangulate(points)
    row = jnp.arange(len(triangulation.simplices))
    apex, tail, head = triangulation.simplices.T
    across = triangulation.neighbors[:, 0]
    tip = triangulation.simplices[across].sum(axis=1) - tail - head
    corners = [points[vertex] for vertex in (apex, tail, tip, head)]
    areas = jnp.stack([_doubled_area(corners[k], corners[k - 3], corners[k - 2]) for k in range(4)])
    convexity = areas.min(axis=0) / areas.max(axis=0)
    chosen = jnp.argmax(jnp.where((apex >= 0) & (across >= 0), convexity, -1.0) > 0.2)
    other = across[chosen]
    pair = [jnp.stack([apex[chosen], tail[chosen], tip[chosen]]), jnp.stack([apex[chosen], tip[chosen], head[chosen]])]
    simplices = triangulation.simplices.at[jnp.stack([row[chosen], other])].set(jnp.stack(pair).astype(jnp.int32))
    neighbors = neighbors_from(simplices)
    return triangulation._replace(
        simplices=simplices, neighbors=neighbors, vertex_simplex=vertex_simplex_from(simplices, neighbors)
    )


def _doubled_area(a, b, c):
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


_triangulate = delaunax.triangulate


@pytest.mark.parametrize("wrong", [without_a_vertex, with_a_flipped_edge])
def test_wrong_triangulations_fail_at_both(wrong, found, vectors, reference_of, likelihood_of, monkeypatch):
    """The plain vector by its log evidence, the tied one by the oracle: there the reference uses the wrong triangulation."""
    monkeypatch.setattr(delaunax, "triangulate", wrong)
    candidate = _candidate(found, vectors, likelihood_of(KNNBarycentric))
    assert candidate.unexplained[0]
    own = reference_of(0)
    assert own.faults[0] is None and own.faults[1] is not None
    at_both = replace(candidate, reference=own, values=[values[:1] for values in candidate.values])
    assert at_both.unexplained.all() and at_both.verdict == "abandon"


def test_a_wrong_mesh_fails_at_unstable_vectors(found, vectors, likelihood_of):
    """With noise of a hundredth of a nat, as on real lenses."""
    noisy = replace(found, values=[row + np.linspace(-0.006, 0.004, len(row)) for row in found.values])
    assert noisy.unstable.all()
    assert _candidate(noisy, vectors, likelihood_of(KNNBarycentric)).is_delaunay
    assert _candidate(noisy, vectors, likelihood_of(RolledWeights)).unexplained.all()


def test_dropped_vertices_are_not_ties():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.3, 0.4]])
    right = np.asarray(delaunax.triangulate(points).simplices)
    assert oracle.fault_of(points, right) is None
    assert live_reference._tied_or_dropped([(points, right)]) == (False, False)
    assert live_reference._tied_or_dropped([(points[:4], np.array([[0, 1, 2], [1, 3, 2]]))]) == (True, False)
    assert live_reference._tied_or_dropped([(points, np.array([[0, 1, 2], [1, 3, 2]]))]) == (False, True)


def test_parameters_change_by_their_last_bit():
    parameters = np.array([[1.0, 0.0, -3.0]])
    (found,) = live_reference.perturbed(parameters, 50)
    assert found[0].tolist() == [1.0, 0.0, -3.0]
    assert set(found[1:, 0].tolist()) == {1.0 - 2.0**-53, 1.0 + 2.0**-52}
    assert (np.abs(found[1:, 1]) == 5.0e-324).all() and len(set(found[1:, 2].tolist())) == 2
    (found,) = live_reference.with_zeros_perturbed(found[None])
    assert found[0].tolist() == [1.0, 0.0, -3.0]
    assert set(found[1:, 1].tolist()) == {-(2.0**-53), 2.0**-53}
