"""All results of a sweep -> `summary.json`, `summary.md` and a figure, judged as the gate judges one lens."""

import json
import math
import shlex
from collections import Counter

import matplotlib.pyplot as plt
import numpy as np

from jax_profiling.gate import report
from jax_profiling.gate.candidate import VERDICTS
from jax_profiling.gate.ladder import DEFAULT_RUNG
from jax_profiling.gate.report import figures
from jax_profiling.lenses.simulated.population import FACTS
from jax_profiling.sweep import records
from jax_profiling.terminal.writing import atomic_writes

WORST_LENSES = 10
"""The summary lists so many lenses, those with the largest relative error."""

AXES = {"einstein_radius": "Einstein radius (arcsec)", "signal_to_noise": "signal to noise of the lensed source"}
"""Key of `population.FACTS` -> label of a horizontal axis."""

PLOTTED_NATS = 1.0e-13, 100.0
"""The figure shows smaller and larger errors and noises at these values, NaN at the larger one."""


def summary_from(chunks, folder, settings, versions, failures):
    """The contents of `summary.json`, from the records in a folder."""
    by_lens = {}
    for chunk in chunks:
        if (record := records.of_chunk(chunk, folder)) is not None:
            by_lens.setdefault(chunk.name, []).append(record)
    lenses = [lens_summary_from(name, of_lens) for name, of_lens in by_lens.items()]
    every = [record for of_lens in by_lens.values() for record in of_lens]
    return {
        "versions": versions,
        "devices": sorted({record["device"] for record in every}),
        "settings": settings.as_json(),
        "chunks": len(chunks),
        "seconds": round(sum(record["seconds"] for record in every), 1),
        "programs": sum(record["programs"] for record in every),
        "lenses": lenses,
        "failures": failures,
        "passed": bool(lenses) and not failures and all(each["candidates"][DEFAULT_RUNG]["passed"] for each in lenses),
    }


def lens_summary_from(name, of_lens):
    """The entry of one lens in the summary, from its records."""
    reference, candidates = records.reference_and_candidates_of(of_lens)
    return {
        "name": name,
        "draws": of_lens[-1]["last"] - 1,
        **{key: of_lens[0][key] for key in ("lens", "vertices", "data_points", "facts")},
        # Without the first chunk, the prior median is missing.
        "log_evidence": _round(reference.log_evidence if of_lens[0]["first"] == 0 else math.nan, 9),
        "sizes": _round_all(reference.sizes),
        "noise": _round_all(reference.noise),
        **{kind: [int(each) for each in getattr(reference, kind)] for kind in report.KINDS},
        "candidates": {
            candidate.rung: {
                "nats": _round_all(candidate.errors),
                "unexplained": int(candidate.unexplained.sum()),
                "undefined": _round_all(candidate.nan_shares),
                "certified": candidate.certified,
                "verdict": candidate.verdict,
                "passed": bool(candidate.passed),
            }
            for candidate in candidates
        },
    }


def _round(value, digits=3):
    """A number with so many significant digits. None, which JSON can hold, if it is not finite."""
    return float(f"{value:.{digits - 1}e}") if math.isfinite(value) else None


def _round_all(values):
    return [_round(value) for value in values]


