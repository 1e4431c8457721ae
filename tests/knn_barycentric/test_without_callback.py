"""Without a host callback the likelihood can be exported, sharded, compiled ahead of time, scanned and mapped."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export, lax

from knn_barycentric import KNNBarycentric

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def likelihood(likelihood_of):
    return likelihood_of(KNNBarycentric)


def _log_evidence(likelihood):
    return lambda parameters: likelihood.evidence(parameters).log_evidence


def _in_fresh_process(code, *arguments, flags=""):
    """The words that a new Python process prints."""
    environment = os.environ | {"XLA_FLAGS": f"{os.environ['XLA_FLAGS']} {flags}", "JAX_ENABLE_X64": "1"}
    ran = subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)], capture_output=True, text=True, cwd=ROOT, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    return ran.stdout.split()


EVALUATE = """
import sys
import jax, numpy as np
program = jax.export.deserialize(bytearray(open(sys.argv[1], "rb").read()))
print(*(float(program.call(parameters)).hex() for parameters in np.load(sys.argv[2])))
"""
"""Runs an exported program; PyAutoLens is not imported."""


def test_an_exported_likelihood_gives_the_same_bits(likelihood, tmp_path):
    parameters = likelihood.draws(2)
    program = export.export(jax.jit(_log_evidence(likelihood)))(jax.ShapeDtypeStruct(parameters[0].shape, jnp.float64))
    (tmp_path / "likelihood.jax").write_bytes(program.serialize())
    np.save(tmp_path / "parameters.npy", parameters)
    expected = [float(program.call(each)).hex() for each in parameters]
    assert _in_fresh_process(EVALUATE, tmp_path / "likelihood.jax", tmp_path / "parameters.npy") == expected
    assert float.fromhex(expected[0]) == pytest.approx(float(likelihood.jitted(parameters[0]).log_evidence), rel=1e-12)


SHARD = """
import sys
import jax_profiling
import jax, numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jax_profiling.lenses import lens
from jax_profiling.gate.likelihood import Likelihood
from knn_barycentric import KNNBarycentric

likelihood = Likelihood(lens.load(sys.argv[1]), KNNBarycentric)
parameters = np.load(sys.argv[2])
lanes = NamedSharding(Mesh(np.array(jax.devices()), "lane"), PartitionSpec("lane"))
program = jax.jit(jax.vmap(getattr(likelihood, sys.argv[3])))
sharded = getattr(program(jax.device_put(parameters, lanes)), sys.argv[4])
np.save(sys.argv[5], sharded)
print(len(sharded.sharding.device_set))
"""


@pytest.mark.parametrize(
    "program, result",
    [
        ("interpolation", "weights"),
        pytest.param("evidence", "log_evidence", marks=pytest.mark.slow(reason="compiles two batched likelihoods")),
    ],
)
def test_a_sharded_batch_equals_the_unsharded_one(program, result, likelihood, tmp_path):
    parameters = likelihood.draws(2)
    np.save(tmp_path / "parameters.npy", parameters)
    flags = "--xla_force_host_platform_device_count=2"
    arguments = likelihood.lens.folder, tmp_path / "parameters.npy", program, result, tmp_path / "result.npy"
    assert _in_fresh_process(SHARD, *arguments, flags=flags)[-1] == "2"
    expected = getattr(jax.jit(jax.vmap(getattr(likelihood, program)))(parameters), result)
    np.testing.assert_allclose(np.load(tmp_path / "result.npy"), expected, rtol=1.0e-12, atol=1.0e-12)


def test_interpolation_compiles_ahead_of_time(likelihood):
    """From a shape alone."""
    parameters = likelihood.draws(2)
    shape = jax.ShapeDtypeStruct(parameters.shape, jnp.float64)
    compiled = jax.jit(jax.vmap(likelihood.interpolation)).lower(shape).compile()
    alone = [likelihood.interpolation(each).weights for each in jnp.asarray(parameters)]
    assert np.allclose(compiled(parameters).weights, np.stack(alone), rtol=0.0, atol=1.0e-12)


def test_likelihood_runs_inside_scan_and_map(likelihood):
    """`lax.map` is a scan without a carry, so its own program need not hold more than the interpolation."""
    parameters = jnp.asarray(likelihood.draws(2))
    log_evidence = _log_evidence(likelihood)

    def better(best, parameters):
        found = log_evidence(parameters)
        return jnp.maximum(best, found), found

    best, scanned = jax.jit(lambda p: lax.scan(better, -jnp.inf, p))(parameters)
    expected = likelihood.evidences(np.asarray(parameters), batch=1).log_evidence
    assert list(scanned) == pytest.approx(list(expected), rel=1.0e-12)
    assert float(best) == float(scanned.max())
    weights = jax.jit(lambda p: lax.map(likelihood.interpolation, p))(parameters).weights
    for lane, alone in zip(weights, map(jax.jit(likelihood.interpolation), parameters), strict=True):
        assert np.allclose(lane, alone.weights, rtol=0.0, atol=1.0e-12)
