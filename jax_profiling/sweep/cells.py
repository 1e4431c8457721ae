"""What a sweep consists of: cells, each a lens folder and a chunk of its parameter vectors, and what is the same in all."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from jax_profiling.gate.likelihood import BATCH
from jax_profiling.gate.live_reference import PERTURBATIONS as MOVES
from jax_profiling.gate.verdict import DEFAULT_RUNG
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.lens import folder_of

CHUNK = 9
"""Parameter vectors of a cell: the prior median and eight draws."""


@dataclass(frozen=True)
class Settings:
    """What is the same in every cell of a sweep.

    Attributes
    ----------
    rungs
        Keys of `verdict.RUNGS` and `verdict.PEERS`; the default rung is among them.
    moves
        How many times each vector is evaluated again, moved by its last bits.
    batch
        Lanes of a compiled program.
    log_det
        "shipped" or "accurate", as the gate has it.
    """

    rungs: tuple = (DEFAULT_RUNG,)
    moves: int = MOVES
    batch: int = BATCH
    log_det: str = "shipped"

    def as_json(self):
        return dataclasses.asdict(self) | {"rungs": list(self.rungs)}


@dataclass(frozen=True)
class Cell:
    """One lens folder, and which of its parameter vectors: the prior median is the first, draws follow.

    Reference and candidates of those vectors are evaluated in one process, so a cell has all meshes of a sweep.

    Attributes
    ----------
    lens
        A name, or a folder, as `lens.load` takes it.
    first, last
        The vectors [first, last).
    """

    lens: str
    first: int
    last: int

    @property
    def name(self):
        """The name of the lens."""
        return Path(self.lens).name

    @property
    def key(self):
        """What its result is filed under."""
        return f"{self.name}.{self.first}-{self.last}"


def cells_of(lenses, draws, chunk=CHUNK):
    """The cells of lenses at their prior median and so many draws.

    Raises
    ------
    LensError
        If two lenses have one name, by which results are filed.
    """
    seen = {}
    for lens in lenses:
        if (other := seen.setdefault(Path(lens).name, lens)) != lens:
            raise LensError(f"{lens}: has the name of {other}; rename one of the folders.")
    starts = range(0, draws + 1, chunk)
    return [Cell(lens, first, min(first + chunk, draws + 1)) for lens in seen.values() for first in starts]


def lens_folders_of(paths):
    """The lens folders that are given, and those inside of a folder that is none itself; names of lenses are left as they are.

    Raises
    ------
    LensError
        If a folder is none and holds none, or there is no lens of a name.
    """
    found = []
    for path in map(Path, paths):
        if not path.is_dir():
            folder_of(path)
            found.append(str(path))
            continue
        folders = [path] if (path / "info.json").exists() else sorted(each.parent for each in path.glob("*/info.json"))
        if not folders:
            raise LensError(
                f"{path}: holds no info.json, nor does a folder in it; give lens folders, or a folder of them."
            )
        found += [str(each.resolve()) for each in folders]
    return found
