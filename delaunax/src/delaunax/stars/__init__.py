"""The GPU algorithm: the star of every vertex is found in lockstep; disagreeing stars are recomputed exactly."""
