"""What a GPU launched, and for how long each kernel ran, from JAX's profiler, by the stages of `launches`."""

import tempfile
from collections import defaultdict
from pathlib import Path

import jax

from jax_profiling.speed.launches import REST, STAGES, stage_of
from jax_profiling.speed.thunks import instructions_of

CALLS = 5
"""How many calls are profiled; what is told is that of one."""

OTHER = "copies and clears"
"""What runs on the device and belongs to no operation of the program."""


def stages_of(program, arrays):
    """Stage -> kernels, and milliseconds for which they ran, of one call of a compiled program."""
    sources = {name: each.op_name for name, each in instructions_of(program.as_text()).items()}
    jax.block_until_ready(program(*arrays))
    with tempfile.TemporaryDirectory() as folder:
        with jax.profiler.trace(folder):
            for _ in range(CALLS):
                jax.block_until_ready(program(*arrays))
        (path,) = Path(folder).rglob("*.xplane.pb")
        profile = jax.profiler.ProfileData.from_file(str(path))
    found = defaultdict(lambda: [0, 0.0])
    for name, nanoseconds in _kernels_of(profile):
        stage = found[OTHER if name not in sources else stage_of(sources[name])]
        stage[0] += 1
        stage[1] += nanoseconds
    return {
        stage: {"kernels": round(found[stage][0] / CALLS), "ms": round(1.0e-6 * found[stage][1] / CALLS, 3)}
        for stage in (*STAGES, REST, OTHER)
        if stage in found
    }


def _kernels_of(profile):
    """(HLO instruction, nanoseconds) of everything that ran on a stream of the device."""
    for plane in profile.planes:
        if not plane.name.startswith("/device:GPU"):
            continue
        for line in plane.lines:
            if not line.name.startswith("Stream"):
                continue
            for event in line.events:
                yield dict(event.stats).get("hlo_op", ""), event.duration_ns
