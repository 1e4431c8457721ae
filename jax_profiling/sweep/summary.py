"""All results of a sweep -> `summary.json`, `summary.md` and a picture, judged as the gate judges one lens."""

import json
import math
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.gate import figures, report
from jax_profiling.gate.candidate import VERDICTS
from jax_profiling.gate.ladder import DEFAULT_RUNG
from jax_profiling.lenses.population import FACTS
from jax_profiling.sweep import records
from jax_profiling.terminal.writing import write_aside

WORST = 10
"""How many lenses are named, those furthest from Delaunay."""

AXES = {"einstein_radius": "Einstein radius (arcsec)", "signal_to_noise": "signal to noise of the lensed source"}
"""What a drawn lens is shown over, as `population.FACTS` has it."""

FLOOR = 1.0e-13
"""What is smaller is drawn here (nats)."""


def summary_from(cells, folder, settings, versions, failed):
    """The contents of `summary.json`: what the records of cells in a folder say, lens by lens."""
    by_lens = {}
    for cell in cells:
        if (record := records.read(folder / f"{cell.key}.json")) is not None:
            by_lens.setdefault(cell.name, []).append(record)
    lenses = [lens_from(name, found) for name, found in by_lens.items()]
    every = [record for found in by_lens.values() for record in found]
    return {
        "versions": versions,
        "devices": sorted({record["device"] for record in every}),
        "settings": settings.as_json(),
        "cells": len(cells),
        "seconds": round(sum(record["seconds"] for record in every), 1),
        "programs": sum(record["programs"] for record in every),
        "lenses": lenses,
        "failed": failed,
        "passed": bool(lenses) and not failed and all(each["candidates"][DEFAULT_RUNG]["passed"] for each in lenses),
    }


def lens_from(name, found):
    """What the summary says of one lens."""
    reference, candidates = records.found_in(found)
    return {
        "name": name,
        **{key: found[0][key] for key in ("lens", "vertices", "data_points", "facts")},
        "log_evidence": _rounded(reference.log_evidence, 9),
        "sizes": _all_rounded(reference.sizes),
        "noise": _all_rounded(reference.noise),
        **{kind: [int(each) for each in getattr(reference, kind)] for kind in report.KINDS},
        "candidates": {
            candidate.rung: {
                "nats": _all_rounded(candidate.errors),
                "unexplained": int(candidate.unexplained.sum()),
                "undefined": _all_rounded(candidate.nan_shares),
                "certified": candidate.certified,
                "verdict": candidate.verdict,
                "passed": bool(candidate.passed),
            }
            for candidate in candidates
        },
    }


