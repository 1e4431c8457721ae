"""Lens folders that are odd and valid: what `--check` says about each of them, and the gate's verdict."""
