"""Time the steps of the likelihood on both meshes.

Every step is a jitted program of its own. Its inputs are the outputs of the steps before. In the whole likelihood XLA may fuse
across steps, so the sum of the steps can differ from the time of the whole.
"""

import time

import autolens as al
import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
from autoarray.inversion.mesh.border_relocator import (
    ellipse_params_via_border_pca_from,
    relocated_grid_via_ellipse_border_from,
)
from autoarray.inversion.mesh.mesh.delaunay import Delaunay
from autogalaxy.profiles.light.linear import LightProfileLinearObjFuncList

from jax_profiling.gate.likelihood import Likelihood, tables_of
from jax_profiling.gate.provenance import device
from jax_profiling.gate.report import markdown_table
from jax_profiling.gate.report.figures import save
from jax_profiling.lenses.model import galaxies_with_pixelization
from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes, finite_or_none, write_json
from knn_barycentric.mesh import KNNBarycentric

MESHES = {"Delaunay": Delaunay, "KNNBarycentric": KNNBarycentric}
REPEATS = 7
"""Timed calls per step and mesh."""


def _ray_trace_data(fit, arrays):
    grid = fit.tracer_to_inversion.traced_grid_2d_list_of_inversion[-1]
    return grid.array, grid.over_sampled.array


def _ray_trace_mesh(fit, arrays):
    return fit.tracer_to_inversion.traced_mesh_grid_pg_list[-1][-1].array


def _lens_light(fit, arrays):
    blurring = [
        LightProfileLinearObjFuncList(light.blurring_grid, None, light.psf, light.light_profile_list, xp=jnp)
        for light in _lights_of(fit)
    ]
    return [(light.mapping_matrix, outer.mapping_matrix) for light, outer in zip(_lights_of(fit), blurring)]


def _blurring(fit, arrays):
    return [
        light.psf.convolved_mapping_matrix_from(
            mapping_matrix=inner,
            mask=light.grid.mask,
            blurring_mapping_matrix=outer,
            blurring_mask=light.blurring_grid.mask,
            xp=jnp,
        )
        for light, (inner, outer) in zip(_lights_of(fit), arrays["lens light"])
    ]


def _subtraction(fit, arrays):
    return fit.profile_subtracted_image.array


def _border_relocation(fit, arrays):
    relocator = fit.dataset.grids.border_relocator
    (values, over_sampled), mesh_grid = arrays["ray-trace data"], arrays["ray-trace mesh"]
    ellipse = ellipse_params_via_border_pca_from(values[relocator.border_slim], xp=jnp)
    return [relocated_grid_via_ellipse_border_from(grid, *ellipse, xp=jnp) for grid in (over_sampled, mesh_grid)]


def _interpolation(fit, arrays):
    over_sampled, mesh_grid = arrays["border relocation"]
    return tables_of(_mapper_of(fit).mesh, mesh_grid, over_sampled)


def _mapping_matrix(fit, arrays):
    return _interpolated_mapper_of(fit, arrays).mapping_matrix


def _blurred_mapping_matrix(fit, arrays):
    return fit.dataset.psf.convolved_mapping_matrix_from(
        mapping_matrix=arrays["mapping matrix"], mask=fit.dataset.mask, xp=jnp
    )


def _data_vector(fit, arrays):
    return _inversion_of(fit, arrays).data_vector


def _curvature_matrix(fit, arrays):
    return _inversion_of(fit, arrays).curvature_matrix


def _regularization_matrix(fit, arrays):
    _interpolated_mapper_of(fit, arrays)
    return fit.inversion.regularization_matrix


def _reconstruction(fit, arrays):
    vars(_inversion_of(fit, arrays)).update(
        data_vector=arrays["data vector"],
        curvature_matrix=arrays["curvature matrix"],
        regularization_matrix=arrays["regularization matrix"],
    )
    return fit.log_evidence


STEPS = {
    "ray-trace data": _ray_trace_data,
    "ray-trace mesh": _ray_trace_mesh,
    "lens light": _lens_light,
    "blurring": _blurring,
    "subtraction": _subtraction,
    "border relocation": _border_relocation,
    "interpolation and mapper": _interpolation,
    "mapping matrix": _mapping_matrix,
    "blurred mapping matrix": _blurred_mapping_matrix,
    "data vector": _data_vector,
    "curvature matrix": _curvature_matrix,
    "regularization matrix": _regularization_matrix,
    "reconstruction and log evidence": _reconstruction,
}
"""Step -> a function of the fit and of the outputs of the steps before it."""


def _lights_of(fit):
    return fit.inversion.cls_list_from(LightProfileLinearObjFuncList)


def _mapper_of(fit):
    return fit.inversion.cls_list_from(al.Mapper)[-1]


# PyAuto's lazy properties store their value in the instance, so a stored value replaces the computation.
def _interpolated_mapper_of(fit, arrays):
    mapper = _mapper_of(fit)
    mappings, split = arrays["interpolation and mapper"]
    vars(mapper.interpolator).update(_mappings_sizes_weights=mappings, _mappings_sizes_weights_split=split)
    return mapper


