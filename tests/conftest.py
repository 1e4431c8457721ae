"""A lens that is quick to compile, for tests that need a real fit but not a large one; interrupts that reach commands."""

import signal

import pytest

from jax_profiling.lenses import lens as lens_folder

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and the commands that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def small():
    """The fiducial at Euclid's resolution, on a small mask and a coarse mesh: compiles in seconds."""
    return lens_folder.load("small")
