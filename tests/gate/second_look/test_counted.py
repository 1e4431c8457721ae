"""Where rounding decides what is counted: points on vertices and edges, and on either side of the hull."""

import autolens as al
import numpy as np
import pytest
from scipy.spatial import Delaunay, QhullError

from jax_profiling.gate.likelihood import Likelihood, is_rejection
from jax_profiling.gate.second_look.counted import TINY_WEIGHT, hull_edges, is_counted, is_counted_at, on_edges, on_hull
from jax_profiling.proof.fit_cases import FitCase, lens_of
from knn_barycentric.evidence import tiny_weights


@pytest.fixture(scope="module")
def mesh():
    """40 vertices between -2 and 2 arcsec, and their triangles."""
    points = np.random.default_rng(0).uniform(-2.0, 2.0, (40, 2))
    return points, Delaunay(points).simplices


def _barycentric(points, simplices, queries):
    """(Q, 3) mappings and weights, as autoarray has them."""
    triangulation = Delaunay(points)
    found = triangulation.find_simplex(queries, tol=1.0e-9)
    transform = triangulation.transform[found]
    first = np.einsum("qij,qj->qi", transform[:, :2], queries - transform[:, 2])
    return triangulation.simplices[found], np.column_stack([first, 1.0 - first.sum(axis=1)])


def test_the_gate_counts_what_the_patch_takes_for_zero():
    assert TINY_WEIGHT == tiny_weights.TINY_WEIGHT


def test_points_on_vertices_and_edges_are_found(mesh):
    points, simplices = mesh
    inner = points[simplices].mean(axis=1)
    edges = 0.3 * points[simplices[:, 0]] + 0.7 * points[simplices[:, 1]]
    for queries, expected in ((inner, False), (edges, True), (points[:10], True)):
        assert (on_edges(*_barycentric(points, simplices, queries)) == expected).all()


@pytest.mark.parametrize("move", [-1.0e-15, 0.0, 1.0e-15])
def test_points_on_the_hull_are_found_on_both_sides(mesh, move):
    points, simplices = mesh
    middles = points[hull_edges(simplices)].mean(axis=1)
    assert on_hull(points, simplices, middles + move * np.sign(middles)).all()
    assert not on_hull(points, simplices, 1.0001 * middles).any()
    assert not on_hull(points, simplices, 0.9999 * middles).any()


def test_hull_edges_are_those_of_the_convex_hull(mesh):
    points, simplices = mesh
    padded = np.concatenate([simplices, np.full((3, 3), -1)])
    assert {*map(tuple, hull_edges(padded))} == {*map(tuple, np.sort(Delaunay(points).convex_hull, axis=1))}


def _mapper_of(lens, scheme):
    likelihood = Likelihood(lens, al.mesh.Delaunay)
    likelihood.model.galaxies.source.pixelization.regularization = scheme
    return likelihood.mapper(likelihood.prior_medians)


def test_vector_with_a_data_point_on_a_vertex_is_counted(small):
    overlay = {"image_mesh": {"type": "Overlay", "shape": [13, 13]}, "edge_points": 0}
    without_over_sampling = lens_of(
        FitCase("", "", "small", info=overlay | {"over_sample_size_pixelization": 1}, mesh={"zeroed_pixels": 0})
    )
    assert is_counted(_mapper_of(without_over_sampling, al.reg.AdaptSplit(1.0, 2.0, 0.5)))
    assert not is_counted(_mapper_of(without_over_sampling, al.reg.ConstantSplit(1.0)))
    assert not is_counted(_mapper_of(small, al.reg.AdaptSplit(1.0, 2.0, 0.5)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_vector_without_a_numpy_mesh_is_not_counted_and_has_no_evidence(small, value):
    likelihood = Likelihood(small, al.mesh.Delaunay, use_jax=False)
    parameters = np.where(
        np.array(likelihood.model.parameter_names) == "einstein_radius", value, likelihood.prior_medians
    )
    with np.errstate(invalid="ignore"):
        assert not is_counted_at(likelihood, parameters)
        assert np.isnan(likelihood.evidences(parameters[None]).log_evidence)


def test_only_errors_about_parameters_and_meshes_are_rejections():
    for error in (al.exc.ModelParameterException("above one"), QhullError("QH6154 initial simplex is flat")):
        assert is_rejection(error)
    assert not is_rejection(ValueError("operands could not be broadcast together"))
