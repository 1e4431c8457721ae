"""Files that are missing, unreadable or wrong: images, models and tables of visibilities."""

import shutil
from functools import partial

import numpy as np

from spoilers import (
    NAN,
    REMOVED,
    image,
    info,
    model,
    pixel,
    rectangular,
    remove,
    replaced,
    truncated,
    twice,
    visibilities,
    wcs,
    weights,
    without_mesh,
    write,
    zeroed,
)

INFO, MODEL = "info.json: ", "model.json: "

WRONG_FILES = {
    # Files that are missing or unreadable.
    "no data": (remove("data.fits"), "data.fits: is missing; put the FITS image there"),
    "no noise map": (remove("noise_map.fits"), "noise_map.fits: is missing"),
    "no psf": (remove("psf.fits"), "psf.fits: is missing"),
    "no model": (remove("model.json"), MODEL + "is missing; write it as docs/workspace/lens_folders.md shows"),
    "no info": (remove("info.json"), INFO + "is missing"),
    "truncated data": (truncated("data.fits"), "data.fits: is not readable as FITS"),
    "empty data": (write("data.fits", ""), "data.fits: is not readable as FITS"),
    "text as noise map": (write("noise_map.fits", "noise"), "noise_map.fits: is not readable as FITS"),
    "data twice": (lambda folder: shutil.copy(folder / "data.fits", folder / "data.fits.gz"), "keep one of the two"),
    "info half written": (write("info.json", '{"pixel_scale": 0.1,'), INFO + "is not readable as JSON"),
    "info as a list": (write("info.json", "[1, 2]"), INFO + "is not a JSON object; write keys"),
    "a key twice": (write("info.json", '{"edge_points": 1, "edge_points": 2}'), "the key edge_points stands twice"),
    # Images.
    "data of three dimensions": (image("data", lambda values: values[None]), "has images of shape (1, 45, 45) only"),
    "data of zeros": (image("data", np.zeros_like), "data.fits: is 0 everywhere inside the mask"),
    "data NaN": (image("data", pixel(NAN)), "data.fits: holds 1 NaN or infinite values inside the mask; replace"),
    "data infinite": (image("data", pixel(np.inf)), "data.fits: holds 1 NaN or infinite values"),
    "noise NaN": (image("noise_map", pixel(NAN)), "noise_map.fits: holds 1 NaN or infinite values"),
    "noise negative": (image("noise_map", pixel(-1.0)), "noise_map.fits: holds -1 inside the mask"),
    "noise 0": (image("noise_map", pixel(0.0)), "which is not positive; write the RMS noise of every pixel"),
    "noise of another shape": (
        image("noise_map", lambda values: values[:-1]),
        "has shape (44, 45) instead of (45, 45)",
    ),
    "noise as weights": (weights, "has an extension WHT, which holds no RMS noise; convert it, 1 / sqrt(weight)"),
    "psf even": (image("psf", lambda values: values[:-1]), "psf.fits: shape (20, 21) is even; cut or resample it"),
    "psf of one pixel": (
        image("psf", lambda values: values[10:11, 10:11]),
        "shape (1, 1) is too small; pad it with zeros",
    ),
    "psf larger than the image": (image("psf", partial(np.pad, pad_width=15)), "shape (51, 51) exceeds the image's"),
    "psf NaN": (image("psf", pixel(NAN, (1, 1))), "psf.fits: holds NaN or infinite values"),
    "psf of zeros": (image("psf", np.zeros_like), "psf.fits: sums to 0; write a kernel with a positive sum"),
    "psf negative": (image("psf", np.negative), "psf.fits: sums to -1"),
    "mask all true": (image("mask", np.ones_like), "mask.fits: leaves 0 of 2025 pixels; write 1 where masked"),
    "mask all NaN": (image("mask", lambda values: values + NAN), "mask.fits: holds nan; write 1 where masked"),
    "mask of grey values": (image("mask", pixel(0.5)), "mask.fits: holds 0.5; write 1 where masked and 0 elsewhere"),
    "mask of one pixel": (image("mask", lambda values: pixel(0.0)(values + 1.0)), "mask.fits: leaves 1 of 2025 pixels"),
    "mask of another shape": (image("mask", lambda values: values[1:]), "mask.fits: has shape (44, 45)"),
    "extra galaxies NaN": (image("mask_extra_galaxies", pixel(NAN)), "mask_extra_galaxies.fits: holds nan"),
    "extra galaxies of another shape": (
        image("mask_extra_galaxies", lambda values: values[1:]),
        "cut both to one shape",
    ),
    "adapt image NaN": (image("adapt_image", lambda values: pixel(NAN)(values + 1.0)), "adapt_image.fits: holds 1 NaN"),
    "adapt image of zeros": (image("adapt_image", np.zeros_like), "has no positive value inside the mask"),
    "adapt image of another shape": (image("adapt_image", lambda values: values[1:] + 1.0), "cut both to one shape"),
    "another scale in the WCS": (
        image("data", np.copy, wcs(0.05)),
        "data.fits: has pixels of 0.05 arcsec by its header",
    ),
    "another scale of the psf": (image("psf", np.copy, {"PIXSCALE": 0.02}), "psf.fits: has pixels of 0.02 arcsec"),
    # Models.
    "model half written": (write("model.json", '{"type": "collection", '), MODEL + "is not readable as JSON"),
    "model as a list": (write("model.json", "[1, 2]"), MODEL + "not a PyAutoFit model"),
    "unknown class": (replaced("model.json", "Isothermal", "Isothermall"), "Isothermall, which cannot be imported"),
    "misspelt parameter": (
        replaced("model.json", '"einstein_radius"', '"einstien_radius"'),
        "gives Isothermal the argument einstien_radius; write one of centre, ell_comps, einstein_radius",
    ),
    "misspelt argument of the mesh": (
        replaced("model.json", '"zeroed_pixels"', '"zeroed_pixel"'),
        "gives Delaunay the argument zeroed_pixel; write one of pixels, zeroed_pixels, areas_factor",
    ),
    "misspelt prior": (
        replaced("model.json", '"Gaussian"', '"Gausian"'),
        'has a prior of the type "Gausian"; write one',
    ),
    "misspelt argument of a prior": (
        replaced("model.json", '"upper_limit"', '"uper_limit"'),
        MODEL + "not a PyAutoFit model",
    ),
    "rectangular mesh": (model(rectangular), "galaxies.source has a mesh without triangles; give it al.mesh.Delaunay"),
    "model without mesh": (model(without_mesh), "no galaxy has a pixelization with a mesh"),
    "zeroed pixels without edge": (info(edge_points=0), "has zeroed_pixels 30, and info.json has edge_points 0"),
    "zeroed pixels too few": (zeroed(20), "has zeroed_pixels 20, and info.json has edge_points 30"),
    "broken pins": (write("expected.json", "[1]"), "expected.json: holds no pins"),
    "pin as text": (write("expected.json", '{"2026.1.1.1": {"log_evidence": "12"}}'), "expected.json: holds no pins"),
    "pin of NaN": (write("expected.json", '{"2026.1.1.1": {"log_evidence": NaN}}'), "expected.json: holds no pins"),
    "pin of no release": (write("expected.json", '{"2026.1rc1": {"log_evidence": 1}}'), "expected.json: holds no pins"),
    "two models": (model(twice), "model.json: holds 2 models for 1 datasets; give one"),
    # Visibilities.
    "visibilities without a grid": (
        visibilities(real_space_shape=REMOVED),
        "real_space_shape is missing; write the pix",
    ),
    "grid of half a pixel": (visibilities(real_space_shape=[45.5, 45]), "write two whole numbers of at least 1"),
    "transformer unknown": (visibilities(transformer="FFT"), 'transformer is "FFT"; write "NUFFT" or "DFT"'),
    "visibilities over-sampled": (visibilities(over_sample_size_lp=2), "autolens does not over-sample visibilities"),
    "visibilities on the CPU operator": (visibilities(sparse_operator="cpu"), "has this operator for images only"),
    "rows that differ": (visibilities(noise_map=lambda values: values[1:]), "has shape (189, 2); write (190, 2), like"),
    "baselines of one column": (visibilities(uv_wavelengths=lambda values: values[:, :1]), "has shape (190, 1)"),
    "columns that differ": (visibilities(data=lambda values: values.T), "data.fits: has shape (2, 190)"),
    "visibility NaN": (visibilities(data=pixel(NAN, (0, 0))), "leave such visibilities out of all three files"),
    "visibility without noise": (visibilities(noise_map=pixel(0.0, (0, 0))), "write the RMS noise of every visibility"),
    "baselines in metres": (
        visibilities(uv_wavelengths=lambda values: 1.0e-3 * values),
        "write baselines in wavelengths",
    ),
}
"""Name -> what spoils a copy of `small`, and words of the message."""
