"""Count data points for adaptive regularization, and take tiny weights for zero.

autoarray's adaptive schemes divide the signal of a vertex by the number of data points with a non-zero weight on it
(PyAutoArray 627). A data point on a vertex or an edge has weights of zero, and rounding decides which of them are 1e-15
instead. So the log evidence of one and the same interpolation differs by nats between NumPy, `jit` and any two meshes.
"""

from functools import wraps

import numpy as np

TINY_WEIGHT = 1.0e-12
"""Weights below it count as zero. A coordinate of 2 arcsec is rounded by 4e-16 arcsec: in a triangle of 1e-3 arcsec that is a
weight of 4e-13."""


def without_tiny_weights(shipped):
    """autoarray's `adaptive_pixel_signals_from`, for which weights below `TINY_WEIGHT` are zero.

    Meshes that count their zero weights, too (`exclude_zero_weight_mappings` is false), keep autoarray's own value.
    """

    @wraps(shipped)
    def adaptive_pixel_signals_from(*, pixel_weights, exclude_zero_weight_mappings=False, xp=np, **arguments):
        if exclude_zero_weight_mappings:
            pixel_weights = xp.where(xp.abs(pixel_weights) < TINY_WEIGHT, 0.0, pixel_weights)
        return shipped(
            pixel_weights=pixel_weights,
            exclude_zero_weight_mappings=exclude_zero_weight_mappings,
            xp=xp,
            **arguments,
        )

    return adaptive_pixel_signals_from
