"""JSON files of measurements that take hours, by which an interrupted command continues."""

import json

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes


def kept(path, settings):
    """The contents of a JSON file (dict), or the settings (dict) if there is no file.

    Raises
    ------
    BadInput
        If the file was measured with other settings. It is not overwritten.
    """
    if not path.exists():
        return dict(settings)
    found = json.loads(path.read_text())
    for key, value in settings.items():
        if found.get(key) != value:
            raise BadInput(
                f"{path}: measured with {key} {found.get(key)}, not {value}; move it away, or give another --output."
            )
    return found


def keep(path, found, rows=()):
    """Write a dict as a JSON file. The lists named in `rows` get a line per entry."""
    text = json.dumps(found | dict.fromkeys(rows), indent=1, allow_nan=False)
    for name in rows:
        lines = ",\n".join(f"  {json.dumps(each, allow_nan=False)}" for each in found[name])
        text = text.replace(f'"{name}": null', f'"{name}": [\n{lines}\n ]')
    with atomic_writes(path.parent) as scratch:
        (scratch / path.name).write_text(text + "\n")
