"""The schema of `info.json` and `positions.json`: keys, types, ranges and units.

The JSON schema, the table in docs/workspace/lens_folders.md and the messages about wrong values all come from these classes.
"""

import inspect
from typing import Annotated, Literal

import autolens as al
from pydantic import BaseModel, ConfigDict, Discriminator, Field, RootModel, Tag, create_model

MOST_VERTICES = 20_000
"""The largest mesh: its dense regularization matrix takes 3.2 GB."""

SCHEMA_CONFIG = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def optional(**keywords):
    """A key that may be left out but never be null: its default is None, and its type is not."""
    return Field(default_factory=lambda: None, **keywords)


def unit(name):
    return {"unit": name}


Pair = Annotated[list[float], Field(min_length=2, max_length=2)]
Shape = Annotated[list[Annotated[int, Field(ge=1, le=10_000)]], Field(min_length=2, max_length=2)]
OverSampling = Annotated[int, Field(ge=1, le=64)]


class Overlay(BaseModel):
    """A uniform grid laid over the mask; vertices are its points inside the mask."""

    model_config = SCHEMA_CONFIG
    type: Literal["Overlay"]
    shape: Shape = Field(description="Points along y and x, before the mask cuts.")


class _Weighted(BaseModel):
    model_config = SCHEMA_CONFIG
    pixels: int = Field(ge=3, le=MOST_VERTICES, description="Number of vertices.")
    weight_floor: float = Field(default=0.0, ge=0.0, le=1.0, description="Smallest weight, relative to the brightest.")
    weight_power: float = Field(default=1.0, ge=0.0, le=20.0, description="Exponent of the weights.")


class Hilbert(_Weighted):
    """Vertices along a Hilbert curve, denser where the adapt image is brighter. The mask has to be a circle."""

    type: Literal["Hilbert"]


class KMeans(_Weighted):
    """Vertices at the centres of k-means clusters of the pixels, weighted by the adapt image."""

    type: Literal["KMeans"]


class BySignalToNoise(BaseModel):
    """Over-sampling of a pixel above and below a signal-to-noise ratio."""

    model_config = SCHEMA_CONFIG
    signal_to_noise: float = Field(gt=0.0, description="The limit between both.")
    above: OverSampling = Field(description="Sub-pixels per side above the limit.")
    below: OverSampling = Field(description="Sub-pixels per side below the limit.")


_Positive, _Count = Annotated[float, Field(gt=0.0)], Annotated[int, Field(ge=1)]

SETTINGS_KINDS = {
    "log_det_method": Literal["cholesky", "slogdet"] | None,
    "regularization_term_method": Literal["matmul", "cho_solve"] | None,
    "interferometer_route": Literal["fft", "numba"] | None,
    **dict.fromkeys(("nnls_solver_tol", "certified_tau_rel"), _Positive | None),
    **dict.fromkeys(("nnls_max_iter", "certified_pass_budget"), _Count | None),
}
"""Settings with more limits than the annotations of `al.Settings` have; no Delaunay mesh takes the route "matrix_free"."""


def _settings_schema():
    """A model with the arguments of `al.Settings` in the installed release; null is autolens's own default."""
    arguments = inspect.signature(al.Settings).parameters
    kinds = {
        name: argument.annotation if argument.default is not None else argument.annotation | None
        for name, argument in arguments.items()
    }
    fields = {name: (SETTINGS_KINDS.get(name, kind), arguments[name].default) for name, kind in kinds.items()}
    return create_model("Settings", __config__=SCHEMA_CONFIG | {"title": "al.Settings"}, **fields)


Settings = _settings_schema()


class Info(BaseModel):
    """The keys of `info.json`. A key that starts with `_` is a comment."""

    model_config = SCHEMA_CONFIG

    pixel_scale: float = Field(
        gt=0.0, le=10.0, json_schema_extra=unit("arcsec"), description="Side of a pixel of the image."
    )
    mask_radius: float = Field(gt=0.0, json_schema_extra=unit("arcsec"), description="Radius of the circular mask.")
    redshift_lens: float = Field(
        gt=0.0, le=30.0, description="Redshift of the lens, below the source's, as in the model."
    )
    redshift_source: float = Field(gt=0.0, le=30.0, description="Redshift of the source, as in the model.")

    mask_centre: Pair = Field(
        default=[0.0, 0.0], json_schema_extra=unit("[y, x] in arcsec"), description="Centre of the mask."
    )
    over_sample_size_pixelization: Annotated[
        Annotated[OverSampling, Tag("number")] | Annotated[BySignalToNoise, Tag("object")],
        Discriminator(lambda value: "object" if isinstance(value, dict | BySignalToNoise) else "number"),
    ] = Field(default=1, description="Sub-pixels per side of a pixel that are traced to the mesh.")
    over_sample_size_lp: OverSampling = optional(
        description='Sub-pixels per side for light profiles; by default 4, 2 and 1 within 0.3", 0.6" and beyond.'
    )
    image_mesh: Annotated[Overlay | Hilbert | KMeans, Field(discriminator="type")] = Field(
        default={"type": "Overlay", "shape": [39, 39]},
        validate_default=True,
        description="Vertices in the image plane.",
    )
    edge_points: int = Field(default=30, ge=0, le=1000, description="Vertices on a ring around the mask, without flux.")
    edge_radius: float = optional(
        gt=0.0, json_schema_extra=unit("arcsec"), description="Radius of that ring; by default `mask_radius`."
    )
    settings: Settings = Field(default={}, validate_default=True, description="Arguments of `al.Settings`.")
    sparse_operator: Annotated[
        Annotated[bool, Tag("bool")] | Annotated[Literal["cpu"], Tag("str")],
        Discriminator(lambda value: "str" if isinstance(value, str) else "bool"),
    ] = Field(default=False, description='`apply_sparse_operator()`; "cpu" is `apply_sparse_operator_cpu()`, on NumPy.')
    positions_threshold: float = optional(
        gt=0.0,
        json_schema_extra=unit("arcsec"),
        description="Largest separation in the source plane of the images in `positions.json`.",
    )

    dataset: Literal["imaging", "interferometer"] = Field(default="imaging", description="Image or visibilities.")
    real_space_shape: Shape = optional(description="Pixels along y and x of the real-space grid of visibilities.")
    transformer: Literal["NUFFT", "DFT"] = optional(description='From an image to visibilities; by default "NUFFT".')

    grid_offset: Pair = optional(
        json_schema_extra=unit("[y, x] in arcsec"), description="Offset of this dataset's grid from the first one's."
    )
    grid_rotation_angle: float = optional(
        ge=-360.0, le=360.0, json_schema_extra=unit("degrees"), description="Counter-clockwise rotation of that grid."
    )
    shared_preloads: bool = Field(
        default=False, description="Share between datasets what autolens can share between them."
    )

    einstein_radius: float = optional(
        gt=0.0, json_schema_extra=unit("arcsec"), description="The truth of a simulated lens; no fit reads it."
    )
    signal_to_noise: float = optional(gt=0.0, description="The truth of a simulated lens; no fit reads it.")


class Positions(RootModel):
    """`positions.json`: the images of one source point, at least two."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)
    root: list[Pair] = Field(min_length=2, json_schema_extra=unit("[[y, x], ...] in arcsec"))


def json_schema():
    """The JSON schema of both files, by file name."""
    return {"info.json": Info.model_json_schema(), "positions.json": Positions.model_json_schema()}
