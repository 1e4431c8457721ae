"""The images and visibilities of a lens folder: read, and checked against each other."""
