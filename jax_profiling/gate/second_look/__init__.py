"""Second looks at vectors that a right mesh may fail: those at which rounding counts, and those that are noisy."""