def _inversion_of(fit, arrays):
    columns = [*arrays["blurring"], arrays["blurred mapping matrix"]]
    vars(fit.inversion).update(operated_mapping_matrix_list=columns, operated_mapping_matrix=jnp.hstack(columns))
    return fit.inversion


def check_can_profile(lens, option):
    """Check that the steps of a lens can be timed.

    Raises
    ------
    BadInput
        If it is not one image with one mesh and a dense mapping matrix. The message names the option of the command that asked.
    """
    reasons = {
        "several datasets": len(lens.factors) > 1,
        "visibilities": not isinstance(lens.dataset, al.Imaging),
        "several meshes": len(galaxies_with_pixelization(lens.model)) > 1,
        "a sparse operator": lens.info["sparse_operator"],
    }
    if has := next((what for what, is_so in reasons.items() if is_so), None):
        raise BadInput(f"{option}: {lens.name} has {has}; leave {option} out.")


def profile(lens, progress=lambda message: None):
    """Time every step of the likelihood at the prior median, on Delaunay and on `KNNBarycentric`, interleaved.

    Parameters
    ----------
    lens
        The lens, from `lens.load`. Its model has linear light profiles and one pixelization.
    progress
        Called with a line of text before every step.

    Returns
    -------
    dict
        The contents of `profile.json`: median and quartiles of the milliseconds per step and mesh, and the log evidence of the
        last step.
    """
    likelihoods = {name: Likelihood(lens, mesh_cls) for name, mesh_cls in MESHES.items()}
    parameters = {name: jnp.asarray(likelihood.prior_medians) for name, likelihood in likelihoods.items()}
    arrays = {name: {} for name in MESHES}
    milliseconds = {}
    for step, function in STEPS.items():
        progress(f"profile: {step}")
        calls = {name: _call(function, likelihoods[name], parameters[name], dict(arrays[name])) for name in MESHES}
        times = {name: [] for name in MESHES}
        for name in MESHES:
            arrays[name][step] = calls[name]()
        for _ in range(REPEATS):
            for name in MESHES:
                start = time.perf_counter()
                calls[name]()
                times[name].append(1.0e3 * (time.perf_counter() - start))
        milliseconds[step] = {
            name: dict(zip(("lower_quartile", "median", "upper_quartile"), np.percentile(times[name], (25, 50, 75))))
            for name in MESHES
        }
    return {
        "lens": lens.name,
        "autolens": al.__version__,
        "jax": jax.__version__,
        "device": device(),
        "repeats": REPEATS,
        "milliseconds": milliseconds,
        "log_evidence": {name: finite_or_none(arrays[name]["reconstruction and log evidence"]) for name in MESHES},
    }


def _call(function, likelihood, parameters, arrays):
    """A function without arguments that runs one compiled step and waits for its result."""
    step = jax.jit(lambda parameters, arrays: function(likelihood.fit(parameters), arrays))
    compiled = step.lower(parameters, arrays).compile()
    return lambda: jax.block_until_ready(compiled(parameters, arrays))


def write(profile, folder):
    """Write `profile.json`, `profile.md` and `profile.png` into a report's folder."""
    with atomic_writes(folder) as scratch:
        write_json(profile, scratch / "profile.json")
        (scratch / "profile.md").write_text(_markdown_from(profile))
        save(_figure_from(profile), scratch / "profile.png")


def _markdown_from(profile):
    def cell(quantiles):
        return f"{quantiles['median']:.2f} ({quantiles['lower_quartile']:.2f}-{quantiles['upper_quartile']:.2f})"

    rows = [(step, *(cell(times[name]) for name in MESHES)) for step, times in profile["milliseconds"].items()]
    lines = [
        f"# The likelihood of {profile['lens']}, step by step",
        "",
        f"Milliseconds, median (quartiles) of {profile['repeats']}, interleaved; autolens {profile['autolens']}, "
        f"jax {profile['jax']}, {profile['device']}.",
        "",
        *markdown_table(("step", *MESHES), rows),
        "",
        "![step by step](profile.png)",
    ]
    return "\n".join(lines) + "\n"


def _figure_from(profile):
    figure, ax = plt.subplots(figsize=(8, 5.5), layout="constrained")
    rows = np.arange(len(profile["milliseconds"]))
    for offset, name in zip((-0.2, 0.2), MESHES):
        quantiles = [times[name] for times in profile["milliseconds"].values()]
        median, lower, upper = (
            np.array([q[key] for q in quantiles]) for key in ("median", "lower_quartile", "upper_quartile")
        )
        ax.barh(rows + offset, median, height=0.4, xerr=[median - lower, upper - median], label=name)
    ax.set_xscale("log")
    ax.set_yticks(rows, profile["milliseconds"])
    ax.invert_yaxis()
    ax.set_xlabel(f"milliseconds, median and quartiles of {profile['repeats']}; {profile['lens']}, {profile['device']}")
    ax.legend()
    return figure
