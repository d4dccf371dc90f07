"""Puts the chat together: the only module that makes what the others are handed.

It starts with the data folder and ends with the port; stopping goes the other way round, and what was
acknowledged is on the disk in either case.
"""

from __future__ import annotations

import asyncio
import errno
import functools
import logging
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette

from fullduplex import Request, WebSocketServer, asgi
from hubbub import wire
from hubbub.actions.audit import trim_audit
from hubbub.actions.audit_marks import audit_marks
from hubbub.actions.collect_files import collect_orphans
from hubbub.actions.forget_sessions import forget_sessions
from hubbub.actions.invitations import trim_invites
from hubbub.actions.known_settings import KnownSettings
from hubbub.actions.make_administrator import make_administrator
from hubbub.actions.open_lobby import open_lobby
from hubbub.actions.passwords import Passwords
from hubbub.actions.set_up import SetUp
from hubbub.actions.trim_inboxes import trim_inboxes
from hubbub.actions.upload_file import Store
from hubbub.bus.base import Bus
from hubbub.bus.local import LocalBus
from hubbub.config import Settings
from hubbub.domain.errors import ChatError
from hubbub.domain.events import StoredEvent
from hubbub.domain.policies import (
    GUEST_BURST,
    GUESTS_PER_SECOND,
    LOGIN_BURST,
    LOGINS_PER_SECOND,
    READ_BURST,
    READS_PER_SECOND,
    SENDER_LOGIN_BURST,
    SENDER_LOGINS_PER_SECOND,
    UPLOAD_BURST,
    UPLOADS_PER_SECOND,
)
from hubbub.endpoints.admission import Admission
from hubbub.endpoints.application import Endpoints, make_application
from hubbub.endpoints.auth import Auth, Doorway
from hubbub.endpoints.callers import Callers
from hubbub.endpoints.calls import Calls
from hubbub.endpoints.entry import Entry
from hubbub.endpoints.events import Events
from hubbub.endpoints.files import Files
from hubbub.endpoints.health import Health
from hubbub.endpoints.messages import Messages
from hubbub.endpoints.names import Names
from hubbub.endpoints.own import Own
from hubbub.endpoints.page import Page
from hubbub.endpoints.proxies import FOR, Proxies
from hubbub.endpoints.realtime import Door, find_token
from hubbub.endpoints.sender import find_sender
from hubbub.endpoints.sessions import Sessions
from hubbub.endpoints.throttle import Throttle
from hubbub.endpoints.traffic import Traffic
from hubbub.realtime.arrivals import Arrivals
from hubbub.realtime.bucket import Buckets, Rate
from hubbub.realtime.caller import Shared
from hubbub.realtime.collector import Collector
from hubbub.realtime.feeds import Feeds
from hubbub.realtime.gateway import Gateway
from hubbub.realtime.hub import Hub
from hubbub.realtime.outbound import HIGH_WATER
from hubbub.realtime.presence import Presence
from hubbub.realtime.tails import Tails
from hubbub.realtime.tallies import Tallies
from hubbub.realtime.turnstile import Limits, Turnstile
from hubbub.storage.database import Database
from hubbub.storage.engine import Engines, database_url, open_engines
from hubbub.storage.failures import StorageUnusableError
from hubbub.storage.folder import DATABASE, claim_folder
from hubbub.storage.migrate import migrate
from hubbub.storage.pictures import Pictures
from hubbub.storage.shelf import FOLDER, Shelf

log = logging.getLogger(__name__)

WEB: Final = Path(__file__).parent / "web_dist"
CLOSE_TIMEOUT: Final = 2.0
LEAVING: Final = 24 * 3600.0
"""Seconds over which connections would be closed that nobody has taken leave of."""
CHORES_INTERVAL: Final = 24 * 3600.0
EXPIRY_INTERVAL: Final = 60.0
"""How long a connection may outlive its session's time, in seconds."""


