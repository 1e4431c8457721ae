"""A lens that is quick to compile, for tests that need a real fit but not a large one."""

import pytest

from jax_profiling import lens as lens_folder


@pytest.fixture(scope="session")
def small():
    """The fiducial at Euclid's resolution, on a small mask and a coarse mesh: compiles in seconds."""
    return lens_folder.load("small")
