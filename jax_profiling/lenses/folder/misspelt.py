"""Files of a lens folder that nothing reads, because their names are almost right."""

import difflib

from jax_profiling.lenses.folder.data.fits_image import ENDINGS, EXTENSION_NAMES

NAMES = [f"{name}{ending}" for name in EXTENSION_NAMES for ending in ENDINGS]
NAMES += ["info.json", "model.json", "positions.json", "expected.json"]
"""Names of the files that are read."""


def note_misspelt(folder, inspection):
    """Note every file whose name is nearly one of `NAMES`. If such a file is optional, the lens is fitted without it."""
    for path in sorted(folder.iterdir()):
        nearest = difflib.get_close_matches(path.name.lower(), NAMES, n=1, cutoff=0.85)
        if nearest and path.name not in NAMES:
            inspection.note(path, f"is not read; a file {nearest[0]} would be")
