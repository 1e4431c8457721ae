"""`report.html`: the result of the gate on one lens as one self-contained page, with its figures inline."""

import base64
import shlex
from datetime import UTC, datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from jax_profiling.gate import provenance
from jax_profiling.gate.report import nearest_shares, sentences, table
from jax_profiling.gate.verdict import Gate

TEMPLATE = Path(__file__).with_name("report.html.jinja")


def html_from(gate: Gate, images, command=()):
    """The contents of `report.html` (str).

    Parameters
    ----------
    gate
        The result.
    images
        Name of a figure (`writing.figures_of`) -> its PNG file as bytes.
    command
        The words of the command that repeats the run; left out of the page if empty.
    """
    environment = Environment(
        loader=FileSystemLoader(TEMPLATE.parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    return environment.get_template(TEMPLATE.name).render(
        lens=gate.lens,
        passed=gate.passed,
        verdict=sentences.verdict_sentence(gate),
        notes=list(filter(None, (*sentences.reference_sentences(gate), sentences.drift_sentence(gate)))),
        columns=table.COLUMNS,
        rows=table.rows_from(gate),
        quantiles=table.quantile_rows_from(gate),
        shares=list(zip(nearest_shares.NEIGHBOURS, nearest_shares.percentages_of(gate), strict=True)),
        images={name: f"data:image/png;base64,{base64.b64encode(png).decode()}" for name, png in images.items()},
        versions={**provenance.releases(), "device": provenance.device(), "log determinants": provenance.log_det()},
        command=shlex.join(map(str, command)),
        date=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
    )
