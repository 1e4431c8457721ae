"""An interrupt and bad input end a command in one sentence; an interrupt wherever Python was when it came."""

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


@pytest.mark.parametrize("where", INTERRUPTS)
def test_interrupt_is_one_sentence_and_1(where):
    program = f"""
import gc, signal, time, weakref
from jax_profiling.terminal import command

def interrupt(*_):
    gc.callbacks.clear()
    signal.raise_signal(signal.SIGINT)

def main():
    {INTERRUPTS[where]}
    time.sleep(60.0)

command.run(main)
"""
    # Sooner than it would end by itself.
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50)
    assert ended.returncode == 1
    assert ended.stderr.strip() == "Interrupted; nothing half-written is left behind."


def test_other_dropped_exceptions_are_still_shown():
    program = """
import weakref
from jax_profiling.terminal import command

def main():
    thing = set()
    kept = weakref.ref(thing, lambda _: 1 / 0)
    del thing

command.run(main)
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert ended.returncode == 0
    assert "ZeroDivisionError" in ended.stderr


def test_bad_input_is_its_sentence_and_2(capsys):
    @command.refuses_bad_input
    def main(argv=None):
        raise command.BadInput(f"{argv[0]}: missing; write it.")

    assert main(["model.json"]) == 2
    assert capsys.readouterr().err == "model.json: missing; write it.\n"


def test_every_command_refuses_it():
    root = Path(__file__).resolve().parents[2]
    sources = [path.read_text() for folder in ("jax_profiling", "scripts") for path in (root / folder).rglob("*.py")]
    commands = [source for source in sources if "command.run(main)" in source]
    assert len(commands) > 10
    assert all("@command.refuses_bad_input\ndef main(" in source for source in commands)
