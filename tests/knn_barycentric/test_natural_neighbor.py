"""`NaturalNeighbor`: right weights on NumPy and JAX, DelaunayNN's log evidence, and no limit on neighbours."""

import json
import pickle
from types import SimpleNamespace

import autofit as af
import autolens as al
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from autoarray.inversion.mesh.mesh.delaunay_nn import DelaunayNN
from autoarray.inversion.regularization import regularization_util
from autofit.mapper.identifier import Identifier
from autonerves.dictable import from_dict, to_dict

import knn_barycentric
from delaunax import oracle, triangulate
from delaunax.interpolation.natural_neighbors import shares
from knn_barycentric import NaturalNeighbor
from knn_barycentric.natural_neighbor_weights import KINDS
from knn_barycentric.row_pieces import tables_from
from knn_barycentric.wide_stencils import with_any_width

import point_sets

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def _interpolator(points, queries, xp, **mesh):
    mesh = NaturalNeighbor(pixels=len(points), **mesh)
    return mesh.interpolator_cls(
        mesh=mesh,
        mesh_grid=al.Grid2DIrregular(xp.asarray(points)),
        data_grid=SimpleNamespace(over_sampled=SimpleNamespace(array=xp.asarray(queries))),
        xp=xp,
    )


def _dense(points, queries, xp, **mesh):
    """(Q, N) float, the weight of every vertex, under `jit` on JAX."""

    def tables(points, queries):
        return _interpolator(points, queries, xp, **mesh).tables[:3]

    mappings, weights, owner = map(np.asarray, (tables if xp is np else jax.jit(tables))(points, queries))
    matrix = np.zeros((len(queries), len(points)))
    rows = np.arange(len(queries)) if xp is np else owner
    np.add.at(matrix, (rows[:, None], np.maximum(mappings, 0)), np.where(mappings < 0, 0.0, weights))
    return matrix


def _exact(points, queries, kind="sibson"):
    matrix = np.zeros((len(queries), len(points)))
    for row, query in enumerate(queries):
        for vertex, weight in oracle.natural_neighbor_weights_of(points, query, kind).items():
            matrix[row, vertex] = weight
    return matrix


@pytest.mark.parametrize("xp", [np, jnp])
def test_centre_of_the_square_has_four_quarters(xp):
    """PyAutoArray issue 610: upstream gives one half to two of the vertices."""
    around = 1.0e-7 * np.array([[0.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 1.0], [0.0, -1.0]])
    assert np.allclose(_dense(SQUARE, around, xp), 0.25, rtol=0.0, atol=1.0e-6)
    assert np.allclose(_dense(SQUARE, around[:1], xp), 0.25, rtol=0.0, atol=1.0e-15)


def test_the_kinds_are_those_of_delaunax():
    assert tuple(shares.KINDS) == KINDS


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("xp", [np, jnp])
def test_weights_are_the_oracles(kind, xp):
    points = point_sets.random(60)
    queries = np.concatenate([1.2 * point_sets.random(60, seed=1) - 0.1, points[:3], 0.5 * (points[:3] + points[3:6])])
    assert np.allclose(_dense(points, queries, xp, kind=kind), _exact(points, queries, kind), rtol=0.0, atol=1.0e-12)


def test_a_lattice_moved_by_last_bits_on_numpy():
    """Rounding contradicts itself there: a walk by the signs of floats went around a vertex forever."""
    lattice = np.stack(np.meshgrid(np.arange(5.0), np.arange(5.0)), axis=-1).reshape(-1, 2)
    queries = np.stack(np.meshgrid(*[np.arange(0.5, 4.0, 0.5)] * 2), axis=-1).reshape(-1, 2)
    lattice = lattice * (1.0 + 2.0**-52 * np.random.default_rng(1).integers(-2, 3, lattice.shape))
    assert np.allclose(_dense(lattice, queries, np), _exact(lattice, queries), rtol=0.0, atol=1.0e-13)


@pytest.mark.parametrize("xp", [np, jnp])
def test_more_neighbours_than_places_are_all_there(xp):
    angles = 2.0 * np.pi * np.arange(100) / 100
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    queries = np.array([[0.0, 0.0], [0.3, 0.2]])
    dense = _dense(points, queries, xp)
    assert (dense > 0.0).sum() == 200
    assert np.allclose(dense, _exact(points, queries), rtol=0.0, atol=1.0e-11)


def test_rows_beyond_the_bound_get_linear_weights():
    """100 data points with 200 neighbours each need 2500 rows, and there are 164."""
    angles = 2.0 * np.pi * np.arange(200) / 200
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    queries = 0.6 * (point_sets.random(100) - 0.5)
    dense = _dense(points, queries, jnp)
    assert np.isfinite(dense).all()
    assert np.allclose(dense.sum(axis=1), 1.0)
    assert np.allclose(dense @ points, queries)
    assert sorted(set((dense > 0.0).sum(axis=1))) == [3, 200]


