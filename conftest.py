"""Which lenses the scripts' tests run on, how they spread over workers, and the one report that they make together."""

import json
import os

if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    # Workers that share cores wait for each other at every step of a compiled loop, a hundredfold.
    _cores = sorted(os.sched_getaffinity(0))
    _worker, _workers = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.sched_setaffinity(0, set(_cores[_worker::_workers]) or {_cores[_worker % len(_cores)]})

import jax_profiling  # noqa: F401  E402  isort: skip  (sets up JAX before any test module imports it)

import pytest  # noqa: E402

from jax_profiling.gate import report  # noqa: E402
from jax_profiling.lenses import lens as lens_folder  # noqa: E402

FIRST_LENS = "hst"
"""The lens on which every check is in the default selection; on the others most are slow."""

LENSES_OF_KNOWN_KINDS = {"ao", "clumpy", "cross", "euclid", "faint", "fold", "jwst", "shallow", "steep"}
"""Lenses with a mesh and a fit like another lens has: checks on them do not run by default."""


def pytest_addoption(parser):
    parser.addoption(
        "--lens", action="append", help="only these lenses: a name under dataset/imaging, or a folder; repeatable"
    )


def lenses_of(config):
    """Lens -> whether the user named it, with --lens or in KNN_LENSES. Without --lens, all lens folders are included."""
    chosen = config.getoption("--lens") or []
    if chosen and "all" not in chosen:
        return dict.fromkeys(chosen, True)
    own = filter(None, os.environ.get("KNN_LENSES", "").split(os.pathsep))
    # The one that takes longest goes first.
    return dict.fromkeys([FIRST_LENS, *lens_folder.names()], False) | dict.fromkeys(own, True)


def pytest_generate_tests(metafunc):
    if "lens_name" not in metafunc.fixturenames:
        return
    every_lens = metafunc.definition.get_closest_marker("every_lens") is not None
    parameters = []
    for name, asked_for in lenses_of(metafunc.config).items():
        # A lens's compilations stay on one worker.
        marks = [pytest.mark.xdist_group(name)]
        if not (asked_for or name == FIRST_LENS or (every_lens and name not in LENSES_OF_KNOWN_KINDS)):
            marks.append(pytest.mark.slow)
        parameters.append(pytest.param(name, marks=marks))
    metafunc.parametrize("lens_name", parameters, scope="module")


@pytest.fixture(scope="module")
def lens(lens_name):
    """The lens of this test, loaded and checked."""
    return lens_folder.load(lens_name)


class GateReport:
    """Brings the gates of all workers together: they travel as user properties of the tests, also into JUnit's file."""

    def __init__(self, config):
        self.folder = config.rootpath / "results" / "local"
        self.lines = []

    def pytest_runtest_logreport(self, report):
        if report.when == "call":
            self.lines += [json.loads(value) for name, value in report.user_properties if name == "gate"]

    def pytest_terminal_summary(self, terminalreporter):
        if self.lines:
            report.write_lines(self.lines, self.folder)
            terminalreporter.write_line(f"Gates of {len(self.lines)} lenses: results/local/summary.md")


def pytest_configure(config):
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(GateReport(config))
