"""The spatial sort names every vertex once, the duplicates among them, and near vertices that are near."""

import jax
import numpy as np
import pytest

from delaunax.platform import dispatch as platforms
from delaunax.tables.kd_tree import build_kd_tree, leaf_of, near_vertices

import point_sets


@pytest.mark.parametrize("name", point_sets.ALL)
def test_every_vertex_is_in_one_leaf_and_first_of_its_place_or_not(name):
    points = point_sets.ALL[name]
    tree = jax.jit(build_kd_tree)(points)
    named = np.sort(np.asarray(tree.leaves).ravel())
    assert named[: len(points)].tolist() == list(range(len(points)))
    assert (named[len(points) :] >= len(points)).all()
    first = np.unique(points, axis=0, return_index=True)[1]
    assert np.flatnonzero(tree.first).tolist() == sorted(first)
    scale = np.exp2(np.floor(np.log2(np.abs(points).max())))
    assert tree.extent == np.ptp(points, axis=0).max() / scale
    assert np.lexsort((points[:, 1], points[:, 0])).tolist() == np.argsort(tree.rank).tolist() or len(first) < len(
        points
    )


def test_both_zeros_are_one_place():
    points = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, -1.0], [0.0, 1.0]])
    assert build_kd_tree(points).first.tolist() == [True, False, True, False]


def test_subnormal_points_are_told_apart():
    points = np.array([[0.0, 5.0e-324], [0.0, 1.0e-323], [0.0, 5.0e-324], [0.0, 0.0], [1.0, 0.0]])
    assert build_kd_tree(points).first.tolist() == [True, True, False, True, True]


def test_near_vertices_hold_nearly_all_nearest_ones_and_queries_fall_into_the_leaf_of_their_vertex(monkeypatch):
    monkeypatch.setattr(platforms, "forced", "gpu")
    points = point_sets.random(2000)
    tree = build_kd_tree(points)
    leaf = leaf_of(tree, points / 0.5)
    assert (np.asarray(tree.leaves)[leaf] == np.arange(len(points))[:, None]).any(axis=1).all()
    proposed = np.asarray(near_vertices(tree))[leaf]
    squared = ((points[:, None] - points) ** 2).sum(axis=-1)
    nearest = np.argsort(squared, axis=1)[:, :8]
    held = (proposed[:, :, None] == nearest[:, None, :]).any(axis=1)
    assert held.mean() > 0.99


@pytest.mark.parametrize("number", [3, 130, 1025])
def test_leaves_hold_every_vertex_once_within_their_boxes(number):
    points = point_sets.random(number)
    tree = build_kd_tree(points)
    scaled = points * 2.0 ** -np.floor(np.log2(points.max()))
    leaves = np.asarray(tree.leaves)
    assert np.sort(leaves[leaves < number]).tolist() == list(range(number))
    for leaf, box in zip(leaves, np.asarray(tree.boxes[-1])):
        inside = scaled[leaf[leaf < number]]
        assert np.concatenate([inside, -inside], axis=1).max(axis=0, initial=-np.inf).tolist() == box.tolist()
