"""Continuity: events in tables, bisection, jumps, slopes and the structure function."""

import numpy as np
import pytest

import knn_barycentric
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.continuity import __main__ as continuity
from jax_profiling.proof.continuity import modes
from jax_profiling.proof.continuity.bisection import bisect
from jax_profiling.proof.continuity.events import GEOMETRIC, Tables, active_of, count_events
from jax_profiling.proof.continuity.measure import Amount, Brackets
from jax_profiling.proof.continuity.meshes import MESHES, likelihood_of
from jax_profiling.proof.continuity.page import tables as page
from jax_profiling.proof.continuity.structure import jump_and_slopes, structure_function
from jax_profiling.proof.continuity.transects import mass_parameters, prior_widths, transects_of
from jax_profiling.terminal.command import BadInput

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


def test_a_wide_gap_adds_nothing_to_the_jump():
    jump, _, _ = steps_around(lambda t: 5.0 * t + 0.25 * (t > 0.0), gap=0.1)
    assert jump == pytest.approx(0.25, rel=1.0e-9)


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


@pytest.fixture(scope="module")
def small():
    return lens_folder.load("small")


def test_lines_change_mass_parameters_only(small):
    model = likelihood_of(small, "linear").model
    names, lines = mass_parameters(model), transects_of(model)
    assert set(names.values()) == {
        *("mass.einstein_radius", "shear.gamma_1", "shear.gamma_2"),
        *("centre.centre_0", "centre.centre_1", "ell_comps.ell_comps_0", "ell_comps.ell_comps_1"),
    }
    light = [number for number in range(model.prior_count) if number not in names]
    assert light and not lines.directions[:, light].any()
    assert lines.names[0] == "einstein_radius"


def test_a_step_of_one_is_one_prior_width(small):
    lines = transects_of(likelihood_of(small, "linear").model)
    widths = prior_widths(small.model)
    np.testing.assert_allclose(np.linalg.norm(lines.directions / widths, axis=1), 1.0)
    start, end = lines.at(0, [0.0, 2.0])
    # The prior of the Einstein radius is a Gaussian with a standard deviation of 0.05 arcsec.
    assert np.abs(end - start).max() == pytest.approx(0.1, rel=1.0e-6)


def test_every_mesh_has_the_same_parameters(small):
    origins = [transects_of(likelihood_of(small, mesh).model).origin for mesh in MESHES]
    assert all((origin == origins[0]).all() for origin in origins)


def test_vectors_of_modes_stay_inside_their_priors():
    likelihood = likelihood_of(lens_folder.load("gradient_search"), "linear")
    vectors = modes.vectors_of(likelihood)
    assert len(vectors) == modes.VECTORS and len(np.unique(vectors, axis=0)) == modes.VECTORS
    assert np.isfinite([likelihood.model.log_prior_list_from_vector(vector=vector) for vector in vectors]).all()


def test_a_file_of_the_same_settings_is_not_measured_again(tmp_path):
    path, settings = tmp_path / "lens.linear.json", {"releases": {"autolens": "1"}}
    assert continuity.measured_or(path, settings, lambda: {"value": 1})["value"] == 1
    assert continuity.measured_or(path, settings, lambda: pytest.fail("measured again"))["value"] == 1
    with pytest.raises(BadInput, match=r"lens.linear.json: measured with releases .*'1'.*, not .*'2'"):
        continuity.measured_or(path, {"releases": {"autolens": "2"}}, lambda: pytest.fail("measured again"))


@pytest.mark.parametrize("meshes", [["rectangular", "linear", "sibson"], ["linear", "rectangular", "sibson"]])
def test_triangles_share_their_programs_and_no_others_do(small, monkeypatch, tmp_path, meshes):
    no_brackets = Brackets(*(np.zeros(0) for _ in range(4)), np.zeros((0, 2)))
    seen = {}

    def evaluate(programs, *others):
        seen[programs.likelihood.model.galaxies.source.pixelization.mesh.cls.__name__] = programs.geometry
        return {}

    monkeypatch.setattr(continuity, "find_brackets", lambda *arguments: ({}, no_brackets))
    monkeypatch.setattr(continuity, "evidence_along", evaluate)
    continuity.measure_lens("small", meshes, Amount(1, 1, 1, 1), 2, tmp_path)
    assert seen["KNNBarycentric"] is seen["NaturalNeighbor"] is not seen["RectangularBilinearAdaptDensity"]


def test_an_unknown_mesh_gives_one_sentence(capsys):
    with pytest.raises(SystemExit):
        continuity.main(["--meshes", "voronoi"])
    assert "voronoi is unknown" in capsys.readouterr().err


def test_the_page_shows_the_measured_values(tmp_path):
    found = page.write(continuity.RESULTS, tmp_path)
    assert found and set(found["small"]) == set(MESHES)
    assert (tmp_path / "continuity.md").read_text() == (
        continuity.ROOT / "docs" / "searches" / "continuity.md"
    ).read_text()
    assert (tmp_path / "continuity_profile.png").exists() and (tmp_path / "continuity_structure.png").exists()


@pytest.mark.slow
@pytest.mark.parametrize("lens", ["small", "no_light"])
def test_evidence_is_the_same_in_every_mode(lens):
    knn_barycentric.patch(log_det=True, natural_neighbors=True)
    try:
        for mesh in ("linear", "sibson"):
            found = modes.mode_differences_of(likelihood_of(lens_folder.load(lens), mesh))
            assert all(value <= 1.0e-9 for value in found.values())
    finally:
        knn_barycentric.unpatch()
