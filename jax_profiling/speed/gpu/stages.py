"""The stages of a program, by the names that its operations get from the functions that made them."""

STAGES = {
    "spatial sort": ("kd_tree",),
    "near vertices": ("/near_vertices",),
    "stars among near": ("stars_among_near_vertices",),
    "stars among all": ("exact_stars",),
    "neighbours, certificate": ("certified_tables",),
    "location": ("locate",),
    "natural neighbours": ("cavities", "rings"),
    "PSF convolution": ("fft",),
    "NNLS": ("loop_",),
}
"""Stage -> parts of the name of an operation. The first stage that matches counts.

The loop of NNLS comes last: all other loops of a likelihood match an earlier stage.
"""

REST = "areas, weights, all else"


def stage_of(op_name):
    """The stage of an operation."""
    return next((stage for stage, parts in STAGES.items() if any(part in op_name for part in parts)), REST)
