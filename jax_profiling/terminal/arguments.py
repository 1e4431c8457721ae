"""Arguments of the workspace's commands, the `type` of each for argparse: what cannot be used is refused before any work."""

import argparse
import os
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
    """The path of a folder that is there and can be written, or can be made."""
    folder = Path(text)
    nearest = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise argparse.ArgumentTypeError(f"{nearest} is no folder that can be written; give another one.")
    return folder
