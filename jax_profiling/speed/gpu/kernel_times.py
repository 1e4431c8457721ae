"""The kernels that a GPU ran and their times, by stage, from JAX's profiler."""

import re
import tempfile
from collections import defaultdict
from pathlib import Path

import jax

from jax_profiling.speed.gpu.stages import REST, STAGES, stage_of
from jax_profiling.speed.gpu.thunks import instructions_of

CALLS = 5
"""The profiler covers this many calls; all figures are per call."""

LOOP_CONDITIONS = "loop conditions to the host"
"""The stage of device work without an operation of the program: copies of loop conditions."""


def stages_of(program, arrays):
    """Stage -> number of kernels and their time (ms), per call of a compiled program."""
    sources = {kernel_of(name): each.op_name for name, each in instructions_of(program.as_text()).items()}
    jax.block_until_ready(program(*arrays))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(CALLS):
                jax.block_until_ready(program(*arrays))
        (path,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(path))
    totals = defaultdict(lambda: [0, 0.0])
    for names, nanoseconds in _kernels_of(profile):
        stage = totals[stage_of_kernel(names, sources)]
        stage[0] += 1
        stage[1] += nanoseconds
    return {
        stage: {"kernels": round(totals[stage][0] / CALLS), "ms": round(1.0e-6 * totals[stage][1] / CALLS, 3)}
        for stage in (*STAGES, REST, LOOP_CONDITIONS)
        if stage in totals
    }


def total_of(stages):
    """The number of kernels and the milliseconds of all stages together."""
    return {
        "kernels": sum(each["kernels"] for each in stages.values()),
        "ms": round(sum(each["ms"] for each in stages.values()), 3),
    }


def kernel_of(instruction):
    """XLA's name for the kernel of an HLO instruction."""
    return re.sub(r"[.\-]", "_", instruction)


def stage_of_kernel(names, sources):
    """The stage of a kernel.

    Parameters
    ----------
    names
        Names of the kernel in the profile. A number at the end tells the kernels of one sort apart, and kernels of one name.
    sources
        `kernel_of` an instruction -> the `op_name` of the instruction.
    """
    for name in names:
        for known in (name, re.sub(r"__\d+$", "", name), re.sub(r"_\d+(__\d+)?$", "", name)):
            if known in sources:
                return stage_of(sources[known])
    return LOOP_CONDITIONS


def _kernels_of(profile):
    """The names and the nanoseconds of every event on a stream of the device."""
    for plane in profile.planes:
        if plane.name.startswith("/device:GPU"):
            for line in plane.lines:
                if line.name.startswith("Stream"):
                    for event in line.events:
                        # In a CUDA graph the operation of a kernel is the graph, and a copy has no kernel.
                        yield (event.name, kernel_of(dict(event.stats).get("hlo_op", ""))), event.duration_ns
