"""Run upstream's unit tests on autoarray as it is, and patched, and compare the outcomes.

    .venv/bin/python -m jax_profiling.patch.upstream_tests --source FOLDER

FOLDER contains checkouts of autoarray, autogalaxy and autolens at the installed release, under any names, each with its folder
of tests (`test_autoarray` and so on). Upstream's sdists contain no tests. The tests run unchanged, in the states of
`upstream_plugin.STATES`, on the installed packages. Every test is printed that has another outcome than on the unchanged ones.

Exit status: 0 if there is none, 1 if there are some, 2 if FOLDER is not usable.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from importlib import metadata
from pathlib import Path
from xml.etree import ElementTree

from jax_profiling.patch.upstream_plugin import STATES
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least

PACKAGES = ("autoarray", "autogalaxy", "autolens")

SHIPPED, *PATCHED = STATES

NO_TESTS_COLLECTED = 5
"""pytest's exit status if no test matches."""

BY_DESIGN = {
    "test__mesh_class__interpolator_cls_is_knn_barycentric": "the patch replaces this class, and its interpolator",
    "test__mesh_class__inherits_knn_knobs": "the patch replaces this class, which has Delaunay's constructor",
}
"""Upstream's tests of the class that `patch` replaces: name -> why its outcome may change. They are printed and not counted."""


def checkouts_in(source):
    """Package -> its checkout in a folder, or the folder itself if the tests are directly in it.

    Raises
    ------
    command.BadInput
        If a package has no folder of tests, or is not at the installed release.
    """
    found = {}
    for package in PACKAGES:
        tests = sorted(source.glob(f"test_{package}")) + sorted(source.glob(f"*/test_{package}"))
        if not tests:
            raise command.BadInput(
                f"{source} has no folder test_{package}, at the top or one level down; give a folder with checkouts of "
                f"{', '.join(PACKAGES)}. Upstream's sdists contain no tests."
            )
        found[package] = tests[0].parent
        _check_release(package, found[package])
    return found


def _check_release(package, checkout):
    init = checkout / package / "__init__.py"
    match = re.search(r'^__version__ = "(.+)"', init.read_text(), re.MULTILINE) if init.exists() else None
    installed = metadata.version(package)
    if match is None or match[1] != installed:
        found = "no __version__" if match is None else f"release {match[1]}"
        raise command.BadInput(
            f"{init} has {found}, and {package} {installed} is installed; check out the tag {installed}."
        )


def outcomes_of(package, checkout, state, options=()):
    """The outcomes of a package's tests in one state of autoarray: name -> (outcome, the first line of its message).

    Parameters
    ----------
    package
        One of `PACKAGES`.
    checkout
        The folder that contains `test_<package>`.
    state
        A key of `upstream_plugin.STATES`.
    options
        Further options of pytest.

    Raises
    ------
    command.BadInput
        If pytest wrote no outcomes. No test that matches is not an error.
    """
    with tempfile.TemporaryDirectory() as scratch:
        report, ini = Path(scratch) / "junit.xml", checkout / "pyproject.toml"
        arguments = ["-p", "jax_profiling.patch.upstream_plugin", "--state", state, f"--junitxml={report}", "--quiet"]
        arguments += ["--rootdir", checkout, "-c", ini if ini.exists() else os.devnull, "-p", "no:cacheprovider"]
        arguments += ["--continue-on-collection-errors", *options, f"test_{package}"]
        # -P keeps the checkout's own sources off the path: the installed package is under test.
        ran = subprocess.run(
            [sys.executable, "-P", "-m", "pytest", *arguments], cwd=checkout, capture_output=True, text=True
        )
        outcomes = outcomes_from(report) if report.exists() else {}
    if not outcomes and ran.returncode != NO_TESTS_COLLECTED:
        *_, last = ["no output", *(ran.stdout + ran.stderr).strip().splitlines()]
        raise command.BadInput(f"{checkout / f'test_{package}'} cannot be run ({last}); run pytest there to see why.")
    return outcomes


def outcomes_from(report):
    """The outcomes in a JUnit XML file: name -> (outcome, the first line of its message)."""
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        results = [each for each in case if each.tag in ("failure", "error", "skipped")]
        tag, message = (results[0].tag, results[0].get("message") or "") if results else ("passed", "")
        found[name] = tag, " ".join(message.splitlines()[:1])
    return found


def differences_between(shipped, patched):
    """Sentences on every test with another outcome, in two dictionaries of `outcomes_from`: (unexpected, by design)."""
    unexpected, by_design = [], []
    for name in sorted(shipped.keys() | patched.keys()):
        (before, _), (after, message) = (each.get(name, ("missing", "")) for each in (shipped, patched))
        if before == after:
            continue
        sentence = f"{name}: {before}, then {after}{f' ({message})' if message else ''}"
        reason = BY_DESIGN.get(name.rpartition("::")[2])
        if reason is None:
            unexpected.append(sentence)
        else:
            by_design.append(f"{sentence}; by design: {reason}")
    return unexpected, by_design


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--source", type=Path, required=True, help="folder with the checkouts")
    parser.add_argument(
        "--only", metavar="EXPRESSION", help="pytest's -k, such as 'inversion or mesh' (default all tests)"
    )
    parser.add_argument("--workers", type=at_least(0), default=0, help="processes of pytest-xdist (default 0: none)")
    arguments = parser.parse_args(argv)
    options = [
        *(["-k", arguments.only] if arguments.only else []),
        *(["-n", str(arguments.workers)] if arguments.workers else []),
    ]
    tests = different = 0
    for package, checkout in checkouts_in(arguments.source.absolute()).items():
        shipped = outcomes_of(package, checkout, SHIPPED, options)
        tests += len(shipped)
        failing = sum(outcome in ("failure", "error") for outcome, _ in shipped.values())
        print(f"{package}, {SHIPPED}: {len(shipped)} tests, {failing} of them fail.", flush=True)
        for state in PATCHED:
            unexpected, by_design = differences_between(shipped, outcomes_of(package, checkout, state, options))
            print(f"{package}, {state}: {len(unexpected)} differences, {len(by_design)} by design.", flush=True)
            print(
                *(f"  {each}" for each in (*unexpected, *by_design)),
                sep="\n",
                end="\n" if unexpected or by_design else "",
            )
            different += len(unexpected)
    if not tests:
        raise command.BadInput(
            f"No test in {arguments.source} matches {arguments.only or 'anything'}; give another --only."
        )
    return 1 if different else 0


if __name__ == "__main__":
    command.run(main)
