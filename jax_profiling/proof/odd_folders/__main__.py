"""Odd folders of lens modellers: what `--check` says about each, and the gate's verdict.

    .venv/bin/python -m jax_profiling.proof.odd_folders

Builds the folders of `folders.ODD_FOLDERS` in a scratch folder and gates each at the prior median and three draws. It writes
one JSON file per folder to `results/odd_folders/`, then `docs/workspace/odd_folders.md` from all files. A folder that has a
result of the same releases is not measured again, so an interrupted run continues. `--page` measures nothing.
"""

import argparse
import json
import logging
import tempfile
import warnings
from pathlib import Path

from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import provenance, report, verdict
from jax_profiling.gate.ladder import DEFAULT_RUNG
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.proof.odd_folders import page
from jax_profiling.proof.odd_folders.folders import ODD_FOLDERS, build, said_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import folder_to_write
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes, write_json

RESULTS = ROOT / "results" / "odd_folders"
PAGES = ROOT / "docs" / "workspace"

DRAWS = 3
"""Number of parameter vectors drawn from the priors, after their median."""


def summary_of(odd, say=lambda message: None):
    """Build an odd folder and gate it.

    Returns
    -------
    dict
        `report.summary_from`, with "check" (`folders.said_of`), "draws", "is_delaunay" (`Candidate.is_delaunay`), "penalty"
        (of positions, nats) and "releases" (`provenance.releases`).
    """
    with tempfile.TemporaryDirectory() as parent:
        lens = lens_folder.load(build(odd, Path(parent)), say=say)
        found = verdict.run(lens, rungs=[DEFAULT_RUNG], draws=DRAWS, progress=say)
        return report.summary_from(found) | {
            "check": said_of(odd, lens),
            "draws": DRAWS,
            "is_delaunay": found.default.is_delaunay,
            "penalty": float(found.reference.penalties[0]),
            "releases": provenance.releases(),
        }


def measure(odd):
    """Write the JSON file of an odd folder, unless it has one of the same releases."""
    path = RESULTS / f"{odd.name}.json"
    if path.exists() and json.loads(path.read_text())["releases"] == provenance.releases():
        return
    with progress_of(Console(), odd.name) as say:
        summary = summary_of(odd, say)
    with atomic_writes(RESULTS) as scratch:
        write_json(summary, scratch / path.name)
    found = summary["candidates"][0]
    print(
        f"{odd.name}: {found['verdict']}, {found['worst_nats']} nats, {found['unexplained']} unexplained.", flush=True
    )


def build_all(parent):
    """Write every odd folder into a new or empty folder."""
    if parent.exists() and any(parent.iterdir()):
        raise command.BadInput(f"--build: {parent} is not empty; give another folder.")
    for odd in ODD_FOLDERS:
        build(odd, parent)
    return 0


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    only = parser.add_mutually_exclusive_group()
    only.add_argument("--page", action="store_true", help="measure nothing, only rewrite the page")
    only.add_argument("--build", type=folder_to_write, help="only write the folders, into this folder")
    arguments = parser.parse_args(argv)
    logging.getLogger("autoarray").setLevel(logging.WARNING)
    warnings.filterwarnings("ignore")
    if arguments.build:
        return build_all(arguments.build)
    for odd in () if arguments.page else ODD_FOLDERS:
        measure(odd)
    found = page.write(RESULTS, PAGES)
    return 0 if all(summary["passed"] for summary in found.values()) else 1


if __name__ == "__main__":
    command.run(main)
