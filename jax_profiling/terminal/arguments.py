"""Types for argparse. They reject an unusable argument before any work starts."""

import argparse
import math
from pathlib import Path

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import check_writable


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
    """An argparse type: a finite positive number."""
    value = float(text)
    if not 0.0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"is {text}; give a finite number above 0.")
    return value


# As in `at_least`, for text that is not a number.
above_zero.__name__ = "float"


def words_of(known, separator=","):
    """An argparse type: a list of known words, separated by commas or by another character."""

    def words(text):
        found = text.split(separator)
        if unknown := [each for each in found if each not in known]:
            raise argparse.ArgumentTypeError(f"{unknown[0]} is unknown; give any of {', '.join(known)}.")
        return found

    return words


def folder_to_write(text):
    """An argparse type: the path of a folder that is writable, or can be created."""
    if not text:
        raise argparse.ArgumentTypeError("is empty; give a folder.")
    try:
        check_writable(text)
    except BadInput as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    return Path(text)
