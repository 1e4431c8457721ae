"""Arguments of the workspace's commands, the `type` of each for argparse: what cannot be used is refused before any work."""

import argparse
import os
import tempfile
from pathlib import Path


def at_least(least, kind=int):
    """A number of a kind that is not smaller than another one."""

    def number(text):
        value = kind(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"is {text}; give a number of at least {least}.")
        return value

    # By which argparse says what no number at all is not.
    number.__name__ = kind.__name__
    return number


def folder_to_write(text):
    """An argparse type: the path of a folder that is writable, or can be created. This tries it, and leaves nothing behind."""
    folder = Path(text).absolute()
    chain = (folder, *folder.parents)
    missing = [each for each in chain if not os.path.exists(each)]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return Path(text)
    except OSError:
        nearest = next(each for each in chain if each not in missing)
        raise argparse.ArgumentTypeError(f"{nearest} is not a writable folder; give another one.") from None
    finally:
        for each in missing:
            if os.path.isdir(each):
                each.rmdir()
