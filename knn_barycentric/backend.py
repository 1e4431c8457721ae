"""What helps one backend and hurts another: how much is done at once, chosen when the program is traced."""

import jax


def stars_at_once():
    """How many stars are sought among all vertices at once: few on a CPU, which then does no turn in vain."""
    return 16 if jax.default_backend() == "cpu" else 1024


def queries_at_once():
    """How many queries walk in lockstep: on a CPU as many as stay in its cache, and wait for few stragglers."""
    return 1024 if jax.default_backend() == "cpu" else 1 << 30
