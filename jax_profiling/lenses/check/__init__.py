"""Show a lens folder as it was understood, without a fit: a table and a figure."""
