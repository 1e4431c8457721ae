"""Bisect many events at once."""

import numpy as np


def bisect(states_at, happens, low, high, width):
    """Halve intervals until each is at most `width` long and still holds its event.

    Parameters
    ----------
    states_at
        A function from (L,) places, one per interval, to a list of L states.
    happens
        A function of the number of an interval and two states: whether its event lies between them.
    low, high
        (L,) float64, the ends of the intervals.
    width
        The largest length of a result.

    Returns
    -------
    low, high
        (L,) float64. NaN where an event was lost: neither half showed it.
    """
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    first, last = states_at(low), states_at(high)
    lost = np.zeros(len(low), bool)
    while len(low) and (high - low).max() > width:
        middle = 0.5 * (low + high)
        states = states_at(middle)
        for lane, state in enumerate(states):
            if happens(lane, first[lane], state):
                high[lane], last[lane] = middle[lane], state
            else:
                lost[lane] |= not happens(lane, state, last[lane])
                low[lane], first[lane] = middle[lane], state
    return np.where(lost, np.nan, low), np.where(lost, np.nan, high)
