"""What the tests of the HTTP door share: the application, and a browser that speaks to it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator
from starlette.applications import Starlette

from hubbub.actions.known_settings import KnownSettings
from hubbub.actions.passwords import Passwords
from hubbub.actions.set_up import SetUp
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.application import make_application
from hubbub.endpoints.auth import Auth, Doorway
from hubbub.endpoints.callers import Callers
from hubbub.endpoints.calls import Calls
from hubbub.endpoints.entry import Entry
from hubbub.endpoints.events import Events
from hubbub.endpoints.files import Files
from hubbub.endpoints.health import Health
from hubbub.endpoints.messages import Messages
from hubbub.endpoints.names import Names
from hubbub.endpoints.openapi import make_document
from hubbub.endpoints.own import Own
from hubbub.endpoints.page import Page
from hubbub.endpoints.proxies import NOBODY, Proxies
from hubbub.endpoints.sessions import Sessions
from hubbub.endpoints.throttle import Throttle
from hubbub.realtime.bucket import Buckets, Rate
from hubbub.realtime.feeds import Feeds
from hubbub.realtime.hub import Hub
from hubbub.realtime.turnstile import Limits, Turnstile

HOME = "http://chat.test"
DOCUMENT = make_document()


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
def feeds(database, bus) -> Feeds:
    """Return who listens by HTTP."""
    hub = Hub()
    feeds = Feeds(database, hub)
    for listener in (hub.hear, feeds.hear):
        bus.subscribe(listener)
    return feeds


@pytest.fixture
def turnstile() -> Turnstile:
    """Return what counts the writes of one user and one address: sixty at once."""
    return Turnstile(Limits(user_writes=Rate(60, 0.01), address_writes=Rate(60, 0.01)))


@pytest.fixture
async def set_up(database, tmp_path) -> SetUp:
    """Return what makes the first administrator, of whom there is none yet."""
    set_up = SetUp(database, tmp_path)
    await set_up.begin()
    return set_up


@pytest.fixture
def make_chat(
    database, bus, web, feeds, turnstile, set_up, store
) -> Callable[[str | None, Names], Starlette]:
    """Return what makes the application; three newcomers may come at once, then one in 100 s.

    A sender may guess four times at once, and twice at one password.  A user may read twenty times at once,
    write ten times, and upload eight times.
    """
    passwords, known = Passwords(), KnownSettings(database)
    bus.subscribe(known.hear)

    def make(public_url: str | None, names: Names, proxies: Proxies = NOBODY) -> Starlette:
        callers = Callers(database, public_url)
        throttle = Throttle(Buckets(3, 0.01), Buckets(4, 0.01), Buckets(2, 0.01))
        secure = (public_url or "").startswith("https:")
        admission = Admission(callers, Buckets(20, 0.01), Buckets(10, 0.01), turnstile)
        doorway = Doorway(database, bus, secure=secure)
        auth = Auth(database, bus, passwords, callers, throttle, admission, doorway)
        entry = Entry(database, bus, passwords, known, set_up, callers, throttle, doorway)
        sessions = Sessions(database, bus, passwords, callers, throttle, admission)
        own, messages = Own(database, admission), Messages(database, admission)
        files = Files(database, store, admission, Buckets(8, 0.01))
        events, calls = Events(database, admission, feeds), Calls(database, bus, admission)
        endpoints = [Health(database), auth, entry, sessions, own, messages, files, events, calls, Page(web)]
        return make_application(endpoints, names, proxies)

    return make


def connect(application: Starlette, headers: dict[str, str]) -> httpx.AsyncClient:
    """Make a client; whatever answers it, must be as described."""
    transport = httpx.ASGITransport(application, raise_app_exceptions=False)
    hooks = {"response": [check_answer]}
    return httpx.AsyncClient(transport=transport, base_url=HOME, headers=headers, event_hooks=hooks)


async def check_answer(response: httpx.Response) -> None:
    """See that an answer is one that the description has for this request."""
    content = await response.aread()
    request = response.request
    operation = find_operation(request.method.lower(), request.url.path)
    if operation is None:
        return
    status = str(response.status_code)
    described = operation["responses"].get(status) or operation["responses"][f"{status[0]}XX"]
    if "content" not in described:
        assert content == b""
        return
    if "*/*" in described["content"]:
        return
    schema = described["content"][response.headers["content-type"]]["schema"]
    Draft202012Validator(schema | {"components": DOCUMENT["components"]}).validate(response.json())


def find_operation(method: str, path: str) -> dict[str, Any] | None:
    """Return what the description has for a request, if anything."""
    for template, operations in DOCUMENT["paths"].items():
        if re.fullmatch(re.sub(r"{\w+}", "[^/]+", template), path):
            return operations.get(method)
    return None


@pytest.fixture
async def browser(application) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that says where it comes from, as browsers do, and keeps its cookies."""
    async with connect(application, {"Origin": HOME}) as client:
        yield client


@pytest.fixture
async def program(application) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client that says nothing of where it comes from, as programs do."""
    async with connect(application, {}) as client:
        yield client


@pytest.fixture
async def enter(application, guest) -> AsyncIterator[Callable[[str], Awaitable[httpx.AsyncClient]]]:
    """Return what lets someone in whose program then asks for them."""
    async with AsyncExitStack() as stack:

        async def enter(name: str) -> httpx.AsyncClient:
            token = (await guest(name)).token
            client = connect(application, {"Authorization": f"Bearer {token}"})
            return await stack.enter_async_context(client)

        yield enter


@pytest.fixture
async def ann(enter) -> httpx.AsyncClient:
    """Let Ann in."""
    return await enter("Ann")
