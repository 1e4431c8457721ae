"""Run the workspace's commands: bad input or an interrupt ends any of them in one sentence, wherever it arrives."""

import signal
import sys
import threading
from functools import wraps


class BadInput(Exception):
    """What a command was given cannot be used; the message is one sentence that names it and the mend."""


def refuses_bad_input(main):
    """`main`, which says what was wrong with what it was given on standard error, and returns 2."""

    @wraps(main)
    def status_of(argv=None):
        try:
            return main(argv)
        except BadInput as error:
            print(error, file=sys.stderr)
            return 2

    return status_of


def run(main):
    """End the process with the exit status of `main()`, or with a sentence on standard error and 1 if it is interrupted."""
    sys.unraisablehook = _interrupted_again
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("Interrupted; nothing half-written is left behind.")


def _interrupted_again(unraisable):
    """Python drops what is raised inside a weak reference's or the collector's callback: an interrupt comes once more."""
    if not isinstance(unraisable.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(unraisable)
        return
    # By a signal, which wakes whatever the main thread waits for; `_thread.interrupt_main` does not.
    threading.Timer(0.05, signal.pthread_kill, (threading.main_thread().ident, signal.SIGINT)).start()
