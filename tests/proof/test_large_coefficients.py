"""The command on large coefficients prints both of its tables."""

from jax_profiling.proof.large_coefficients import __main__ as large_coefficients


def test_command_prints_noise_and_distances(capsys):
    assert large_coefficients.main(["--lens", "no_light", "--draws", "3", "--exact", "3"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("|")]
    assert lines[3].startswith("| `patch(log_det=True)` | 0 of 3 | 0 | 0 |")
    assert lines[4].startswith("| draw | inner | outer | long double |") and lines[6].startswith(
        "| 3 | 6e+05 | 2e+02 |"
    )
