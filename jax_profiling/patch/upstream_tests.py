"""Run upstream's unit tests on autoarray as it is, and patched, and compare the outcomes.

    .venv/bin/python -m jax_profiling.patch.upstream_tests --source FOLDER

FOLDER contains checkouts of autoarray, autogalaxy and autolens at the installed release, under any names, each with its folder
of tests (`test_autoarray` and so on). Upstream's sdists contain no tests. The tests run unchanged, in the states of
`upstream_plugin.STATES`, on the installed packages. Every test is printed that has another outcome than on the unchanged ones.

Exit status: 0 if there is none, 1 if there are some, 2 if FOLDER is not usable, or if no test of a package passes unchanged.
"""

import argparse
import os
import re
import shlex
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

PATCH, BOTH, _ = PATCHED

NO_TESTS_COLLECTED = 5
"""pytest's exit status if no test matches."""

REPLACED = "the patch replaces this class, and its interpolator"
OWN_LOG_DET = "the test counts calls of autoarray's log determinant of F + H, and the patch has its own"

BY_DESIGN = {
    "test__mesh_class__interpolator_cls_is_knn_barycentric": ((PATCH, BOTH), REPLACED),
    "test__mesh_class__inherits_knn_knobs": ((PATCH, BOTH), REPLACED),
    "test__barycentric_dual_area__numpy_matches_jax_in_graph": (
        (BOTH,),
        "the test wants the triangles in Qhull's order; they are the same triangles",
    ),
    "test__log_det_curvature_reg_matrix_term__real_inversion__fast_path_matches_dense": ((BOTH,), OWN_LOG_DET),
    "test__log_det_curvature_reg_matrix_term__edge_zeroing_with_no_edge_pixels__fast_path_fires": (
        (BOTH,),
        OWN_LOG_DET,
    ),
    "test__log_det_regularization_matrix_term__small_split_matrix__never_reaches_splu": (
        (BOTH,),
        "the test compares with the formed matrix to 1e-12; the patch is right to 1e-14, the formed matrix to 6e-10",
    ),
}
"""Upstream's tests that may fail in some states: name without parameters -> (states, why). They are printed and not counted."""


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


def command_of(package, checkout, state, options=()):
    """The command (list of str) that runs a package's tests in one state of autoarray, in the folder `checkout`."""
    ini = checkout / "pyproject.toml"
    # -P keeps the checkout's own sources off the path: the installed package is under test.
    arguments = [sys.executable, "-P", "-m", "pytest", "-p", "jax_profiling.patch.upstream_plugin", "--state", state]
    arguments += ["--quiet", "--rootdir", str(checkout), "-c", str(ini if ini.exists() else os.devnull)]
    return arguments + ["-p", "no:cacheprovider", "--continue-on-collection-errors", *options, f"test_{package}"]


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
        If pytest wrote no outcomes on the unchanged package. In a patched state, that means that all tests are missing. No
        test that matches is not an error.
    """
    arguments = command_of(package, checkout, state, options)
    with tempfile.TemporaryDirectory() as scratch:
        report = Path(scratch) / "junit.xml"
        ran = subprocess.run([*arguments, f"--junitxml={report}"], cwd=checkout, capture_output=True, text=True)
        outcomes = outcomes_from(report) if report.exists() else {}
    if not outcomes and ran.returncode != NO_TESTS_COLLECTED and state == SHIPPED:
        *_, last = ["no output", *(ran.stdout + ran.stderr).strip().splitlines()]
        raise command.BadInput(
            f"{checkout / f'test_{package}'} cannot be run: pytest ended with status {ran.returncode} ({last}). To see "
            f"why, run there: {shlex.join(arguments)}"
        )
    return outcomes


def outcomes_from(report):
    """The outcomes in a JUnit XML file: name -> (outcome, one line of its message).

    If a test and its teardown both fail, the failure of the test counts. A file that cannot be collected counts as one test.
    """
    found = {}
    for case in ElementTree.parse(report).iter("testcase"):
        name = "::".join(filter(None, (case.get("classname"), case.get("name"))))
        results = [each for each in case if each.tag in ("failure", "error", "skipped")]
        if found.get(name, ("passed", ""))[0] == "passed":
            found[name] = (results[0].tag, _message_of(results[0])) if results else ("passed", "")
    return found


def _message_of(result):
    """The first line of a message, or why a file cannot be collected."""
    message, reasons = result.get("message") or "", re.findall("^E +(.*)", result.text or "", re.MULTILINE)
    return reasons[-1] if message == "collection failure" and reasons else message.partition("\n")[0]


def differences_between(shipped, patched, state):
    """Sentences on every test with another outcome in a state, from two dictionaries of `outcomes_from`.

    Returns
    -------
    unexpected, by_design
        Lists of str.
    """
    unexpected, by_design = [], []
    for name in sorted(shipped.keys() | patched.keys()):
        (before, _), (after, message) = (each.get(name, ("missing", "")) for each in (shipped, patched))
        if before == after:
            continue
        sentence = f"{name}: {before}, then {after}{f' ({message})' if message else ''}"
        # A parameter in the name may contain anything.
        states, reason = BY_DESIGN.get(name.partition("[")[0].rpartition("::")[2], ((), None))
        if state in states and after == "failure":
            by_design.append(f"{sentence}; by design: {reason}")
        else:
            unexpected.append(sentence)
    return unexpected, by_design


def compare(package, checkout, options, may_be_empty):
    """Run a package's tests in all states, and print what differs.

    Parameters
    ----------
    package, checkout, options
        As in `outcomes_of`.
    may_be_empty
        Whether the options may select no test.

    Returns
    -------
    tests, different
        The number of tests, and of unexpected differences.

    Raises
    ------
    command.BadInput
        If no test passes on the unchanged package: then a patch cannot break any.
    """

    def say(text):
        print(f"{package}, {text}", flush=True)

    say(f"{SHIPPED} ...")
    shipped = outcomes_of(package, checkout, SHIPPED, options)
    failing = {name: message for name, (outcome, message) in shipped.items() if outcome in ("failure", "error")}
    passing = sum(outcome == "passed" for outcome, _ in shipped.values())
    if not passing and not (may_be_empty and not shipped):
        why = next((f"{name}: {message}" for name, message in failing.items()), "there is none")
        raise command.BadInput(
            f"None of the tests in {checkout / f'test_{package}'} passes on the unchanged {package} ({why}), so there is "
            f"nothing to compare. To see why, run there: {shlex.join(command_of(package, checkout, SHIPPED, options))}"
        )
    say(f"{SHIPPED}: {passing} tests pass, {len(failing)} fail, {len(shipped) - passing - len(failing)} are skipped.")
    for name, message in failing.items():
        print(f"  fails: {name} ({message})")
    different = 0
    for state in PATCHED if shipped else ():
        unexpected, by_design = differences_between(shipped, outcomes_of(package, checkout, state, options), state)
        say(f"{state}: {len(unexpected)} differences, {len(by_design)} by design.")
        for sentence in (*unexpected, *by_design):
            print(f"  {sentence}")
        if unexpected:
            print(f"  To see why, run in {checkout}: {shlex.join(command_of(package, checkout, state, options))}")
        different += len(unexpected)
    return len(shipped), different


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
    checkouts = checkouts_in(arguments.source.absolute())
    counts = [compare(*each, options, may_be_empty=arguments.only is not None) for each in checkouts.items()]
    tests, different = map(sum, zip(*counts))
    if not tests:
        raise command.BadInput(f"No test in {arguments.source} matches {arguments.only}; give another --only.")
    return 1 if different else 0


if __name__ == "__main__":
    command.run(main)
