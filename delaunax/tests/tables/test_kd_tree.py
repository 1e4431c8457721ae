"""The spatial sort names every vertex once, the duplicates among them, and near vertices that are near."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from delaunax.tables.kd_tree import build_kd_tree, leaf_of, near_vertices

import point_sets
from programs import PLATFORMS, compiled, triangulation_of

on_both_platforms = pytest.mark.parametrize("on", PLATFORMS)


@on_both_platforms
@pytest.mark.parametrize("name", point_sets.EVERY)
def test_every_vertex_is_in_one_leaf(name, on):
    """The first of coincident vertices is known, and the order by x and then y."""
    points, tree = point_sets.EVERY[name], triangulation_of(name, on).tree
    named = np.sort(tree.leaves.ravel())
    assert named[: len(points)].tolist() == list(range(len(points)))
    assert (named[len(points) :] >= len(points)).all()
    first = np.unique(points, axis=0, return_index=True)[1]
    assert np.flatnonzero(tree.distinct).tolist() == sorted(first)
    order = np.argsort(tree.rank)
    assert np.array_equal(points[order], points[np.lexsort((points[:, 1], points[:, 0]))])
    assert np.array_equal(tree.unscaled, points)


@pytest.mark.parametrize("name", point_sets.ALL)
def test_the_extent_is_of_order_one(name):
    points, tree = point_sets.ALL[name], triangulation_of(name).tree
    scale = np.exp2(np.floor(np.log2(np.abs(points).max())))
    assert np.array_equal(tree.points * scale, points)
    assert np.array_equal(tree.sides, np.ptp(points, axis=0) / scale)
    assert tree.extent.max() == np.ptp(points, axis=0).max() / scale


def test_both_zeros_are_one_place():
    points = np.array([[0.0, 1.0], [-0.0, 1.0], [0.0, -1.0], [0.0, 1.0]])
    assert build_kd_tree(points).distinct.tolist() == [True, False, True, False]


def test_subnormal_points_are_distinct():
    points = np.array([[0.0, 5.0e-324], [0.0, 1.0e-323], [0.0, 5.0e-324], [0.0, 0.0], [1.0, 0.0]])
    assert build_kd_tree(points).distinct.tolist() == [True, True, False, True, True]


def proposals(points):
    """The leaf of every vertex, and the vertices near every leaf."""
    tree = build_kd_tree(points)
    return tree.leaves, leaf_of(tree, tree.points), near_vertices(tree)


def test_near_vertices_hold_the_nearest_ones():
    points = point_sets.random(2000)
    leaves, leaf, near = compiled(proposals, "gpu")(points)
    assert (leaves[leaf] == np.arange(len(points))[:, None]).any(axis=1).all()
    nearest = cKDTree(points).query(points, 8)[1]
    held = (near[leaf][:, :, None] == nearest[:, None, :]).any(axis=1)
    assert held.mean() > 0.99


@pytest.mark.parametrize("number", [3, 130, 1025])
def test_boxes_hold_the_vertices_of_leaves(number):
    points = point_sets.random(number)
    tree = compiled(build_kd_tree)(points)
    scaled, lowest = points * 2.0 ** -np.floor(np.log2(points.max())), np.finfo(points.dtype).min
    assert np.sort(tree.leaves[tree.leaves < number]).tolist() == list(range(number))
    for leaf, box in zip(tree.leaves, tree.boxes[-1]):
        inside = scaled[leaf[leaf < number]]
        assert np.concatenate([inside, -inside], axis=1).max(axis=0, initial=lowest).tolist() == box.tolist()
