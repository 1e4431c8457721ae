"""
Regression: KNNBarycentric against Delaunay
===========================================

PyAutoLens reconstructs a lensed source on a Delaunay mesh. `KNNBarycentric` is the same mesh without a host callback, so
its log evidence must be Delaunay's. This script evaluates both on a lens folder, in one process, and gives a verdict on
`KNNBarycentric`, on approximate meshes and on autoarray's own meshes.

    python jax_profiling/jit/imaging/delaunay_knn_barycentric.py --lens hst --draws 8

It prints the verdict table and one sentence per lens, and writes `report.html`, `summary.json`, `summary.md` and figures to
`results/local/<lens>/`. The exit status is 0 if the gate passed on every lens, 1 if it failed on one, 2 if the input is bad.

__Contents__

- **Options:** what to compare, on which lens.
- **By hand:** a table and a report for each lens.
- **Under pytest:** one test per lens and check; `pytest --lens NAME` selects.
"""

import argparse
import json
import logging
import os
import sys
import warnings
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
LOCAL = ROOT / "results" / "local"
sys.path.insert(0, str(ROOT))

import jax_profiling  # noqa: E402, F401  isort: skip  (sets up JAX before anything imports it)

import autolens as al  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from rich.console import Console  # noqa: E402
from rich.markup import escape

from jax_profiling.gate import drift, report, verdict
from jax_profiling.gate.ladder import DEFAULT_RUNG, PEERS, RUNGS
from jax_profiling.gate.likelihood import Likelihood  # noqa: E402
from jax_profiling.gate.patches import log_dets  # noqa: E402
from jax_profiling.lenses import lens as lens_folder  # noqa: E402
from jax_profiling.lenses.check.figure import figure_from  # noqa: E402
from jax_profiling.lenses.check.table import table_from  # noqa: E402
from jax_profiling.lenses.files import Inspection  # noqa: E402
from jax_profiling.lenses.folder.info_schema import json_schema  # noqa: E402
from jax_profiling.speed import steps
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write, words_of  # noqa: E402
from jax_profiling.terminal.lines import print_line  # noqa: E402
from jax_profiling.terminal.progress import progress_of  # noqa: E402
from jax_profiling.terminal.writing import atomic_writes, check_writable  # noqa: E402
from knn_barycentric.mesh import KNNBarycentric

"""
__Options__
"""


