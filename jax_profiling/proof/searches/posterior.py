"""Whether a search finds the same posterior with both meshes.

    .venv/bin/python -m jax_profiling.proof.searches.posterior

Runs `af.Nautilus` on a lens twice from the same seed, with `al.mesh.Delaunay` and with `KNNBarycentric`. Means, errors and the
evidence must agree within the sampling noise. Writes `summary.json`, `summary.md` and `corner.png`, and keeps the output
folders of both searches. The exit status is 0 if they agree, 1 if they differ, 2 if the input is bad.
"""

import argparse
import os
import shutil
import time
from pathlib import Path
from typing import NamedTuple

import autofit as af
import autolens as al
import corner
import jax
import numpy as np
from autonerves import conf
from matplotlib.lines import Line2D

from jax_profiling import ROOT
from jax_profiling.gate import provenance, report
from jax_profiling.gate.likelihood import analysis_of, model_with_mesh
from jax_profiling.gate.report import figures
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.lenses.model import with_free
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import folder_to_write
from jax_profiling.terminal.writing import atomic_writes, write_json
from knn_barycentric.mesh import KNNBarycentric

FREE = ("einstein_radius", "gamma_1", "gamma_2")
"""The mass parameters that are sampled. All others are fixed at the median of their priors."""

SEARCH_ARGUMENTS = {"n_live": 100, "n_batch": 20, "n_eff": 500, "seed": 1}

MAX_DEVIATIONS = 3.0
"""Two runs agree if no difference exceeds this many standard deviations of the sampling noise."""


class Posterior(NamedTuple):
    """The result of a search.

    Attributes
    ----------
    samples, weights
        (S, D) and (S,) float64; the weights sum to 1.
    log_evidence
        The log evidence of the model (nats).
    evaluations
        Number of likelihood evaluations.
    seconds
        Duration of the search.
    folder
        The search's output folder.
    """

    samples: np.ndarray
    weights: np.ndarray
    log_evidence: float
    evaluations: int
    seconds: float
    folder: Path

    @property
    def mean(self):
        """(D,) the mean of the posterior."""
        return self.weights @ self.samples

    @property
    def error(self):
        """(D,) the standard deviation of the posterior."""
        return np.sqrt(self.weights @ (self.samples - self.mean) ** 2)

    @property
    def effective_size(self):
        """The effective number of independent samples (Kish)."""
        return 1.0 / np.sum(self.weights**2)


def model_of(lens, mesh_cls, free=FREE, **mesh_kwargs):
    """The lens's model with another mesh class, in which only the named parameters of the lens galaxy are free."""
    model = model_with_mesh(lens.model, mesh_cls, **mesh_kwargs)
    return with_free(model, {prior for path, prior in model.path_priors_tuples if "lens" in path and path[-1] in free})


def emptied(output):
    """The folder of PyAutoFit's output, emptied. PyAutoFit resumes a finished search even if its arguments differ."""
    # Figures of every improvement take longer than the fits.
    os.environ.setdefault("PYAUTO_SKIP_VISUALIZATION", "1")
    searches = output.resolve() / "pyautofit"
    shutil.rmtree(searches, ignore_errors=True)
    return searches


def fit_of(search_cls, lens, model, name, folder, **arguments):
    """Fit a model of a lens with a search of PyAutoFit.

    Parameters
    ----------
    search_cls
        The class of the search.
    lens
        The lens, from `lens.load`.
    model
        The PyAutoFit model.
    name, folder
        Name and folder of PyAutoFit's output.
    arguments
        Further arguments of the search.

    Returns
    -------
    result, seconds, folder
        PyAutoFit's result, the duration of the search, and its output folder (Path).
    """
    conf.instance.output_path = str(folder)
    search = search_cls(name=name, unique_tag=lens.name, **arguments)
    analysis = analysis_of(lens.factors[0], use_jax=True)
    began = time.perf_counter()
    result = search.fit(model=model, analysis=analysis)
    return result, time.perf_counter() - began, Path(search.paths.output_path)


def search(lens, model, name, folder, **arguments):
    """The `Posterior` of a model of a lens by `af.Nautilus`; the arguments as in `fit_of`."""
    result, seconds, output = fit_of(af.Nautilus, lens, model, name, folder, **(arguments or SEARCH_ARGUMENTS))
    samples = result.samples
    weights = np.asarray(samples.weight_list)
    return Posterior(
        samples=np.asarray(samples.parameter_lists),
        weights=weights / weights.sum(),
        log_evidence=float(samples.log_evidence),
        evaluations=int(samples.total_samples),
        seconds=seconds,
        folder=output,
    )


def row_of(each):
    """A `Posterior` as a dict, ready for JSON; without samples."""
    return {
        "mean": each.mean.tolist(),
        "error": each.error.tolist(),
        "log_evidence": each.log_evidence,
        "effective_samples": each.effective_size,
        "evaluations_used": each.evaluations,
        "seconds": round(each.seconds, 1),
    }


