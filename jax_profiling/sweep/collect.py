"""Hand cells to a cluster, write each result when it arrives, and try again what failed."""

from collections import Counter, defaultdict

from distributed import as_completed

from jax_profiling.sweep import records
from jax_profiling.sweep.cluster import ClusterError
from jax_profiling.sweep.measure import attempt
from jax_profiling.terminal.reason import reason_of

RETRIES = 2
"""How often a cell that failed is tried again, on another worker where there is one."""


def collect(client, cells, settings, versions, folder, progress=lambda message: None):
    """Run cells on a cluster and file their records in a folder.

    Parameters
    ----------
    client
        A `distributed.Client`.
    cells
        The `Cell`s to run.
    settings
        The `Settings` of the sweep.
    versions
        Of which releases a record has to be (`provenance.releases`).
    folder
        Where records go, one file for each cell.
    progress
        Called with a line of text whenever a cell is done or given up.

    Returns
    -------
    {key of a cell: reason}, of those that were given up.

    Raises
    ------
    ClusterError
        If the scheduler goes away; what was done is filed.
    """
    tries, refused, failed = Counter(), defaultdict(set), {}
    running = as_completed()
    cells = {cell.key: cell for cell in cells}

    def submit(cell):
        tries[cell.key] += 1
        preferred = {}
        if refused[cell.key]:
            others = set(client.scheduler_info(n_workers=-1)["workers"]) - refused[cell.key]
            # Whoever is left takes it where no other worker is.
            preferred = {"workers": list(others), "allow_other_workers": True} if others else {}
        key = f"{cell.key} {tries[cell.key]}"
        running.add(client.submit(attempt, cell, settings, key=key, pure=False, **preferred))

    for cell in cells.values():
        submit(cell)
    for future in running:
        if client.status != "running" or future.cancelled():
            raise ClusterError("The scheduler went away; the same command goes on where this sweep was.")
        cell = cells[future.key.rpartition(" ")[0]]
        record, reason, worker = _outcome_of(future)
        if record is not None and record["versions"] != versions:
            found = ", ".join(f"{name} {release}" for name, release in record["versions"].items())
            record, reason = None, f"its worker has {found}; install there what is installed here"
        if record is not None:
            records.write(record, folder / f"{cell.key}.json")
            progress(f"{cell.key}: {record['seconds']:.1f} s")
        elif tries[cell.key] <= RETRIES:
            refused[cell.key].add(worker)
            submit(cell)
        else:
            failed[cell.key] = reason
            progress(f"{cell.key}: given up: {reason}")
    return failed


def _outcome_of(future):
    """(record, reason, worker) of a future that is done."""
    try:
        # It raises where a worker died too often, or what it gave cannot be had.
        return future.result()
    except Exception as error:
        return None, reason_of(error), None
