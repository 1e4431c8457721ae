"""An interrupt and bad input end a command with one sentence, wherever Python is at that moment."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jax_profiling.terminal import command

INTERRUPTS = {
    "running": "interrupt()",
    "in a callback of a weak reference": "thing = set(); kept = weakref.ref(thing, interrupt); del thing",
    "in a callback of the collector": "gc.callbacks.append(lambda phase, info: phase == 'stop' and interrupt()); gc.collect()",
}

LOAD = f"""
import gc, importlib.util, signal, time, weakref

# The file alone: importing the package would import autolens.
spec = importlib.util.spec_from_file_location("command", {command.__file__!r})
command = importlib.util.module_from_spec(spec)
spec.loader.exec_module(command)
"""


def run(program, timeout):
    return subprocess.run([sys.executable, "-c", LOAD + program], capture_output=True, text=True, timeout=timeout)


@pytest.mark.parametrize("place", INTERRUPTS)
def test_interrupt_prints_one_sentence_and_gives_1(place):
    program = f"""
def interrupt(*_):
    gc.callbacks.clear()
    signal.raise_signal(signal.SIGINT)

def main():
    {INTERRUPTS[place]}
    time.sleep(60.0)

command.run(main)
"""
    # Less than `main` would sleep.
    process = run(program, timeout=50)
    assert process.returncode == 1
    assert process.stderr.strip() == "Interrupted; nothing half-written is left behind."


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="has no /dev/full")
def test_a_full_disk_gives_2_and_one_line():
    program = "command.run(lambda: print('x' * 100000))"
    with open("/dev/full", "w") as full:
        process = subprocess.run([sys.executable, "-c", LOAD + program], stdout=full, stderr=subprocess.PIPE, text=True)
    assert process.returncode == 2
    assert process.stderr == "OSError: [Errno 28] No space left on device\n"


@pytest.mark.parametrize("letters", [1, 100000])
def test_a_reader_that_goes_away_ends_the_command_without_a_word(letters):
    """As `head` does. Few letters reach the reader at the exit only."""
    program = LOAD + f"command.run(lambda: [time.sleep(0.5), print('x' * {letters})] and 0)"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 128 + signal.SIGPIPE


def test_other_dropped_exceptions_stay_visible():
    program = """
def main():
    thing = set()
    kept = weakref.ref(thing, lambda _: 1 / 0)
    del thing

command.run(main)
"""
    process = run(program, timeout=120)
    assert process.returncode == 0
    assert "ZeroDivisionError" in process.stderr


def test_bad_input_prints_its_message_and_gives_2(capsys):
    @command.status_2_on_bad_input
    def main(argv=None):
        raise command.BadInput(f"{argv[0]}: missing; write it.")

    assert main(["model.json"]) == 2
    assert capsys.readouterr().err == "model.json: missing; write it.\n"


def test_every_command_handles_bad_input():
    root = Path(__file__).resolve().parents[2]
    sources = [path.read_text() for folder in ("jax_profiling", "scripts") for path in (root / folder).rglob("*.py")]
    commands = [source for source in sources if "command.run(main)" in source]
    assert len(commands) > 10
    assert all("@command.status_2_on_bad_input\ndef main(" in source for source in commands)


def test_one_line_shortens_and_joins_lines():
    assert command.one_line(ValueError("two\n lines " + "x" * 300)) == "ValueError: two lines " + "x" * 190
