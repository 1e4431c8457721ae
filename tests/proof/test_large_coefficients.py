"""The command on large coefficients prints both of its tables."""

import numpy as np
import pytest

from jax_profiling.proof.large_coefficients import __main__ as large_coefficients


def terms_of(name, moved, accurate):
    """Log evidences of -1000 nats and s'Hs of 2; the shipped ones are NaN at one draw, and move at another."""
    terms = np.broadcast_to([-1000.0, 2.0], (*moved.shape[:2], 2)).copy()
    if not accurate:
        terms[0] = np.nan
        terms[1, 1] = [-1003.0, -2.0]
    return terms


def test_command_prints_noise_and_distances(monkeypatch, capsys):
    monkeypatch.setattr(large_coefficients, "terms_of", terms_of)
    monkeypatch.setattr(large_coefficients, "exact_of", lambda name, parameters: np.array([np.nan, -1000.5]))
    assert large_coefficients.main(["--lens", "no_light", "--draws", "3", "--exact", "2"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[2] == "| shipped | 1 of 3 | 1 | 1 | 3.0e+00 | 4.0e+00 |"
    assert lines[3] == "| `patch(log_det=True)` | 0 of 3 | 0 | 0 | 0.0e+00 | 0.0e+00 |"
    assert lines[4].startswith("| draw | inner | outer | long double |")
    assert lines[6].startswith("| 2 |") and lines[6].endswith("| -1000.5000 | +5e-01 | +5e-01 |")
    assert len(lines) == 7


@pytest.mark.slow(reason="compiles two likelihoods")
def test_command_measures_a_lens(capsys):
    assert large_coefficients.main(["--lens", "no_light", "--draws", "3", "--exact", "3"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[3].startswith("| `patch(log_det=True)` | 0 of 3 | 0 | 0 |")
    assert lines[6].startswith("| 3 | 6e+05 | 2e+02 |")
