"""Measure a lens: find events in its tables, bisect them, and evaluate every mesh around them."""

from typing import NamedTuple

import numpy as np

from jax_profiling.proof.continuity.bisection import bisect
from jax_profiling.proof.continuity.events import GEOMETRIC, active_of, count_events
from jax_profiling.proof.continuity.structure import jump_and_slopes, structure_function
from jax_profiling.proof.continuity.transects import SEED
from jax_profiling.terminal.writing import finite_or_none

STEPS = tuple(10.0**-power for power in range(2, 10))
"""Steps of the windows, in prior widths."""

WINDOW = 9
"""Number of evidences of a window. A window starts at a random place of every line."""

PROFILE_STEP = 5.0e-4
"""Step of the profile, along the first line."""

SEARCH_STEP, SEARCH = 1.0e-3, 64
"""Step and number of the tables in which events are searched, on every line."""

LAST_BITS = 1.0e-13
"""Events are bisected to this length, a few last bits of a parameter."""

MARGIN = 5.0e-13
"""Added on both sides of an event. Rounding differs between two compiled programs, so their events differ by last bits."""

SLOPE_STEPS = (1.0e-5, 1.0e-6, 1.0e-7, 1.0e-8)
"""Derivatives are one-sided differences with the largest of these steps that crosses no other event."""

ACTIVE_WIDTH = 1.0e-10
"""Changes of the active set are bisected to this length. They need an inversion per step."""

ACTIVE_STEPS = (1.0e-3, 1.0e-4)
"""Windows with these steps are searched for changes of the active set."""


class Amount(NamedTuple):
    """How much is measured.

    Attributes
    ----------
    events
        Geometric events of each kind that are bisected.
    active
        Changes of the active set that are bisected, each with about 25 inversions.
    steps
        Number of `STEPS`, from the largest down.
    profile
        Evidences of the profile.
    """

    events: int
    active: int
    steps: int
    profile: int


class Brackets(NamedTuple):
    """Intervals that hold one event each.

    Attributes
    ----------
    kind
        (E,) str, a key of `events.KINDS`.
    line
        (E,) int, the line.
    low, high
        (E,) float64, the ends, in prior widths from the origin.
    step
        (E, 2) float64, the steps of the one-sided differences before and after; NaN if every step crosses another event.
    """

    kind: np.ndarray
    line: np.ndarray
    low: np.ndarray
    high: np.ndarray
    step: np.ndarray


def find_brackets(programs, transects, per_kind, say):
    """The rate of every geometric kind of event, and a random sample of events.

    Returns
    -------
    rates
        (dict) kind -> events per prior width, the mean over the lines.
    Brackets
        At most `per_kind` of each kind.
    """
    say("searching events")
    t = SEARCH_STEP * np.arange(SEARCH + 1)
    counts = {kind: np.zeros((len(transects.names), SEARCH), int) for kind in GEOMETRIC}
    for line in range(len(transects.names)):
        tables = programs.tables(transects.at(line, t))
        for number, pair in enumerate(zip(tables, tables[1:])):
            for kind, count in count_events(*pair).items():
                counts[kind][line, number] = count
    random = np.random.default_rng(SEED)
    chosen = []
    for kind in GEOMETRIC:
        places = np.argwhere(counts[kind])
        for line, number in random.permutation(places)[:per_kind]:
            chosen.append((kind, line, t[number], t[number + 1]))
    rates = {kind: float(each.mean() / SEARCH_STEP) for kind, each in counts.items()}
    return rates, _bisected(programs, transects, chosen, say)


def _bisected(programs, transects, chosen, say):
    """The `Brackets` of geometric events, from (kind, line, low, high); without those that rounding hides."""
    return _brackets_of(
        programs,
        transects,
        chosen,
        lambda line, t: programs.tables(transects.at(line, t)),
        lambda kind, before, after: count_events(before, after)[kind] > 0,
        (LAST_BITS, MARGIN),
        say,
    )


def _active_brackets(programs, transects, chosen, say):
    """The `Brackets` of changes of the active set, as `_bisected` does it."""
    return _brackets_of(
        programs,
        transects,
        chosen,
        lambda line, t: [active_of(flux) for flux in programs.evidences(transects.at(line, t))[1]],
        lambda kind, before, after: bool((before != after).any()),
        (ACTIVE_WIDTH, 0.0),
        say,
    )


def _brackets_of(programs, transects, chosen, states_at, differ, widths, say):
    """`Brackets` by bisection of what `states_at(line, t)` returns, to the first of two widths; the second is added."""
    if not chosen:
        return Brackets(*(np.zeros(0) for _ in range(4)), np.zeros((0, 2)))
    kind, line, low, high = map(np.array, zip(*chosen))
    say(f"bisecting {len(kind)} events")
    width, margin = widths
    low, high = bisect(lambda t: states_at(line, t), lambda lane, *pair: differ(kind[lane], *pair), low, high, width)
    found = np.isfinite(low)
    kind, line, low, high = kind[found], line[found], low[found] - margin, high[found] + margin
    return Brackets(kind, line, low, high, slope_steps(programs, transects, line, low, high))


