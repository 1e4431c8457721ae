"""What the log determinant of regularization does to the evidence: `docs/evidence.md` and its pictures.

    .venv/bin/python -m jax_profiling.proof.evidence --lens hst --lens FOLDER --lens FOLDER --pixels 500 --pixels 1000

For AdaptSplit at the prior median of each lens, over its inner and outer coefficient from 1e-6 to 1e6 and three signal scales:
how far a Cholesky factorization of the formed matrix is from `evidence.log_det.grounded_log_det`, how much it moves
when the coefficients move by their last bits, and where it fails; and how much the grounded one moves. `--median` compares the
log evidences at the prior medians instead, which on the lenses of this repository are near the maximum.
"""

import argparse
import json
from dataclasses import replace

import autolens as al
import matplotlib.pyplot as plt
import numpy as np
from rich.console import Console

from jax_profiling import ROOT
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.patches import log_dets
from jax_profiling.gate.provenance import device
from jax_profiling.gate.report.markdown import markdown_table
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.simulated.spec import hilbert
from jax_profiling.proof.fit_cases import FitCase, lens_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least, folder_to_write
from jax_profiling.terminal.lines import print_line
from jax_profiling.terminal.progress import progress_of
from jax_profiling.terminal.writing import atomic_writes
from knn_barycentric.evidence.differences import BUILDERS, constants_of, row_sums_of
from knn_barycentric.evidence.log_det import grounded_log_det
from knn_barycentric.mesh import KNNBarycentric

COEFFICIENTS = 10.0 ** np.arange(-6, 7)
SIGNAL_SCALES = (0.1, 0.5, 0.9)
MOVES = 4
"""How often the weights are moved by their last bits."""

plt.switch_backend("Agg")


def cholesky_log_det(matrix):
    """log det as autoarray takes it (nats), NaN where the factorization fails."""
    try:
        return 2.0 * np.log(np.diagonal(np.linalg.cholesky(matrix))).sum()
    except np.linalg.LinAlgError:
        return np.nan


def study_of(lens, progress=lambda message: None):
    """The grids of one lens.

    Returns
    -------
    dict
        "bias", "noise", "grounded noise": (signal scale, outer, inner) nested lists in nats, null where all evaluations failed;
        "failed": the share of NaN; "vertices".
    """
    likelihood = Likelihood(lens, al.mesh.Delaunay)
    mapper = likelihood.mapper(likelihood.prior_medians)
    found = {key: np.empty((len(SIGNAL_SCALES), len(COEFFICIENTS), len(COEFFICIENTS))) for key in KEYS}
    for place in np.ndindex(*found["bias"].shape):
        scale, outer, inner = SIGNAL_SCALES[place[0]], COEFFICIENTS[place[1]], COEFFICIENTS[place[2]]
        if place[1:] == (0, 0):
            progress(f"signal scale {scale}")
        shipped, grounded = [], []
        for move in range(MOVES):
            scheme = al.reg.AdaptSplit(*(_moved(each, move) for each in (inner, outer, scale)))
            matrix = np.asarray(scheme.regularization_matrix_from(mapper))
            shipped.append(cholesky_log_det(matrix))
            differences = [BUILDERS[al.reg.AdaptSplit](scheme, mapper, np)]
            grounded.append(grounded_log_det(matrix, row_sums_of(differences, np), constants_of(differences, np)))
        finite = np.array(shipped)[np.isfinite(shipped)]
        found["bias"][place] = np.abs(finite - grounded[0]).max() if len(finite) else np.nan
        found["noise"][place] = np.ptp(finite) if len(finite) else np.nan
        found["grounded noise"][place] = np.ptp(grounded)
        found["failed"][place] = 1.0 - len(finite) / MOVES
    return {"lens": lens.name, "vertices": lens.vertices, **found}


KEYS = {"bias": "bias", "noise": "noise", "grounded noise": "noise, grounded", "failed": "NaN"}
"""What is studied, and what the picture calls it."""


def _moved(value, move):
    """A number some last bits larger."""
    for _ in range(move):
        value = np.nextafter(value, np.inf)
    return float(value)


def with_pixels(name, pixels):
    """A lens with so many vertices in its mesh, and its edge points; the folder's own mesh where `pixels` is None."""
    if pixels is None:
        return lens_folder.load(name)
    lens = lens_of(FitCase("", name, name, info={"image_mesh": hilbert(pixels)}, mesh={"pixels": pixels}))
    return replace(lens, name=lens.folder.name)


