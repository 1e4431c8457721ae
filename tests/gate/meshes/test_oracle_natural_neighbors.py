"""The reference for natural neighbours keeps right weights and replaces wrong ones."""

import numpy as np

from jax_profiling.gate.meshes.oracle_natural_neighbors import right_weights

SQUARE = np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])


def test_wrong_and_undefined_rows_are_replaced():
    """PyAutoArray issue 610: at the centre of the square, upstream gives one half to two of the vertices."""
    queries = np.array([[0.0, 0.0], [0.0, 0.0], [0.5, 0.5], [1.0, 1.0], [3.0, 3.0]])
    mappings = np.tile(np.arange(4), (5, 1))
    weights = np.array([[0.5, 0, 0.5, 0], [0.25] * 4, [np.nan] * 4, [0, 0, 1.0, 0], [0, 0, 1.0, 0]])
    mappings, weights, replaced = right_weights(SQUARE, queries, mappings, weights)
    assert replaced.tolist() == [True, False, True, False, False]
    dense = np.zeros((5, 4))
    np.add.at(dense, (np.arange(5)[:, None], mappings), weights)
    assert np.allclose(dense[:2], 0.25) and dense[3:].tolist() == [[0, 0, 1, 0], [0, 0, 1, 0]]
    assert np.allclose(dense[2] @ SQUARE, queries[2])


def test_table_grows_for_more_neighbours():
    angles = 2.0 * np.pi * np.arange(12) / 12
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    mappings, weights, replaced = right_weights(
        points, np.zeros((1, 2)), np.arange(3)[None], np.array([[0.5, 0.5, 0.0]])
    )
    assert replaced.all()
    assert np.allclose(weights.sum(axis=1), 1.0) and (mappings >= 0).sum() == (weights > 0).sum() > 3
