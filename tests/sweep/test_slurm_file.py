"""A SLURM file has a schema; all its faults come at once."""

import pytest

from jax_profiling.sweep.slurm_file import SlurmFile, slurm_arguments_from
from jax_profiling.terminal.command import BadInput

GOOD = "cores: 4\nmemory: 16GB\nqueue: short\nwalltime: 01:30:00\n_why: two hours queue too long\n"

WRONG = {
    "typo": (GOOD + "wall_time: 02:00:00\n", "wall_time is", "an unknown key; write walltime, or"),
    "no memory": ("cores: 4\n", "memory is missing; write a text"),
    "cores as text": ("cores: '4'\nmemory: 16GB\n", 'cores is "4"; write a whole number of at least 1'),
    "no cores": ("cores: 0\nmemory: 16GB\n", "cores is 0; write a whole number of at least 1"),
    "memory without number": ("cores: 4\nmemory: plenty\n", 'memory is "plenty"; write an amount such as "64GB"'),
    "memory as number": ("cores: 4\nmemory: 16\n", "memory is 16; write a text"),
    "workers beyond cores": (GOOD + "processes: 8\n", "processes is 8; write at most cores"),
    "walltime in words": ("cores: 4\nmemory: 16GB\nwalltime: one hour\n", 'walltime is "one hour"; write a text'),
    "walltime without quotes": (
        "cores: 4\nmemory: 16GB\nwalltime: 10:00:00\n",
        'walltime is 36000; write a text ("HH:MM:SS", in quotes)',
    ),
    "one directive": (GOOD + "job_extra_directives: --gres=gpu:1\n", "write a list of at least 0, each a text"),
    "a whole line": (
        GOOD + "job_extra_directives: ['#SBATCH --gres=gpu:1']\n",
        'write a list of at least 0, each a text (such as "--gres=gpu:1")',
    ),
    "number as key": (GOOD + "3: 4\n", "3 is 4, an unknown key"),
    "date": ("cores: 4\nmemory: 16GB\nqueue: 2020-01-01\n", 'queue is "2020-01-01"; write a text'),
    "list": ("- cores\n", "holds no keys; write at least cores and memory"),
    "no YAML": ("cores: [4\n", "is not readable as YAML"),
}


def arguments_of(text, tmp_path):
    (tmp_path / "slurm.yaml").write_text(text)
    return slurm_arguments_from(tmp_path / "slurm.yaml")


def test_file_gives_arguments_without_comments(tmp_path):
    arguments = arguments_of(GOOD, tmp_path)
    assert arguments == {"processes": 4, "cores": 4, "memory": "16GB", "queue": "short", "walltime": "01:30:00"}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_file_is_named_with_its_fix(name, tmp_path):
    text, *words = WRONG[name]
    with pytest.raises(BadInput) as raised:
        arguments_of(text, tmp_path)
    assert str(raised.value).startswith(str(tmp_path / "slurm.yaml"))
    assert all(word in str(raised.value) for word in words), raised.value


def test_all_faults_come_at_once(tmp_path):
    with pytest.raises(BadInput) as raised:
        arguments_of("cores: 0\nqueue: 3\nwalltime: soon\n", tmp_path)
    assert len(str(raised.value).splitlines()) == 4


def test_missing_file_is_named(tmp_path):
    with pytest.raises(BadInput, match="slurm.yaml: is not readable as YAML"):
        slurm_arguments_from(tmp_path / "slurm.yaml")


def test_every_key_is_an_argument_of_slurm_cluster():
    jobqueue = pytest.importorskip("dask_jobqueue")
    arguments = {key: 1 if key in ("cores", "processes", "job_cpu") else "1GB" for key in ("cores", "memory")}
    values = {"processes": 1, "nanny": True, "death_timeout": 60.0, "job_cpu": 1}
    lines = {"job_extra_directives", "job_directives_skip", "job_script_prologue", "worker_extra_args"}
    for key in SlurmFile.model_fields:
        values.setdefault(key, [] if key in lines else arguments.get(key, "1:00:00" if key == "walltime" else "lo"))
    values["job_extra_directives"] = ["--x"]
    values |= {"memory": "1GB", "job_mem": "1GB", "local_directory": "/scratch", "log_directory": "."}
    with jobqueue.SLURMCluster(**values) as cluster:
        assert "#SBATCH" in cluster.job_script()
