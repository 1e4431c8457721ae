"""Chunks: the vectors of each, and the lens folders that a path stands for."""

import pytest

from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.simulate import DATASETS
from jax_profiling.sweep.chunks import Chunk, chunks_of, digest_of, lens_folders_of


def test_every_vector_is_in_one_chunk():
    chunks = chunks_of(["hst", "small"], draws=20)
    assert [(chunk.name, chunk.first, chunk.last) for chunk in chunks] == [
        *(("hst", first, last) for first, last in ((0, 9), (9, 18), (18, 21))),
        *(("small", first, last) for first, last in ((0, 9), (9, 18), (18, 21))),
    ]


def test_more_draws_keep_full_chunks():
    assert set(chunks_of(["hst"], draws=8)) < set(chunks_of(["hst"], draws=17))


def test_median_alone_is_a_chunk():
    assert chunks_of(["hst"], draws=0) == [Chunk("hst", 0, 1, digest_of("hst"))]


def test_two_folders_of_one_name_are_rejected():
    with pytest.raises(LensError, match="rename one"):
        chunks_of(["tile_1/lens", "tile_2/lens"], draws=0)


def test_folder_of_lens_folders_is_expanded():
    assert lens_folders_of([DATASETS]) == sorted(str(path.parent) for path in DATASETS.glob("*/info.json"))
    assert lens_folders_of([DATASETS / "hst"]) == [str(DATASETS / "hst")]
    assert lens_folders_of(["hst", "population-0-0001"]) == ["hst", "population-0-0001"]


def test_a_name_is_a_lens_of_this_workspace(tmp_path, monkeypatch):
    """As in the gate."""
    monkeypatch.chdir(DATASETS)
    assert lens_folders_of(["hst"]) == ["hst"]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hst").mkdir()
    (tmp_path / "hst" / "info.json").write_text("{}")
    assert lens_folders_of(["./hst"]) == [str(tmp_path / "hst")]
    with pytest.raises(LensError, match="write ./hst for the folder"):
        lens_folders_of(["hst"])


def test_a_drawn_lens_has_no_digest():
    assert digest_of("population-0-0001") == ""


def test_folder_without_lenses_is_rejected(tmp_path):
    with pytest.raises(LensError, match="give lens folders"):
        lens_folders_of([tmp_path])
    with pytest.raises(LensError, match="no such lens"):
        lens_folders_of([tmp_path / "nothing"])
    with pytest.raises(LensError, match="hts: no such lens"):
        lens_folders_of(["hst", "hts"])
