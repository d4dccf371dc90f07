"""The site that Sphinx makes of the pages: without a warning, whole, and asking nobody else for anything."""

from __future__ import annotations

import importlib
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest
from sphinx.util.inventory import InventoryFile

from .pages import ROOT

MODULES = [
    "fullduplex",
    "fullduplex.aio.client",
    "fullduplex.aio.server",
    "fullduplex.asgi",
    "fullduplex.auth",
    "fullduplex.browser",
    "fullduplex.close",
    "fullduplex.emitter",
    "fullduplex.exceptions",
    "fullduplex.observe",
    "fullduplex.observe.opentelemetry",
    "fullduplex.observe.prometheus",
    "fullduplex.reconnect",
    "fullduplex.sync",
    "fullduplex.testing",
]

# The whole site is made before the first test.
pytestmark = pytest.mark.timeout(180)

# What of a page the browser fetches by itself.
FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "srcset", "use": "href"}


class Made(NamedTuple):
    """The site: where it is, and what Sphinx complained of."""

    folder: Path
    complaints: str


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Make the site as `./run docs` does."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--fail-on-warning", "--keep-going", "--quiet"]
    command = [sys.executable, "-m", "sphinx", *options, ROOT / "docs", folder]
    run = subprocess.run(command, check=False, capture_output=True, text=True)
    return Made(folder, run.stderr if run.returncode else "")


@pytest.fixture(scope="module")
def site(made: Made) -> Path:
    """Return the folder of the site."""
    return made.folder


@pytest.fixture(scope="module")
def documented(site: Path) -> set[str]:
    """Return the full name of everything that the reference has."""
    inventory = InventoryFile.loads((site / "objects.inv").read_bytes(), uri="").data
    return {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}


def test_nothing_is_complained_of(made: Made) -> None:
    """Every page is in a tree, and every link and every public name leads somewhere."""
    assert made.complaints == ""


def names_of(module: ModuleType, name: str) -> set[str]:
    """Return the full names under which public modules offer the same thing, and the one it has at home."""
    thing = getattr(module, name)
    offering = [each for each in map(importlib.import_module, MODULES) if name in each.__all__]
    names = {f"{each.__name__}.{name}" for each in offering if getattr(each, name) is thing}
    return names | {f"{getattr(thing, '__module__', '')}.{name}"}


@pytest.mark.parametrize("module", MODULES)
def test_public_names_are_in_reference(module: str, documented: set[str]) -> None:
    """Each public name is documented, wherever it is offered or at home."""
    offered = importlib.import_module(module)

    assert [name for name in offered.__all__ if documented.isdisjoint(names_of(offered, name))] == []


class Fetched(HTMLParser):
    """Lists the addresses of other servers that a page has fetched."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what is fetched for an element."""
        address = dict(attrs).get(FETCHED.get(tag, "")) or ""
        if address.startswith(("http:", "https:", "//")):
            self.addresses.append(address)


def test_pages_fetch_nothing_elsewhere(site: Path) -> None:
    """No page has the browser ask another server for anything."""
    fetched = Fetched()
    for page in site.rglob("*.html"):
        fetched.feed(page.read_text("utf-8"))
    styles = [style for style in site.rglob("*.css") if "url(http" in style.read_text("utf-8")]

    assert fetched.addresses == []
    assert styles == []


def test_pages_say_their_language(site: Path) -> None:
    """A page that is there in both languages leads to the other, and each says which it is."""
    english = (site / "index.html").read_text("utf-8")
    chinese = (site / "zh" / "index.html").read_text("utf-8")

    assert '<html class="no-js" lang="en"' in english
    assert '<a href="zh/index.html" hreflang="zh-CN"' in english
    assert '<html class="no-js" lang="zh-CN"' in chinese
    assert '<a href="../index.html" hreflang="en"' in chinese
    assert "<span>下一页</span>" in chinese
    assert "<span>Next</span>" in english
