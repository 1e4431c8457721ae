"""JSON files of finished searches, by which an interrupted command continues."""

import json

from jax_profiling.terminal.writing import atomic_writes


def kept(path, settings, rows="starts"):
    """The contents of a JSON file (dict) with these settings, or a dict without rows."""
    if path.exists():
        found = json.loads(path.read_text())
        if all(found.get(key) == value for key, value in settings.items()):
            return found
    return settings | {rows: []}


def keep(path, found, rows="starts"):
    """Write a JSON file with one line per row."""
    head = json.dumps(found | {rows: None}, indent=1, allow_nan=False)
    lines = ",\n".join(f"  {json.dumps(each, allow_nan=False)}" for each in found[rows])
    with atomic_writes(path.parent) as scratch:
        (scratch / path.name).write_text(head.replace(f'"{rows}": null', f'"{rows}": [\n{lines}\n ]') + "\n")
