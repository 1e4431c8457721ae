"""Everything that PyAutoLens reads from a Delaunay mesh is the same with this mesh."""

import pickle
from types import SimpleNamespace

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from knn_barycentric import KNNBarycentric

import point_sets

ARGUMENTS = {"pixels": 380, "zeroed_pixels": 20, "areas_factor": 0.4}


def _interpolator(mesh, points=point_sets.UNIQUE["random"], queries=None, xp=np):
    queries = point_sets.queries_of(points)[:1000] if queries is None else queries
    return mesh.interpolator_cls(
        mesh=mesh,
        mesh_grid=al.Grid2DIrregular(xp.asarray(points)),
        data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=xp.asarray(queries))),
        xp=xp,
    )


def _dense(mappings, weights, vertices):
    """(Q, N) float, the weight of every vertex; independent of the order of columns and of zero weights."""
    mappings, weights = np.asarray(mappings), np.asarray(weights)
    matrix = np.zeros((len(mappings), vertices))
    rows = np.arange(len(mappings))[:, None]
    np.add.at(matrix, (rows, np.where(mappings < 0, 0, mappings)), np.where(mappings < 0, 0.0, weights))
    return matrix


class WithoutSplit(KNNBarycentric):
    """A mesh for kernel regularization, which needs no split points."""

    skip_areas = True


def test_interpolation_is_delaunays():
    reference = _interpolator(al.mesh.Delaunay(**ARGUMENTS))
    candidate = _interpolator(KNNBarycentric(**ARGUMENTS), xp=jnp)
    vertices = len(reference.mesh_grid)

    dense = [_dense(i.mappings, i.weights, vertices) for i in (reference, candidate)]
    assert np.allclose(dense[0], dense[1], rtol=0.0, atol=1.0e-12)
    assert np.array_equal(reference.sizes, candidate.sizes)
    assert np.allclose(reference.split_points, candidate.split_points, rtol=0.0, atol=1.0e-14)
    split = [i._mappings_sizes_weights_split for i in (reference, candidate)]
    dense = [_dense(mappings[:, :3], weights[:, :3], vertices) for mappings, _, weights in split]
    assert np.allclose(dense[0], dense[1], rtol=0.0, atol=1.0e-11)
    assert np.array_equal(split[0][1], split[1][1])
    assert split[0][0].shape == split[1][0].shape

    areas = [i.mesh_geometry.areas_for_magnification for i in (reference, candidate)]
    assert np.allclose(*areas, rtol=1.0e-12)


def test_geometry_and_neighbors_are_delaunays():
    reference = _interpolator(al.mesh.Delaunay(**ARGUMENTS)).mesh_geometry
    candidate = _interpolator(KNNBarycentric(**ARGUMENTS), xp=jnp).mesh_geometry
    # SciPy's are in no order.
    assert np.array_equal(np.sort(reference.neighbors, axis=1), np.sort(candidate.neighbors, axis=1))
    assert np.allclose(reference.voronoi_areas, candidate.voronoi_areas)


def test_numpy_is_autoarrays_own_and_jax_agrees():
    numpy, jax_ = (_interpolator(KNNBarycentric(**ARGUMENTS), xp=xp) for xp in (np, jnp))
    theirs = _interpolator(al.mesh.Delaunay(**ARGUMENTS))
    assert isinstance(numpy.weights, np.ndarray) and isinstance(numpy.delaunay.simplices, np.ndarray)
    assert np.array_equal(numpy.mappings, theirs.mappings) and np.array_equal(numpy.weights, theirs.weights)
    dense = [_dense(i.mappings, i.weights, len(i.mesh_grid)) for i in (numpy, jax_)]
    assert np.allclose(*dense, rtol=0.0, atol=1.0e-12)


def test_split_points_can_be_skipped():
    interpolator = _interpolator(WithoutSplit(pixels=380))
    assert interpolator.split_points is None
    assert np.array_equal(interpolator.mappings, _interpolator(KNNBarycentric(pixels=380)).mappings)
    assert interpolator.mesh_geometry.areas_for_magnification.sum() > 0.0


