"""How Sphinx builds the site: `make docs` writes it to results/local/site."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "delaunax" / "src")]

import knn_barycentric  # noqa: E402, F401  (imports autoarray, which must enable fp64 before JAX is imported)

project = "KNNBarycentric and delaunax"
author = "the authors of KNNBarycentric"
html_title = project
html_theme = "furo"
html_show_copyright = False

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_heading_anchors = 3
exclude_patterns = ["pictures"]

# Single backticks in a docstring are code.
default_role = "code"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "none"
napoleon_google_docstring = False
napoleon_use_ivar = True


def links_within_the_site(app, docname, source):
    """Links that work in the repository work on the site: to its pages of delaunax's files, else to a copy of the file."""
    text = source[0]
    for file, page in (("README", "index"), ("CHANGELOG", "changelog")):
        text = re.sub(rf"\]\((?:\.\./)+delaunax/{file}\.md", f"](/delaunax/{page}.md", text)
    source[0] = re.sub(r"\]\(((?:\.\./)+results/[^)]+\.md)\)", r"](path:\1)", text)


def skip_fields(app, what, name, member, skip, options):
    """The fields of a NamedTuple stand under "Attributes" already."""
    return skip or type(member).__name__ == "_tuplegetter"


def setup(app):
    app.connect("source-read", links_within_the_site)
    app.connect("autodoc-skip-member", skip_fields)
