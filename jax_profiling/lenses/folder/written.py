"""`info.json` and `positions.json` of a lens folder, as a person writes them: read, checked, defaults filled in."""

import autolens as al
import numpy as np
from pydantic import ValidationError

from jax_profiling.lenses.files import LensError, fault_line, json_from
from jax_profiling.lenses.folder.faults import shown
from jax_profiling.lenses.folder.info_schema import Info, Positions
from jax_profiling.lenses.folder.rules import info_faults


def info_from(path, above=None, **changes):
    """The keys of `info.json`, with defaults filled in.

    Parameters
    ----------
    path
        The file.
    above
        For one of several datasets, the `info.json` of the folder above; keys in `path` come before its keys.
    changes
        Keys that are to have another value than in the files.

    Returns
    -------
    dict
        Comments and optional keys without a value are left out.

    Raises
    ------
    LensError
        If a file or a key is wrong; one line for each.
    """
    value, sources = {}, {}
    for source in filter(None, (above, path)):
        found = json_from(source)
        if not isinstance(found, dict):
            raise LensError(fault_line(source, "is not a JSON object", "write keys such as pixel_scale into one"))
        value |= found
        sources |= dict.fromkeys(found, source)
    value = without_comments(value | changes)
    if faults := info_faults(value):
        lines = [fault_line(sources.get(key.split(".")[0], path), f"{key} {found}", fix) for key, found, fix in faults]
        raise LensError("\n".join(lines))
    checked = Info.model_validate(value)
    info = checked.model_dump(exclude_none=True)
    info["settings"] = checked.settings.model_dump(exclude_unset=True)
    info.setdefault("edge_radius", info["mask_radius"])
    if info["dataset"] == "interferometer":
        info.setdefault("transformer", "NUFFT")
    return info


def without_comments(value):
    """A value of JSON without the keys that start with `_`."""
    if isinstance(value, dict):
        return {key: without_comments(part) for key, part in value.items() if not key.startswith("_")}
    return [without_comments(part) for part in value] if isinstance(value, list) else value


def settings_from(info):
    """The `al.Settings` of `info.json`, or None if it has none."""
    return al.Settings(**info["settings"]) if info["settings"] else None


def positions_from(folder, info, extent=None):
    """The image positions of a lens.

    Parameters
    ----------
    folder
        The lens folder.
    info
        Its `info.json`.
    extent
        Half the sides of the image, (y, x) in arcsec; positions beyond are a fault.

    Returns
    -------
    list or None
        The `al.PositionsLH` of `positions.json`, or None if `info.json` has no `positions_threshold`.

    Raises
    ------
    LensError
        If the file is missing or wrong, or stands there without a threshold.
    """
    path, threshold = folder / "positions.json", info.get("positions_threshold")
    if threshold is None:
        if path.exists():
            fix = f"write positions_threshold (arcsec) into {folder / 'info.json'}, or remove the file"
            raise LensError(fault_line(path, "is there without a threshold", fix))
        return None
    value = json_from(path)
    try:
        positions = np.array(Positions.model_validate(value).root)
    except ValidationError:
        fix = "write at least two images of one source, [[y, x], ...] in arcsec"
        raise LensError(fault_line(path, f"is {shown(value)}", fix)) from None
    if extent is not None and (outside := np.abs(positions) > extent).any():
        first = positions[outside.any(axis=1)][0].tolist()
        fix = f"write [y, x] in arcsec, at most {extent[0]:.4g} and {extent[1]:.4g}"
        raise LensError(fault_line(path, f"holds {first}, which is outside the image", fix))
    return [al.PositionsLH(positions=al.Grid2DIrregular(positions), threshold=float(threshold))]
