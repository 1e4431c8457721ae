"""The results of `make gpu` and `make launches` as Markdown, for docs/speed.md."""

from jax_profiling.gate import report
from jax_profiling.speed import tables
from jax_profiling.speed.gpu.cases import CASES, Case
from jax_profiling.speed.gpu.stages import REST, STAGES


def gpu_lines_of(results):
    """The lines for the results of one GPU."""
    parts = results["parts"]
    lines = [
        "",
        f"{results['device']}, autolens {results['autolens']}, jax {results['jax']}, driver {results['driver']}:",
    ]
    for name in ("agreement", "agreement, loops on the device"):
        if "rows" in parts.get(name, {}):
            lines += ["", *agreement_table_of(name, parts[name]["rows"])]
    rows = []
    for name, part in parts.items():
        program, _, loops = name.partition(", ")
        if program in ("interpolation", "likelihood"):
            rows += [{**row, "mesh": ", ".join(filter(None, (row["mesh"], loops)))} for row in part.get("rows", [])]
    if rows:
        lines += ["", *tables.table_of({"rows": rows})]
    if "rows" in parts.get("kernels", {}):
        lines += ["", *kernel_table_of(parts["kernels"]["rows"])]
    return [*lines, ""]


def agreement_table_of(name, rows):
    """Differences between GPU and CPU, and between runs on the GPU, a row per lens."""
    columns = ("meshes", "vertices", "data_points", "triangles", "mappings", "weights", "split_weights", "dual_areas")
    cells = [
        (
            row["lens"],
            *(f"{row[column]:.0e}" if isinstance(row[column], float) else str(row[column]) for column in columns),
            ", ".join(row["changes_between_runs"]).replace("_", " "),
        )
        for row in rows
    ]
    titles = (name, *(column.replace("_", " ") for column in columns), "changes in ten runs")
    return report.markdown_table(titles, cells)


def kernel_table_of(rows):
    """Kernels and times on the GPU, next to the counts and the model of `make launches` for the same version."""
    every = [each for row in rows for each in (row["counted"], row) if each]
    stages = [*dict.fromkeys(stage for each in every for stage in each["stages"]), "all"]
    cells, columns, calls = {stage: [] for stage in stages}, ["kernels"], ["a call, by the clock"]
    for row in rows:
        columns += [f"{column}, {row['case']}" for column in ("counted", "launched", "modelled ms", "ran ms")]
        calls += ["", "", "", f"{row['call_ms']:.2f}"]
        for stage in stages:
            counted, measured = (_of_stage(each, stage) for each in (row["counted"], row))
            cells[stage] += [
                str(counted["kernels"]) if counted else "",
                str(measured["kernels"]) if measured else "",
                "-".join(f"{ms:.1f}" for ms in counted["ms"]) if counted else "",
                f"{measured['ms']:.2f}" if measured else "",
            ]
    return report.markdown_table(columns, [*((stage, *row) for stage, row in cells.items() if any(row)), calls])


def _of_stage(result, stage):
    return result if stage == "all" or not result else result["stages"].get(stage)


def launch_lines_of(results):
    """The lines for the counts of `make launches`: a table of stages and cases per program."""
    lines = [""]
    for program in dict.fromkeys(case.program for case in CASES):
        cases = [case for case in CASES if case.program == program]
        by_case = {
            (each["target"], Case(program, each["lanes"], each["far"])): each
            for each in results
            if each["program"] == program
        }
        targets = sorted({target for target, _ in by_case})
        first = next(iter(by_case.values()))
        columns, rows = ["counted"], []
        for case in cases:
            columns += [f"kernels, {case}", f"waits, {case}"]
        modelled = [(target, case) for case in cases for target in targets if "ms" in by_case[target, case]]
        columns += [f"modelled ms, {target}, {case}" for target, case in modelled]
        for stage in (*STAGES, REST, "all"):
            of_stage = {key: _of_stage(each, stage) for key, each in by_case.items()}
            if not any(of_stage.values()):
                continue
            counts = [of_stage[targets[0], case] or {"kernels": 0, "waits": 0} for case in cases]
            row = [stage, *(str(each[column]) for each in counts for column in ("kernels", "waits"))]
            ranges = [(of_stage[key] or {"ms": (0.0, 0.0)})["ms"] for key in modelled]
            rows.append((*row, *(f"{low:.1f}-{high:.1f}" for low, high in ranges)))
        title = (
            f"{program.capitalize()} of {first['lens']}, jax {first['jax']}, without a GPU, counts for {targets[0]}:"
        )
        lines += [title, "", *report.markdown_table(columns, rows), ""]
    return lines
