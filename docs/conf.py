"""Configuration of Sphinx.

Links to other projects are taken from their inventories on the network. ``-t offline`` builds
without them: names of other packages are then plain text, and have to exist all the same.
"""

from __future__ import annotations

import pydoc
import shutil
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from pathlib import Path

import hyperspy.api as hs

HERE = Path(__file__).parent

project = "hyperspy_twin"
author = "The hyperspy_twin developers"
copyright = f"2026, {author}"
release = version = installed_version("hyperspy_twin")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "examples", "gallery/*.ipynb"]
templates_path = ["_templates"]
nitpicky = True

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

OTHERS = {
    "ase": "https://ase-lib.org/",
    "diffpy": "https://www.diffpy.org/diffpy.structure/",
    "hyperspy": "https://hyperspy.org/hyperspy-doc/current/",
    "matplotlib": "https://matplotlib.org/stable/",
    "numpy": "https://numpy.org/doc/stable/",
    "orix": "https://orix.readthedocs.io/en/stable/",
    "python": "https://docs.python.org/3/",
    "scipy": "https://docs.scipy.org/doc/scipy/",
}
offline = tags.has("offline")  # noqa: F821
intersphinx_mapping = {} if offline else {name: (url, None) for name, url in OTHERS.items()}

# The notebook is executed, as it is kept without its output.
shutil.copy(HERE.parent / "notebooks" / "chain.ipynb", HERE / "chain.ipynb")
nb_execution_mode = "force"
nb_execution_timeout = 300  # s for one cell, which may have to compile kernels
nb_execution_raise_on_error = True
nb_output_stderr = "remove"

hs.preferences.General.show_progressbar = False
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "filename_pattern": r"/\d\d_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    # Figures are shown once: as they were drawn, not as the value of a line.
    "ignore_repr_types": r"matplotlib\.",
    "reference_url": {"hyperspy_twin": None},
    "doc_module": ("hyperspy_twin",),
    "backreferences_dir": "gallery/backreferences",
    "write_computation_times": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "hyperspy_twin"
html_static_path = ["_static"]
html_show_sourcelink = False
html_theme_options = {"show_toc_level": 2, "secondary_sidebar_items": ["page-toc"]}


def show_as_text(app, environment, node, content):
    """Show a name of another package as text where no inventory has it, if it exists."""
    name = node.get("reftarget", "")
    package = name.split(".")[0]
    if node.get("refdomain") != "py" or package in ("", project):
        return None
    return content if pydoc.locate(name) is not None else None


def setup(app):
    """Ask for names that no inventory has."""
    app.connect("missing-reference", show_as_text, priority=900)
