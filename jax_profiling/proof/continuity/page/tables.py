"""Write `docs/searches/continuity.md` and its figures from the JSON files of all lenses."""

import json

import numpy as np

from jax_profiling.gate.report import figures
from jax_profiling.gate.report.markdown import markdown_table
from jax_profiling.proof.continuity.events import GEOMETRIC, KINDS
from jax_profiling.proof.continuity.meshes import MESHES, TRIANGLES
from jax_profiling.proof.continuity.page.figures import profile_figure, structure_figure
from jax_profiling.proof.continuity.page.words import BETWEEN, HEAD, MISSING, ROUGHNESS
from jax_profiling.terminal.writing import atomic_writes

SCALE = 0.01
"""Distance over which jumps are added up, in prior widths."""

TRIANGLE_KINDS = {"linear": GEOMETRIC, "rectangular": ("triangle", "border")}
"""The kinds of geometric events that a mesh has."""


def write(results, docs):
    """Write `continuity.md`, `continuity_profile.png` and `continuity_structure.png`.

    Parameters
    ----------
    results
        The folder with the JSON files.
    docs
        The folder to write to.

    Returns
    -------
    dict
        Lens -> mesh -> the contents of a JSON file (dict).
    """
    found = found_in(results)
    every = [each for meshes in found.values() for each in meshes.values()]
    releases = sorted(
        {f"autolens {each['releases']['autolens']}, jax {each['releases']['jax']}, {each['device']}" for each in every}
    )
    tables = {
        "jumps": _table_of_sizes(every, "jump"),
        "kinks": _table_of_sizes(every, "kink"),
        "sums": _table_of_sums(found),
        "rates": _table_of_rates(found),
        "lenses": _table_of_lenses(found),
    }
    lines = [HEAD.replace("LARGEST", _largest_sentence(next(iter(found.values()), {})))]
    for name, table in tables.items():
        lines += [BETWEEN[name], *table, ""]
    modes = _table_of_modes(results / "modes")
    lines += [ROUGHNESS, *([BETWEEN["modes"], *modes, ""] if modes else []), MISSING]
    lines += [f"{'; '.join(releases)}; seed {every[0]['seed'] if every else ''}.", ""]
    with atomic_writes(docs) as scratch:
        (scratch / "continuity.md").write_text("\n".join(lines))
        if found:
            figures.save(profile_figure(next(iter(found.values()))), scratch / "continuity_profile.png")
            figures.save(structure_figure(found, summed_jumps), scratch / "continuity_structure.png")
    return found


def found_in(results):
    """Lens -> mesh -> the contents of a JSON file (dict); lenses in the order of their number of vertices."""
    found = {}
    for mesh in MESHES:
        for path in sorted(results.glob(f"*.{mesh}.json")):
            each = json.loads(path.read_text())
            found.setdefault(each["lens"], {})[mesh] = each
    return dict(sorted(found.items(), key=lambda item: next(iter(item[1].values()))["vertices"]))


def sizes_of(files, mesh, kind, quantity):
    """(E,) float64, sizes of the events of a kind that happen alone; everything at a flip is part of the flip.

    Parameters
    ----------
    files
        Contents of JSON files (dict).
    mesh, kind
        Keys of `MESHES` and `events.KINDS`.
    quantity
        "jump" (nats), or "kink", the change of the slope (nats per prior width).
    """
    events = [event for each in files if each["mesh"] == mesh for event in each["events"] if event["kind"] == kind]
    alone = [event for event in events if kind == "flip" or not event["also"]]
    values = [event["jump"] if quantity == "jump" else _difference(event) for event in alone]
    return np.abs(np.array([value for value in values if value is not None], dtype=float))


def _difference(event):
    before, after = event["slope_before"], event["slope_after"]
    return None if before is None or after is None else after - before


def _largest_sentence(meshes):
    """A sentence about the largest jump in the figure of the profiles; empty without one."""
    jumps = [(abs(each["largest"]["jump"]), mesh) for mesh, each in meshes.items() if each.get("largest")]
    if not jumps:
        return ""
    size, mesh = max(jumps)
    found = meshes[mesh]["largest"]
    words = " and ".join(KINDS[kind] for kind in found["kinds"])
    place = f"{found['at']:.4f} prior widths with {MESHES[mesh]}"
    jump = f"The largest jump in this picture, {size:.1f} nats at {place}, is one place where {words}."
    return f"{jump}\nThe tables below sample events, and miss it."


