"""The table of keys in docs/workspace/lens_folders.md, from the schema.

    .venv/bin/python -m jax_profiling.lenses.folder.keys_page

writes it between the two comments of that page.
"""

import json
import re
from pathlib import Path

from jax_profiling.lenses.folder.info_schema import Info
from jax_profiling.lenses.folder.words import words_of

PAGE = Path(__file__).resolve().parents[3] / "docs" / "workspace" / "lens_folders.md"
BEGIN, END = "<!-- table of keys: written by keys_page -->", "<!-- end of the table of keys -->"


def table():
    """The rows of every key, required ones first, as a Markdown table."""
    schema = Info.model_json_schema()
    definitions = schema["$defs"]
    rows = ["| key | write | default | meaning |", "| --- | --- | --- | --- |"]
    rows += _rows(schema, definitions, "")
    rows += _rows(definitions["BySignalToNoise"], definitions, "over_sample_size_pixelization.")
    for kind in ("Overlay", "Hilbert", "KMeans"):
        rows += _rows(definitions[kind], definitions, "image_mesh.", f" ({kind})")
    return "\n".join(rows)


def _rows(schema, definitions, before, after=""):
    return [
        f"| `{before}{key}`{after} | {words_of(part, definitions)} | {_default(key, part, schema)} | {part['description']} |"
        for key, part in schema["properties"].items()
        if key != "type"
    ]


def _default(key, part, schema):
    if key in schema["required"]:
        return "required"
    return f"`{json.dumps(part['default'])}`" if "default" in part else ""


def page_with(text, rows):
    """The page with these rows in the table of keys."""
    return re.sub(f"{BEGIN}.*?{END}", lambda _: f"{BEGIN}\n{rows}\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    PAGE.write_text(page_with(PAGE.read_text(), table()))
