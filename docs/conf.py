"""How Sphinx makes the documentation: ``./run docs``, into ``docs/_build``.

It needs no network, and the pages that it makes ask nobody else for anything.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.docutils import SphinxDirective

from fullduplex import __version__

project = "fullduplex"
author = "The fullduplex and hubbub authors"
copyright = author  # noqa: A001
release = version = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build", "decisions/README.md"]
templates_path = ["_templates"]

myst_enable_extensions = ["attrs_block", "colon_fence", "deflist"]
myst_heading_anchors = 3

# Warnings are errors (./run docs), and a public name that leads nowhere is a warning.  Others' names have
# their documentation elsewhere, and we don't fetch lists of it; what modules keep to themselves has its place
# in the code, as have type variables and protocols.
nitpicky = True
nitpick_ignore_regex = [
    (r"py:.*", r"(?!fullduplex\b).*"),
    (r"py:.*", r"fullduplex\.\w+\.\w+\..*"),
    (r"py:.*", r"fullduplex\.(exceptions\.HTTPResponse|testing\.T)"),
]
# Annotations say Connection, and each face has its own.
suppress_warnings = ["ref.python"]

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False

html_theme = "furo"
pygments_dark_style = "github-dark"
html_title = f"fullduplex {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_logo = "_static/mark.svg"
html_favicon = "_static/mark.svg"
html_show_sphinx = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#0b6bcb", "color-brand-content": "#0b6bcb"},
    "dark_css_variables": {"color-brand-primary": "#5cb3ff", "color-brand-content": "#5cb3ff"},
}

DOCS = Path(__file__).parent
CHINESE = "zh/"

# The theme has these words in English only.
IN_CHINESE = {
    "Search": "搜索",
    "Previous": "上一页",
    "Next": "下一页",
    "On this page": "本页内容",
    "Back to top": "回到顶部",
    "Skip to content": "跳到正文",
}


def other_language(page: str) -> str | None:
    """Return the page that says the same in the other language, if there is one."""
    other = page.removeprefix(CHINESE) if page.startswith(CHINESE) else CHINESE + page
    return other if (DOCS / other).with_suffix(".md").is_file() else None


def in_chinese(words: str) -> str:
    """Return the theme's words in Chinese; what isn't known stays as it is."""
    return IN_CHINESE.get(words.strip(), words)


def tell_language(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Tell a page's template its language, and where the same is to be read in the other."""
    context["language"] = "zh-CN" if page.startswith(CHINESE) else "en"
    context["other_language"] = other_language(page)
    if page.startswith(CHINESE):
        context["_"] = context["gettext"] = in_chinese


def analyze(analyzer: ModuleAnalyzer) -> None:
    """Look at a module as Sphinx does, but not at overloads: what they stand for says more, with defaults."""
    look_at(analyzer)
    analyzer.overloads = {}


look_at = ModuleAnalyzer.analyze
ModuleAnalyzer.analyze = analyze


class CommandHelp(SphinxDirective):
    """Shows what a command of ``fullduplex`` says to --help."""

    optional_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Ask the command."""
        command = [sys.executable, "-m", "fullduplex", *self.arguments, "--help"]
        environment = {**os.environ, "COLUMNS": "80", "NO_COLOR": "1", "PYTHONUTF8": "1"}
        said = subprocess.check_output(command, env=environment, encoding="utf-8")
        return [nodes.literal_block(said, said, language="text")]


def setup(app: Sphinx) -> None:
    """Add what Sphinx and the theme don't have."""
    app.add_directive("command-help", CommandHelp)
    app.connect("html-page-context", tell_language)
