"""The CPU algorithm: vertices are inserted one by one into a corner table."""
