"""The YAML file of a SLURM cluster, as a person writes it: its schema, and all its faults at once."""

from pathlib import Path
from typing import Annotated

import yaml
from dask.utils import parse_bytes
from pydantic import BaseModel, Field

from jax_profiling.lenses.folder.faults import Rule, faults_of
from jax_profiling.lenses.folder.info_schema import SCHEMA_CONFIG, optional, unit
from jax_profiling.lenses.folder.written import without_comments
from jax_profiling.terminal.command import BadInput

Count = Annotated[int, Field(ge=1)]
Lines = list[str]
Options = Annotated[list[Annotated[str, Field(pattern="^-")]], Field(json_schema_extra=unit('such as "--gres=gpu:1"'))]


class SlurmFile(BaseModel):
    """The keyword arguments of `dask_jobqueue.SLURMCluster` that a sweep uses. Workers have one thread each."""

    model_config = SCHEMA_CONFIG

    cores: Count = Field(description="Cores of a job.")
    memory: str = Field(json_schema_extra=unit('such as "64GB"'), description='Memory of a job, such as "64GB".')
    processes: Count = optional(description="Workers of a job; by default one per core.")
    queue: str = optional(description="Partition of the cluster.")
    account: str = optional(description="Account that pays for the jobs.")
    # YAML reads 10:00:00 without quotes as the number 36000, which SLURM takes for minutes.
    walltime: str = optional(
        pattern=r"^(\d+-)?\d+:\d\d(:\d\d)?$",
        json_schema_extra=unit('"HH:MM:SS", in quotes'),
        description='Longest run of a job, "HH:MM:SS".',
    )
    job_cpu: Count = optional(description="Cores that SLURM reserves, if not `cores`.")
    job_mem: str = optional(description="Memory that SLURM reserves, if not `memory`.")
    job_name: str = optional(description="Name of the jobs.")
    job_extra_directives: Options = optional(description="Further options of #SBATCH lines.")
    job_directives_skip: Lines = optional(description="#SBATCH lines to leave out.")
    job_script_prologue: Lines = optional(description="Shell lines that run before the workers.")
    worker_extra_args: Lines = optional(description="Arguments of `dask worker`.")
    python: str = optional(description="Python of the workers.")
    shebang: str = optional(description="First line of the job script.")
    interface: str = optional(description="Network interface, such as ib0.")
    local_directory: str = optional(description="Scratch folder of the workers.")
    log_directory: str = optional(description="Folder of the logs of the jobs.")
    death_timeout: float = optional(gt=0.0, json_schema_extra=unit("seconds"), description="Wait for a scheduler.")
    nanny: bool = optional(description="Restart workers that die.")


def _is_memory(text):
    if text is None:
        return True
    try:
        return parse_bytes(text) > 0
    except ValueError:
        return False


RULES = (
    Rule(
        ("processes", "cores"),
        lambda processes, cores: processes is None or processes <= cores,
        "write at most cores, because every worker has a thread of its own",
    ),
    Rule(("memory",), _is_memory, 'write an amount such as "64GB"'),
    Rule(("job_mem",), _is_memory, 'write an amount such as "64GB"'),
)


def slurm_arguments_from(path):
    """The keyword arguments of `dask_jobqueue.SLURMCluster` in a YAML file.

    Parameters
    ----------
    path
        The file. A key that starts with `_` is a comment.

    Raises
    ------
    BadInput
        If the file is missing, is not YAML, or has faults; one line for each.
    """
    try:
        value = yaml.safe_load(Path(path).read_text())
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise BadInput(f"{path}: is not readable as YAML ({' '.join(str(error).split())}); correct it.") from None
    if not isinstance(value, dict):
        raise BadInput(f"{path}: holds no keys; write at least cores and memory.")
    value = without_comments({str(key): part for key, part in value.items()})
    if faults := faults_of(value, SlurmFile, RULES):
        raise BadInput("\n".join(f"{path}: {key} {found}; {fix}." for key, found, fix in faults))
    return {"processes": value["cores"], **value}
