"""Where a sweep runs: cores of this machine, a scheduler that runs already, or jobs of SLURM."""

import logging
import os
import re
from contextlib import contextmanager
from pathlib import Path

import dask
import yaml
from distributed import Client, LocalCluster, WorkerPlugin

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.reason import reason_of

# What a cluster does is no news to whoever waits for a sweep.
logging.getLogger("distributed").setLevel(logging.ERROR)

MOST_DEATHS = 2
"""A cell whose worker died oftener than this is given up."""

PATIENCE = 15.0
"""For how long a scheduler is tried to be reached (seconds)."""


class ClusterError(BadInput):
    """A cluster cannot be had."""


class Pinned(WorkerPlugin):
    """Each worker of this machine on a core of its own."""

    name = "pinned"

    def setup(self, worker):
        if not hasattr(os, "sched_setaffinity"):
            return
        cores = sorted(os.sched_getaffinity(os.getppid()))
        core = cores[int(re.sub(r"\D", "", str(worker.name)) or 0) % len(cores)]
        # A thread begins on the cores of the one that starts it; some have begun.
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), {core})


@contextmanager
def client_of(scheduler="local", workers=None, slurm=None):
    """A `distributed.Client`, and all that was started for it, until the block ends.

    Parameters
    ----------
    scheduler
        "local", "slurm", or the address of a scheduler.
    workers
        How many workers, each of one thread; by default one for each core of this machine. An existing scheduler has its own.
    slurm
        A YAML file of keyword arguments of `dask_jobqueue.SLURMCluster`.

    Raises
    ------
    ClusterError
        If the scheduler does not answer, or the file cannot be used.
    """
    if scheduler == "local":
        with local_cluster(workers or cores_of_machine()) as cluster, Client(cluster) as client:
            client.register_plugin(Pinned())
            yield client
    elif scheduler == "slurm":
        with slurm_cluster(slurm) as cluster, Client(cluster) as client:
            cluster.scale(n=workers or 1)
            yield client
    else:
        try:
            client = Client(scheduler, timeout=PATIENCE)
        except (OSError, TimeoutError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise ClusterError(
                f"--scheduler {scheduler}: no scheduler answers there ({reason}); start one with dask scheduler."
            ) from None
        with client:
            yield client


def cores_of_machine():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def local_cluster(workers):
    """A `LocalCluster` of processes of one thread; a worker that dies is started again."""
    dask.config.set({"distributed.scheduler.allowed-failures": MOST_DEATHS})
    # What a worker holds is XLA's and not dask's to manage.
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, memory_limit=None, dashboard_address=":0", silence_logs="ERROR"
    )


def slurm_cluster(path):
    """A `dask_jobqueue.SLURMCluster` without jobs, from a YAML file of its keyword arguments; workers have one thread each.

    Raises
    ------
    ClusterError
        If the file is missing, or names what no such cluster has.
    """
    from dask_jobqueue import SLURMCluster

    if path is None:
        raise ClusterError(
            "--scheduler slurm: needs --slurm FILE.yaml with cores, memory, walltime, queue and account."
        )
    try:
        arguments = yaml.safe_load(Path(path).read_text())
        return SLURMCluster(**{"processes": arguments["cores"], **arguments})
    except Exception as error:
        raise ClusterError(
            f"{path}: no keyword arguments of dask_jobqueue.SLURMCluster ({reason_of(error)}); "
            "give at least cores and memory."
        ) from None
