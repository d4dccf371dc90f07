"""The page and its files."""

from __future__ import annotations

import shutil

import pytest


async def test_page_is_asked_for_anew(browser) -> None:
    """The page may change any time."""
    answer = await browser.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "<title>chat</title>" in answer.text


@pytest.mark.parametrize("path", ["/r/r_lobby", "/r/r_lobby/12", "/r/r_lobby/t/12"])
async def test_places_are_the_page(browser, path) -> None:
    """A room, a message and a thread have addresses of their own, at which the page is the same."""
    answer, page = await browser.get(path), await browser.get("/")

    assert (answer.status_code, answer.text) == (200, page.text)
    differing = {name for name in page.headers if answer.headers.get(name) != page.headers[name]}
    assert differing <= {"date", "x-request-id"}


async def test_assets_are_kept_for_ever(browser) -> None:
    """What has its content in its name never changes, and comes compressed."""
    answer = await browser.get("/assets/main-1a2b.js")

    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-encoding"] == "gzip"


async def test_other_files_are_served(browser) -> None:
    """Files beside the page are served, and may change."""
    answer = await browser.get("/manifest.webmanifest")

    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path",
    [
        "/nothing",
        "/r",
        "/r/",
        "/r/r_lobby/",
        "/r/r_lobby/t",
        "/r/r_lobby/x",
        "/r/r_lobby/t/x",
        "/r/r_lobby/1/2",
        "/assets/nothing.js",
        "/assets/",
        "/assets",
        "/.hidden",
        "/%2e%2e%2f",
        "/../secret",
        "/%2e%2e/secret",
        "/..%2fsecret",
        "/assets/..%2f..%2fsecret",
        "/assets/..%5c..%5csecret",
        "/assets/../../secret",
        "/%00",
        "/" + "x" * 300,
        "/assets/%2fetc%2fpasswd",
    ],
)
async def test_nothing_else_is_served(browser, path) -> None:
    """What isn't there, is hidden, or is elsewhere, is not found."""
    answer = await browser.get(path)

    assert answer.status_code == 404
    assert "secret" not in answer.text


async def test_missing_page_says_what_to_do(browser, web) -> None:
    """Before the page is built, it says how to build it; afterwards it is there."""
    kept = shutil.move(web, web.with_name("kept"))
    missing = await browser.get("/")
    shutil.move(kept, web)
    built = await browser.get("/")

    assert missing.status_code == 503
    assert "./run setup" in missing.text
    assert built.status_code == 200
