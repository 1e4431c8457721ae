"""Random lenses on the same cutout: they share compiled programs, so the tests compile few."""

import pytest

from jax_profiling.lenses.simulated import population


@pytest.fixture(scope="session")
def names():
    """The names of four lenses at Euclid's resolution, within 2 arcsec."""
    specs = {name: population.spec_of_name(name) for name in population.names_of(20, seed=0)}
    same = [name for name, spec in specs.items() if (spec.instrument, spec.info["mask_radius"]) == ("euclid", 2.0)]
    return same[:4]
