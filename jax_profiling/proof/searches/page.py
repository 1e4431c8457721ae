"""Write `docs/searches/searches.md` from the JSON files of all lenses, meshes and searches."""

import json

import numpy as np

from jax_profiling.gate.report.markdown import markdown_table
from jax_profiling.proof.continuity.meshes import MESHES
from jax_profiling.proof.searches.words import BETWEEN, HEAD, MISSING
from jax_profiling.terminal.writing import atomic_writes

GRADIENTS = {"lbfgs": "`af.LBFGS`", "bounded": "`af.LBFGS`, bounded", "prodigy": "`af.MultiStartProdigy`"}
"""Searches that follow gradients -> words."""

CLOSE = 2.0
"""A start has arrived if its log posterior is within this many nats of the best."""

BAR = {"log evidence": 2.0, "mean": 0.2, "ratio": (0.8, 1.25)}
"""Upstream's bar for the same inference: nats, standard deviations, and the ratio of standard deviations."""


def write(results, docs):
    """Write `searches.md` into the folder `docs`; the files as Lens -> mesh -> search -> contents (dict)."""
    found = found_in(results)
    every = [each for meshes in found.values() for searches in meshes.values() for each in searches.values()]
    releases = sorted(
        {f"autolens {each['releases']['autolens']}, jax {each['releases']['jax']}, {each['device']}" for each in every}
    )
    tables = {
        "gradients": _table_of_starts(found),
        "best": _table_of_best(found),
        "nautilus": _table_of_samples(found, "nautilus", NAUTILUS_COLUMNS),
        "bar": _table_of_bar(found),
        "nuts": _table_of_samples(found, "nuts", NUTS_COLUMNS),
    }
    lines = [HEAD]
    for name, table in tables.items():
        if len(table) > len(("head", "rule")):
            lines += [BETWEEN[name], *table, ""]
    lines += [MISSING, f"{'; '.join(releases)}.", ""]
    with atomic_writes(docs) as scratch:
        (scratch / "searches.md").write_text("\n".join(lines))
    return found


def found_in(results):
    """Lens -> mesh -> search -> the contents of a JSON file (dict), in the order of `MESHES`."""
    found = {}
    for mesh in MESHES:
        for path in sorted(results.glob(f"*.{mesh}.*.json")):
            each = json.loads(path.read_text())
            found.setdefault(each["lens"], {}).setdefault(mesh, {})[each["search"]] = each
    return dict(sorted(found.items(), key=lambda item: item[0] != "small"))


def best_of(searches):
    """The highest log posterior (nats) that any start of any gradient search found with one mesh."""
    return max(_height(start) for name in GRADIENTS if name in searches for start in searches[name]["starts"])


def _height(start):
    """The highest log posterior of a start (nats); -inf if it is undefined everywhere."""
    return -np.inf if start["log_posterior"] is None else start["log_posterior"]


def _value(number):
    """A number of a JSON file; NaN for None."""
    return np.nan if number is None else number


def evaluations_until(start, target):
    """The number of evaluations until a start reaches a log posterior; NaN if it does not."""
    values = np.array([-np.inf if value is None else value for value in start["values"]])
    (there,) = np.nonzero(values >= target)
    return there[0] + 1.0 if len(there) else np.nan


def _table_of_starts(found):
    rows = []
    for lens, meshes in found.items():
        for name, words in GRADIENTS.items():
            for mesh, searches in meshes.items():
                if name not in searches:
                    continue
                each, best = searches[name], best_of(searches)
                until = np.array([evaluations_until(start, best - CLOSE) for start in each["starts"]])
                arrived, total = np.isfinite(until), len(until)
                short = np.array([best - _height(start) for start in each["starts"]])
                used = np.array([len(start["values"]) for start in each["starts"]])
                rows.append(
                    (
                        f"`{lens}`",
                        words,
                        MESHES[mesh],
                        f"{arrived.sum()} of {total}",
                        f"{np.median(until[arrived]):.0f}" if arrived.any() else "",
                        f"{np.median(used):.0f}",
                        _short(np.median(short)),
                        _short(np.nanmedian([_value(start["slope"]) for start in each["starts"]])),
                        f"{sum(start['seconds'] for start in each['starts']):.0f}",
                    )
                )
    head = (
        "lens",
        "search",
        "mesh",
        "arrived",
        "evaluations until then",
        "evaluations",
        "short by",
        "slope",
        "seconds",
    )
    return markdown_table(head, rows)


