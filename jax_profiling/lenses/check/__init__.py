"""Show what was understood of a lens folder, without a fit: a table and a figure."""
