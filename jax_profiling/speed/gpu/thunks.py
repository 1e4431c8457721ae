"""The kernels of a program compiled by XLA's CUDA compiler, outside and inside its loops, parsed from XLA's dumps."""

import re
from dataclasses import dataclass, field
from functools import cached_property

BYTES = {"pred": 1, "s8": 1, "u8": 1, "s32": 4, "u32": 4, "f32": 4, "s64": 8, "u64": 8, "f64": 8, "c64": 8, "c128": 16}
"""HLO type -> bytes per element."""


@dataclass(frozen=True)
class Thunk:
    """One step of a compiled program.

    Attributes
    ----------
    kind
        XLA's word: "kCustomKernel", "kWhile", "kMemset" and so on.
    instruction
        The HLO instruction that the thunk computes.
    condition, body
        The thunks of a loop's condition and body; empty otherwise.
    """

    kind: str
    instruction: str
    condition: list = field(default_factory=list)
    body: list = field(default_factory=list)


@dataclass(frozen=True)
class Instruction:
    """An instruction of the HLO text: its source (`op_name`), its trip count if XLA knows it, and the bytes it moves."""

    op_name: str
    trips: int | None
    bytes: int


class Program:
    """The thunks and the instructions of a compiled program.

    Parameters
    ----------
    folder, name
        The folder of XLA's dumps, and the name of the jitted function.
    """

    def __init__(self, folder, name):
        self._texts = {
            kind: next(folder.glob(f"*.jit_{name}.*{kind}.txt")).read_text()
            for kind in ("thunk_sequence", "thunk_metadata", "gpu_after_optimizations")
        }

    @cached_property
    def thunks(self):
        """The list of the program's `Thunk`s."""
        annotations = re.findall(r'profile_annotation: "([^"]*)"\s+thunk_id: (\d+)', self._texts["thunk_metadata"])
        names = {int(number): name for name, number in annotations}
        lines = [line for line in self._texts["thunk_sequence"].splitlines() if line.strip()]
        return _sequence(lines, 0, names)[0]

    @cached_property
    def instructions(self):
        """Name -> `Instruction`."""
        return instructions_of(self._texts["gpu_after_optimizations"])


def instructions_of(text):
    """Name -> `Instruction`, from the HLO text of a compiled program."""
    instructions, sizes = {}, {}
    for line in text.splitlines():
        match = re.match(r"\s+(?:ROOT )?%?([\w.\-#]+) = (.*?) [\w\-]+\((.*)", line)
        if match is None:
            continue
        name, shape, rest = match.groups()
        sizes[name] = _bytes_of(shape)
        operands = re.findall(r"%([\w.\-#]+)", rest.partition(")")[0])
        trips = re.search(r'known_trip_count":\{"n":"(\d+)"', line)
        op_name = re.search(r'op_name="([^"]*)"', line)
        instructions[name] = Instruction(
            op_name=op_name[1] if op_name else "",
            trips=int(trips[1]) if trips else None,
            bytes=sizes[name] + sum(sizes.get(operand, 0) for operand in operands),
        )
    return instructions


def kernels_of(thunks):
    """The thunks of a sequence that launch a kernel, outside its loops and inside its command buffers."""
    for thunk in thunks:
        if thunk.kind == "kCommandBuffer":
            yield from kernels_of(thunk.body)
        elif thunk.kind != "kWhile":
            yield thunk


def loops_of(thunks):
    """The outer loops of a sequence and of its command buffers."""
    for thunk in thunks:
        if thunk.kind == "kCommandBuffer":
            yield from loops_of(thunk.body)
        elif thunk.kind == "kWhile":
            yield thunk


def _sequence(lines, indent, names):
    """Parse the leading lines with at least this indent. Returns their thunks and the remaining lines."""
    thunks = []
    while lines:
        line = lines[0]
        depth = len(line) - len(line.lstrip())
        match = re.match(r"\s*(\d+): (k\w+)", line)
        if match is None or depth < indent:
            break
        lines, condition, body = lines[1:], [], []
        if match[2] == "kWhile":
            condition, lines = _sequence(lines[1:], depth + 4, names)
            body, lines = _sequence(lines[1:], depth + 4, names)
        elif match[2] == "kCommandBuffer":
            body, lines = _sequence(lines, depth + 4, names)
        thunks.append(Thunk(match[2], names.get(int(match[1]), ""), condition, body))
    return thunks, lines


def _bytes_of(shape):
    """The bytes of a shape in HLO's notation; the sum for a tuple."""
    total = 0
    for kind, sizes in re.findall(r"(\w+)\[([\d,]*)\]", shape):
        count = 1
        for size in filter(None, sizes.split(",")):
            count *= int(size)
        total += BYTES.get(kind, 0) * count
    return total