@pytest.mark.parametrize("spoil", [np.nan, np.inf])
def test_non_finite_vertices_make_all_weights_nan(spoil):
    points = point_sets.UNIQUE["random"].copy()
    points[3, 1] = spoil
    queries = point_sets.queries_of(point_sets.UNIQUE["random"])[:100]
    interpolator = _interpolator(KNNBarycentric(**ARGUMENTS), points, queries, xp=jnp)
    assert np.isnan(interpolator.weights).all()
    assert np.isnan(interpolator._mappings_sizes_weights_split[2][:, :3]).all()


def test_a_data_point_that_is_not_finite_is_not_skipped():
    queries = point_sets.queries_of(point_sets.UNIQUE["random"])[:100]
    queries[5] = np.nan
    interpolator = _interpolator(KNNBarycentric(**ARGUMENTS), queries=queries, xp=jnp)
    assert interpolator.sizes[5] > 0 and interpolator.mappings[5, 0] >= 0
    assert np.flatnonzero(np.isnan(interpolator.weights).any(axis=1)).tolist() == [5]


FACTORS = np.random.default_rng(6).random(60 * 3 + 160 * 4)


def _total(points, queries):
    """A smooth function of 40 vertices and 60 data points; it does not depend on the order of columns."""
    interpolator = _interpolator(KNNBarycentric(pixels=40), points, queries, xp=jnp)
    split = interpolator._mappings_sizes_weights_split
    values = jnp.sin(7.0 * jnp.asarray(point_sets.random(40)).sum(axis=1))
    data = (interpolator.weights * values[interpolator.mappings]).sum(axis=1)
    cross = (split[2] * values[split[0]]).sum(axis=1)
    return (jnp.concatenate([data, cross]) * FACTORS[: len(data) + len(cross)]).sum()


_gradient = jax.jit(jax.grad(_total))


def test_gradients_match_central_differences():
    points, queries = point_sets.random(40), 0.2 + 0.6 * point_sets.random(60, seed=9)
    direction, step = point_sets.random(40, seed=5) - 0.5, 1.0e-7
    high, low = (float(_total(jnp.asarray(points + sign * step * direction), queries)) for sign in (1.0, -1.0))
    gradient = _gradient(jnp.asarray(points), queries)
    assert np.isfinite(gradient).all()
    assert float((gradient * direction).sum()) == pytest.approx((high - low) / (2.0 * step), rel=1.0e-5)


def test_gradient_is_finite_for_coincident_vertices():
    points = np.repeat(point_sets.random(14), 3, axis=0)[:40]
    assert np.isfinite(_gradient(jnp.asarray(points), 0.2 + 0.6 * point_sets.random(60, seed=8))).all()


def test_no_host_callback_in_the_graph():
    def weights(mesh):
        return lambda points: _interpolator(mesh, points, point_sets.random(30), xp=jnp).weights

    points = jnp.asarray(point_sets.UNIQUE["random"])
    ours, theirs = (
        str(jax.make_jaxpr(weights(cls(**ARGUMENTS)))(points)) for cls in (KNNBarycentric, al.mesh.Delaunay)
    )
    assert "callback" in theirs
    assert "callback" not in ours


def test_constructor_equality_and_pickle_are_delaunays():
    mesh = KNNBarycentric(**ARGUMENTS)
    assert isinstance(mesh, al.mesh.Delaunay)
    assert vars(mesh) == vars(al.mesh.Delaunay(**ARGUMENTS))
    assert mesh == KNNBarycentric(380, 20, 0.4) != KNNBarycentric(381, 20, 0.4)
    assert pickle.loads(pickle.dumps(mesh)) == mesh
    assert mesh.zeroed_pixels_from(400).tolist() == list(range(380, 400))


def test_a_model_survives_its_json():
    model = af.Model(
        al.Pixelization,
        mesh=af.Model(KNNBarycentric, pixels=380, zeroed_pixels=20),
        regularization=al.reg.ConstantSplit(coefficient=1.0),
    )
    for each in (model, af.AbstractPriorModel.from_dict(model.dict())):
        mesh = each.instance_from_vector([]).mesh
        assert type(mesh) is KNNBarycentric
        assert (mesh.pixels, mesh.zeroed_pixels, mesh.areas_factor) == (380, 20, 0.5)
