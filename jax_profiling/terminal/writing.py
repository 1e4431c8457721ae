"""Write files aside, then rename: whoever reads a folder finds whole files only."""

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path


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
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=folder.parent))
    try:
        yield aside
        folder.mkdir(exist_ok=True)
        for path in sorted(aside.iterdir(), key=lambda path: path.stat().st_mtime_ns):
            os.replace(path, folder / path.name)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
