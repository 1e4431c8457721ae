"""Lines for a person, printed as they are."""

from rich.text import Text


def print_line(console, text):
    """Print a line on a `rich.console.Console`: not wrapped, and without a meaning of square brackets, which paths may have."""
    console.print(Text(text), soft_wrap=True)
