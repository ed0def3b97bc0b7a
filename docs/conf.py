"""Configuration of Sphinx."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from importlib.util import find_spec

project = "hyperspy_twin"
author = "The hyperspy_twin developers"
copyright = f"2026, {author}"
release = version = installed_version("hyperspy_twin")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
]
exclude_patterns = ["_build"]
templates_path = ["_templates"]
nitpicky = False

autosummary_generate = True
# The face of a room lists what it offers, wherever that is written.
autosummary_imported_members = True
autodoc_typehints = "none"
autodoc_mock_imports = [name for name in ("torch",) if find_spec(name) is None]
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False
# The literature of a docstring stands in its References whether or not the text points to it.
suppress_warnings = ["ref.citation", "ref.footnote"]

html_theme = "pydata_sphinx_theme"
html_title = "hyperspy_twin"
html_static_path = ["_static"]
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}
