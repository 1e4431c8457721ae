"""The faults and notes of a lens folder, and reading JSON. Faults end the run; notes are for the reader of the result."""

import json
from pathlib import Path

from jax_profiling.terminal.command import BadInput


class LensError(BadInput):
    """A lens folder cannot be used. The message has one line per fault: file, key or fact, and what to write."""


class Inspection:
    """The faults and notes of one lens folder; `finish` raises all faults at once.

    Attributes
    ----------
    notes
        Lines that a person should read although the folder can be used, such as which FITS extension holds the image.
    """

    def __init__(self):
        # Dictionaries keep the order and drop repeated lines: several datasets share the `info.json` above them.
        self._faults = {}
        self._notes = {}

    @property
    def notes(self):
        return tuple(self._notes)

    def fault(self, path, found, fix):
        """Record that a file cannot be used: what was found in it, and what to write instead."""
        self._faults[fault_line(path, found, fix)] = None

    def note(self, path, words):
        """Record a fact about a file."""
        self._notes[f"{path}: {words}."] = None

    def attempt(self, function, *arguments, **keywords):
        """The value of a function. If the function raises `LensError`, record the lines of the error and return None."""
        try:
            return function(*arguments, **keywords)
        except LensError as error:
            self._faults |= dict.fromkeys(str(error).splitlines())
            return None

    def finish(self):
        """End the inspection.

        Raises
        ------
        LensError
            If there is any fault.
        """
        if self._faults:
            raise LensError("\n".join(self._faults))


def fault_line(path, found, fix):
    return f"{path}: {found}; {fix}."


def json_from(path):
    """The value of a JSON file.

    Raises
    ------
    LensError
        If the file is missing, is not JSON, or has one key twice in an object.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8-sig"), object_pairs_hook=_object_without_repeats)
    except FileNotFoundError:
        raise LensError(fault_line(path, "is missing", "write it as docs/workspace/lens_folders.md shows")) from None
    except (OSError, ValueError, RecursionError) as error:
        raise LensError(fault_line(path, f"is not readable as JSON ({error})", "correct or rewrite it")) from None


def _object_without_repeats(pairs):
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {repeated} stands twice in one object")
    return value
