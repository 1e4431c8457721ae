"""The units of work of a sweep: a lens folder and a range of its parameter vectors."""

import dataclasses
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from jax_profiling.gate.likelihood import BATCH
from jax_profiling.gate.live_reference import PERTURBATIONS
from jax_profiling.gate.verdict import DEFAULT_RUNG
from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.folder.misspelt import NAMES
from jax_profiling.lenses.lens import folder_of

VECTORS_PER_CHUNK = 9
"""The prior median and eight draws."""


@dataclass(frozen=True)
class Settings:
    """The settings of a sweep, the same for all its chunks.

    Attributes
    ----------
    rungs
        Keys of `verdict.RUNGS` and `verdict.PEERS`; the default rung is among them.
    perturbations
        How many times each vector is evaluated again with its parameters perturbed in their last bits.
    batch
        Lanes of a compiled program.
    log_det
        "shipped" or "accurate", as in the gate.
    """

    rungs: tuple = (DEFAULT_RUNG,)
    perturbations: int = PERTURBATIONS
    batch: int = BATCH
    log_det: str = "shipped"

    def as_json(self):
        return dataclasses.asdict(self) | {"rungs": list(self.rungs)}


@dataclass(frozen=True)
class Chunk:
    """Some parameter vectors of one lens. Vector 0 is the prior median, the others are draws.

    One process evaluates the reference and all meshes at these vectors, so their comparison is live.

    Attributes
    ----------
    lens
        A name or a folder, as `lens.load` takes it.
    first, last
        The vectors [first, last).
    files
        A digest of the lens's files (`digest_of`).
    """

    lens: str
    first: int
    last: int
    files: str = ""

    @property
    def name(self):
        """The name of the lens."""
        return Path(self.lens).name

    @property
    def key(self):
        """The name of the file with its result."""
        return f"{self.name}.{self.first}-{self.last}"


def chunks_of(lenses, draws):
    """Divide the prior median and `draws` draws of every lens into chunks of at most `VECTORS_PER_CHUNK` vectors.

    Raises
    ------
    LensError
        If two lenses have the same name. Results are filed by name.
    """
    by_name = {}
    for lens in lenses:
        if (other := by_name.setdefault(Path(lens).name, lens)) != lens:
            raise LensError(f"{lens}: has the same name as {other}; rename one of the folders.")
    starts = range(0, draws + 1, VECTORS_PER_CHUNK)
    return [
        Chunk(lens, first, min(first + VECTORS_PER_CHUNK, draws + 1), files)
        for lens, files in zip(by_name.values(), map(digest_of, by_name.values()))
        for first in starts
    ]


def digest_of(lens):
    """A digest of the files that a fit of a lens reads; empty for a lens that is simulated from its name first."""
    folder, digest = folder_of(lens), hashlib.sha256()
    if folder is None:
        return ""
    # Several datasets have a folder each.
    for path in sorted([*folder.glob("*"), *folder.glob("*/*")]):
        if path.name in NAMES and path.name != "expected.json" and os.access(path, os.R_OK) and path.is_file():
            digest.update(str(path.relative_to(folder)).encode())
            with open(path, "rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def lens_folders_of(paths):
    """Find lens folders: a path is a lens folder, a folder of lens folders, or the name of a lens.

    Raises
    ------
    LensError
        If a folder neither is nor contains a lens folder, or no lens has the name.
    """
    lenses = []
    for path in map(str, paths):
        folder = folder_of(path)
        if folder != Path(path):  # A name.
            lenses.append(path)
            continue
        is_lens = (folder / "info.json").exists()
        folders = [folder] if is_lens else sorted(each.parent for each in folder.glob("*/info.json"))
        if not folders:
            raise LensError(
                f"{path}: neither this folder nor its subfolders contain info.json; give lens folders, or a folder of them."
            )
        lenses += map(os.path.abspath, folders)
    return lenses
