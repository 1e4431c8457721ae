"""Cells: which vectors each has, and which lens folders are meant."""

import pytest

from jax_profiling.lenses.files import LensError
from jax_profiling.lenses.simulate import DATASETS
from jax_profiling.sweep.cells import Cell, cells_of, lens_folders_of


def test_every_vector_is_in_one_cell():
    cells = cells_of(["hst", "small"], draws=20)
    assert [(cell.name, cell.first, cell.last) for cell in cells] == [
        *(("hst", first, last) for first, last in ((0, 9), (9, 18), (18, 21))),
        *(("small", first, last) for first, last in ((0, 9), (9, 18), (18, 21))),
    ]


def test_more_draws_leave_whole_cells_as_they_were():
    assert set(cells_of(["hst"], draws=8)) < set(cells_of(["hst"], draws=17))


def test_the_median_alone_is_a_cell():
    assert cells_of(["hst"], draws=0) == [Cell("hst", 0, 1)]


def test_two_folders_of_one_name_are_refused():
    with pytest.raises(LensError, match="rename one"):
        cells_of(["tile_1/lens", "tile_2/lens"], draws=0)


def test_a_folder_of_lens_folders_stands_for_them():
    assert lens_folders_of([DATASETS]) == sorted(str(path.parent) for path in DATASETS.glob("*/info.json"))
    assert lens_folders_of([DATASETS / "hst"]) == [str(DATASETS / "hst")]
    assert lens_folders_of(["hst", "population-0-0001"]) == ["hst", "population-0-0001"]


def test_a_folder_without_lenses_is_refused(tmp_path):
    with pytest.raises(LensError, match="give lens folders"):
        lens_folders_of([tmp_path])
    with pytest.raises(LensError, match="no such lens"):
        lens_folders_of([tmp_path / "nothing"])
    with pytest.raises(LensError, match="hts: no such lens"):
        lens_folders_of(["hst", "hts"])
