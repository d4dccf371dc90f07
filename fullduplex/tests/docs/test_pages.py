"""Every block of every page does what the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import Browser

from .pages import blocks_of, name_of, pages, twins
from .running import PageRun, need_programs, needs_browser

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(180)]

ALL = {name_of(page): (text := page.read_text("utf-8"), blocks_of(text)) for page in pages()}
IN_BROWSER = [name for name, (_, blocks) in ALL.items() if needs_browser(blocks)]
ELSEWHERE = [name for name, (_, blocks) in ALL.items() if blocks and name not in IN_BROWSER]

#: How many blocks of which page aren't run; each says why, in a note that readers don't see.
NOT_RUN = {"docs/http.md": 1, "docs/storage.md": 2}


async def run_page(name: str, folder: Path, browser: Browser | None = None) -> None:
    """Run a page's blocks."""
    text, blocks = ALL[name]
    need_programs(blocks)
    await PageRun(text, blocks, folder, browser).run()


@pytest.mark.parametrize("name", ELSEWHERE)
async def test_blocks_do_as_shown(name: str, tmp_path: Path) -> None:
    """A page's blocks run, and print what the page shows."""
    await run_page(name, tmp_path)


@pytest.mark.parametrize("name", IN_BROWSER)
async def test_blocks_do_as_shown_in_browser(name: str, tmp_path: Path, browser: Browser) -> None:
    """A page's blocks run, those for a browser in a real one."""
    await run_page(name, tmp_path, browser)


@pytest.mark.parametrize("english, chinese", [[name_of(page) for page in pair] for pair in twins()])
async def test_languages_have_same_blocks(english: str, chinese: str) -> None:
    """A page has the same blocks in Chinese, but for what people read in them."""
    assert [block.shape for block in ALL[chinese][1]] == [block.shape for block in ALL[english][1]]


async def test_links_of_readmes_lead_somewhere() -> None:
    """What a readme refers to in this repository is there; the site's own links are Sphinx's business."""
    readmes = [page for page in pages() if page.name.startswith("README")]
    broken = [
        f"{name_of(readme)}: {link}"
        for readme in readmes
        for link in re.findall(r"(?:\]\(|src(?:set)?=\")([\w./-]+)[)\"]", readme.read_text("utf-8"))
        if not (readme.parent / link).exists()
    ]

    assert broken == []


async def test_few_blocks_are_not_run() -> None:
    """A block that isn't run says why, and is counted."""
    not_run = {
        name: [block.notes["not run"] for block in blocks if "not run" in block.notes]
        for name, (_, blocks) in ALL.items()
    }

    assert all(all(reasons) for reasons in not_run.values())
    assert {name: len(reasons) for name, reasons in not_run.items() if reasons} == NOT_RUN
