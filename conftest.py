"""Which lenses the scripts' tests run on, how tests spread over workers, and what workers share: programs and a report."""

import json
import os
from pathlib import Path

if "PYTEST_XDIST_WORKER" in os.environ and hasattr(os, "sched_setaffinity"):
    # Workers that share cores wait for each other at every step of a compiled loop, a hundredfold.
    _cores = sorted(os.sched_getaffinity(0))
    _worker, _workers = int(os.environ["PYTEST_XDIST_WORKER"][2:]), int(os.environ["PYTEST_XDIST_WORKER_COUNT"])
    os.sched_setaffinity(0, set(_cores[_worker::_workers]) or {_cores[_worker % len(_cores)]})

# All compiled programs are kept: for the other workers, and for the next run. autolens keeps those that compile for a second.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(__file__).parent / ".jax_cache"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")

import jax_profiling  # noqa: F401  E402  isort: skip  (sets up JAX before any test module imports it)

import pytest  # noqa: E402

from jax_profiling.gate import report  # noqa: E402
from jax_profiling.lenses import lens as lens_folder  # noqa: E402

FIRST_LENS = "hst"
"""The lens on which checks are in the default selection; on the others most are slow."""

SMALL_LENS = "small"
"""The lens that takes the place of `FIRST_LENS` for checks marked `small_lens`."""

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
    chosen = [each for each in chosen if each != "all"]
    own = filter(None, os.environ.get("KNN_LENSES", "").split(os.pathsep))
    # The one that takes longest goes first.
    return dict.fromkeys([FIRST_LENS, *lens_folder.names()], False) | dict.fromkeys([*own, *chosen], True)


def pytest_generate_tests(metafunc):
    if "lens_name" not in metafunc.fixturenames:
        return
    every_lens, small_lens = (
        metafunc.definition.get_closest_marker(marker) is not None for marker in ("every_lens", "small_lens")
    )
    default = SMALL_LENS if small_lens else FIRST_LENS
    parameters = []
    for name, asked_for in lenses_of(metafunc.config).items():
        # The tests of one file on one lens share compiled programs.
        marks = [pytest.mark.xdist_group(f"{metafunc.definition.path.name} {name}")]
        if not (asked_for or name == default or (every_lens and name not in LENSES_OF_KNOWN_KINDS)):
            marks.append(pytest.mark.slow)
        parameters.append(pytest.param(name, marks=marks))
    metafunc.parametrize("lens_name", parameters, scope="module")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Keep every file on one worker, because its tests share compiled programs."""
    for item in items:
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.nodeid.partition("::")[0]))


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
