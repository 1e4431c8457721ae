"""Write `docs/workspace/odd_folders.md` from the JSON files of the odd folders."""

import json

from jax_profiling.gate import report
from jax_profiling.proof.odd_folders.folders import ODD_FOLDERS
from jax_profiling.terminal.writing import atomic_writes

KINDS = ("unstable", "counted", "undefined")
"""Properties of a parameter vector that the page counts."""

CHECK_COLUMNS = ("folder", "what is odd", "what `--check` says")
GATE_COLUMNS = ("folder", "Delaunay, nats", "noise, nats", *KINDS, "largest difference, nats", "unexplained", "verdict")

HEAD = """# Odd folders

Each folder below is valid and odd. All are made from the lens `small`. `--check` accepts each of them and says what was
understood:
"""

GATE = """The gate compares `KNNBarycentric` with Delaunay on each folder, at the prior median and {draws} draws. At an unstable
vector only the part of the difference outside the noise of Delaunay counts. [gating.md](gating.md) defines the words.
The log evidence of Delaunay is shown without the penalty of positions.
"""

TAIL = """`.venv/bin/python -m jax_profiling.proof.odd_folders` measures them and writes this page. `--build FOLDER` only
writes the folders, so that you can look at one:

```
.venv/bin/python -m jax_profiling.proof.odd_folders --build odd
.venv/bin/python jax_profiling/jit/imaging/delaunay_knn_barycentric.py --lens odd/ring_mask --check
```

Folders with faults end with exit status 2 and one line per fault ([lens_folders.md](lens_folders.md)).
"""


def write(results, docs):
    """Write `odd_folders.md`.

    Parameters
    ----------
    results
        The folder with the JSON files.
    docs
        The folder to write to.

    Returns
    -------
    dict
        Name -> contents of the JSON file, of every odd folder that has one.
    """
    paths = {odd.name: results / f"{odd.name}.json" for odd in ODD_FOLDERS}
    found = {name: json.loads(path.read_text()) for name, path in paths.items() if path.exists()}
    with atomic_writes(docs) as scratch:
        (scratch / "odd_folders.md").write_text(text_of(found))
    return found


def text_of(found):
    """The page (str) of a dictionary: name -> contents of the JSON file."""
    chosen = [odd for odd in ODD_FOLDERS if odd.name in found]
    said = [(f"`{odd.name}`", odd.odd, _sentences(found[odd.name]["check"])) for odd in chosen]
    gates = [row_of(found[odd.name]) for odd in chosen]
    draws = max((each["draws"] for each in found.values()), default=0)
    versions = {f"autolens {each['autolens']}, jax {each['jax']}, {each['device']}" for each in found.values()}
    tables = report.markdown_table(CHECK_COLUMNS, said), report.markdown_table(GATE_COLUMNS, gates)
    measured = f"Measured with {'; '.join(sorted(versions))}."
    return "\n".join([HEAD, *tables[0], "", GATE.format(draws=draws), *tables[1], "", measured, "", TAIL])


def row_of(summary):
    """The row of a folder in the table of verdicts: strings in the order of `GATE_COLUMNS`."""
    reference, candidate, vectors = summary["reference"], summary["candidates"][0], summary["draws"] + 1
    return (
        f"`{summary['lens']}`",
        _number(reference["log_evidence"], ".4f", summary["penalty"]),
        _number(reference["noise_nats"], ".0e"),
        *(f"{round(vectors * reference[kind])} of {vectors}" for kind in KINDS),
        _number(candidate["worst_nats"], ".1e"),
        str(candidate["unexplained"]),
        candidate["verdict"] if summary["passed"] else f"{candidate['verdict']}, failed",
    )


def _sentences(words):
    return ". ".join(each.rstrip(".") for each in words) + "."


def _number(value, form, plus=0.0):
    """Format a number of the JSON file, in which null stands for a number that is not finite."""
    return "NaN" if value is None else f"{value + plus:{form}}"
