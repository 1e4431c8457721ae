"""GPUs: what a real one measures, and what XLA's CUDA compiler shows without one."""
