"""Write files aside, then rename: whoever reads a folder finds whole files only."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from jax_profiling.terminal.command import BadInput


@contextmanager
def write_aside(folder):
    """A scratch folder whose files move into `folder` when the block ends, and vanish if it is interrupted.

    Parameters
    ----------
    folder
        The destination, created if it is missing; files of the same name are replaced one by one, each at once.

    Yields
    ------
    Path
        The scratch folder, on the same file system.

    Raises
    ------
    BadInput
        If there can be no such folder.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is no folder; give another one to write to.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    except OSError as error:
        raise BadInput(f"{folder}: cannot be written ({error.strerror}); give another folder.") from None
    try:
        yield aside
        folder.mkdir(exist_ok=True)
        for path in sorted(aside.iterdir(), key=lambda path: path.stat().st_mtime_ns):
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
