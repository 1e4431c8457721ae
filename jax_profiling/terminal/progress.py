"""What a long run is doing, and for how long: a spinner or a bar on a terminal, plain lines elsewhere."""

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


@contextmanager
def counted_progress_of(console, title, total, log):
    """A function that says what is done, of so many; with an estimate of what remains, on the console and in a log.

    Parameters
    ----------
    console
        A `rich.console.Console`.
    title
        Said on a terminal before the bar.
    total
        How many there are.
    log
        The path of a text file that lines are added to.

    Yields
    ------
    Callable
        Takes one line of text, each time that one is done.
    """
    began, done = time.perf_counter(), 0
    columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("remaining"), TimeRemainingColumn()
    with (
        Progress(TextColumn("{task.description}"), *columns, console=console, disable=not console.is_terminal) as bar,
        open(log, "a") as file,
    ):
        task = bar.add_task(title, total=total)

        def say(message):
            nonlocal done
            done += 1
            elapsed = time.perf_counter() - began
            remaining = elapsed / done * (total - done)
            line = f"[{elapsed:7.1f} s] {done} of {total}, about {remaining:.0f} s remain: {message}"
            print(line, file=file, flush=True)
            if console.is_terminal:
                bar.update(task, advance=1)
            else:
                print(line, flush=True)

        yield say