def _table_of_sizes(files, quantity):
    rows = []
    for kind, words in KINDS.items():
        sizes = [sizes_of(files, mesh, kind, quantity) for mesh in MESHES]
        if any(map(len, sizes)):
            cells = (
                f"{_short(np.median(each))}, {_short(each.max())} ({len(each)})" if len(each) else "" for each in sizes
            )
            rows.append((words, *cells))
    return markdown_table(("event", *MESHES.values()), rows)


def _table_of_rates(found):
    rows = []
    for lens, meshes in found.items():
        for mesh in ("linear", "rectangular"):
            if mesh in meshes:
                rates = meshes[mesh]["rates"]
                cells = ("" if kind not in TRIANGLE_KINDS[mesh] else f"{rates[kind]:.0f}" for kind in GEOMETRIC)
                name = "triangles" if mesh in TRIANGLES else mesh
                rows.append((f"`{lens}`", name, *cells, f"{meshes[mesh]['active_rate'] or 0:.0f}"))
    return markdown_table(
        ("lens", "mesh", "flip", "triangle or cell", "split", "hull", "nearest", "border", "active set"), rows
    )


def summed_jumps_of(each, kind, distance=SCALE):
    """The rms of the summed jumps of a kind of event over a distance (nats), if they are independent; NaN without a sample.

    Parameters
    ----------
    each
        Contents of a JSON file (dict).
    kind
        One of `events.GEOMETRIC`.
    distance
        In prior widths.
    """
    sizes, rate = sizes_of([each], each["mesh"], kind, "jump"), each["rates"][kind]
    if not len(sizes):
        return np.nan if rate else 0.0
    return float(np.sqrt(distance * rate * np.mean(sizes**2)))


def summed_jumps(each, distance=SCALE):
    """The rms of the summed jumps of all kinds of geometric events over a distance (nats)."""
    rms = [summed_jumps_of(each, kind, distance) for kind in GEOMETRIC]
    return float(np.sqrt(np.nansum(np.square(rms))))


def _table_of_sums(found):
    rows = []
    for kind in GEOMETRIC:
        cells = []
        for mesh in MESHES:
            sums = np.array([summed_jumps_of(meshes[mesh], kind) for meshes in found.values() if mesh in meshes])
            sums = sums[np.isfinite(sums)]
            has_kind = kind in TRIANGLE_KINDS["linear" if mesh in TRIANGLES else mesh]
            cells.append(f"{_short(np.median(sums))}, {_short(sums.max())}" if has_kind and len(sums) else "")
        rows.append((KINDS[kind], *cells))
    return markdown_table(("event", *MESHES.values()), rows)


def _table_of_lenses(found):
    rows = []
    for lens, meshes in found.items():
        for mesh, each in meshes.items():
            # None in a file is a log evidence of NaN.
            structure, start = np.array([each["windows"][f"{SCALE:.0e}"]["structure"], each["profile"][0]], dtype=float)
            total = summed_jumps(each)
            size = f"{each['vertices']}, {each['data_points']}"
            rows.append(
                (
                    f"`{lens}`",
                    size,
                    MESHES[mesh],
                    _short(np.sqrt(structure)),
                    _short(total),
                    f"{start:.2f}",
                )
            )
    head = ("lens", "vertices, image pixels", "mesh", "measured", "from jumps", "log evidence")
    return markdown_table(head, rows)


def _table_of_modes(folder):
    """The table of `modes`: one row per lens and mesh. Empty without files."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    if not found:
        return []
    rows = [
        (f"`{each['lens']}`", MESHES[mesh], *(f"{value:.0e}" for value in differences.values()))
        for each in found
        for mesh, differences in each["differences"].items()
    ]
    return markdown_table(("lens", "mesh", *next(iter(found[0]["differences"].values()))), rows)


def _short(value):
    """A positive number with two digits."""
    return f"{value:.1e}" if value < 1.0e-3 or value >= 1.0e4 else f"{value:.2g}"
