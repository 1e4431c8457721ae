"""Drawn lenses: a name always gives the same lens, and every lens is discoverable."""

import autolens as al
import numpy as np
import pytest

from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.simulated import population
from jax_profiling.lenses.simulated.spec import BACKGROUND_SKY_LEVEL, EXPOSURE_TIME, PIXEL_SCALES, shape_native_of

NAMES = population.names_of(12, seed=3)


@pytest.fixture(scope="module")
def specs():
    return [population.spec_of_name(name) for name in NAMES]


def test_a_name_always_gives_the_same_lens():
    one, other = (population.spec_of_name("population-3-0004") for _ in range(2))
    assert one.geometry == other.geometry
    assert one.tracer.galaxies[0].mass.einstein_radius == other.tracer.galaxies[0].mass.einstein_radius
    assert one.noise_seed == other.noise_seed
    assert population.spec_of_name("population-4-0004").geometry != one.geometry


def test_every_ring_is_resolved_and_fits_its_cutout(specs):
    for spec in specs:
        radius = spec.tracer.galaxies[0].mass.einstein_radius
        assert PIXEL_SCALES[spec.instrument] < radius <= spec.info["mask_radius"] - population.MARGIN


def test_every_source_has_the_drawn_signal_to_noise(specs):
    for spec in specs:
        scale = PIXEL_SCALES[spec.instrument]
        grid = al.Grid2D.uniform(shape_native=shape_native_of(spec.info["mask_radius"], scale), pixel_scales=scale)
        lens, source = (np.asarray(image.array) for image in spec.tracer.image_2d_list_from(grid=grid))
        profiles = [
            profile for key, profile in vars(spec.tracer.galaxies[1]).items() if key.startswith(("disc", "clump"))
        ]
        assert source.sum() * scale**2 >= 3.0 * sum(map(population._flux_of, profiles)) * (1.0 - 1.0e-9)
        variance = (lens + source + BACKGROUND_SKY_LEVEL) / EXPOSURE_TIME
        drawn = spec.info["signal_to_noise"]
        assert drawn >= 20.0
        assert np.sqrt((source**2 / variance).sum()) == pytest.approx(drawn, rel=1.0e-2)


def test_half_the_lenses_have_twice_the_signal_to_noise():
    rng = np.random.default_rng(5)
    drawn = np.array([population._signal_to_noise_of(rng) for _ in range(10_000)])
    assert np.mean(drawn > 40.0) == pytest.approx(0.5, abs=0.02)


def test_default_priors_come_from_autolens():
    around, default = (population.spec_of_name(f"population-3-0004{end}") for end in ("", "-default"))
    assert default.geometry == around.geometry
    mass = default.model.galaxies.lens.mass
    assert mass.cls is al.mp.Isothermal
    assert (mass.einstein_radius.lower_limit, mass.einstein_radius.upper_limit) == (0.0, 8.0)


def test_a_drawn_lens_is_loaded_by_name():
    lens = lens_folder.load("population-3-0004")
    assert lens.name == "population-3-0004"
    assert lens.info["einstein_radius"] == population.spec_of_name(lens.name).info["einstein_radius"]


def test_a_wrong_name_raises():
    with pytest.raises(LensError, match="population-SEED-NUMBER"):
        population.spec_of_name("population-seven")
