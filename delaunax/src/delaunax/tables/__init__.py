"""Tables of fixed shape that describe the vertices and the triangles."""
