"""Sphinx configuration."""

from neuro import __version__

project = "spikejoule"
author = "the spikejoule developers"
copyright = "2026, the spikejoule developers"
release = version = __version__
extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "sphinx.ext.viewcode",
    "numpydoc",
    "myst_nb",
]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
exclude_patterns = ["_build", "jupyter_execute", "notebooks/*.py"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
nb_execution_mode = "off"
numpydoc_show_class_members = False
autosummary_generate = True
html_theme = "alabaster"
html_theme_options = {"description": "From events to joules", "page_width": "1100px"}
html_static_path = ["_static"]
