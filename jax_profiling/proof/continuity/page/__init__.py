"""The page on roughness: its words, its tables and its figures."""
