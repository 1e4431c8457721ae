"""Atomic writes: files appear in their folder whole or not at all. And what JSON can hold."""

import json
import math
import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path

from jax_profiling.terminal.command import BadInput


def check_writable(folder):
    """Check that a folder can be written, or created. This tries it, and leaves nothing behind.

    Raises
    ------
    BadInput
        If it cannot.
    """
    folder = Path(folder).absolute()
    missing = [each for each in (folder, *folder.parents) if not os.path.exists(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _not_writable(folder, error) from None
    finally:
        for each in missing:
            if os.path.isdir(each):
                each.rmdir()


def _not_writable(folder, error):
    return BadInput(f"{folder}: cannot be written ({error.strerror}); give another folder.")


@contextmanager
def atomic_writes(folder):
    """Write files into a scratch folder, then move them into `folder`; `info.json` last, which makes it a lens folder.

    If the block raises or is interrupted, the scratch folder is deleted and `folder` stays as it was.

    Parameters
    ----------
    folder
        The destination. It is created if it is missing. Files of the same name are replaced atomically, one by one.

    Yields
    ------
    Path
        The scratch folder, on the same file system.

    Raises
    ------
    BadInput
        If `folder` is a file, or cannot be written.
    """
    folder = Path(folder)
    if folder.exists() and not folder.is_dir():
        raise BadInput(f"{folder}: is not a folder; give another one to write to.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".tmp", dir=_beside_or_inside(folder)))
    except OSError as error:
        raise _not_writable(folder, error) from None
    try:
        yield scratch
        _move(scratch, folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _move(scratch, folder):
    try:
        folder.mkdir(exist_ok=True)
        for path in sorted(scratch.iterdir(), key=lambda path: (path.name == "info.json", path.stat().st_mtime_ns)):
            os.replace(path, folder / path.name)
    except OSError as error:
        raise _not_writable(folder, error) from None


def _beside_or_inside(folder):
    """The folder's parent; the folder itself if the parent is another file system or is not writable."""
    if not folder.exists():
        return folder.parent
    same_file_system = folder.stat().st_dev == folder.parent.stat().st_dev
    return folder.parent if same_file_system and os.access(folder.parent, os.W_OK) else folder


def write_json(value, path, allow_nan=False):
    """Write a value as JSON.

    Raises
    ------
    ValueError
        If a number is not finite, unless `allow_nan`: JSON has none.
    """
    path.write_text(json.dumps(value, indent=1, allow_nan=allow_nan) + "\n")


def finite_or_none(value):
    """A float for JSON; None if it is not finite."""
    return float(value) if math.isfinite(value) else None