def slope_steps(programs, transects, line, low, high):
    """(E, 2) float64, the largest of `SLOPE_STEPS` for which no geometric event lies within two steps of each end."""
    steps = np.full((len(low), 2), np.nan)
    for side, (end, sign) in enumerate(((low, -1.0), (high, 1.0))):
        here = programs.tables(transects.at(line, end))
        for step in SLOPE_STEPS:
            there = programs.tables(transects.at(line, end + sign * 2.0 * step))
            quiet = np.array([not any(count_events(*pair).values()) for pair in zip(here, there)], bool)
            steps[quiet & np.isnan(steps[:, side]), side] = step
    return steps


def events_at(programs, transects, brackets, say):
    """A list with a dict per bracket: the jump of the log evidence (nats) and its slopes (nats per prior width)."""
    usable = np.isfinite(brackets.step).all(axis=1)
    kind, line, low, high, step = (each[usable] for each in brackets)
    if not len(kind):
        return []
    say(f"evaluating {len(kind)} events")
    places = np.stack(
        [low - 2 * step[:, 0], low - step[:, 0], low, high, high + step[:, 1], high + 2 * step[:, 1]], axis=1
    )
    values, _ = programs.evidences(transects.at(np.repeat(line, 6), places.reshape(-1)))
    pairs = zip(*(programs.tables(transects.at(line, end)) for end in (low, high)))
    together = [[key for key, count in count_events(*pair).items() if count] for pair in pairs]
    jump, before, after = jump_and_slopes(values.reshape(-1, 6), high - low, step)
    return [
        {
            "kind": str(kind[number]),
            "line": int(line[number]),
            "at": float(high[number]),
            "also": [key for key in together[number] if key != kind[number]],
            "jump": finite_or_none(jump[number]),
            "slope_before": finite_or_none(before[number]),
            "slope_after": finite_or_none(after[number]),
        }
        for number in range(len(kind))
    ]


def evidence_along(programs, transects, brackets, amount, say):
    """Everything about the log evidence of one mesh (dict), ready for JSON."""
    say("evaluating the profile")
    profile, _ = programs.evidences(transects.at(0, PROFILE_STEP * np.arange(amount.profile)))
    largest = _largest_jump(programs, transects, profile, say)
    windows, intervals, changes, length = {}, [], 0, 0.0
    lines = range(len(transects.names))
    starts = np.random.default_rng(SEED).uniform(0.0, SEARCH * SEARCH_STEP, size=(len(STEPS), len(lines)))
    for step, begins in list(zip(STEPS, starts, strict=True))[: amount.steps]:
        say(f"evaluating windows with steps of {step:.0e}")
        values = []
        for line in lines:
            t = begins[line] + step * np.arange(WINDOW)
            evidences, fluxes = programs.evidences(transects.at(line, t))
            values.append(evidences)
            if step in ACTIVE_STEPS:
                active = [active_of(flux) for flux in fluxes]
                count = [int((one != other).sum()) for one, other in zip(active, active[1:])]
                changes, length = changes + sum(count), length + step * len(count)
                intervals += [("active", line, t[number], t[number + 1]) for number, each in enumerate(count) if each]
        windows[f"{step:.0e}"] = {
            "starts": begins.tolist(),
            "evidence": [[finite_or_none(value) for value in each] for each in values],
            "structure": finite_or_none(structure_function(np.array(values))),
        }
    chosen = [intervals[number] for number in np.random.default_rng(SEED).permutation(len(intervals))[: amount.active]]
    return {
        "profile": [finite_or_none(value) for value in profile],
        "largest": largest,
        "windows": windows,
        "active_rate": changes / length if length else None,
        "events": events_at(programs, transects, brackets, say)
        + events_at(programs, transects, _active_brackets(programs, transects, chosen, say), say),
    }


def _largest_jump(programs, transects, profile, say):
    """The largest step of the profile (dict): its place, its jump (nats), and the events there. None if it is no jump."""
    steps = np.abs(np.diff(profile))
    if not len(steps) or not np.isfinite(steps).all():
        return None
    say("bisecting the largest step of the profile")
    number = int(np.argmax(steps))
    low, high = bisect(
        lambda t: list(programs.evidences(transects.at(0, t))[0]),
        lambda lane, before, after: abs(after - before) > 0.5 * steps[number],
        [PROFILE_STEP * number],
        [PROFILE_STEP * (number + 1)],
        LAST_BITS,
    )
    if not np.isfinite(low).all():
        return None
    ends = np.concatenate([low - MARGIN, high + MARGIN])
    before, after = programs.tables(transects.at(0, ends))
    evidence, _ = programs.evidences(transects.at(0, ends))
    if not np.isfinite(evidence).all():
        return None
    kinds = [kind for kind, count in count_events(before, after).items() if count]
    return {"at": float(high[0]), "jump": float(evidence[1] - evidence[0]), "kinds": kinds}
