"""The counts follow XLA's dumps, and the page shows the committed counts."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jax_profiling.gate.likelihood import Likelihood
from jax_profiling.lenses import lens as lens_folder
from jax_profiling.speed.bench import PAGE
from jax_profiling.speed.gpu import launches, page
from jax_profiling.speed.gpu.cases import CASES, NATURAL, RADIUS_FACTORS, Case, far_parameters_of, program_of
from jax_profiling.speed.gpu.stages import REST, STAGES, stage_of
from jax_profiling.speed.gpu.thunks import Program, instructions_of, kernels_of, loops_of
from jax_profiling.speed.gpu.trip_counts import gpu_branch, trip_counts_of
from jax_profiling.speed.programs import points_of
from jax_profiling.terminal.pages import with_part
from knn_barycentric.mesh import KNNBarycentric

SEQUENCE = """\
001: kCustomKernel [source | next=002] loop_add grid: [1, 1, 1]
002: kWhile        [prev=001 | next=008]
condition:
    003: kCustomKernel [source | sink] loop_less grid: [1, 1, 1]
  body:
    004: kCustomKernel [source | next=005] loop_multiply grid: [1, 1, 1]
    005: kWhile        [prev=004 | sink]
    condition:
        006: kCustomKernel [source | sink] loop_compare grid: [1, 1, 1]
      body:
        007: kCustomKernel [source | sink] loop_gather grid: [1, 1, 1]
008: kMemset       [prev=002 | sink]
"""

NAMES = ["add", "while", "less", "multiply", "while.1", "compare", "gather", "set"]

HLO = """\
ENTRY %main {
  %p = f64[1000,2]{1,0} parameter(0)
  %add = f64[1000,2]{1,0} fusion(%p), metadata={op_name="jit(f)/jit(kd_tree)/add"}
  %while = (s32[], f64[10]{0}) while(%add), metadata={op_name="jit(f)/jit(locate)/vmap(loop_0)/while"}
  %while.1 = (s32[]) while(%add), backend_config={"known_trip_count":{"n":"3"}}, metadata={op_name="jit(f)/jit(locate)/while"}
  %less = pred[] fusion(%add), metadata={op_name="jit(f)/jit(locate)/less"}
}
"""


@pytest.fixture
def program(tmp_path):
    metadata = "".join(
        f'thunk_info {{\n    profile_annotation: "{name}"\n    thunk_id: {number}\n  }}\n'
        for number, name in enumerate(NAMES, 1)
    )
    for kind, text in (("thunk_sequence", SEQUENCE), ("thunk_metadata", metadata), ("gpu_after_optimizations", HLO)):
        (tmp_path / f"module_0001.jit_f.sm_8.0_{kind}.txt").write_text(text)
    return Program(tmp_path, "f")


def test_dump_becomes_a_tree_of_loops(program):
    assert [thunk.instruction for thunk in kernels_of(program.thunks)] == ["add", "set"]
    (outer,) = loops_of(program.thunks)
    (inner,) = loops_of(outer.body)
    assert [[each.instruction for each in part] for part in (outer.condition, inner.condition, inner.body)] == [
        ["less"],
        ["compare"],
        ["gather"],
    ]
    assert program.instructions["while.1"].trips == 3
    assert program.instructions["add"].bytes == 2 * 16000


def test_kernels_count_once_per_trip(program):
    counts = launches.counts_of(program, {"loop_0": (1, 5)}, bandwidth=1.0e12)
    location, sort, rest = counts["location"], counts["spatial sort"], counts[REST]
    assert sort == {"kernels": 1, "waits": 0, "ms": [0.002, 0.004]}
    # The condition runs once more than the body, and never if XLA knows the trip count. The rest has kernels without a source.
    assert (location["kernels"], location["waits"]) == (6, 6)
    assert rest["kernels"] == 1 + 5 + 5 * 3


def test_trip_count_follows_the_longest_lane():
    def halve(value):
        return jax.lax.while_loop(lambda value: value > 1, lambda value: value // 2, value)

    assert trip_counts_of(jax.vmap(halve), [jnp.array([8, 1024, 1])]) == {"loop_0": (1, 10)}
    assert trip_counts_of(halve, [jnp.array(8)]) == {"loop_0": (1, 3)}


def test_growth_of_a_count_is_reported():
    key = "a100", Case("interpolation", 20, far=True)
    before, after = ({key: {"kernels": kernels, "waits": 10}} for kernels in (100, 111))
    (sentence,) = launches.growth_between(before, after)
    assert sentence == "interpolation, a100, 20 lanes, far: 111 kernels, up from 100."
    assert not list(launches.growth_between(after, before))


def test_page_shows_the_committed_counts():
    counts = [
        json.loads((launches.RESULTS / case.file_of(target)).read_text())
        for case in CASES
        for target in ("a100", "h100")
    ]
    text = PAGE.read_text()
    assert with_part(text, page.launch_lines_of(counts), launches.BEGIN, launches.END) == text
    for each in counts:
        assert launches.total_of(each["stages"])["kernels"] == each["kernels"]


def test_missing_compiler_names_make_launches(tmp_path, capsys):
    assert launches.main(["--site", str(tmp_path)]) == 2
    assert "make launches" in capsys.readouterr().err


def test_counts_of_another_lens_are_not_compared(tmp_path, capsys):
    (tmp_path / "nvidia").mkdir()
    assert launches.main(["--site", str(tmp_path), "--lens", "small"]) == 2
    assert "has the counts of hst; give that --lens" in capsys.readouterr().err


def test_lanes_are_points_of_the_lens():
    likelihood = Likelihood(lens_folder.load("small"), KNNBarycentric)
    mesh_grid, data_points = points_of(likelihood, likelihood.median_and_draws(1))
    assert mesh_grid.shape[0] == data_points.shape[0] == 2
    assert np.isfinite(mesh_grid).all() and not np.array_equal(*mesh_grid)


def test_far_parameters_are_accepted_by_autolens():
    likelihood = Likelihood(lens_folder.load("small"), KNNBarycentric)
    far = far_parameters_of(likelihood, 3)
    radius = likelihood.model.parameter_names.index("einstein_radius")
    factors = (far[:, radius] / likelihood.prior_medians[radius]).tolist()
    assert all(RADIUS_FACTORS[0] <= each <= RADIUS_FACTORS[1] for each in factors)
    assert np.isfinite(points_of(likelihood, far)[0]).all()


def test_every_stage_has_operations():
    """A function of delaunax with a new name needs that name in `STAGES`."""
    found = {"PSF convolution", "NNLS"}
    for case in (Case("interpolation", 2), Case(NATURAL, 2)):
        function, arrays = program_of(Likelihood(lens_folder.load("small"), case.mesh_cls), case)
        with gpu_branch():
            text = jax.jit(function).lower(*arrays).as_text("hlo", debug_info=True)
        # In a compiled program, the name of an operation continues the name of its caller.
        found |= {stage_of(f"/{each.op_name}") for each in instructions_of(text).values()}
    assert set(STAGES) - found == set()


def test_thunks_of_one_instruction_share_its_name(program):
    program._texts["thunk_metadata"] += 'profile_annotation: "add"\n    thunk_id: 9\n'
    program._texts["thunk_sequence"] += "009: kCustomKernel [prev=008 | sink] loop_add_1 grid: [1, 1, 1]\n"
    assert [thunk.instruction for thunk in kernels_of(program.thunks)] == ["add", "set", "add"]
