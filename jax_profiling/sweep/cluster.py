"""Where a sweep runs: the cores of this machine, a running scheduler, or jobs of SLURM."""

import asyncio
import logging
import os
import re
import signal
import subprocess
from contextlib import contextmanager

import dask
from distributed import Client, LocalCluster, WorkerPlugin

from jax_profiling.sweep.slurm_file import slurm_arguments_from
from jax_profiling.terminal.command import BadInput, message_of, one_line

# The sweep's own progress is enough: dask's news about its workers would interrupt it.
logging.getLogger("distributed").setLevel(logging.ERROR)

MAX_WORKER_DEATHS = 2
"""A chunk fails after it has killed more workers than this."""

NO_LIMIT = 0
"""Memory limit of a worker. With another one dask restarts workers, because it cannot manage what XLA holds."""

CONNECT_TIMEOUT_SECONDS = 15.0
"""How long the client tries to reach a scheduler."""


class ClusterError(BadInput):
    """The cluster is unavailable."""


class CorePinning(WorkerPlugin):
    """Pin each worker of this machine to its own core."""

    name = "core-pinning"

    def setup(self, worker):
        if not hasattr(os, "sched_setaffinity"):
            return
        cores = sorted(os.sched_getaffinity(os.getppid()))
        core = cores[int(re.sub(r"\D", "", str(worker.name)) or 0) % len(cores)]
        # A new thread inherits its cores from the thread that starts it, and some threads run already.
        for thread in os.listdir("/proc/self/task"):
            os.sched_setaffinity(int(thread), {core})


class InterruptsIgnored(WorkerPlugin):
    """Leave an interrupt of the terminal, which reaches every process, to the process that runs the command."""

    name = "interrupts-ignored"

    def setup(self, worker):
        signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def client_of(scheduler="local", workers=None, slurm=None):
    """Start or reach a cluster, yield its `distributed.Client`, and stop what was started.

    Parameters
    ----------
    scheduler
        "local", "slurm", or the address of a scheduler.
    workers
        The number of workers, each with one thread. The default is one per core of this machine. A running scheduler has its
        own workers.
    slurm
        A YAML file with keyword arguments of `dask_jobqueue.SLURMCluster`.

    Raises
    ------
    ClusterError
        If the scheduler does not answer, the YAML file is unusable, or SLURM would not take the job.
    """
    if scheduler == "local":
        with local_cluster(workers or core_count()) as cluster, Client(cluster) as client:
            client.register_plugin(CorePinning())
            client.register_plugin(InterruptsIgnored())
            yield client
    elif scheduler == "slurm":
        with slurm_cluster(slurm) as cluster, Client(cluster) as client:
            check_with_slurm(cluster.job_script())
            cluster.scale(n=workers or 1)
            yield client
    else:
        try:
            client = Client(scheduler, timeout=CONNECT_TIMEOUT_SECONDS)
        except (OSError, TimeoutError, ValueError) as error:
            reason = message_of(error)
            raise ClusterError(
                f"--scheduler {scheduler}: no scheduler answers there ({reason}); start one with dask scheduler."
            ) from None
        with client:
            yield client


def core_count():
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def local_cluster(workers):
    """A `LocalCluster` of single-threaded processes. dask restarts a worker that dies."""
    dask.config.set({"distributed.scheduler.allowed-failures": MAX_WORKER_DEATHS})
    return LocalCluster(
        n_workers=workers, threads_per_worker=1, memory_limit=NO_LIMIT, dashboard_address=":0", silence_logs="ERROR"
    )


def job_script_of(path):
    """The script that SLURM would run for a YAML file (`slurm_cluster`), with a placeholder for the scheduler's address."""

    async def script():
        # An asynchronous cluster starts nothing. A scheduler can fail to start on a busy machine, and the script needs none.
        return slurm_cluster(path, asynchronous=True).job_script()

    return asyncio.run(script())


def check_with_slurm(script):
    """Ask SLURM whether it would take a job. dask would wait for its workers for ever.

    Raises
    ------
    ClusterError
        If it would not, or if there is no SLURM here.
    """
    try:
        answer = subprocess.run(["sbatch", "--test-only"], input=script, capture_output=True, text=True)
    except OSError as error:
        raise ClusterError(
            f"--scheduler slurm: sbatch does not start here ({error.strerror}); run the sweep where jobs are submitted."
        ) from None
    if answer.returncode:
        raise ClusterError(
            f"--scheduler slurm: sbatch refuses the job ({' '.join(answer.stderr.split())}); correct the --slurm file."
        )


def slurm_cluster(path, asynchronous=False):
    """A `dask_jobqueue.SLURMCluster` without jobs, from a YAML file of its keyword arguments. Workers have one thread each.

    Raises
    ------
    BadInput
        If the file is missing or has faults; one line for each.
    ClusterError
        If `SLURMCluster` does not accept the file, for example because of an unknown network interface.
    """
    from dask_jobqueue import SLURMCluster

    if path is None:
        raise ClusterError(
            "--scheduler slurm: needs --slurm FILE.yaml with cores, memory, walltime, queue and account."
        )
    arguments = slurm_arguments_from(path)
    arguments["worker_extra_args"] = ["--memory-limit", str(NO_LIMIT), *arguments.get("worker_extra_args", [])]
    try:
        return SLURMCluster(**arguments, asynchronous=asynchronous)
    except Exception as error:
        raise ClusterError(f"{path}: SLURMCluster does not accept it ({one_line(error)}); correct the file.") from None
