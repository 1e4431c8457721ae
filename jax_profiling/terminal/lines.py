"""Print text without changing it."""

from rich.text import Text


def print_line(console, text):
    """Print on a `rich.console.Console` without wrapping. Square brackets are text here, because paths may have them."""
    console.print(Text(text), soft_wrap=True)
