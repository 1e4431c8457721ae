"""The place of this package in autoarray: the names that it replaces there, and the parts of autoarray that it uses."""