def _table_of_best(found):
    rows = []
    for lens, meshes in found.items():
        for mesh, searches in meshes.items():
            files = {name: searches[name] for name in GRADIENTS if name in searches}
            if not files:
                continue
            starts = [start for each in files.values() for start in each["starts"]]
            highest = max(starts, key=_height)
            truth = next(iter(files.values()))["truth"]
            evidence = _height(highest) - _value(highest["log_prior"])
            rows.append(
                (
                    f"`{lens}`",
                    MESHES[mesh],
                    f"{_height(highest):.2f}",
                    f"{evidence:.2f}",
                    f"{_value(truth):.2f}",
                    _short(_value(highest["slope"])),
                )
            )
    head = (
        "lens",
        "mesh",
        "highest log posterior",
        "log evidence there",
        "log posterior at the prior median",
        "slope there",
    )
    return markdown_table(head, rows)


def _sampled(found, search):
    """Yield a lens and its meshes with a finished search that samples (mesh -> contents of the file)."""
    for lens, meshes in found.items():
        done = {mesh: each[search] for mesh, each in meshes.items() if "mean" in each.get(search, {})}
        if done:
            yield lens, done


def _table_of_samples(found, search, columns):
    """The posteriors of a search that samples, with more columns: head -> function from the contents of a file to a cell."""
    rows = [
        (
            f"`{lens}`",
            MESHES[mesh],
            *(f"{mean:.6f} +- {error:.6f}" for mean, error in zip(each["mean"], each["error"], strict=True)),
            *(cell(each) for cell in columns.values()),
        )
        for lens, meshes in _sampled(found, search)
        for mesh, each in meshes.items()
    ]
    free = next((each["free"] for _, meshes in _sampled(found, search) for each in meshes.values()), ())
    return markdown_table(("lens", "mesh", *free, *columns), rows)


NAUTILUS_COLUMNS = {
    "log evidence": lambda each: f"{each['log_evidence']:.3f}",
    "evaluations": lambda each: str(each["evaluations_used"]),
    "efficiency": lambda each: f"{100.0 * each['effective_samples'] / each['evaluations_used']:.0f} %",
    "seconds": lambda each: f"{each['seconds']:.0f}",
}

NUTS_COLUMNS = {
    "acceptance": lambda each: f"{_value(each['acceptance']):.2f}",
    "gradients per sample": lambda each: f"{each['evaluations_used'] / sum(each['tree_depths'].values()):.0f}",
    "divergent": lambda each: str(each["divergent"]),
    "effective samples": lambda each: f"{_value(each['effective_samples']):.0f}",
    "R-hat": lambda each: f"{_value(each['rhat']):.2f}",
    "seconds": lambda each: f"{each['seconds']:.0f}",
}


def bar_differences_of(one, other):
    """How far two posteriors are apart, as upstream's bar counts it.

    Parameters
    ----------
    one, other
        Contents of two files of `af.Nautilus` (dict).

    Returns
    -------
    dict
        "log evidence" -> nats; "mean" -> the largest shift in standard deviations of `one`; "ratio" -> (2,) the smallest and
        the largest ratio of standard deviations.
    """
    error = np.array(one["error"])
    ratio = np.array(other["error"]) / error
    return {
        "log evidence": abs(other["log_evidence"] - one["log_evidence"]),
        "mean": float(np.max(np.abs(np.array(other["mean"]) - np.array(one["mean"])) / error)),
        "ratio": (float(ratio.min()), float(ratio.max())),
    }


def bar_cells(one, other):
    """`bar_differences_of` as three cells of a table, each with whether it is within upstream's bar."""
    apart = bar_differences_of(one, other)
    low, high = apart["ratio"]
    cells = (
        (f"{apart['log evidence']:.2f}", apart["log evidence"] <= BAR["log evidence"]),
        (f"{apart['mean']:.2f}", apart["mean"] <= BAR["mean"]),
        (f"{low:.2f} to {high:.2f}", BAR["ratio"][0] <= low and high <= BAR["ratio"][1]),
    )
    return [f"{cell}, {'within' if within else 'outside'}" for cell, within in cells]


BAR_COLUMNS = "log evidence, nats (2)", "mean, sigma (0.2)", "ratio of sigmas (0.8 to 1.25)"


def _table_of_bar(found):
    rows = [
        (f"`{lens}`", MESHES[mesh], *bar_cells(meshes["linear"], each))
        for lens, meshes in _sampled(found, "nautilus")
        if "linear" in meshes
        for mesh, each in meshes.items()
        if mesh != "linear"
    ]
    return markdown_table(("lens", "mesh", *BAR_COLUMNS), rows)


def _short(value):
    """A number with two digits."""
    return f"{value:.2g}" if abs(value) < 100.0 else f"{value:.0f}"
