"""Replace the part of a page that a command writes, between two comments."""

from jax_profiling.terminal.command import BadInput
from jax_profiling.terminal.writing import atomic_writes


def with_part(text, lines, begin, end):
    """A page with `lines` between the lines `begin` and `end`.

    Raises
    ------
    ValueError
        If a comment is missing or repeated, or their order is wrong.
    """
    before, first, rest = text.partition(begin)
    _, last, after = rest.partition(end)
    if not (first and last) or begin in rest or end in after:
        raise ValueError(f"needs the lines {begin!r} and {end!r} once each, in this order")
    return "\n".join([f"{before}{begin}", *lines, f"{end}{after}"])


def rewrite_part(page, lines, begin, end):
    """Write `lines` between two comments of a page.

    Raises
    ------
    BadInput
        As `with_part`.
    """
    try:
        text = with_part(page.read_text(), lines, begin, end)
    except ValueError as error:
        raise BadInput(f"{page}: {error}; restore them.") from None
    with atomic_writes(page.parent) as scratch:
        (scratch / page.name).write_text(text)
