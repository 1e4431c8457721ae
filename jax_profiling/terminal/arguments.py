"""Types for argparse. They reject an unusable argument before any work starts."""

import argparse
import os
from pathlib import Path


def at_least(least, kind=int):
    """An argparse type: a number of the given kind that is at least `least`."""

    def number(text):
        value = kind(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"is {text}; give a number of at least {least}.")
        return value

    # argparse names the type in its message about text that is not a number.
    number.__name__ = kind.__name__
    return number


def folder_to_write(text):
    """An argparse type: the path of a folder that is writable, or can be created."""
    folder = Path(text)
    nearest = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise argparse.ArgumentTypeError(f"{nearest} is not a writable folder; give another one.")
    return folder
