"""Run the workspace's commands. Bad input or an interrupt ends any command with one sentence."""

import os
import signal
import sys
import threading
from functools import wraps


class BadInput(Exception):
    """The input of a command is unusable. The message is one sentence that names the input and the fix."""


def status_2_on_bad_input(main):
    """Decorate `main`: on `BadInput`, print its message to standard error and return 2."""

    @wraps(main)
    def status_of(argv=None):
        try:
            return main(argv)
        except BadInput as error:
            print(error, file=sys.stderr)
            return 2

    return status_of


def run(main):
    """End the process with the exit status of `main()`. An interrupt prints one sentence and gives 1, a full disk 2.

    If the reader of the output has gone, as `head` does, the process ends without a word, as a signal would end it.
    """
    sys.unraisablehook = _repeat_interrupt
    try:
        status = main()
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = "Interrupted; nothing half-written is left behind."
    except BrokenPipeError:
        _discard_output()
        status = 128 + signal.SIGPIPE
    except OSError as error:
        print(one_line(error), file=sys.stderr)
        _discard_output()
        status = 2
    sys.exit(status)


def _discard_output():
    # Python writes what is left at its exit, and would fail again.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _repeat_interrupt(unraisable):
    """Send an interrupt again if Python dropped it.

    Python drops exceptions in callbacks of weak references and of the garbage collector.
    """
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    # A signal wakes the main thread from any wait; `_thread.interrupt_main` does not.
    threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()


def one_line(error):
    """The type and message of an exception in one line, short enough for a report."""
    return f"{type(error).__name__}: {message_of(error)[:200]}"


def message_of(error):
    """The message of an exception in one line."""
    return " ".join(str(error).split())
