"""The lenses of this repository: the specs of those that have a folder, and lenses drawn from a population."""
