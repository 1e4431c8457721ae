"""How rough is the log evidence? Kinks and jumps along straight lines through the parameters of a lens."""
