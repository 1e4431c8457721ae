"""Reports of the gate: `summary.json`, `summary.md` and `report.html` in a folder, and a table for the terminal.

Each module makes one of these from a `verdict.Gate`.
"""

from jax_profiling.gate.report.markdown import markdown_table
from jax_profiling.gate.report.sentences import drift_sentence, reference_sentences, verdict_sentence
from jax_profiling.gate.report.summary import KINDS, summary_from
from jax_profiling.gate.report.table import summary_line, table_from
from jax_profiling.gate.report.writing import write, write_lines

__all__ = [
    "KINDS",
    "drift_sentence",
    "markdown_table",
    "reference_sentences",
    "summary_from",
    "summary_line",
    "table_from",
    "verdict_sentence",
    "write",
    "write_lines",
]
