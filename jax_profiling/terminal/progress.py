"""What a long run is doing, and for how long: a spinner on a terminal, plain lines elsewhere."""

import time
from contextlib import contextmanager

from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


@contextmanager
def progress_of(console, title):
    """A function that says what begins now.

    Parameters
    ----------
    console
        A `rich.console.Console`.
    title
        Said before every message, such as the name of the lens.

    Yields
    ------
    Callable
        Takes one line of text.
    """
    if console.is_terminal:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:
            task = bar.add_task(title, total=None)
            yield lambda message: bar.update(task, description=f"{title}: {message}")
        return
    began = time.perf_counter()
    yield lambda message: print(f"[{time.perf_counter() - began:6.1f} s] {title}: {message}", flush=True)
