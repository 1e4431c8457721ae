"""The spatial sort names every vertex once, the duplicates among them, and near vertices that are near."""

import jax
import numpy as np
import pytest

from knn_barycentric.spatial_sort import leaf_of, near_vertices, spatial_sort
from tests import meshes


@pytest.mark.parametrize("name", meshes.ALL)
def test_every_vertex_is_in_one_leaf_and_first_of_its_place_or_not(name):
    points = meshes.ALL[name]
    sort = jax.jit(spatial_sort)(points)
    named = np.sort(np.asarray(sort.leaves).ravel())
    assert named[: len(points)].tolist() == list(range(len(points)))
    assert (named[len(points) :] >= len(points)).all()
    first = np.unique(points, axis=0, return_index=True)[1]
    assert np.flatnonzero(sort.first).tolist() == sorted(first)
    assert sort.extent == np.ptp(points, axis=0).max()


def test_both_zeros_are_one_place():
    points = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, -1.0], [0.0, 1.0]])
    assert spatial_sort(points).first.tolist() == [True, False, True, False]


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_extent_of_a_mesh_that_is_not_finite_is_not_finite(value):
    points = meshes._random(60)
    points[17, 1] = value
    assert not np.isfinite(spatial_sort(points).extent)


def test_near_vertices_hold_nearly_all_nearest_ones_and_queries_fall_into_the_leaf_of_their_vertex():
    points = meshes._random(2000)
    sort = spatial_sort(points)
    near = near_vertices(sort)
    proposed = np.asarray(near.to(np.arange(len(points))))
    squared = ((points[:, None] - points) ** 2).sum(axis=-1)
    nearest = np.argsort(squared, axis=1)[:, :8]
    held = (proposed.T[:, :, None] == nearest[:, None, :]).any(axis=1)
    assert held.mean() > 0.99
    assert (leaf_of(sort, points) == near.leaf).all()


@pytest.mark.parametrize("number", [3, 130, 1025])
def test_blocks_hold_every_vertex_once_within_their_boxes(number):
    points = meshes._random(number)
    near = near_vertices(spatial_sort(points))
    named = np.asarray(near.blocks).ravel()
    assert np.sort(named[named < number]).tolist() == list(range(number))
    for block, box in zip(np.asarray(near.blocks), np.asarray(near.boxes)):
        inside = points[block[block < number]]
        assert np.concatenate([inside, -inside], axis=1).max(axis=0, initial=-np.inf).tolist() == box.tolist()
