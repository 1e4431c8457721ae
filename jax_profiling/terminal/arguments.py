"""Types for argparse. They reject an unusable argument before any work starts."""

import argparse
import os
import tempfile
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


def above_zero(text):
    """An argparse type: a positive number."""
    value = float(text)
    if not value > 0.0:
        raise argparse.ArgumentTypeError(f"is {text}; give a number above 0.")
    return value


# As in `at_least`, for text that is not a number.
above_zero.__name__ = "float"


def words_of(known):
    """An argparse type: a comma-separated list of known words."""

    def words(text):
        found = text.split(",")
        if unknown := [each for each in found if each not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is unknown; give any of {', '.join(known)}.")
        return found

    return words


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
