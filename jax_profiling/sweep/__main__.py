"""Run the gate over many lenses, on a cluster.

    .venv/bin/python -m jax_profiling.sweep --population 300 --draws 8
    .venv/bin/python -m jax_profiling.sweep --lenses FOLDER... --scheduler tcp://HOST:PORT --output FOLDER

The unit of work is a chunk: one lens and some of its parameter vectors. Every result is a file of its own in the output
folder, and a chunk with a result is not run again. To resume a sweep, run the same command. The folder's `summary.md` has the
verdicts.

The exit status is 0 if the default mesh passed on every lens. It is 1 if the mesh failed on a lens or a chunk has no result. It
is 2 if the input is bad or the cluster is unavailable.
"""

import argparse
import importlib.util
import os
import warnings

from filelock import FileLock, Timeout
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate import provenance, verdict
from jax_profiling.lenses.simulated import population
from jax_profiling.sweep import records, summary
from jax_profiling.sweep.chunks import VECTORS_PER_CHUNK, Settings, chunks_of, lens_folders_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write, words_of
from jax_profiling.terminal.lines import print_line
from jax_profiling.terminal.progress import progress_bar_of
from jax_profiling.terminal.writing import atomic_writes, write_json


def arguments_from(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    lenses = parser.add_mutually_exclusive_group()
    lenses.add_argument(
        "--lenses", nargs="+", metavar="FOLDER", help="lens folders, folders of lens folders, or names of lenses"
    )
    lenses.add_argument(
        "--population",
        type=at_least(1),
        metavar="N",
        help="N random lenses (jax_profiling/lenses/simulated/population.py)",
    )
    add("--seed", type=at_least(0), default=0, help="seed of the population (default 0)")
    add(
        "--priors",
        choices=population.PRIORS,
        default="truth",
        help="priors of the population: around the truth, or autolens's defaults",
    )
    add("--draws", type=at_least(0), default=8, help="draws from the priors, after their median (default 8)")
    rungs = words_of([*verdict.RUNGS, *verdict.PEERS])
    add("--rungs", type=rungs, default=verdict.DEFAULT_RUNG, help="comma-separated, as in the gate (default delaunay)")
    add("--log-det", choices=("shipped", "accurate"), default="shipped", help="log determinant, as in the gate")
    add("--scheduler", default="local", help="local (default), tcp://HOST:PORT of a running scheduler, or slurm")
    add("--slurm", metavar="FILE", help="YAML file with keyword arguments of dask_jobqueue.SLURMCluster")
    add("--job-script", action="store_true", help="print the SLURM job script, and submit nothing")
    add("--workers", type=at_least(1), help="single-threaded processes (default: one per core; with SLURM: 1)")
    add(
        "--output",
        type=folder_to_write,
        default=str(ROOT / "results" / "local" / "sweep"),
        help="folder of the results and the summary (default results/local/sweep)",
    )
    arguments = parser.parse_args(argv)
    arguments.rungs = list(dict.fromkeys([verdict.DEFAULT_RUNG, *arguments.rungs]))
    if not arguments.job_script and not (arguments.lenses or arguments.population):
        parser.error("give --lenses FOLDER, or --population N.")
    return arguments


@command.status_2_on_bad_input
def main(argv=None):
    arguments = arguments_from(argv)
    if missing := [name for name in ("distributed", "dask_jobqueue") if importlib.util.find_spec(name) is None]:
        raise command.BadInput(
            f"{missing[0]} is not installed; install the requirements of a sweep with pip install '.[sweep]'."
        )
    from jax_profiling.sweep.cluster import job_script_of

    warnings.filterwarnings("ignore")
    if not arguments.job_script:
        return sweep(arguments, Console())
    print(job_script_of(arguments.slurm))
    return 0


def sweep(arguments, console):
    """Run the chunks without a result, write the summary of all chunks, and return the exit status."""
    from jax_profiling.sweep.cluster import client_of
    from jax_profiling.sweep.collect import collect

    if arguments.population:
        lenses = population.names_of(arguments.population, arguments.seed, arguments.priors)
    else:
        lenses = lens_folders_of(arguments.lenses)
    chunks = chunks_of(lenses, arguments.draws)
    settings = Settings(rungs=tuple(arguments.rungs), log_det=arguments.log_det)
    versions, folder = provenance.releases(), arguments.output
    with lock_of(folder):
        claim(folder, settings.as_json() | {"vectors_per_chunk": VECTORS_PER_CHUNK, "versions": versions})
        results = folder / "chunks"
        todo = [chunk for chunk in chunks if records.of_chunk(chunk, results) is None]
        print(
            f"{len(chunks)} chunks of {len(set(lenses))} lenses; {len(chunks) - len(todo)} have a result.", flush=True
        )
        failures = {}
        if todo:
            with client_of(arguments.scheduler, arguments.workers, arguments.slurm) as client:
                print(f"Dashboard: {client.dashboard_link}", flush=True)
                with progress_bar_of(console, "chunks", len(todo), folder / "sweep.log") as progress:
                    failures = collect(client, todo, settings, versions, results, progress)
        report = summary.summary_from(chunks, results, settings, versions, failures)
        summary.write(report, folder)
    for line in (*summary.conclusion_from(report), f"Report: {os.path.relpath(folder)}/summary.md"):
        print_line(console, line)
    return 0 if report["passed"] else 1


def lock_of(folder):
    """Create an output folder and lock it."""
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / ".sweep.lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        raise command.BadInput(
            f"{folder}: another sweep writes there now; wait for it, or give another --output."
        ) from None
    except OSError as error:
        raise command.BadInput(
            f"{lock.lock_file}: cannot be locked ({error.strerror}); give another --output."
        ) from None


def claim(folder, own):
    """Write settings and versions into the folder's `sweep.json`, or compare them with that file.

    Raises
    ------
    command.BadInput
        If the folder has results of other versions or settings, or results without a readable `sweep.json`.
    """
    path = folder / "sweep.json"
    earlier = records.read(path)
    if not earlier and (path.exists() or any(folder.glob("chunks/*.json"))):
        raise command.BadInput(
            f"{path}: is missing or damaged, and only it names the settings of the results; give another --output."
        )
    if not earlier:
        with atomic_writes(folder) as scratch:
            write_json(own, scratch / path.name)
        return
    for name, value in own.items():
        if earlier.get(name) != value:
            raise command.BadInput(
                f"{folder}: holds a sweep with {name} {earlier.get(name)}, not {value}; give another --output."
            )


if __name__ == "__main__":
    command.run(main)