class StartError(Exception):
    """The server can't start; the message says why, and what to do."""


def now() -> int:
    """Return the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def run_chat(settings: Settings) -> AsyncIterator[str]:
    """Serve the chat as long as the context lasts; it gives the address to open.

    Leaving it says goodbye to every connection, and finishes the writes that have begun.

    Raises:
        StartError: if it can't start.
    """
    try:
        with nullcontext() if settings.database else claim_folder(settings.folder):
            bus = LocalBus()
            shelf = Shelf(settings.folder / FOLDER)
            async with (
                _open_database(settings, bus, shelf) as database,
                _listen(settings, database, bus, shelf) as server,
            ):
                address = _address(server, settings)
                log.info("the chat is at %s", address)
                yield address
                log.info("the chat stops")
    except StorageUnusableError as error:
        advice = "Look at --database" if settings.database else "Choose another folder with --data"
        raise StartError(f"Can't start: {error}. {advice}.") from error


@asynccontextmanager
async def _open_database(settings: Settings, bus: Bus, shelf: Shelf) -> AsyncIterator[Database]:
    file = settings.folder / DATABASE
    place = settings.place if settings.database else file
    if settings.database is None:
        _make_private(file)
    try:
        engines = open_engines(database_url(settings.database, file))
        await _prepare(engines)
    except StorageUnusableError as error:
        raise StorageUnusableError(f"{place} can't be used ({error})") from error
    database = Database(engines, functools.partial(_publish_all, bus), now)
    try:
        await forget_sessions(database, bus)
        await open_lobby(database)
        async with _do_chores(database, bus, shelf):
            yield database
    finally:
        await database.close()


async def create_administrator(settings: Settings, username: str, password: str) -> bool:
    """Make an administrator of a chat that doesn't run; return whether they are new.

    Raises:
        StartError: if the chat can't be reached, or runs.
        ChatError: for what can't be a username or a password.
    """
    try:
        with nullcontext() if settings.database else claim_folder(settings.folder):
            shelf = Shelf(settings.folder / FOLDER)
            async with _open_database(settings, LocalBus(), shelf) as database:
                return await make_administrator(database, Passwords(), username, password)
    except StorageUnusableError as error:
        raise StartError(f"Can't do it: {error}.") from error


async def _prepare(engines: Engines) -> None:
    try:
        await migrate(engines)
    except BaseException:
        await engines.dispose()
        raise


@asynccontextmanager
async def _do_chores(database: Database, bus: Bus, shelf: Shelf) -> AsyncIterator[None]:
    """Do now and then what nobody asks for, as long as the context lasts."""
    often = _repeat(EXPIRY_INTERVAL, lambda: forget_sessions(database, bus))
    daily = _repeat(
        CHORES_INTERVAL,
        lambda: trim_inboxes(database),
        lambda: trim_audit(database),
        lambda: trim_invites(database),
        lambda: audit_marks(database),
        lambda: collect_orphans(database, shelf),
        database.optimize,
    )
    tasks = [asyncio.create_task(chores, name="chores") for chores in (often, daily)]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()


async def _repeat(interval: float, *chores: Callable[[], Awaitable[object]]) -> None:
    while True:
        await asyncio.sleep(interval)
        for chore in chores:
            try:
                await chore()
            except ChatError as error:
                log.warning("a chore is left for the next time: %s", error)
            except Exception:
                # Whatever it is, it keeps neither the other chores from being done nor this one tomorrow.
                log.exception("a chore failed")


def _make_private(file: Path) -> None:
    """Make a database file that only its owner can read; SQLite gives its other files the same mode."""
    with suppress(OSError):
        # Why it can't be made, SQLite finds out as well.
        file.touch(mode=0o600)


def _publish_all(bus: Bus, events: Sequence[StoredEvent]) -> None:
    for event in events:
        bus.publish(event)


@asynccontextmanager
async def _listen(
    settings: Settings, database: Database, bus: Bus, shelf: Shelf
) -> AsyncIterator[WebSocketServer]:
    set_up = SetUp(database, settings.folder)
    await set_up.begin()
    hub = Hub()
    presence = Presence(hub)
    tails = Tails(database)
    turnstile = Turnstile(_limits(settings))
    tallies, arrivals = Tallies(database), Arrivals(database)
    shared = Shared(database, bus, hub, presence, tails, tallies, arrivals, turnstile)
    gateway, feeds = Gateway(shared), Feeds(database, hub)
    health, traffic, known = Health(database), Traffic(), KnownSettings(database)
    collector, pictures = Collector(database, shelf), Pictures(settings.picture_pixels)
    store = Store(shelf, pictures, settings.file_bytes, settings.user_file_bytes)
    listeners = (tails, hub, presence, gateway, feeds, known, collector)
    for listener in listeners:
        bus.subscribe(listener.hear)
    names = Names(settings.host, socket.gethostname(), settings.public_url)
    proxies = Proxies(settings.proxies)
    application = _make_application(
        settings, database, bus, store, names, proxies, feeds, turnstile, known, set_up, health, traffic
    )

    def let_in(connection: Any, request: Request) -> None:
        peer = str(connection.remote_address[0])
        sender = find_sender(proxies.find_client(peer, request.headers.get_all(FOR)))
        gateway.come(connection, find_token(request.headers), sender)

    async with _show_metrics(settings, shared, gateway, feeds, health, traffic):
        server = _make_server(settings, application, Door(names, settings.public_url, proxies), let_in)
        await _wait_listening(server, settings.host, settings.port, "")
        try:
            yield server
        finally:
            await _drain(settings, server, health, gateway, feeds)
            await collector.drain()
            pictures.close()


def _make_server(
    settings: Settings, application: Starlette, door: Door, let_in: Callable[[Any, Request], None]
) -> WebSocketServer:
    server = WebSocketServer(
        host=settings.host,
        port=settings.port,
        # The application reads itself what trusted proxies say, and nobody else may say it.
        http=asgi.http(application, server_header=False, proxy_headers=False),
        process_request=door.check,
        # The door has looked at it.
        origins=[re.compile(".*"), None],
        subprotocols=[wire.SUBPROTOCOL],
        maxPayload=wire.FRAME_BYTES,
        write_limit=HIGH_WATER,
        # The protocol has a heartbeat of its own, which browsers take part in.
        ping_interval=None,
        close_timeout=CLOSE_TIMEOUT,
    )
    server.on("connection", let_in)
    server.on("headers", _leave_out_server)
    # Whoever waits for it to listen is told.
    server.on("error", lambda _error: None)
    return server


async def _wait_listening(server: WebSocketServer, host: str, port: int, prefix: str) -> None:
    try:
        await server.wait_listening()
    except OSError as error:
        raise StartError(_explain(error, host, port, prefix)) from error


async def _drain(
    settings: Settings, server: WebSocketServer, health: Health, gateway: Gateway, feeds: Feeds
) -> None:
    """Let everybody go: first who would send others here, then who is here."""
    health.drain()
    try:
        await asyncio.sleep(settings.drain_delay)
    finally:
        # Of the connections, which it would close as well, the gateway takes leave long before.
        server.close(over=LEAVING)
        feeds.drain()
        await gateway.drain()
        await server.wait_closed()


@asynccontextmanager
async def _show_metrics(
    settings: Settings, shared: Shared, gateway: Gateway, feeds: Feeds, health: Health, traffic: Traffic
) -> AsyncIterator[None]:
    """Let those who run the server see what it does, at a port of its own, until the last has gone."""
    host, port = settings.metrics_host, settings.metrics_port
    if port is None:
        yield
        return
    # Whoever asks for no metrics needn't wait for what makes them.
    from hubbub.endpoints.metrics import Metrics, Sources, make_operations

    operations = make_operations(Metrics(Sources(shared, gateway, feeds, traffic)), health)
    server = WebSocketServer(
        host=host,
        port=port,
        http=asgi.http(operations, server_header=False, proxy_headers=False),
        process_request=lambda connection, _request: connection.respond(404, "There is no WebSocket here.\n"),
        close_timeout=CLOSE_TIMEOUT,
    )
    # Told below.
    server.on("error", lambda _error: None)
    await _wait_listening(server, host, port, "metrics-")
    log.info("metrics are at port %d of %s", server.address()[1], host)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def _leave_out_server(lines: list[str], _request: Request) -> None:
    """Don't tell everyone what this is, and of which version."""
    lines[:] = [line for line in lines if not line.startswith("Server:")]


