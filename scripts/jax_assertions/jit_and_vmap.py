"""Checks of jit and vmap: compiled programs and batches give the result of one eager model."""

import jax
import jax.numpy as jnp
import numpy as np

from scripts.jax_assertions.case import EPS, dense, largest, same_bits

BATCHES = (1, 3, 20)
"""Numbers of lanes."""


def check_jit(case):
    """Mappings, weights and log evidence of the jitted program equal the eager NumPy fit's."""
    jitted = case.interpolation(case.medians)
    eager = case.ours.interpolation(case.ours.prior_medians, xp=np)
    vertices = case.lens.factors[-1].vertices
    data = largest(dense(jitted.mappings, jitted.weights, vertices) - dense(eager.mappings, eager.weights, vertices))
    split = largest(
        dense(jitted.split_mappings, jitted.split_weights, vertices)
        - dense(eager.split_mappings, eager.split_weights, vertices)
    )
    # Ray-tracing rounds differently in the two modes, which shifts the vertices by some epsilons.
    assert data <= 1.0e-8 and split <= 1.0e-8, f"jit and eager weights differ by {data:.1e} and {split:.1e}"

    for weights in (np.asarray(jitted.weights), np.asarray(jitted.split_weights)):
        assert ((weights >= 0.0) & (weights <= 1.0)).all(), "a weight is outside [0, 1]"
        assert largest(weights.sum(axis=1) - 1.0) <= 8 * EPS, "a row of weights does not sum to 1"

    log_evidence = float(case.ours.jitted(case.medians).log_evidence)
    eager_log_evidence = float(case.ours.evidence(case.ours.prior_medians, xp=np).log_evidence)
    difference = abs(log_evidence - eager_log_evidence)
    # The NNLS algorithms of NumPy and JAX stop 4e-10 apart on the fiducial.
    assert difference <= 1.0e-8 * abs(log_evidence), f"jit and eager log evidence differ by {difference:.1e} nats"
    return f"weights within {max(data, split):.0e}, log evidence within {difference:.0e} nats of eager"


def check_no_host_callback(case):
    """The compiled program contains no host callback. Delaunay's program contains one."""
    ours, theirs = (
        str(jax.jit(each.evidence).lower(case.medians).as_text()).count("callback")
        for each in (case.ours, case.delaunay)
    )
    assert theirs > 0, "Delaunay's program shows no callback, so this check cannot fail"
    assert ours == 0, f"{ours} host callbacks in the program"
    return f"none; Delaunay's program has {theirs}"


def check_vmap_interpolation(case):
    """Batches of mass models have the interpolation of each model alone, within 1e-9."""
    batch = case.batch(max(BATCHES))
    alone = [case.interpolation(parameters) for parameters in batch]
    for number in BATCHES:
        lanes = case.interpolations(batch[:number])
        for lane, expected in enumerate(alone[:number]):
            close = all(np.allclose(each[lane], wanted, rtol=0.0, atol=1.0e-9) for each, wanted in zip(lanes, expected))
            assert close, f"lane {lane} of {number} differs from the model alone"
    return f"batches of {', '.join(map(str, BATCHES))}"


def check_vmap_likelihood(case):
    """A batch of 3 mass models has the log evidence of each model alone."""
    batch = case.batch(3)
    alone = np.array([float(case.ours.jitted(parameters).log_evidence) for parameters in batch])
    lanes = np.asarray(case.ours.batched(batch).log_evidence)
    assert len(set(alone)) == 3, "the mass models are not distinct"
    worst = largest((lanes - alone) / alone)
    assert worst <= 1.0e-9, f"log evidence differs by {worst:.1e} relative"
    return f"log evidence within {worst:.0e} relative"


def check_vmap_not_finite(case):
    """A lane with non-finite parameters is NaN and changes no bit of the other lanes."""
    batch = case.batch(3)
    spoilt = batch.at[1].set(jnp.nan)
    lanes, expected = case.interpolations(spoilt), case.interpolations(batch)
    assert np.isnan(lanes.weights[1]).all(), "weights of the non-finite lane are not NaN"
    evidence, evidence_expected = case.ours.batched(spoilt), case.ours.batched(batch)
    assert np.isnan(evidence.log_evidence[1]), f"log evidence of the non-finite lane is {evidence.log_evidence[1]}"
    assert not evidence.certified[1], "the non-finite lane is certified"
    for lane in (0, 2):
        assert same_bits([x[lane] for x in lanes], [x[lane] for x in expected]), f"weights of lane {lane} changed"
        change = abs(evidence.log_evidence[lane] - evidence_expected.log_evidence[lane])
        assert change == 0.0, f"log evidence of lane {lane} changed by {change:.1e}"
    return "NaN stays in its lane"
