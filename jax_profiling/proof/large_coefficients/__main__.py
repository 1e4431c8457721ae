"""The log evidence over autolens's default priors of AdaptSplit, where coefficients are large: `docs/evidence.md`.

    .venv/bin/python -m jax_profiling.proof.large_coefficients --lens no_light --draws 200 --exact 40

No vertex is zeroed, so that nothing but the data holds a constant source. Without and with `patch(log_det=True)`: how often the
log evidence is NaN, how often s'Hs is negative, and how far either moves with the last bits of the parameters. With `--exact`
also the distance from QR factorizations in long double (`long_double`), for lenses without light. Tiny weights count as zero.
"""

import argparse

import autolens as al
import jax
import jax.numpy as jnp
import numpy as np

import knn_barycentric
from jax_profiling.gate import provenance
from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.gate.live_reference import perturbed
from jax_profiling.gate.patches import patched
from jax_profiling.gate.report.markdown import markdown_table
from jax_profiling.proof.fit_cases import FitCase, lens_of
from jax_profiling.proof.large_coefficients.long_double import log_evidence_of
from jax_profiling.terminal import command
from jax_profiling.terminal.arguments import at_least

OVERLAY = {"image_mesh": {"type": "Overlay", "shape": [13, 13]}, "over_sample_size_pixelization": 1, "edge_points": 0}


def likelihood_of(name, mesh_cls):
    """The likelihood of a lens with a coarse mesh that keeps its flux everywhere, and free AdaptSplit."""
    case = FitCase("", name, name, info=OVERLAY, regularization=al.reg.AdaptSplit, mesh={"zeroed_pixels": 0})
    return Likelihood(lens_of(case), mesh_cls)


def terms_of(name, moved, accurate):
    """(V, M, 2) log evidences and s'Hs (nats) at (V, M, D) parameters, with or without `patch(log_det=True)`."""
    with patched(log_det=accurate, zero_tiny_weights=True):
        likelihood = likelihood_of(name, knn_barycentric.KNNBarycentric)

        @jax.jit
        def terms(parameters):
            fit = likelihood.fit(parameters)
            return jnp.stack([fit.log_evidence, fit.inversion.regularization_term])

        return np.array([[terms(each) for each in row] for row in moved])


def exact_of(name, parameters):
    """(V,) log evidences in long double at (V, D) parameters; NaN where the source is not positive everywhere."""
    with patched(log_det=True, zero_tiny_weights=True):
        likelihood = likelihood_of(name, al.mesh.Delaunay)
        return np.array([log_evidence_of(likelihood.fit(each, xp=np)) for each in parameters])


def row_of(label, terms):
    """A row of the table of NaN and noise."""
    evidences, penalties = terms[:, :, 0], terms[:, :, 1]
    finite = np.isfinite(evidences).all(axis=1)
    return (
        label,
        f"{np.isnan(evidences[:, 0]).sum()} of {len(terms)}",
        str((~finite).sum()),
        str((penalties < 0.0).any(axis=1).sum()),
        f"{np.ptp(evidences[finite], axis=1).max(initial=0.0):.1e}",
        f"{np.ptp(penalties[finite], axis=1).max(initial=0.0):.1e}",
    )


@command.status_2_on_bad_input
def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lens", default="no_light", help="name under dataset/imaging, or a folder (default no_light)")
    parser.add_argument("--draws", type=at_least(1), default=200, help="draws from the priors (default 200)")
    parser.add_argument("--exact", type=at_least(0), default=0, help="how many of them in long double (default 0)")
    arguments = parser.parse_args(argv)
    parameters = likelihood_of(arguments.lens, al.mesh.Delaunay).draws(arguments.draws)
    moved = perturbed(parameters)
    shipped, right = (terms_of(arguments.lens, moved, accurate) for accurate in (False, True))
    heads = ("", "NaN", "NaN at some last bits", "s'Hs negative", "noise of the log evidence", "noise of s'Hs")
    lines = [f"{arguments.lens}, {arguments.draws} draws; {provenance.versions()}.", ""]
    lines += markdown_table(heads, [row_of("shipped", shipped), row_of("`patch(log_det=True)`", right)])
    if arguments.exact:
        exact = exact_of(arguments.lens, parameters[: arguments.exact])
        rows = [
            (str(draw + 1), *(f"{each:.0e}" for each in parameters[draw, -3:-1]), f"{exact[draw]:.4f}")
            + tuple(f"{terms[draw, 0, 0] - exact[draw]:+.0e}" for terms in (shipped, right))
            for draw in np.flatnonzero(np.isfinite(exact))
        ]
        lines += ["", *markdown_table(("draw", "inner", "outer", "long double", "shipped", "right"), rows)]
    print("\n".join(lines))
    return 0


if __name__ == "__main__":
    command.run(main)
