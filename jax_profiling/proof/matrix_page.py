"""Write `docs/proofs/matrix.md` and its figure from the JSON files of the production matrix."""

import json

import matplotlib.pyplot as plt

from jax_profiling.gate import report
from jax_profiling.gate.report import figures
from jax_profiling.proof.fit_cases import CASES, NATURAL_NEIGHBORS
from jax_profiling.terminal.writing import atomic_writes

KINDS = report.KINDS
"""Properties of a parameter vector that the page counts."""

COLUMNS = ("fit", "reference", "at the median", "worst of", "noise", *KINDS, "verdict")

HEAD = """# The production matrix

The gate runs on every kind of fit that PyAutoLens users run. It compares `KNNBarycentric` with Delaunay at the prior median
and at draws from the priors. The pipelines use autolens's default priors. `python -m jax_profiling.proof.matrix` generates this
page; the fits are defined in `jax_profiling/proof/fit_cases.py`.

![the error of the mesh in every fit, and the noise of Delaunay](matrix.png)

The columns (evidences and errors in nats):

- **reference**: Delaunay's log evidence at the prior median, without the penalty of positions.
- **at the median**: the log evidence of `KNNBarycentric` minus the reference.
- **worst of**: the largest error over N parameter vectors. At an unstable vector only the part outside the
  reference's range counts.
- **noise**: the largest change of the reference when the parameters change in their last bits.
- **undefined**, **unstable**, **tied**, **dropped**, **counted**: the number of parameter vectors with this property.
  [gating.md](../workspace/gating.md) defines the five words.
"""

ACCURATE = """## With the accurate log determinants

The same fits with `patch(log_det=True)`, the option `--log-det accurate` of the regression ([evidence.md](../evidence.md)). The
noise disappears, except at symmetric medians, where the mesh is tied or dropped.
"""

UNTRACED = """## Where Delaunay cannot run

autoarray finds the neighbours of a vertex on NumPy, so these schemes cannot be traced on its own Delaunay mesh.
`KNNBarycentric` runs them under `jax.jit`. Here it is compared with Delaunay on NumPy.

NumPy and JAX use different solvers, and the last digits differ. With `ConstantSplit` on `hst`, Delaunay itself differs by 1e-5
nats between them. The bar for stable vectors is 1e-9, so this difference counts as unexplained. On NumPy autolens rejects some
draws, such as an ellipticity above one; they are undefined.
"""

NATURAL = """## Natural neighbours

The same fits with `NaturalNeighbor`, at the prior median and one draw. The reference is autoarray's own code with right
weights: `DelaunayNN`'s where they are right, and rational arithmetic elsewhere (`jax_profiling/gate/natural_neighbors.py`). It
uses the triangulation of the mesh, so no vector is tied or dropped.

At unstable vectors the mesh runs without `jit`, as its reference does. The deflections of a round lens differ by 1e-8 arcsec
between a compiled program and the same code without `jit`. That moves a log evidence by up to 3300 nats (SLaM, source-pix 1),
more than perturbations of the reference by a last bit. The compiled value there is not judged,
unless it is NaN.
"""


def write(results, docs):
    """Write `matrix.md` and `matrix.png`.

    Parameters
    ----------
    results
        The folder with the JSON files.
    docs
        The folder to write to.

    Returns
    -------
    list
        The contents of the JSON files (dict), in the order of the fit cases.
    """
    summaries = {
        variant: {
            key: json.loads(path.read_text()) for key in CASES if (path := results / f"{key}.{variant}.json").exists()
        }
        for variant in ("shipped", "accurate", "natural_neighbors")
    }
    traced, untraced = {}, {}
    for key, summary in summaries["shipped"].items():
        (traced if summary["delaunay_under_jit"] else untraced)[key] = summary
    tables = (HEAD, traced), (UNTRACED, untraced), (ACCURATE, summaries["accurate"])
    lines = [line for words, found in tables for line in (words, *_table_of(found), "")]
    lines += [NATURAL, *_table_of(summaries["natural_neighbors"], NATURAL_NEIGHBORS), ""]
    every = [summary for found in summaries.values() for summary in found.values()]
    versions = sorted({f"autolens {each['autolens']}, jax {each['jax']}, {each['device']}" for each in every})
    with atomic_writes(docs) as scratch:
        (scratch / "matrix.md").write_text("\n".join([*lines, f"{'; '.join(versions)}.", ""]))
        figures.save(figure_of(summaries), scratch / "matrix.png")
    return every