def medians_of(lens):
    """The log evidence at the prior median, with the shipped log determinants and with the right ones."""
    found = []
    for accurate in (False, True):
        with log_dets(accurate):
            likelihood = Likelihood(lens, KNNBarycentric)
            found.append(float(likelihood.evidences(likelihood.prior_medians[None], batch=1).log_evidence[0]))
    return found


def median_table_of(lenses):
    """The lines of a Markdown table: what the right log determinants change at the prior medians."""
    rows = []
    for lens in lenses:
        shipped, right = medians_of(lens)
        rows.append((lens.name, f"{shipped:.6f}", f"{right - shipped:+.1e}", f"{abs(right / shipped - 1.0):.1e}"))
    return markdown_table(("lens", "shipped", "right, nats off", "relative"), rows)


def figure_from(studies):
    """A row per lens: bias at every signal scale, then noise and share of NaN at the middle one; white where all is NaN."""
    middle = len(SIGNAL_SCALES) // 2
    panels = [("bias", place) for place in range(len(SIGNAL_SCALES))] + [("noise", middle), ("failed", middle)]
    figure, axes = plt.subplots(
        len(studies), len(panels), figsize=(13, 0.6 + 2.5 * len(studies)), layout="constrained", squeeze=False
    )
    extent = (-6.5, 6.5, -6.5, 6.5)
    for row, study in zip(axes, studies):
        for ax, (key, place) in zip(row, panels):
            found = study[key][place]
            if key == "failed":
                shares = ax.imshow(found, origin="lower", extent=extent, vmin=0, vmax=1, cmap="magma")
            else:
                nats = ax.imshow(np.log10(np.maximum(found, 1.0e-9)), origin="lower", extent=extent, vmin=-9, vmax=2)
            ax.set_title(f"{KEYS[key]}, scale {SIGNAL_SCALES[place]}", fontsize=9)
            ax.tick_params(labelsize=7)
        row[0].set_ylabel(f"{study['lens']}, {study['vertices']} vertices\nlog10 outer coefficient", fontsize=7)
    for ax in axes[-1]:
        ax.set_xlabel("log10 inner coefficient", fontsize=8)
    figure.colorbar(nats, ax=axes[:, :-1], label="log10 of nats", shrink=0.5, aspect=40)
    figure.colorbar(shares, ax=axes[:, -1], label="share of NaN", shrink=0.5, aspect=40)
    return figure


def table_of(studies):
    """The lines of a Markdown table with a row per lens."""

    def share(condition):
        return f"{100.0 * condition.mean():.0f} %"

    rows = []
    for study in studies:
        bias = study["bias"]
        rows.append(
            (
                study["lens"],
                str(study["vertices"]),
                f"{np.nanmax(bias):.1f}",
                share(bias > 0.1),
                f"{np.nanmax(study['noise']):.1f}",
                share(study["failed"] > 0.0),
                f"{study['grounded noise'].max():.0e}",
                share(study["grounded noise"] <= 1.0e-6),
            )
        )
    heads = (
        "lens",
        "vertices",
        "largest bias",
        "above 0.1",
        "largest noise",
        "fails",
        "grounded: largest noise",
        "at most 1e-6",
    )
    return markdown_table(heads, rows)


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", action="append", help="a name, a folder or all; repeatable (default hst)")
    parser.add_argument(
        "--pixels", action="append", type=at_least(3), help="vertices of a Hilbert mesh, in place of the folder's own"
    )
    parser.add_argument("--median", action="store_true", help="compare log evidences at the prior medians instead")
    parser.add_argument(
        "--output", type=folder_to_write, default=str(ROOT / "docs"), help="folder of evidence.png and the table"
    )
    arguments = parser.parse_args(argv)
    console = Console()
    names = lens_folder.named(arguments.lens or ["hst"])
    lenses = [with_pixels(name, pixels) for name in names for pixels in arguments.pixels or [None]]
    if arguments.median:
        print_line(console, "\n".join(median_table_of(lenses)))
        return 0
    studies = []
    for lens in lenses:
        with progress_of(console, lens.name) as progress:
            studies.append(study_of(lens, progress))
    lines = table_of(studies)
    with atomic_writes(arguments.output) as scratch:
        figure_from(studies).savefig(scratch / "evidence.png", dpi=90)
        measured = {"autolens": al.__version__, "device": device(), "lenses": [study["lens"] for study in studies]}
        (scratch / "evidence_table.md").write_text("\n".join([*lines, "", json.dumps(measured)]) + "\n")
    print_line(console, "\n".join(lines))
    return 0


if __name__ == "__main__":
    command.run(main)
