"""A lens that is quick to compile and its likelihoods, for tests that need a real fit; interrupts that reach commands."""

import signal
from functools import cache, partial

import pytest

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it runs in the background so, and the commands that tests interrupt would inherit it.
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def small():
    """The fiducial at Euclid's resolution, on a small mask and a coarse mesh: compiles in seconds."""
    return lens_folder.load("small")


@pytest.fixture(scope="session")
def likelihood_of(small):
    """Mesh class and its arguments -> `Likelihood` of `small`. The tests of a worker share its compiled programs.

    Not for tests that patch autoarray or change the model: a program stays as it was traced.
    """
    return cache(partial(Likelihood, small))
