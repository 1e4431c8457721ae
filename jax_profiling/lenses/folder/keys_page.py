"""The table of keys in docs/workspace/lens_folders.md, from the schema.

    .venv/bin/python -m jax_profiling.lenses.folder.keys_page

writes it between the two comments of that page.
"""

import json

from jax_profiling import ROOT
from jax_profiling.lenses.folder.info_schema import Info
from jax_profiling.lenses.folder.words import in_words
from jax_profiling.terminal.pages import rewrite_part

PAGE = ROOT / "docs" / "workspace" / "lens_folders.md"
BEGIN, END = "<!-- table of keys: written by keys_page -->", "<!-- end of the table of keys -->"


def table():
    """The lines of a Markdown table: a row per key, required ones first."""
    schema = Info.model_json_schema()
    definitions = schema["$defs"]
    rows = ["| key | write | default | meaning |", "| --- | --- | --- | --- |"]
    rows += _rows(schema, definitions, "")
    rows += _rows(definitions["BySignalToNoise"], definitions, "over_sample_size_pixelization.")
    for kind in ("Overlay", "Hilbert", "KMeans"):
        rows += _rows(definitions[kind], definitions, "image_mesh.", f" ({kind})")
    return rows


def _rows(schema, definitions, before, after=""):
    return [
        f"| `{before}{key}`{after} | {in_words(part, definitions)} | {_default(key, part, schema)} | {part['description']} |"
        for key, part in schema["properties"].items()
        if key != "type"
    ]


def _default(key, part, schema):
    if key in schema["required"]:
        return "required"
    return f"`{json.dumps(part['default'])}`" if "default" in part else ""


if __name__ == "__main__":
    rewrite_part(PAGE, table(), BEGIN, END)
