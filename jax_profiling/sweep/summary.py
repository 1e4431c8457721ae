"""All results of a sweep -> `summary.json`, `summary.md` and a picture, judged as the gate judges one lens."""

import json
import math
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.gate import figures, report
from jax_profiling.gate.verdict import DEFAULT_RUNG, VERDICTS
from jax_profiling.lenses.population import FACTS
from jax_profiling.sweep import records
from jax_profiling.terminal.writing import write_aside

WORST = 10
"""How many lenses are named, those furthest from Delaunay."""

AXES = {"einstein_radius": "Einstein radius (arcsec)", "signal_to_noise": "signal to noise of the lensed source"}
"""What a drawn lens is shown over, as `population.FACTS` has it."""

FLOOR = 1.0e-16
"""What is smaller is drawn here."""


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
                "undefined": _all_rounded(candidate.undefined),
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
        yield (
            f"{rung}: {counts}; at the {vectors - kinds['unstable']} stable vectors at most "
            f"{max(relative_of(found, rung, stable=True), default=0.0):.1e} relative; {unexplained} vectors unexplained."
        )
    if found["failed"]:
        yield f"{len(found['failed'])} cells were given up; the same command tries them again."
    yield f"The sweep {'passed' if found['passed'] else 'FAILED'}."


def relative_of(found, rung, stable):
    """The relative errors of a rung at all vectors that are stable, or at those that are not."""
    return [
        float(nats if nats is not None else np.inf) / size
        for lens in found["lenses"]
        for nats, size, unstable, undefined in zip(
            lens["candidates"][rung]["nats"], lens["sizes"], lens["unstable"], lens["undefined"], strict=True
        )
        if bool(unstable) != stable and not undefined
    ]


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
        lines += [f"## The {WORST} furthest", "", *_worst_of(found), ""]
    if found["failed"]:
        lines += ["## Given up", "", *report.markdown_table(("cell", "reason"), sorted(found["failed"].items())), ""]
    return "\n".join(lines)


def _quantiles_of(found):
    rows = []
    for rung in found["settings"]["rungs"]:
        for words, stable in (("stable", True), ("unstable, beyond the reference's range", False)):
            errors = relative_of(found, rung, stable)
            if errors:
                quantiles = np.percentile(errors, (50, 90, 99, 100), method="higher")
                rows.append((rung, words, str(len(errors)), *(f"{each:.1e}" for each in quantiles)))
    return report.markdown_table(("mesh", "vectors", "number", "median", "90 %", "99 %", "worst, relative"), rows)


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
    columns = {name: [] for name in ("error", "noise", "stable", *FACTS)}
    for lens in found["lenses"]:
        vectors = zip(
            lens["candidates"][DEFAULT_RUNG]["nats"], lens["sizes"], lens["noise"], lens["unstable"], strict=True
        )
        for nats, size, noise, unstable in vectors:
            if nats is None or not size:
                continue
            columns["error"].append(max(nats / size, FLOOR))
            columns["noise"].append(max((noise or 0.0) / size, FLOOR))
            columns["stable"].append(not unstable)
            for key in FACTS:
                columns[key].append(lens["facts"].get(key, np.nan))
    columns = {name: np.array(values) for name, values in columns.items()}
    drawn = [key for key in FACTS if np.isfinite(columns[key]).any()]
    figure, axes = plt.subplots(1, 2 + len(drawn), figsize=(4.5 * (2 + len(drawn)), 4.2), layout="constrained")
    stable = columns["stable"].astype(bool)
    bins = np.logspace(np.log10(FLOOR), 0, 33)
    axes[0].hist(
        [columns["error"][stable], columns["error"][~stable]], bins, stacked=True, label=("stable", "unstable")
    )
    axes[0].set(xscale="log", xlabel="error, relative to the log evidence", ylabel="parameter vectors")
    axes[0].legend()
    panels = [("noise", "noise of Delaunay, relative"), *((key, AXES[key]) for key in drawn)]
    for ax, (key, words) in zip(axes[1:], panels):
        for chosen, colour in ((stable, "C0"), (~stable, "C1")):
            ax.plot(columns[key][chosen], columns["error"][chosen], ".", color=colour, markersize=3)
        ax.set(
            xscale="linear" if key == "einstein_radius" else "log", yscale="log", xlabel=words, ylabel="error, relative"
        )
    for ax in axes[1:]:
        for bound in (each for each in VERDICTS.values() if math.isfinite(each)):
            ax.axhline(bound, color="0.3", linestyle=":", linewidth=1)
    return figure
