"""Which lenses the scripts' tests run on, and how they spread over workers."""

import os

if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    # Workers that share cores wait for each other at every step of a compiled loop, a hundredfold.
    _cores = sorted(os.sched_getaffinity(0))
    _worker, _workers = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.sched_setaffinity(0, set(_cores[_worker::_workers]) or {_cores[_worker % len(_cores)]})

import jax_profiling  # noqa: F401  E402  isort: skip  (sets up JAX before any test module imports it)

import pytest  # noqa: E402

from jax_profiling import lens as lens_folder  # noqa: E402


def pytest_addoption(parser):
    parser.addoption(
        "--lens", action="append", help="only these lenses: a name under dataset/imaging, or a folder; repeatable"
    )


def lens_names(config):
    """The lenses that every check runs on: --lens, else the lens folders and those that KNN_LENSES names."""
    chosen = config.getoption("--lens")
    if chosen and "all" not in chosen:
        return chosen
    return [*lens_folder.names(), *filter(None, os.environ.get("KNN_LENSES", "").split(os.pathsep))]


def pytest_generate_tests(metafunc):
    if "lens_name" in metafunc.fixturenames:
        # A lens's compilations stay on one worker.
        lenses = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in lens_names(metafunc.config)]
        metafunc.parametrize("lens_name", lenses, scope="module")


@pytest.fixture(scope="module")
def lens(lens_name):
    """The lens of this test, loaded and checked."""
    return lens_folder.load(lens_name)