@pytest.mark.parametrize("spoil", [np.nan, np.inf])
def test_non_finite_vertices_make_all_weights_nan(spoil):
    points = point_sets.random(40)
    queries = point_sets.random(20, seed=3)
    points[3, 1] = spoil
    interpolator = _interpolator(points, queries, jnp)
    assert np.isnan(interpolator.weights[:, 0]).all() and (interpolator.sizes > 0).all()
    assert np.isnan(interpolator._mappings_sizes_weights_split[2][:, 0]).all()


def test_eager_tables_have_a_row_per_data_point():
    points, queries = point_sets.random(60), point_sets.random(50, seed=1)
    interpolator = _interpolator(points, queries, jnp)
    assert len(interpolator.mappings) == 50 and interpolator.tables.row_owner is None
    found = np.zeros((50, 61))
    np.add.at(found, (np.arange(50)[:, None], np.asarray(interpolator.mappings)), np.asarray(interpolator.weights))
    assert np.allclose(found[:, :-1], _exact(points, queries), rtol=0.0, atol=1.0e-12)


@pytest.mark.parametrize("use_jax", [False, True])
def test_log_evidence_is_delaunay_nns(likelihood_of, use_jax):
    ours, theirs = (likelihood_of(mesh_cls, use_jax=use_jax) for mesh_cls in (NaturalNeighbor, DelaunayNN))
    vectors = ours.median_and_draws(2)
    expected = theirs.evidences(vectors, batch=1).log_evidence
    assert np.isfinite(expected).all()
    assert ours.evidences(vectors, batch=1).log_evidence == pytest.approx(expected, rel=1.0e-9)


def test_any_number_of_split_points_may_be_wide():
    """400 split points with up to 21 neighbours each: autoarray's limits are 256 and 12."""
    rng = np.random.default_rng(0)
    mappings = np.stack([rng.permutation(100)[:21] for _ in range(400)])
    sizes = rng.integers(10, 22, 400)
    unused = np.arange(21) >= sizes[:, None]
    mappings[unused] = -1
    arguments = rng.random(100), mappings, sizes, np.where(unused, 0.0, rng.random((400, 21)))
    shipped = regularization_util.pixel_splitted_regularization_matrix_from
    expected = shipped(*arguments)
    ours = jax.jit(lambda *tables: with_any_width(shipped)(*tables, xp=jnp))(*map(jnp.asarray, arguments))
    assert (sizes > 12).sum() > 256 and np.isnan(shipped(*map(jnp.asarray, arguments), xp=jnp)).any()
    assert np.allclose(ours, expected, rtol=1.0e-12, atol=1.0e-12)


def test_without_the_patch_split_points_beyond_the_budget_get_linear_weights():
    angles = 2.0 * np.pi * np.arange(20) / 20
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    split = np.array([[0.1, 0.0], [0.0, 0.1]])
    for budget, sizes in ((1, [20, 3]), (None, [20, 20])):
        tables = tables_from(triangulate(points), points, split, split, "sibson", budget)
        assert tables.split_sizes.tolist() == sizes
        used = (tables.split_weights[:, :, None] * points[tables.split_mappings]).sum(axis=1)
        assert np.allclose(used, split)


def test_patch_puts_it_under_delaunay_nn():
    knn_barycentric.patch(natural_neighbors=True)
    try:
        assert al.mesh.DelaunayNN is NaturalNeighbor
    finally:
        knn_barycentric.unpatch()
    assert al.mesh.DelaunayNN is DelaunayNN


def test_a_model_sets_the_kind():
    model = af.Model(NaturalNeighbor, pixels=10, zeroed_pixels=2, kind="laplace")
    mesh = model.instance_from_vector([])
    assert (mesh.pixels, mesh.zeroed_pixels, mesh.areas_factor, mesh.kind) == (10, 2, 0.5, "laplace")
    assert af.Model(NaturalNeighbor, pixels=10, zeroed_pixels=2).instance_from_vector([]).kind == "sibson"
    with pytest.raises(ValueError, match="give one of 'sibson', 'laplace'"):
        NaturalNeighbor(10, kind="watson")


def test_a_model_needs_the_number_of_pixels_only():
    mesh = af.Model(NaturalNeighbor, pixels=5).instance_from_prior_medians()
    assert (mesh.pixels, mesh.zeroed_pixels, mesh.areas_factor, mesh.kind) == (5, 0, 0.5, "sibson")


def test_files_and_identifiers_of_searches_keep_the_kind():
    """Without it, a search with Laplace's weights would load the finished search with Sibson's."""
    sibson, laplace = (NaturalNeighbor(10, 2, kind=kind) for kind in ("sibson", "laplace"))
    assert Identifier(sibson) != Identifier(laplace)
    assert pickle.loads(pickle.dumps(laplace)) == from_dict(json.loads(json.dumps(to_dict(laplace)))) == laplace
    for mesh in (laplace, af.Model(NaturalNeighbor, pixels=10, zeroed_pixels=2, kind="laplace")):
        model = af.Model(al.Pixelization, mesh=mesh, regularization=al.reg.ConstantSplit)
        read = af.AbstractPriorModel.from_dict(json.loads(json.dumps(model.dict())))
        assert read.instance_from_prior_medians().mesh.kind == "laplace"
