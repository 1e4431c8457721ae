"""Convert lenses in published layouts (SLACS, COWLS, Euclid Q1, ALMA) into lens folders."""
