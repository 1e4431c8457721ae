"""A lens that is quick to compile, for tests that need a real fit but not a large one."""

from dataclasses import replace

import autolens as al
import pytest

from jax_profiling import lens as lens_folder
from jax_profiling import specs


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    """The fiducial at Euclid's resolution, on a small mask, a coarse mesh and few Gaussians: compiles in seconds."""
    folder = tmp_path_factory.mktemp("lenses") / "small"
    spec = specs.fiducial("euclid")
    spec.model.galaxies.lens.bulge = al.model_util.mge_model_from(mask_radius=2.2, total_gaussians=4)
    info = {"mask_radius": 2.2, "image_mesh": {"type": "Overlay", "shape": [15, 15]}}
    # No data point on a vertex: adaptive signals count only weights that are not zero, and with a weight that is zero
    # but for rounding Delaunay's own log evidence differs between its eager and its jitted fit.
    info["over_sample_size_pixelization"] = 2
    lens_folder._simulate(replace(spec, info=info), folder)
    return lens_folder.load(folder)