def arguments_from(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--lens", action="append", help="name under dataset/imaging, or a folder; repeatable; 'all' (default hst)")
    add("--draws", type=at_least(0), default=0, help="also compare at N draws from the priors (seed 0)")
    known = [*RUNGS, *PEERS]
    add("--rungs", type=words_of(known), help=f"comma-separated, of: {', '.join(known)} (default all)")
    add(
        "--log-det",
        choices=("shipped", "accurate"),
        default="shipped",
        help="the log determinants: autoarray's, or those of `patch(log_det=True)` (default shipped)",
    )
    add("--profile", action="store_true", help="also time each step of the likelihood on both meshes")
    add("--output", type=folder_to_write, help="folder of the report (default results/local/<lens>)")
    add(
        "--check", action="store_true", help="show what was understood of the lens, a table and a figure, without a fit"
    )
    add("--schema", action="store_true", help="print the JSON schema of info.json and positions.json, and nothing else")
    add("--update-pins", action="store_true", help="pin the reference's log evidence for this autolens release")
    arguments = parser.parse_args(argv)
    if arguments.update_pins and arguments.check:
        parser.error("--check fits nothing that could be pinned; leave out --update-pins.")
    if arguments.update_pins and arguments.log_det != "shipped":
        parser.error("--update-pins: a pin has autolens's own log determinants; leave out --log-det accurate.")
    arguments.lens = lens_folder.named(arguments.lens or ["hst"])
    return arguments


"""
__By hand__
"""


@command.status_2_on_bad_input
def main(argv=None):
    arguments = arguments_from(argv)
    if arguments.schema:
        print(json.dumps(json_schema(), indent=1))
        return 0
    console = Console()
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore", message="Mask padded")
    lenses = loaded(arguments.lens, console, operators=not arguments.check)
    folders = [output_of(arguments, lens) for lens in lenses]
    if twice := next((each for each in folders if folders.count(each) > 1), None):
        raise command.BadInput(f"{twice}: two lenses write their report there; gate them one by one, with --output.")
    for folder in [*folders, *(lens.folder for lens in lenses if arguments.update_pins)]:
        check_writable(folder)
    if arguments.check:
        for lens, folder in zip(lenses, folders, strict=True):
            show(lens, folder, console)
        return 0
    if arguments.profile:
        for lens in lenses:
            steps.check_can_profile(lens, "--profile")

    with log_dets(arguments.log_det == "accurate"):
        gates = [
            judge(given, lens, folder, arguments, console)
            for given, lens, folder in zip(arguments.lens, lenses, folders, strict=True)
        ]
    if len(gates) > 1:
        report.write_lines(map(report.summary_line, gates), arguments.output or LOCAL)
    return 0 if all(found.passed for found in gates) else 1


def judge(given, lens, folder, arguments, console):
    """Compare the meshes on a lens, write the report, print it, and return the `Gate`."""
    with progress_of(console, lens.name) as progress:
        judged = partial(show_first, console) if arguments.rungs != [DEFAULT_RUNG] else lambda candidate: None
        found = verdict.run(lens, rungs=arguments.rungs, draws=arguments.draws, progress=progress, judged=judged)
    console.print(report.table_from(found))
    page = report.write(found, folder, command=command_of(arguments, given))
    if arguments.profile:
        with progress_of(console, lens.name) as progress:
            steps.write(steps.profile(lens, progress=progress), folder)
    pinned = pin_sentence_of(found) if arguments.update_pins else None
    for sentence in filter(None, (report.verdict_sentence(found), report.drift_sentence(found), pinned)):
        print_line(console, sentence)
    link = f"[link={page.resolve().as_uri()}]{escape(os.path.relpath(page))}[/link]"
    console.print(f"Report: {link}", highlight=False, soft_wrap=True)
    return found


def loaded(names, console, **keywords):
    """The lenses, after their notes are printed; the faults of all are raised together."""
    inspection, lenses = Inspection(), []
    for name in names:
        with progress_of(console, f"{name}: loading") as say:
            lenses.append(inspection.attempt(lens_folder.load, name, say=say, **keywords))
    inspection.finish()
    for note in (note for lens in lenses for note in lens.notes):
        print_line(console, f"Note: {note}")
    return lenses


def show_first(console, candidate):
    """Print the verdict of the default rung, while the other meshes are still compared."""
    if candidate.rung == DEFAULT_RUNG:
        console.print(f"{candidate.rung}: {candidate.verdict}. The other meshes follow.", highlight=False)


def show(lens, folder, console):
    """Print what was understood of a lens, and write the figure."""
    console.print(table_from(lens))
    with atomic_writes(folder) as scratch:
        figure_from(lens).savefig(scratch / "check.png", dpi=100)
    print_line(console, f"Figure: {os.path.relpath(folder)}/check.png\n")


def output_of(arguments, lens):
    """The folder of a lens's report."""
    base = arguments.output or LOCAL / lens.name
    return base / lens.name if arguments.output and len(arguments.lens) > 1 else base


def command_of(arguments, lens):
    """The words of the command that repeats the run on one lens, by the name or folder that was given."""
    # A folder may have been given relative to another folder than the root.
    lens = os.path.abspath(lens) if Path(lens).is_dir() and os.sep in lens else lens
    words = ["python", Path(__file__).resolve().relative_to(ROOT), "--lens", lens]
    words += ["--draws", arguments.draws, "--log-det", arguments.log_det]
    return words + (["--rungs", ",".join(arguments.rungs)] if arguments.rungs else [])


def pin_sentence_of(found):
    """Update the pin and say so, or say why the pin is kept."""
    try:
        old, new = drift.update_pin(found)
    except ValueError as error:
        return str(error)
    return f"{found.lens.name}: pin of autolens {al.__version__}: {old} -> {new}."


"""
__Under pytest__

On every lens one batched program evaluates the prior median and two draws. The other modes, and autoarray's own mesh, are
compared on the smallest lens and on the lenses of `--lens`.
"""

DRAWS, PERTURBATIONS = 2, 2


@pytest.fixture(scope="module")
def found(lens):
    return verdict.run(lens, rungs=[DEFAULT_RUNG], draws=DRAWS, perturbations=PERTURBATIONS)


@pytest.mark.every_lens
def test_gate_passes(found, record_property):
    record_property("gate", json.dumps(report.summary_line(found)))
    assert found.passed
    assert found.default.verdict == "drop-in"
    assert found.default.draws == DRAWS


@pytest.mark.every_lens
def test_default_rung_is_delaunay_under_vmap(found):
    assert found.default.is_delaunay


@pytest.mark.every_lens
def test_reference_has_not_drifted(found):
    assert found.lens.expected, f"{found.lens.name} has no pin; --update-pins writes one"
    assert found.drift is None, report.drift_sentence(found)


@pytest.mark.slow
def test_default_rung_is_delaunay_at_32_draws(lens):
    default = verdict.run(lens, rungs=[DEFAULT_RUNG], draws=32).default
    assert default.draws > 0
    assert default.is_delaunay


@pytest.mark.small_lens
def test_default_rung_is_delaunay_under_jit(lens, found):
    alone = verdict.run(lens, rungs=[DEFAULT_RUNG], perturbations=PERTURBATIONS)
    assert alone.default.is_delaunay
    assert alone.log_evidence == pytest.approx(found.log_evidence, rel=1.0e-9)


@pytest.mark.small_lens
def test_default_rung_is_delaunay_eagerly(lens, found):
    """On NumPy, where another NNLS solver changes both meshes alike."""
    likelihoods = [Likelihood(lens, mesh_cls) for mesh_cls in (al.mesh.Delaunay, KNNBarycentric)]
    reference, default = (float(each.evidence(each.prior_medians, xp=np).log_evidence) for each in likelihoods)
    assert abs(default - reference) <= min(1.0e-6, 1.0e-9 * abs(reference))
    assert reference == pytest.approx(found.log_evidence, rel=1.0e-8)


@pytest.mark.small_lens
def test_shipped_knn_barycentric_is_not_drop_in(lens, found):
    mesh_cls, arguments = PEERS["autoarray KNNBarycentric"]
    shipped = Likelihood(lens, mesh_cls, **arguments)
    log_evidence = float(shipped.jitted(shipped.prior_medians).log_evidence)
    assert log_evidence != pytest.approx(found.log_evidence, rel=1.0e-3)


if __name__ == "__main__":
    command.run(main)
