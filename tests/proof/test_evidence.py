"""The study of the log determinant writes its table and its picture."""

import numpy as np

from jax_profiling.proof import evidence


def test_study_of_a_small_lens(small, tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "COEFFICIENTS", np.array([1.0e-6, 1.0, 1.0e6]))
    monkeypatch.setattr(evidence, "SIGNAL_SCALES", (0.5,))
    assert evidence.main(["--lens", str(small.folder), "--output", str(tmp_path)]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["evidence.png", "evidence_table.md"]
    assert (tmp_path / "evidence_table.md").read_text().splitlines()[2].startswith("| small | 215 |")


def test_a_lens_that_is_not_there_is_a_sentence(capsys):
    assert evidence.main(["--lens", "no-such-lens"]) == 2
    assert "no such lens" in capsys.readouterr().err
