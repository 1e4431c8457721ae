"""Commands, progress and atomic writes."""
