"""A tracer in the frame of a dataset with a shifted and rotated grid."""

import inspect

import autolens as al
import numpy as np


def in_frame_of(tracer, grid_offset, grid_rotation_angle):
    """A tracer in the frame of a dataset with an offset (arcsec) and a rotation (degrees) in its `al.DatasetModel`.

    autolens subtracts the offset from the grid of the dataset and rotates the result counter-clockwise. This function rotates
    the profiles clockwise and adds the offset.
    """
    return al.Tracer(
        galaxies=[_galaxy_in_frame(galaxy, grid_offset, grid_rotation_angle) for galaxy in tracer.galaxies]
    )


def _galaxy_in_frame(galaxy, offset, angle):
    names = [name for name in ("bulge", "mass", "shear") if hasattr(galaxy, name)]
    profiles = {name: _profile_in_frame(getattr(galaxy, name), offset, angle) for name in names}
    return al.Galaxy(redshift=galaxy.redshift, **profiles)


def _profile_in_frame(profile, offset, angle):
    names = inspect.signature(type(profile)).parameters
    arguments = {name: getattr(profile, name) for name in names if hasattr(profile, name)}
    if "centre" in arguments:
        y, x = arguments["centre"]
        x, y = _rotated_clockwise((x, y), angle)
        arguments["centre"] = (offset[0] + y, offset[1] + x)
    # These pairs rotate by twice the angle of the axes.
    if "ell_comps" in arguments:
        arguments["ell_comps"] = _rotated_clockwise(arguments["ell_comps"][::-1], 2.0 * angle)[::-1]
    if "gamma_1" in arguments:
        pair = arguments["gamma_1"], arguments["gamma_2"]
        arguments["gamma_1"], arguments["gamma_2"] = _rotated_clockwise(pair, 2.0 * angle)
    return type(profile)(**arguments)


def _rotated_clockwise(pair, angle):
    """(x, y), or a cosine and a sine, rotated clockwise by an angle (degrees)."""
    cos, sin = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    first, second = pair
    return float(first * cos + second * sin), float(second * cos - first * sin)
