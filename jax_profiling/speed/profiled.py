"""What a GPU launched, and for how long each kernel ran, from JAX's profiler, by the stages of `launches`."""

import re
import tempfile
from collections import defaultdict
from pathlib import Path

import jax

from jax_profiling.speed.launches import REST, STAGES, stage_of
from jax_profiling.speed.thunks import instructions_of

CALLS = 5
"""How many calls are profiled; what is told is that of one."""

OTHER = "loop conditions to the host"
"""What runs on the device and is named after no operation of the program."""


def stages_of(program, arrays):
    """Stage -> kernels, and milliseconds for which they ran, of one call of a compiled program."""
    sources = {kernel_of(name): each.op_name for name, each in instructions_of(program.as_text()).items()}
    jax.block_until_ready(program(*arrays))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(CALLS):
                jax.block_until_ready(program(*arrays))
        (path,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(path))
    found = defaultdict(lambda: [0, 0.0])
    for names, nanoseconds in _kernels_of(profile):
        stage = found[stage_of_kernel(names, sources)]
        stage[0] += 1
        stage[1] += nanoseconds
    return {
        stage: {"kernels": round(found[stage][0] / CALLS), "ms": round(1.0e-6 * found[stage][1] / CALLS, 3)}
        for stage in (*STAGES, REST, OTHER)
        if stage in found
    }


def total_of(stages):
    """The kernels and the milliseconds of all stages."""
    return {
        "kernels": sum(each["kernels"] for each in stages.values()),
        "ms": round(sum(each["ms"] for each in stages.values()), 3),
    }


def kernel_of(instruction):
    """What XLA calls the kernel of an HLO instruction."""
    return re.sub(r"[.\-]", "_", instruction)


def stage_of_kernel(names, sources):
    """The stage of what ran, by its names, from the `op_name` of every `kernel_of`.

    A sort is several kernels, told apart by a number at the end, and so are those of one name.
    """
    for name in names:
        for known in (name, re.sub(r"__\d+$", "", name), re.sub(r"_\d+(__\d+)?$", "", name)):
            if known in sources:
                return stage_of(sources[known])
    return OTHER


def _kernels_of(profile):
    """The names and the nanoseconds of everything that ran on a stream of the device."""
    for plane in profile.planes:
        if plane.name.startswith("/device:GPU"):
            for line in plane.lines:
                if line.name.startswith("Stream"):
                    for event in line.events:
                        # The operation of a kernel in a CUDA graph is the graph, and a copy has no kernel.
                        yield (event.name, kernel_of(dict(event.stats).get("hlo_op", ""))), event.duration_ns
