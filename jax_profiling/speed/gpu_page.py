"""What `make gpu` found on one device, as Markdown tables."""

from jax_profiling.gate import report
from jax_profiling.speed import tables


def lines_of(found):
    """The lines of the page for what was found on one device."""
    parts = found["parts"]
    lines = ["", f"{found['device']}, autolens {found['autolens']}, jax {found['jax']}, driver {found['driver']}:"]
    for name in ("same", "same, loops on the device"):
        if "rows" in parts.get(name, {}):
            lines += ["", *same_table_of(name, parts[name]["rows"])]
    rows = []
    for name, part in parts.items():
        what, _, loops = name.partition(", ")
        if what in ("interpolation", "likelihood"):
            rows += [{**row, "mesh": ", ".join(filter(None, (row["mesh"], loops)))} for row in part.get("rows", [])]
    if rows:
        lines += ["", *tables.table_of({"rows": rows})]
    if "rows" in parts.get("kernels", {}):
        lines += ["", *kernel_table_of(parts["kernels"]["rows"])]
    return [*lines, ""]


def same_table_of(name, rows):
    columns = ("meshes", "vertices", "data_points", "triangles", "mappings", "weights", "split_weights", "dual_areas")
    cells = [
        (
            row["lens"],
            *(f"{row[column]:.0e}" if isinstance(row[column], float) else str(row[column]) for column in columns),
            ", ".join(row["unsteady"]).replace("_", " "),
        )
        for row in rows
    ]
    titles = (name, *(column.replace("_", " ") for column in columns), "not the same in ten runs")
    return report.markdown_table(titles, cells)


def kernel_table_of(rows):
    """What ran, beside what `make launches` had counted and modelled of the same version, if it had."""
    # Those of a version that was measured before, too.
    measured = [each for row in rows for each in (row["counted"], row) if each]
    stages = [*dict.fromkeys(stage for each in measured for stage in each["stages"]), "all"]
    cells, columns, calls = {stage: [] for stage in stages}, ["kernels"], ["a call, by the clock"]
    for row in rows:
        columns += [f"{what}, {row['case']}" for what in ("counted", "launched", "modelled ms", "ran ms")]
        calls += ["", "", "", f"{row['call_ms']:.2f}"]
        for stage in stages:
            counted, ran = (_of_stage(each, stage) for each in (row["counted"], row))
            cells[stage] += [
                str(counted["kernels"]) if counted else "",
                str(ran["kernels"]) if ran else "",
                "-".join(f"{ms:.1f}" for ms in counted["ms"]) if counted else "",
                f"{ran['ms']:.2f}" if ran else "",
            ]
    return report.markdown_table(columns, [*((stage, *row) for stage, row in cells.items() if any(row)), calls])


def _of_stage(found, stage):
    return found if stage == "all" or not found else found["stages"].get(stage)
