"""What depends on the platform that a program is compiled for."""
