"""What the tests of the HTTP door share: the application, and a browser that speaks to it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import httpx
import pytest
from starlette.applications import Starlette

from hubbub.actions.passwords import Passwords
from hubbub.endpoints.application import make_application
from hubbub.endpoints.auth import Auth
from hubbub.endpoints.callers import Callers
from hubbub.endpoints.health import Health
from hubbub.endpoints.names import Names
from hubbub.endpoints.page import Page
from hubbub.endpoints.sessions import Sessions
from hubbub.endpoints.throttle import Throttle
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
def application(make_chat) -> Starlette:
    """Make the application, as it is at plain HTTP."""
    return make_chat(None, Names("chat.test", "machine", None))


@pytest.fixture
def make_chat(database, bus, web) -> Callable[[str | None, Names], Starlette]:
    """Return what makes the application; three newcomers may come at once, then one a second.

    A sender may guess four times at once, and twice at one password.
    """
    passwords = Passwords()

    def make(public_url: str | None, names: Names) -> Starlette:
        callers = Callers(database, public_url)
        throttle = Throttle(Buckets(3, 1.0), Buckets(4, 1.0), Buckets(2, 1.0))
        secure = (public_url or "").startswith("https:")
        auth = Auth(database, bus, passwords, callers, throttle, secure=secure)
        sessions = Sessions(database, bus, passwords, callers, throttle)
        return make_application(Health(database), auth, sessions, Page(web), names)

    return make


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
