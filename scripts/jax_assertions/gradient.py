"""The check of the gradient of the whole likelihood."""

import numpy as np

from scripts.jax_assertions.case import largest


def check_gradient(case):
    """The gradient of the log evidence is finite and equals central differences.

    Parameters are compared if no data or split point has other vertices on the two sides. At the centre of its mass a
    deflection has no derivative, so a data point there costs reverse mode all but a few digits, with any mesh. At the prior
    median `cusp` and `small` have one, so the gradient is taken at a draw. If it differs from central differences, it must
    equal the gradient with Delaunay's mesh.
    """
    at = case.batch(2)[1]
    gradient, of_delaunay = case.gradient(case.ours, at), None
    assert np.isfinite(gradient).all(), "the gradient is not finite"
    compared, shared, worst = 0, 0, 0.0
    for index, name in enumerate(case.ours.model.model_component_and_parameter_names):
        if not any(key in name for key in ("einstein_radius", "gamma", "mass")):
            continue
        for step in (1.0e-6, 1.0e-7, 1.0e-8):
            sides = [at.at[index].add(sign * step) for sign in (1.0, -1.0)]
            tables = [case.interpolation(side) for side in sides]
            if not all(np.array_equal(*(_vertices_used(*each[k : k + 2]) for each in tables)) for k in (0, 2)):
                continue
            high, low = (float(case.ours.jitted(side).log_evidence) for side in sides)
            numeric = (high - low) / (2.0 * step)
            # The difference of two log evidences is accurate to about 1e-12 of them, which the step divides.
            noise = 1.0e-12 * abs(high) / step
            error = abs(gradient[index] - numeric)
            if error <= 2.0e-3 * abs(numeric) + noise:
                worst = max(worst, error / abs(numeric))
                compared += 1
                break
            of_delaunay = case.gradient(case.delaunay, at) if of_delaunay is None else of_delaunay
            difference = abs(gradient[index] - of_delaunay[index])
            assert difference <= 1.0e-6 * largest(of_delaunay), (
                f"{name}: {gradient[index]:.6g}, not {numeric:.6g}; with Delaunay's mesh {of_delaunay[index]:.6g}"
            )
            shared += 1
            break
    assert compared + shared > 0, "for every parameter some point has other vertices on the two sides"
    parts = [f"{compared} mass parameters within {worst:.0e} of central differences"] if compared else []
    parts += [f"{shared} only equal to Delaunay's"] if shared else []
    return f"{', '.join(parts)}, all finite"


def _vertices_used(mappings, weights):
    """The vertices with weight at every point. On an edge, rounding decides between two triangles."""
    return np.sort(np.where(weights > 1.0e-12, mappings, -1), axis=1)