def conclusion_from(summary):
    """Sentences on the reference, the verdicts, unexplained errors and failed chunks."""
    lenses, vectors = summary["lenses"], sum(len(lens["noise"]) for lens in summary["lenses"])
    kinds = {kind: sum(sum(lens[kind]) for lens in lenses) for kind in ("undefined", "unstable", "tied", "dropped")}
    yield (
        f"{len(lenses)} lenses, {vectors} parameter vectors. The reference is unstable at {kinds['unstable']} and undefined at "
        f"{kinds['undefined']}. {kinds['tied']} meshes have several Delaunay triangulations; Qhull drops vertices of "
        f"{kinds['dropped']} meshes."
    )
    for rung in summary["settings"]["rungs"] if lenses else ():
        candidates = [lens["candidates"][rung] for lens in lenses]
        verdicts = Counter(each["verdict"] for each in candidates)
        counts = ", ".join(f"{verdicts[verdict]} {verdict}" for verdict in VERDICTS if verdicts[verdict])
        unexplained = sum(each["unexplained"] for each in candidates)
        worst = max((row["relative"] for row in vectors_of(summary, rung) if row["stable"]), default=0.0)
        yield (
            f"{rung}: {counts}. The relative error is at most {worst:.1e} at the {vectors - kinds['unstable']} stable vectors; "
            f"{unexplained} vectors are unexplained."
        )
    if summary["failures"]:
        yield f"{len(summary['failures'])} chunks have no result; run the same command to try them again."
    yield f"The sweep {'passed' if summary['passed'] else 'FAILED'}."


def vectors_of(summary, rung):
    """A dictionary per vector with a defined reference: its lens, error and noise (nats), relative error, and stability."""
    rows = []
    for lens in summary["lenses"]:
        columns = lens["candidates"][rung]["nats"], lens["sizes"], lens["noise"], lens["unstable"], lens["undefined"]
        for nats, size, noise, unstable, undefined in zip(*columns, strict=True):
            if not undefined:
                nats = np.inf if nats is None else nats
                row = {"lens": lens, "nats": nats, "relative": nats / size, "noise": noise or 0.0}
                rows.append(row | {"stable": not unstable})
    return rows


def write(summary, folder):
    """Write `summary.json`, `summary.md` and `sweep.png` into a folder."""
    with atomic_writes(folder) as scratch:
        (scratch / "summary.json").write_text(text_of(summary))
        (scratch / "summary.md").write_text(markdown_from(summary))
        if summary["lenses"]:
            figures.save(figure_of(summary), scratch / "sweep.png")


def text_of(summary):
    """The text of `summary.json`, one line per lens."""
    return json.dumps(summary, allow_nan=False).replace('{"name"', '\n{"name"') + "\n"


def markdown_from(summary):
    """The contents of `summary.md`."""
    versions = ", ".join(f"{name} {release}" for name, release in summary["versions"].items())
    lines = ["# A sweep", "", f"{versions}; {'; '.join(summary['devices'])}.", "", *conclusion_from(summary), ""]
    if summary["lenses"]:
        lines += ["![error of the mesh over Delaunay's own noise](sweep.png)", ""]
        lines += ["## Error", "", *_quantiles_of(summary), ""]
        lines += ["## Lenses of the same shape", "", *_shapes_of(summary), ""]
        lines += [f"## The {WORST_LENSES} largest relative errors", "", *_worst_of(summary), ""]
    if summary["failures"]:
        failures = sorted(summary["failures"].items())
        lines += ["## Chunks without a result", "", *report.markdown_table(("chunk", "reason"), failures), ""]
    return "\n".join(lines)


def _quantiles_of(summary):
    rows = []
    for rung in summary["settings"]["rungs"]:
        for label, stable in (("stable", True), ("unstable, beyond the reference's range", False)):
            selection = [row for row in vectors_of(summary, rung) if row["stable"] == stable]
            if selection:
                quantiles = np.percentile([row["nats"] for row in selection], (50, 90, 99, 100), method="higher")
                worst = max(row["relative"] for row in selection)
                rows.append((rung, label, str(len(selection)), *(f"{each:.1e}" for each in (*quantiles, worst))))
    columns = "mesh", "vectors", "number", "median, nats", "90 %", "99 %", "worst", "worst, relative"
    return report.markdown_table(columns, rows)


