"""The result of the gate in sentences: the verdict, the state of the reference, and drift."""

from jax_profiling.gate.report.summary import largest
from jax_profiling.gate.second_look.counted import TINY_WEIGHT
from jax_profiling.gate.verdict import Gate


def verdict_sentence(gate: Gate):
    """The one sentence that matters: whether the gate passed, and by how much."""
    default = gate.default
    return (
        f"{gate.lens.name}: the gate {'passed' if gate.passed else 'FAILED'}: the default rung is '{default.verdict}', "
        f"at worst {default.worst_nats:.1e} nats from Delaunay."
    )


def drift_sentence(gate: Gate):
    """The sentence about drift, or None without drift."""
    if gate.drift is None:
        return None
    return (
        f"{gate.lens.name}: the library drifted: Delaunay gives {gate.drift.live:.6f} here and gave {gate.drift.pinned:.6f} "
        f"under autolens {gate.drift.release}. The verdict uses the live value."
    )


def reference_sentences(gate: Gate):
    """Yield sentences on the reference: where it is unstable, not the shipped one, unable to explain an error, or wrong."""
    reference, default, count = gate.reference, gate.default, len(gate.reference.values)
    if reference.unstable.any():
        own, theirs = default.nan_shares
        yield (
            f"The reference is unstable at {reference.unstable.sum()} of {count} vectors: perturbing the last bits of the "
            f"parameters changes it by up to {largest(reference.noise):.1e} nats. It is undefined at "
            f"{reference.undefined.sum()} of them. At the others, NaN are {theirs:.0%} of its evaluations and {own:.0%} of the "
            f"default rung's{', which is too often' if default.nan_more_often else ''}."
        )
    if reference.uses_exact_triangulation.any():
        yield (
            f"{reference.tied.sum()} of {count} meshes have several Delaunay triangulations, and Qhull drops vertices from "
            f"{reference.dropped.sum()}. There the reference is Delaunay on the exact triangulation. Qhull's value is up to "
            f"{largest(reference.qhull_error[reference.uses_exact_triangulation]):.1e} nats away, and changes by up to "
            f"{largest(reference.order_dependence):.1e} with the order of the vertices."
        )
    if reference.recounted.any():
        yield (
            f"Rounding decides which data points are counted at {reference.counted.sum()} of {count} vectors. The default rung "
            f"differs from Delaunay at {reference.recounted.sum()} of them. There all meshes are compared with weights below "
            f"{TINY_WEIGHT:.0e} taken for zero. That changes Delaunay by up to "
            f"{largest(reference.qhull_error[reference.recounted]):.1e} nats."
        )
    if default.unexplained.any():
        yield (
            f"The noise of the reference does not explain the error of the default rung at {default.unexplained.sum()} of "
            f"{count} vectors, at worst {largest(default.errors[default.unexplained]):.1e} nats."
        )
    for fault in sorted({fault for fault in reference.faults if fault is not None}):
        yield f"The exact triangulation is wrong ({fault}), so the vector fails every mesh."
