"""How much a function varies at a scale, and how much it jumps and bends at one place."""

import numpy as np

WEIGHT = 20.0
"""The variance of third differences of independent increments of variance one: 1 + 9 + 9 + 1."""


def structure_function(values):
    """The variance of the differences between neighbouring values, without the smooth part.

    Fourth differences remove a cubic polynomial. They are scaled such that a sum of independent jumps gives the variance of its
    increments. Jumps grow like h, kinks like h^3 and smooth functions like h^8; rounding does not depend on h.

    Parameters
    ----------
    values
        (..., K) float64, values at a constant step h, with K of at least 5.

    Returns
    -------
    float
        The mean over all windows of four steps; NaN values are left out.
    """
    return float(np.nanmean(np.diff(values, n=4, axis=-1) ** 2) / WEIGHT)


def jump_and_slopes(values, gap, step):
    """The jump at an event, and the derivative before and after it.

    Parameters
    ----------
    values
        (..., 6) float64 at -2, -1 and 0 steps from the end before the event, and at 0, 1 and 2 steps from the end after it.
    gap
        (...) float64, the distance between both ends.
    step
        (..., 2) float64, the step before and the step after.

    Returns
    -------
    jump, before, after
        (...) float64. The jump is corrected for the slope across the gap.
    """
    far, near, start, end, next_, further = np.moveaxis(np.asarray(values), -1, 0)
    before = (3.0 * start - 4.0 * near + far) / (2.0 * step[..., 0])
    after = (-3.0 * end + 4.0 * next_ - further) / (2.0 * step[..., 1])
    return end - start - 0.5 * (before + after) * gap, before, after