def differences_of(one, other):
    """The differences of two posteriors, in standard deviations of their sampling noise.

    From n independent samples, the mean has the noise error / sqrt(n), the error has error / sqrt(2 n), and the log evidence
    has 1 / sqrt(n).

    Returns
    -------
    dict
        "mean" and "error" -> (D,) float64, "log evidence" -> float.
    """
    noise = np.sqrt(1.0 / one.effective_size + 1.0 / other.effective_size)
    error = np.sqrt(0.5 * (one.error**2 + other.error**2))
    return {
        "mean": np.abs(one.mean - other.mean) / (error * noise),
        "error": np.abs(one.error - other.error) / (error * noise / np.sqrt(2.0)),
        "log evidence": abs(one.log_evidence - other.log_evidence) / noise,
    }


def agree(one, other):
    """Whether no difference exceeds `MAX_DEVIATIONS`."""
    return bool(all(np.max(each) <= MAX_DEVIATIONS for each in differences_of(one, other).values()))


def figure_from(posteriors, names=FREE):
    """A corner plot of posteriors (name -> `Posterior`): wide solid lines, with narrower ones on top."""
    first = next(iter(posteriors.values()))
    figure, handles = None, []
    for number, (name, posterior) in enumerate(posteriors.items()):
        width = 4.0 / (1.0 + 1.6 * number)
        line = {"linewidths": width, "linestyles": ("solid", "dashed")[number % 2]}
        figure = corner.corner(
            posterior.samples,
            weights=posterior.weights,
            labels=list(names),
            range=[(mean - 4.0 * error, mean + 4.0 * error) for mean, error in zip(first.mean, first.error)],
            bins=30,
            smooth=1.0,
            color=f"C{number}",
            fig=figure,
            plot_datapoints=False,
            plot_density=False,
            no_fill_contours=True,
            levels=(0.393, 0.865),
            contour_kwargs=line,
            hist_kwargs={"density": True, "linewidth": width},
        )
        handles.append(Line2D([], [], color=f"C{number}", linewidth=width, label=name))
    figure.legend(handles=handles, loc="upper right")
    return figure


def rows_of(posteriors):
    """Yield the rows of the table in `summary.md`, one per mesh."""
    for name, each in posteriors.items():
        values = (f"{mean:.6f} +- {error:.6f}" for mean, error in zip(each.mean, each.error))
        size = f"{each.effective_size:.0f}"
        yield (name, *values, f"{each.log_evidence:.3f}", size, str(each.evaluations), f"{each.seconds:.0f}")


def write(lens, posteriors, folder):
    """Write `summary.json`, `summary.md` and `corner.png` into a folder; the lines of `summary.md`."""
    apart = differences_of(*posteriors.values())
    verdict = "agree" if agree(*posteriors.values()) else "DIFFER"
    worst = max(np.max(each) for each in apart.values())
    columns = ("mesh", *FREE, "log evidence", "effective samples", "evaluations", "seconds")
    lines = [
        f"# The posterior of {lens.name} with both meshes",
        "",
        f"`af.Nautilus`, {SEARCH_ARGUMENTS}; {provenance.versions()}.",
        "",
        *report.markdown_table(columns, rows_of(posteriors)),
        "",
        f"The two searches {verdict}: the largest difference is {worst:.2f} standard deviations of the sampling noise.",
        "",
        "![corner plot of both](corner.png)",
    ]
    summary = {
        "lens": lens.name,
        "autolens": al.__version__,
        "jax": jax.__version__,
        "device": provenance.device(),
        "search": SEARCH_ARGUMENTS,
        "posteriors": {
            name: {
                "mean": dict(zip(FREE, each.mean.tolist())),
                "error": dict(zip(FREE, each.error.tolist())),
                "log_evidence": each.log_evidence,
                "effective_samples": each.effective_size,
                "evaluations": each.evaluations,
                "seconds": each.seconds,
            }
            for name, each in posteriors.items()
        },
        "differences": {name: np.asarray(each).tolist() for name, each in apart.items()},
        "agree": agree(*posteriors.values()),
    }
    with atomic_writes(folder) as scratch:
        write_json(summary, scratch / "summary.json")
        (scratch / "summary.md").write_text("\n".join(lines) + "\n")
        figures.save(figure_from(posteriors), scratch / "corner.png")
    return lines


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="small", help="name under dataset/imaging, or a folder (default small)")
    parser.add_argument(
        "--output",
        type=folder_to_write,
        default=str(ROOT / "results" / "local" / "posterior"),
        help="folder of the results",
    )
    arguments = parser.parse_args(argv)
    lens = lens_folder.load(arguments.lens)
    searches = emptied(arguments.output)
    posteriors = {
        mesh_cls.__name__: search(lens, model_of(lens, mesh_cls), mesh_cls.__name__, searches)
        for mesh_cls in (al.mesh.Delaunay, KNNBarycentric)
    }
    print("\n".join(write(lens, posteriors, arguments.output)[2:-2]))
    for name, posterior in posteriors.items():
        print(f"{name}: {os.path.relpath(posterior.folder)}")
    return 0 if agree(*posteriors.values()) else 1


if __name__ == "__main__":
    command.run(main)