def _rounded(value, digits=3):
    """A number to so many significant digits; None, which JSON can hold, where it is not finite."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else None


def _all_rounded(values):
    return [_rounded(value) for value in values]


def conclusion_from(found):
    """Sentences: verdicts, what the reference is worth, what is not explained, and what was given up."""
    lenses, vectors = found["lenses"], sum(len(lens["noise"]) for lens in found["lenses"])
    kinds = {kind: sum(map(sum, (lens[kind] for lens in lenses))) for kind in report.KINDS}
    yield (
        f"{len(lenses)} lenses, {vectors} parameter vectors: at {kinds['unstable']} the reference is unstable, at "
        f"{kinds['undefined']} undefined; {kinds['tied']} meshes have several Delaunay triangulations, of {kinds['dropped']} "
        "Qhull leaves out vertices."
    )
    for rung in found["settings"]["rungs"] if lenses else ():
        candidates = [lens["candidates"][rung] for lens in lenses]
        verdicts = Counter(each["verdict"] for each in candidates)
        counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])
        unexplained = sum(each["unexplained"] for each in candidates)
        worst = max((row["relative"] for row in vectors_of(found, rung) if row["stable"]), default=0.0)
        yield (
            f"{rung}: {counts}; at the {vectors - kinds['unstable']} stable vectors at most {worst:.1e} relative; "
            f"{unexplained} vectors unexplained."
        )
    if found["failed"]:
        yield f"{len(found['failed'])} cells were given up; the same command tries them again."
    yield f"The sweep {'passed' if found['passed'] else 'FAILED'}."


def vectors_of(found, rung):
    """A row for each vector at which the reference is defined: its lens, error, noise (nats), and what else is shown of it."""
    rows = []
    for lens in found["lenses"]:
        columns = lens["candidates"][rung]["nats"], lens["sizes"], lens["noise"], lens["unstable"], lens["undefined"]
        for nats, size, noise, unstable, undefined in zip(*columns, strict=True):
            if not undefined:
                nats = np.inf if nats is None else nats
                row = {"lens": lens, "nats": nats, "relative": nats / size, "noise": noise or 0.0}
                rows.append(row | {"stable": not unstable})
    return rows


def write(found, folder):
    """Write `summary.json`, `summary.md` and `sweep.png` into a folder."""
    with write_aside(folder) as aside:
        (aside / "summary.json").write_text(json.dumps(found, allow_nan=False).replace('{"name"', '\n{"name"') + "\n")
        (aside / "summary.md").write_text(markdown_from(found))
        if found["lenses"]:
            figures.save(figure_of(found), aside / "sweep.png")


def markdown_from(found):
    """The contents of `summary.md`."""
    versions = ", ".join(f"{name} {release}" for name, release in found["versions"].items())
    lines = ["# A sweep", "", f"{versions}; {'; '.join(found['devices'])}.", "", *conclusion_from(found), ""]
    if found["lenses"]:
        lines += ["![how far the mesh is from Delaunay, over Delaunay's own noise](sweep.png)", ""]
        lines += ["## How far from Delaunay", "", *_quantiles_of(found), ""]
        lines += ["## Lenses of one shape", "", *_shapes_of(found), ""]
        lines += [f"## The {WORST} furthest", "", *_worst_of(found), ""]
    if found["failed"]:
        lines += ["## Given up", "", *report.markdown_table(("cell", "reason"), sorted(found["failed"].items())), ""]
    return "\n".join(lines)


def _quantiles_of(found):
    rows = []
    for rung in found["settings"]["rungs"]:
        for words, stable in (("stable", True), ("unstable, beyond the reference's range", False)):
            chosen = [row for row in vectors_of(found, rung) if row["stable"] == stable]
            if chosen:
                quantiles = np.percentile([row["nats"] for row in chosen], (50, 90, 99, 100), method="higher")
                worst = max(row["relative"] for row in chosen)
                rows.append((rung, words, str(len(chosen)), *(f"{each:.1e}" for each in (*quantiles, worst))))
    columns = "mesh", "vectors", "number", "median, nats", "90 %", "99 %", "worst", "worst, relative"
    return report.markdown_table(columns, rows)


def _shapes_of(found):
    """The default mesh for each shape of lens: those that share a program, in a simulated population a cutout each."""
    by_shape = {}
    for row in vectors_of(found, DEFAULT_RUNG):
        by_shape.setdefault((row["lens"]["vertices"], row["lens"]["data_points"]), []).append(row)
    rows = []
    for shape, chosen in sorted(by_shape.items()):
        unstable = [row for row in chosen if not row["stable"]]
        lenses = len({row["lens"]["name"] for row in chosen})
        largest = (max(row[key] for row in chosen) for key in ("noise", "nats", "relative"))
        rows.append((*map(str, (*shape, lenses, len(chosen), len(unstable))), *(f"{each:.1e}" for each in largest)))
    columns = (
        "vertices",
        "data points",
        "lenses",
        "vectors",
        "unstable",
        "noise, nats",
        "worst, nats",
        "worst, relative",
    )
    return report.markdown_table(columns, rows)


def _worst_of(found):
    """The lenses whose default mesh is furthest from Delaunay for the size of the evidence, each with what reruns it."""
    rows = []
    for lens in found["lenses"]:
        candidate = lens["candidates"][DEFAULT_RUNG]
        errors = [np.inf if nats is None else nats for nats in candidate["nats"]]
        relative = [error / size if size else 0.0 for error, size in zip(errors, lens["sizes"], strict=True)]
        draws = len(errors) - 1
        command = (
            ".venv/bin/python jax_profiling/jit/imaging/delaunay_knn_barycentric.py "
            f"--lens {lens['lens']} --rungs {DEFAULT_RUNG} --draws {draws}"
        )
        noise = max((each for each in lens["noise"] if each is not None), default=0.0)
        facts = (f"{lens['facts'][key]:g}" if key in lens["facts"] else "" for key in FACTS)
        nats, worst = f"{max(errors):.1e}", max(relative)
        rows.append(
            (worst, (lens["name"], *facts, nats, f"{worst:.1e}", f"{noise:.0e}", candidate["verdict"], f"`{command}`"))
        )
    columns = ("lens", *FACTS, "nats", "relative", "noise, nats", "verdict", "again")
    worst = sorted(rows, key=lambda row: -row[0])[:WORST]
    return report.markdown_table([each.replace("_", " ") for each in columns], [row for _, row in worst])


def figure_of(found):
    """How far the default mesh is from Delaunay at every vector, over the reference's noise, and over what was drawn."""
    rows = vectors_of(found, DEFAULT_RUNG)
    stable = np.array([row["stable"] for row in rows])
    error, noise = (np.maximum([row[key] for row in rows], FLOOR) for key in ("nats", "noise"))
    drawn = {key: np.array([row["lens"]["facts"].get(key, np.nan) for row in rows]) for key in FACTS}
    drawn = {key: values for key, values in drawn.items() if np.isfinite(values).any()}
    figure, axes = plt.subplots(1, 2 + len(drawn), figsize=(4.5 * (2 + len(drawn)), 4.2), layout="constrained")
    bins = np.logspace(np.log10(FLOOR), 2, 33)
    axes[0].hist([error[stable], error[~stable]], bins, stacked=True, label=("stable", "unstable"))
    axes[0].set(xscale="log", xlabel="error, nats", ylabel="parameter vectors")
    axes[0].legend()
    axes[1].plot([FLOOR, 1.0], [FLOOR, 1.0], ":", color="0.3", linewidth=1)
    panels = {"noise of Delaunay, nats": noise, **{AXES[key]: values for key, values in drawn.items()}}
    for ax, (words, values) in zip(axes[1:], panels.items()):
        for chosen, colour in ((stable, "C0"), (~stable, "C1")):
            ax.plot(values[chosen], error[chosen], ".", color=colour, markersize=3)
        ax.set(
            xscale="linear" if words == AXES["einstein_radius"] else "log",
            yscale="log",
            xlabel=words,
            ylabel="error, nats",
        )
    return figure