def _shapes_of(summary):
    """The default mesh by shape: lenses with equal numbers of vertices and data points, which share a program."""
    by_shape = {}
    for row in vectors_of(summary, DEFAULT_RUNG):
        by_shape.setdefault((row["lens"]["vertices"], row["lens"]["data_points"]), []).append(row)
    rows = []
    for shape, of_shape in sorted(by_shape.items()):
        unstable = sum(not row["stable"] for row in of_shape)
        lenses = len({row["lens"]["name"] for row in of_shape})
        largest = (max(row[key] for row in of_shape) for key in ("noise", "nats", "relative"))
        rows.append((*map(str, (*shape, lenses, len(of_shape), unstable)), *(f"{each:.1e}" for each in largest)))
    columns = (
        *("vertices", "data points", "lenses", "vectors", "unstable"),
        *("noise, nats", "worst, nats", "worst, relative"),
    )
    return report.markdown_table(columns, rows)


def _worst_of(summary):
    """The lenses with the largest relative error of the default mesh, each with the command that repeats its gate."""
    rows = []
    log_det = " --log-det accurate" if summary["settings"]["log_det"] == "accurate" else ""
    for lens in summary["lenses"]:
        candidate = lens["candidates"][DEFAULT_RUNG]
        errors = [np.inf if nats is None else nats for nats in candidate["nats"]]
        relative = [error / size if size else 0.0 for error, size in zip(errors, lens["sizes"], strict=True)]
        command = (
            ".venv/bin/python jax_profiling/jit/imaging/delaunay_knn_barycentric.py "
            f"--lens {shlex.quote(lens['lens'])} --rungs {DEFAULT_RUNG} --draws {lens['draws']}{log_det}"
        )
        noise = max((each for each in lens["noise"] if each is not None), default=0.0)
        facts = (f"{lens['facts'][key]:g}" if key in lens["facts"] else "" for key in FACTS)
        nats, worst = f"{max(errors):.1e}", max(relative)
        rows.append(
            (worst, (lens["name"], *facts, nats, f"{worst:.1e}", f"{noise:.0e}", candidate["verdict"], f"`{command}`"))
        )
    columns = ("lens", *FACTS, "nats", "relative", "noise, nats", "verdict", "command")
    worst = sorted(rows, key=lambda row: -row[0])[:WORST_LENSES]
    return report.markdown_table([each.replace("_", " ") for each in columns], [row for _, row in worst])


def figure_of(summary):
    """The error of the default mesh at every vector, over the reference's noise and over the facts of random lenses."""
    rows = vectors_of(summary, DEFAULT_RUNG)
    stable = np.array([row["stable"] for row in rows], dtype=bool)
    error, noise = (np.clip([row[key] for row in rows], *PLOTTED_NATS) for key in ("nats", "noise"))
    facts = {key: np.array([row["lens"]["facts"].get(key, np.nan) for row in rows]) for key in FACTS}
    facts = {key: values for key, values in facts.items() if np.isfinite(values).any()}
    figure, axes = plt.subplots(1, 2 + len(facts), figsize=(4.5 * (2 + len(facts)), 4.2), layout="constrained")
    bins = np.geomspace(*PLOTTED_NATS, 33)
    axes[0].hist([error[stable], error[~stable]], bins, stacked=True, label=("stable", "unstable"))
    axes[0].set(xscale="log", xlabel="error, nats", ylabel="parameter vectors")
    axes[0].legend()
    axes[1].plot([PLOTTED_NATS[0], 1.0], [PLOTTED_NATS[0], 1.0], ":", color="0.3", linewidth=1)
    panels = {"noise of Delaunay, nats": noise, **{AXES[key]: values for key, values in facts.items()}}
    for ax, (label, values) in zip(axes[1:], panels.items()):
        for selection, colour in ((stable, "C0"), (~stable, "C1")):
            ax.plot(values[selection], error[selection], ".", color=colour, markersize=3)
        ax.set(
            xscale="linear" if label == AXES["einstein_radius"] else "log",
            yscale="log",
            xlabel=label,
            ylabel="error, nats",
        )
    return figure
