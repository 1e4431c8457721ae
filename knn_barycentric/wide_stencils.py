"""Split regularization with any number of neighbours per split point, under JAX.

autoarray gives NaN if more than 256 split points have more than 12 neighbours. autolens's default priors reach 1500.
"""

from functools import wraps

import numpy as np
from autoarray.inversion.regularization.regularization_util import SPLIT_REG_COMPACT_WIDTH

BATCH = 256
"""Wide rows that are made dense at a time."""


def with_any_width(shipped):
    """autoarray's `pixel_splitted_regularization_matrix_from`, without its limit on wide rows."""

    @wraps(shipped)
    def matrix_from(regularization_weights, splitted_mappings, splitted_sizes, splitted_weights, xp=np, **limits):
        tables = splitted_mappings, splitted_sizes, splitted_weights
        if limits or xp is np or splitted_mappings.shape[1] <= SPLIT_REG_COMPACT_WIDTH:
            return shipped(regularization_weights, *tables, xp=xp, **limits)
        return _matrix_from(shipped, regularization_weights, *tables)

    matrix_from.any_width = True
    return matrix_from


def _matrix_from(shipped, regularization_weights, mappings, sizes, weights):
    """(P, P): autoarray's matrix of the narrow rows, plus the matrix of the wide rows, batch by batch."""
    import jax.numpy as jnp
    from jax import lax

    is_narrow, width = sizes <= SPLIT_REG_COMPACT_WIDTH, SPLIT_REG_COMPACT_WIDTH
    head = jnp.where(is_narrow[:, None], mappings[:, :width], -1), jnp.where(is_narrow, sizes, 0), weights[:, :width]
    rows, vertices = len(mappings), len(mappings) // 4
    scale = jnp.repeat(regularization_weights**2, 4)
    padded = -(-rows // BATCH) * BATCH
    (wide,) = jnp.nonzero(~is_narrow, size=padded, fill_value=rows)

    def add(matrix, rows_of_batch):
        def added(matrix):
            mapping, weight, factor = (
                each.at[rows_of_batch].get(mode="fill", fill_value=0) for each in (mappings, weights, scale)
            )
            place = np.arange(BATCH)[:, None], jnp.where(mapping < 0, vertices, mapping)
            dense = jnp.zeros((BATCH, vertices)).at[place].add(weight, mode="drop")
            return matrix + (dense * factor[:, None]).T @ dense

        return lax.cond(rows_of_batch[0] < rows, added, lambda matrix: matrix, matrix), None

    return lax.scan(add, shipped(regularization_weights, *head, xp=jnp), wide.reshape(-1, BATCH))[0]
