"""What the tests of the HTTP door share: the application, and a browser that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from hubbub.endpoints.application import make_application
from hubbub.endpoints.auth import Auth
from hubbub.endpoints.names import Names
from hubbub.endpoints.page import Page
from hubbub.realtime.bucket import Buckets

HOME = "http://chat.test"


@pytest.fixture
def web(tmp_path):
    """Make a folder with a front end in it."""
    folder = tmp_path / "web"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>chat</title>")
    (folder / "manifest.webmanifest").write_text("{}")
    (folder / ".hidden").write_text("secret")
    (folder / "assets" / "main-1a2b.js").write_text("let x = 1;\n" * 1000)
    (tmp_path / "secret").write_text("secret")
    return folder


@pytest.fixture
def application(database, bus, web):
    """Make the application, as it is at plain HTTP; three guests may come at once, then one a second."""
    auth = Auth(database, bus, Buckets(3, 1.0), None)
    return make_application(auth, Page(web), Names("chat.test", "machine", None))


@pytest.fixture
async def browser(application) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that says where it comes from, as browsers do, and keeps its cookies."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME, headers={"Origin": HOME}) as client:
        yield client


@pytest.fixture
async def program(application) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that says nothing of where it comes from, as programs do."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        yield client
