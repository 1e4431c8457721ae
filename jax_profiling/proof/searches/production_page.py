"""Write `docs/searches/production.md` and its corner plot from the JSON files of `production`."""

import json
from pathlib import Path

import numpy as np

from jax_profiling.gate.report import figures
from jax_profiling.gate.report.markdown import markdown_table
from jax_profiling.proof.continuity import meshes
from jax_profiling.proof.searches.page import BAR_COLUMNS, bar_cells
from jax_profiling.proof.searches.posterior import Posterior, figure_from
from jax_profiling.terminal.writing import atomic_writes

COMPARED = 40
"""Samples of `KNNBarycentric` at which Delaunay is evaluated, too."""

MESHES = {"delaunay": "`al.mesh.Delaunay`"} | meshes.MESHES

HEAD = """# A production posterior

What do the meshes infer from a real lens? Three searches by `af.Nautilus`, as PyAutoLens pipelines chain them:

1. `source_lp`: multi-Gaussian lens light, an isothermal mass and a shear with the priors of the lens folder, and a
   multi-Gaussian source.
2. `source_pix`: the source on the mesh of `KNNBarycentric`. Its regularization is free; light and mass are fixed.
3. The mass and the shear are free, once with every mesh. Light and regularization are fixed. The Gaussian priors come from
   `source_lp`, with the widths of autolens's configuration.

The searches have as many live points as PyAutoLens's pipelines have: 200, 75 and 150. They end at 500 effective samples,
PyAutoFit's default. One argument saves time on two cores: the third search ends its exploration when the live points hold half
of the evidence, not a hundredth. All log evidences have the accurate log determinants (`patch(log_det=True)`).

An evaluation of `euclid_q1_vis` takes 0.39 s with `KNNBarycentric`, 0.60 s with `NaturalNeighbor` and 0.73 s with Delaunay (one
core, 20 lanes, 40 draws from the default priors). The minutes of a search that was interrupted are unknown.

`python -m jax_profiling.proof.searches.production --lens FOLDER` runs the searches, and continues where it stopped. `--page`
writes this page from the JSON files. Real lenses are [not in the repository](../proofs/verdicts.md#real-lenses).
"""

BAR = """Is it the same inference? PyAutoLens's bar is in brackets. Every mesh is compared with the first.
"""


def write(results, docs):
    """Write `production.md` and `production_<lens>.png` into the folder `docs`; return what `found_in` finds."""
    found = found_in(results)
    with atomic_writes(docs) as scratch:
        lines = [HEAD]
        for lens, every in found.items():
            picture, first = f"production_{lens}.png", next(iter(every.values()))
            figures.save(_figure_from(every), scratch / picture)
            size = f"{first['vertices']} vertices, {first['data_points']} image pixels"
            machines = "; ".join(sorted({f"{_versions_of(each)}, {each['device']}" for each in every.values()}))
            lines += [f"## `{lens}`", "", f"{size}. {machines}.", "", *_table_of(every), "", *_about_delaunay(every)]
            lines += [f"![corner plot of all meshes]({picture})", ""]
            if len(every) > 1:
                lines += [BAR, *_table_of_bar(every), ""]
        (scratch / "production.md").write_text("\n".join(lines))
    return found


def found_in(results):
    """Lens -> mesh -> the contents of a JSON file (dict), in the order of `MESHES`."""
    found = {}
    for mesh in MESHES:
        for path in sorted(Path(results).glob(f"*.{mesh}.json")):
            each = json.loads(path.read_text())
            found.setdefault(each["lens"], {})[mesh] = each
    return found


def _about_delaunay(every):
    """A sentence on Delaunay's log evidence at samples of `KNNBarycentric`, if it was compared."""
    difference = every.get("linear", {}).get("difference_from_delaunay")
    if difference is None or "delaunay" in every:
        return []
    return [
        f"`al.mesh.Delaunay` was not searched. At {COMPARED} samples of `KNNBarycentric` its log evidence differs by at most "
        f"{difference:.0e} nats, so it has the same posterior.",
        "",
    ]


def _versions_of(each):
    """The releases of autolens and JAX of a JSON file."""
    return f"autolens {each['releases']['autolens']}, jax {each['releases']['jax']}"


def _table_of(every):
    """One column per mesh: the parameters, then the search."""
    first = next(iter(every.values()))
    rows = [
        (f"`{name}`", *(f"{each['mean'][number]:.4f} +- {each['error'][number]:.4f}" for each in every.values()))
        for number, name in enumerate(first["free"])
    ]
    rows += [
        ("log evidence (nats)", *(f"{each['log_evidence']:.2f}" for each in every.values())),
        ("evaluations", *(str(each["evaluations_used"]) for each in every.values())),
        ("effective samples", *(f"{each['effective_samples']:.0f}" for each in every.values())),
    ]
    if any(each["seconds"] is not None for each in every.values()):
        minutes = ("" if each["seconds"] is None else f"{each['seconds'] / 60.0:.0f}" for each in every.values())
        rows.append(("minutes", *minutes))
    return markdown_table(("", *(MESHES[mesh] for mesh in every)), rows)


def _table_of_bar(every):
    """How far every posterior is from the first one's."""
    first, *others = every
    rows = [(MESHES[mesh], *bar_cells(every[first], every[mesh])) for mesh in others]
    return markdown_table(("mesh", *BAR_COLUMNS), rows)


def _figure_from(every):
    posteriors = {}
    for mesh, each in every.items():
        samples = np.array(each["samples"])
        weights = np.full(len(samples), 1.0 / len(samples))
        posteriors[MESHES[mesh].replace("`", "")] = Posterior(
            samples, weights, each["log_evidence"], each["evaluations_used"], each["seconds"], Path()
        )
    return figure_from(posteriors, next(iter(every.values()))["free"])