def _limits(settings: Settings) -> Limits:
    return Limits(
        writes=Rate(settings.write_burst, settings.writes_per_second),
        user_writes=Rate(settings.user_write_burst, settings.user_writes_per_second),
        address_writes=Rate(settings.address_write_burst, settings.address_writes_per_second),
        hellos=Rate(settings.hello_burst, settings.hellos_per_second),
        user_connections=settings.user_connections,
        address_connections=settings.address_connections,
        file_bytes=settings.file_bytes,
    )


def _make_application(
    settings: Settings,
    database: Database,
    bus: Bus,
    store: Store,
    names: Names,
    proxies: Proxies,
    feeds: Feeds,
    turnstile: Turnstile,
    known: KnownSettings,
    set_up: SetUp,
    health: Health,
    traffic: Traffic,
) -> Starlette:
    passwords = Passwords()
    callers = Callers(database, settings.public_url)
    throttle = Throttle(
        Buckets(GUEST_BURST, GUESTS_PER_SECOND),
        Buckets(SENDER_LOGIN_BURST, SENDER_LOGINS_PER_SECOND),
        Buckets(LOGIN_BURST, LOGINS_PER_SECOND),
    )
    secure = (settings.public_url or "").startswith("https:")
    admission = Admission(
        callers,
        Buckets(READ_BURST, READS_PER_SECOND),
        Buckets(wire.WRITE_BURST, wire.WRITES_PER_SECOND),
        turnstile,
    )
    doorway = Doorway(database, bus, secure=secure)
    auth = Auth(database, bus, passwords, callers, throttle, admission, doorway)
    entry = Entry(database, bus, passwords, known, set_up, callers, throttle, doorway)
    sessions = Sessions(database, bus, passwords, callers, throttle, admission)
    own, messages = Own(database, admission), Messages(database, admission)
    files = Files(database, store, admission, Buckets(UPLOAD_BURST, UPLOADS_PER_SECOND))
    events, calls = Events(database, admission, feeds), Calls(database, bus, admission)
    endpoints: list[Endpoints] = [
        health,
        auth,
        entry,
        sessions,
        own,
        messages,
        files,
        events,
        calls,
        Page(WEB),
    ]
    return make_application(endpoints, names, proxies, traffic)


def _explain(error: OSError, host: str, port: int, prefix: str) -> str:
    # From Python 3.13 on, asyncio tells of an address that isn't ours by an error without a number.
    if isinstance(error, socket.gaierror) or error.errno in {None, errno.EADDRNOTAVAIL}:
        return f"{host} is no address of this machine. Choose another with --{prefix}host."
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is in use. Stop what uses it, or choose another with --{prefix}port."
    if error.errno == errno.EACCES:
        return f"Port {port} needs more rights. Choose one from 1024 up with --{prefix}port."
    return f"Port {port} of {host} can't be listened on: {error.strerror}."


def _address(server: WebSocketServer, settings: Settings) -> str:
    if settings.public_url is not None:
        return settings.public_url.rstrip("/")
    host, port = server.address()[:2]
    if host in {"0.0.0.0", "::"}:
        host = "localhost"
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
