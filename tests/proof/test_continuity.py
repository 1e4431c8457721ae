"""Continuity: events in tables, bisection, jumps, slopes and the structure function."""

import numpy as np
import pytest

from jax_profiling.proof.continuity.bisection import bisect
from jax_profiling.proof.continuity.events import GEOMETRIC, Tables, active_of, count_events
from jax_profiling.proof.continuity.structure import jump_and_slopes, structure_function

SQUARE = np.array([[0, 1, 2], [0, 2, 3], [-1, -1, -1]])
FLIPPED = np.array([[0, 1, 3], [1, 2, 3], [-1, -1, -1]])


def tables(simplices=SQUARE, data=((0, 1, 2), (0, 2, 3)), split=((0, 1, 2),), relocated=(False, False)):
    return Tables(simplices, np.array(data), np.array(split), np.array(relocated))


def counted(before, after):
    """The events that happen, without zeros."""
    return {kind: count for kind, count in count_events(before, after).items() if count}


def test_equal_tables_have_no_event():
    assert set(count_events(tables(), tables())) == set(GEOMETRIC)
    assert counted(tables(), tables()) == {}


def test_the_order_of_rows_and_corners_is_no_event():
    other = tables(simplices=np.array([[3, 0, 2], [-1, -1, -1], [2, 0, 1]]), data=((2, 0, 1), (3, 0, 2)))
    assert counted(tables(), other) == {}


def test_a_flip_moves_its_points_without_further_events():
    flipped = tables(simplices=FLIPPED, data=((0, 1, 3), (1, 2, 3)), split=((0, 1, 3),))
    assert counted(tables(), flipped) == {"flip": 1}


def test_points_change_their_triangle():
    assert counted(tables(), tables(data=((0, 2, 3), (0, 2, 3)))) == {"triangle": 1}
    assert counted(tables(), tables(split=((0, 2, 3),))) == {"split": 1}


def test_points_cross_the_hull():
    outside = tables(data=((1, -1, -1), (0, 2, 3)), split=((2, -1, -1),))
    assert counted(tables(), outside) == counted(outside, tables()) == {"hull": 2}


def test_points_outside_change_their_nearest_vertex():
    one, other = (tables(data=((vertex, -1, -1), (0, 2, 3))) for vertex in (1, 2))
    assert counted(one, other) == {"nearest": 1}


def test_points_start_to_be_relocated():
    assert counted(tables(), tables(relocated=(True, False))) == {"border": 1}


def test_rectangular_cells_need_no_simplices():
    none = np.zeros((0, 3), int)
    one, other = (
        Tables(none, np.array([[0, 1, 5, 6], cells]), none, np.zeros(2, bool)) for cells in ([1, 2, 6, 7], [2, 3, 7, 8])
    )
    assert counted(one, other) == {"triangle": 1}


def test_interior_point_zeros_are_inactive():
    assert active_of(np.array([1.0e-14, 0.0, 3.0, 1.0e-3])).tolist() == [False, False, True, True]


@pytest.mark.parametrize("width", [1.0e-3, 1.0e-13])
def test_bisection_brackets_every_event(width):
    places = np.array([0.1234567, 0.7, 0.3])
    low, high = bisect(lambda t: list(t > places), lambda lane, a, b: a != b, np.zeros(3), np.ones(3), width)
    assert (low <= places).all() and (places <= high).all()
    assert (high - low <= width).all()


def test_bisection_takes_one_of_several_events():
    low, high = bisect(lambda t: list(np.floor(10.0 * t)), lambda lane, a, b: a != b, [0.05], [0.95], 1.0e-9)
    assert np.floor(10.0 * low) + 1 == np.floor(10.0 * high)


def test_a_lost_event_is_nan():
    low, high = bisect(lambda t: list(t), lambda lane, a, b: b - a > 0.6, [0.0], [1.0], 1.0e-3)
    assert np.isnan([low, high]).all()


def steps_around(function, gap=1.0e-12, step=1.0e-3):
    places = np.array([-2 * step, -step, 0.0, gap, gap + step, gap + 2 * step])
    return jump_and_slopes(function(places), np.array(gap), np.array([step, step]))


def test_a_jump_is_measured_without_its_slope():
    jump, before, after = steps_around(lambda t: 2.0 + 5.0 * t + t**2 + 0.25 * (t > 0.0))
    np.testing.assert_allclose([jump, before, after], [0.25, 5.0, 5.0], rtol=1.0e-9)


def test_a_kink_has_two_slopes_and_no_jump():
    jump, before, after = steps_around(lambda t: 5.0 * t - 3.0 * np.maximum(t, 0.0))
    np.testing.assert_allclose([jump, before, after], [0.0, 5.0, 2.0], atol=1.0e-9)


def random_walk(number, seed=0):
    return np.random.default_rng(seed).normal(size=number)


def test_independent_jumps_give_their_variance():
    assert structure_function(np.cumsum(0.3 * random_walk(100_000))) == pytest.approx(0.09, rel=0.03)


def test_a_cubic_has_no_structure():
    t = np.linspace(-1.0, 1.0, 200)
    assert structure_function(3.0 * t**3 - t**2 + 7.0) < 1.0e-25


@pytest.mark.parametrize("sums, power", [(1, 1), (2, 3)], ids=["jumps", "kinks"])
def test_jumps_grow_like_h_and_kinks_like_h_cubed(sums, power):
    values = random_walk(400_000)
    for _ in range(sums):
        values = np.cumsum(values)
    ratio = structure_function(values[::16]) / structure_function(values[::8])
    assert ratio == pytest.approx(2.0**power, rel=0.1)


def test_windows_are_not_joined():
    assert structure_function(np.array([[0.0] * 6, [1.0] * 6])) == 0.0
