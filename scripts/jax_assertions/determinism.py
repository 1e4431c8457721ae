"""The check of determinism: the same bits from run to run, from process to process, and in any order of a batch."""

import hashlib
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np

from scripts.jax_assertions.case import same_bits

SCRIPT = Path(__file__).with_name("knn_barycentric.py")


def check_determinism(case):
    """Two runs, two processes and two orders of a batch give the same bits."""
    batch = case.batch(3)
    once = (case.interpolations(batch), case.ours.batched(batch).log_evidence)
    assert np.isfinite(once[1]).any(), "every log evidence is NaN, and NaN equals NaN"
    again = (case.interpolations(batch), case.ours.batched(batch).log_evidence)
    assert same_bits(once, again), "two runs differ"
    reversed_ = (case.interpolations(batch[::-1]), case.ours.batched(batch[::-1]).log_evidence)
    assert same_bits(once, jax.tree.map(lambda lanes: lanes[::-1], reversed_)), "two orders of the batch differ"

    command = [sys.executable, SCRIPT, "--lens", case.name, "--digest"]
    other = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]
    assert other == digest_of(case), "two processes differ"
    return f"sha256 {other[:12]}"


def digest_of(case):
    """The SHA-256 (hex) of the bits of the batched interpolation and of the jitted log evidence."""
    results = (case.interpolations(case.batch(3)), case.ours.jitted(case.medians).log_evidence)
    return hashlib.sha256(b"".join(np.asarray(each).tobytes() for each in jax.tree.leaves(results))).hexdigest()
