"""Show what a long run does and how long it has taken: a spinner or bar on a terminal, plain lines elsewhere."""

import time
from contextlib import contextmanager

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)


@contextmanager
def progress_of(console, title):
    """Report the current step of a run.

    Parameters
    ----------
    console
        A `rich.console.Console`.
    title
        A prefix of every message, such as the name of the lens.

    Yields
    ------
    Callable
        A function that takes one line of text, the step that starts now.
    """
    if console.is_terminal:
        with Progress(SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=console) as bar:
            task = bar.add_task(title, total=None)
            yield lambda message: bar.update(task, description=f"{title}: {message}")
        return
    start = time.perf_counter()
    yield lambda message: print(f"[{time.perf_counter() - start:6.1f} s] {title}: {message}", flush=True)


@contextmanager
def progress_bar_of(console, title, total, log):
    """Report the items that a run has finished, and estimate the remaining time.

    Parameters
    ----------
    console
        A `rich.console.Console`.
    title
        Stands before the bar on a terminal.
    total
        The number of items.
    log
        The path of a text file; every message is appended to it.

    Yields
    ------
    Callable
        A function that takes one line of text per finished item.
    """
    start, count = time.perf_counter(), 0
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("remaining"), TimeRemainingColumn()
    with (
        Progress(TextColumn("{task.description}"), *columns, console=console, disable=not console.is_terminal) as bar,
        open(log, "a") as file,
    ):
        task = bar.add_task(title, total=total)

        def report(message):
            nonlocal count
            count += 1
            elapsed = time.perf_counter() - start
            remaining = elapsed / count * (total - count)
            line = f"[{elapsed:7.1f} s] {count} of {total}, about {remaining:.0f} s remain: {message}"
            print(line, file=file, flush=True)
            if console.is_terminal:
                bar.update(task, advance=1)
            else:
                print(line, flush=True)

        yield report