def _table_of(summaries, cases=CASES):
    return report.markdown_table(COLUMNS, [row_of(cases[key], summary) for key, summary in summaries.items()])


def row_of(case, summary):
    """The row of a fit case: strings in the order of `COLUMNS`."""
    reference, candidate = summary["reference"], summary["candidates"][0]
    vectors = summary["draws"] + 1
    numbers = {kind: round(vectors * reference[kind]) for kind in KINDS}
    verdict = candidate["verdict"] + (
        "" if not candidate["unexplained"] else f", {candidate['unexplained']} unexplained"
    )
    return (
        f"{case.group}: {case.name}",
        _nats(_log_evidence_of(summary), ".4f"),
        _nats(candidate["nats"], "+.1e"),
        f"{_nats(candidate['worst_nats'], '.1e')} of {vectors - numbers['undefined']}",
        _nats(reference["noise_nats"], ".0e"),
        *map(str, numbers.values()),
        verdict,
    )


def _log_evidence_of(summary):
    """The reference's log evidence at the prior median without the penalty of positions (nats); None if not finite."""
    log_evidence = summary["reference"]["log_evidence"]
    return None if log_evidence is None else log_evidence + summary["penalty"]


def _nats(value, form):
    """Format a number of the JSON file, in which null stands for a number that is not finite."""
    return "NaN" if value is None else f"{value:{form}}"


FLOOR = 1.0e-12
"""Smaller relative errors are drawn here."""


def figure_of(summaries):
    """The relative error of the mesh in every fit case (dots) and the noise of Delaunay (bars)."""
    keys = list(summaries["shipped"])
    figure, ax = plt.subplots(figsize=(9, 1.2 + 0.2 * len(keys)), layout="constrained")
    for row, key in enumerate(keys):
        for log_det, colour, offset in (("shipped", "C0", -0.15), ("accurate", "C2", 0.15)):
            summary = summaries[log_det].get(key)
            if summary is None or not _log_evidence_of(summary):
                continue
            size = abs(_log_evidence_of(summary))
            noise = (summary["reference"]["noise_nats"] or 0.0) / size
            worst = summary["candidates"][0]["worst_relative_error"]
            ax.barh(row + offset, max(noise, FLOOR), left=FLOOR / 2, height=0.3, color=colour, alpha=0.25)
            # An infinite error is null in JSON; it is drawn at the right edge.
            ax.plot(1.0 if worst is None else max(worst, FLOOR), row + offset, "o", markersize=4, color=colour)
    for bound, words in ((1.0e-9, "this project's bar"), (1.0e-4, "drop-in"), (1.0e-3, "opt-in")):
        ax.axvline(bound, color="0.3", linestyle=":", linewidth=1)
        ax.text(bound, 1.005, words, rotation=30, fontsize=8, transform=ax.get_xaxis_transform())
    ax.set_xscale("log")
    ax.set_xlim(FLOOR / 2, 1.0)
    ax.set_ylim(len(keys) - 0.5, -0.5)
    ax.set_yticks(range(len(keys)), [f"{CASES[key].group}: {CASES[key].name}" for key in keys], fontsize=7)
    ax.set_xlabel(
        "relative to the log evidence: bars the noise of Delaunay, dots the mesh\n(green: accurate log determinants)"
    )
    return figure
