"""How long the meshes take: the interpolation, the likelihood and its steps, on CPUs and GPUs."""
