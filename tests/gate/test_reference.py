"""The reference on real fits: a mesh that is wrong is refused at a plain vector, a tied one and an unstable one."""

from dataclasses import replace

import autolens as al
import jax.numpy as jnp
import numpy as np
import pytest

import delaunax
from delaunax import oracle
from delaunax.tables.simplices import neighbors_from, vertex_simplex_from
from jax_profiling.gate import reference, verdict
from jax_profiling.gate.likelihood import Likelihood
from knn_barycentric.interpolator import InterpolatorKNNBarycentric
from knn_barycentric.mesh import KNNBarycentric

MOVES = 2


@pytest.fixture(scope="module")
def vectors(small):
    """(2, D): the prior median, and a lens that is round, centred and without shear, whose mesh has ties."""
    likelihood = Likelihood(small, al.mesh.Delaunay)
    names = likelihood.model.model_component_and_parameter_names
    of_symmetry = [any(word in name for word in ("centre", "ell_comps", "gamma_")) for name in names]
    medians = likelihood.prior_medians
    return np.stack([medians, np.where(of_symmetry, 0.0, medians)])


@pytest.fixture(scope="module")
def found(small, vectors):
    return reference.reference_of(small, vectors, batch=1, moves=MOVES)[0]


def _candidate(found, lens, vectors, mesh_cls, **arguments):
    moved = [found.parameters[vector][1 : 1 + MOVES] for vector in np.flatnonzero(found.unstable)]
    evidence = Likelihood(lens, mesh_cls, **arguments).evidences(np.concatenate([vectors, *moved]), batch=1)
    return verdict._candidate("delaunay", found, evidence, MOVES)


def test_a_symmetric_lens_is_tied_and_the_prior_median_is_not(found):
    assert found.odd.tolist() == [False, True]
    assert found.faults == (None, None)
    assert np.isfinite(found.distance).tolist() == [False, True] == np.isfinite(found.permutation).tolist()
    assert found.stable[0]


def test_this_mesh_is_delaunay_at_both(found, small, vectors):
    candidate = _candidate(found, small, vectors, KNNBarycentric)
    assert candidate.is_delaunay and candidate.verdict == "drop-in"


class _RolledWeights(InterpolatorKNNBarycentric):
    def interpolation_at(self, points):
        mappings, weights = super().interpolation_at(points)
        return mappings, jnp.roll(weights, 1, axis=1)


class RolledWeights(KNNBarycentric):
    interpolator_cls = _RolledWeights


def test_meshes_that_are_wrong_are_refused_at_both(found, small, vectors):
    for mesh_cls, arguments in ((KNNBarycentric, {"triangle": "clip"}), (RolledWeights, {})):
        candidate = _candidate(found, small, vectors, mesh_cls, **arguments)
        assert candidate.unexplained.all() and candidate.verdict != "drop-in", mesh_cls


def without_a_vertex(points, tree=None):
    """The triangulation of the points but for the hundredth."""
    return _triangulate(points.at[100].set(points[101]))


def with_a_flipped_edge(points, tree=None):
    """The triangulation with the wrong diagonal in the first quadrilateral that is convex, and is no tie by far."""
    triangulation = _triangulate(points)
    row = jnp.arange(len(triangulation.simplices))
    apex, tail, head = triangulation.simplices.T
    across = triangulation.neighbors[:, 0]
    tip = triangulation.simplices[across].sum(axis=1) - tail - head
    corners = [points[vertex] for vertex in (apex, tail, tip, head)]
    turns = [_turn(corners[k], corners[k - 3], corners[k - 2]) for k in range(4)]
    convex = jnp.stack(turns).min(axis=0) / jnp.stack(turns).max(axis=0)
    chosen = jnp.argmax(jnp.where((apex >= 0) & (across >= 0), convex, -1.0) > 0.2)
    other = across[chosen]
    pair = [jnp.stack([apex[chosen], tail[chosen], tip[chosen]]), jnp.stack([apex[chosen], tip[chosen], head[chosen]])]
    simplices = triangulation.simplices.at[jnp.stack([row[chosen], other])].set(jnp.stack(pair).astype(jnp.int32))
    neighbors = neighbors_from(simplices)
    return triangulation._replace(
        simplices=simplices, neighbors=neighbors, vertex_simplex=vertex_simplex_from(simplices, neighbors)
    )


def _turn(a, b, c):
    return (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])


_triangulate = delaunax.triangulate


@pytest.mark.parametrize("wrong", [without_a_vertex, with_a_flipped_edge])
def test_a_triangulation_that_is_wrong_is_refused_at_both(wrong, found, small, vectors, monkeypatch):
    """At the plain vector by the log evidence; at the tied one by the oracle, since the reference is fed with it there."""
    monkeypatch.setattr(delaunax, "triangulate", wrong)
    candidate = _candidate(found, small, vectors, KNNBarycentric)
    assert candidate.unexplained[0] and candidate.verdict in verdict.VERDICTS
    own = reference.reference_of(small, vectors, batch=1, moves=0)[0]
    assert own.faults[0] is None and own.faults[1] is not None
    at_both = replace(candidate, reference=own, values=[values[:1] for values in candidate.values])
    assert at_both.unexplained.all() and at_both.verdict == "abandon"


def test_a_wrong_mesh_is_refused_at_an_unstable_vector(found, small, vectors):
    """As if last bits moved the reference by a hundredth of a nat, as they do on real lenses."""
    noisy = replace(found, values=[row + np.linspace(-0.006, 0.004, len(row)) for row in found.values])
    assert noisy.unstable.all()
    assert _candidate(noisy, small, vectors, KNNBarycentric).is_delaunay
    assert _candidate(noisy, small, vectors, RolledWeights).unexplained.all()


def test_a_dropped_vertex_is_told_from_a_tie():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.3, 0.4]])
    right = np.asarray(delaunax.triangulate(points).simplices)
    assert oracle.fault_of(points, right) is None
    assert reference._kind_of([(points, right)]) == (False, False)
    assert reference._kind_of([(points[:4], np.array([[0, 1, 2], [1, 3, 2]]))]) == (True, False)
    assert reference._kind_of([(points, np.array([[0, 1, 2], [1, 3, 2]]))]) == (False, True)


def test_a_parameter_is_moved_by_its_last_bit():
    parameters = np.array([[1.0, 0.0, -3.0]])
    (moved,) = reference.moved_by_last_bits(parameters, 50)
    assert moved[0].tolist() == [1.0, 0.0, -3.0]
    assert set(moved[1:, 0].tolist()) == {1.0 - 2.0**-53, 1.0 + 2.0**-52}
    assert (np.abs(moved[1:, 1]) == 5.0e-324).all() and len(set(moved[1:, 2].tolist())) == 2
    (moved,) = reference.without_symmetry(moved[None])
    assert moved[0].tolist() == [1.0, 0.0, -3.0]
    assert set(moved[1:, 1].tolist()) == {-(2.0**-53), 2.0**-53}
