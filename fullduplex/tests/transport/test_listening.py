"""Listening on what the loop makes: every address, errors, and nothing left open."""

from __future__ import annotations

import asyncio
import errno
import functools
import gc
import os
import socket
from collections.abc import Callable
from typing import Any

import pytest

from fullduplex.transport import listening
from fullduplex.transport.heartbeat import unread_bytes, unsent_bytes
from fullduplex.transport.listening import can_listen, listen

from ..loops import LOOPS
from ..native import native_module
from .twins import build

native_module("fullduplex.transport.engine")


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the engine, whichever build is in use."""
    monkeypatch.setattr(listening, "engine", build(native=True).engine)


def refuse() -> Any:
    """Make no connection: nobody may come."""
    raise AssertionError("a connection came")


def listening_on(*address: Any, **options: Any) -> Any:
    """Return what makes a server of the running loop, which never serves."""
    return functools.partial(asyncio.get_running_loop().create_server, asyncio.Protocol, *address, **options)


def run(main: Callable[[], Any], loop: str) -> None:
    """Run a coroutine function on a loop by its name."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        runner.run(main())


each_loop = pytest.mark.parametrize("loop", LOOPS)


def test_can_listen_needs_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the engine doesn't do as it is asked is the loop's, and everything without the engine."""
    assert can_listen({"backlog": 10, "reuse_port": True, "ssl": None})
    assert not can_listen({"ssl_shutdown_timeout": 1})
    monkeypatch.setattr(listening, "engine", None)
    assert not can_listen({})


@each_loop
def test_listens_on_every_address(loop: str) -> None:
    """Each address of each host has a socket of its own."""

    async def main() -> None:
        server = await listen(listening_on(["127.0.0.1", "127.0.0.2"], 0), refuse)
        hosts = sorted(sock.getsockname()[0] for sock in server.sockets)
        assert hosts == ["127.0.0.1", "127.0.0.2"]
        assert server.is_serving()
        server.close()
        server.close()
        assert not server.is_serving()
        assert server.sockets == ()

    run(main, loop)


@each_loop
def test_serving_can_start_later(loop: str) -> None:
    """Until it is started a server holds its address, and takes nobody; starting it again does nothing."""

    async def main() -> None:
        server = await listen(listening_on("127.0.0.1", 0), refuse, start_serving=False)
        assert not server.is_serving()
        with socket.socket() as client:
            assert client.connect_ex(server.sockets[0].getsockname()) == errno.ECONNREFUSED
        await server.start_serving()
        await server.start_serving()
        assert server.is_serving()
        server.close()

    run(main, loop)


@pytest.mark.parametrize("start_serving", [True, False])
def test_failure_leaves_nothing_open(start_serving: bool) -> None:
    """If one of the addresses is taken, the loop says so, and the other one's socket is closed."""

    async def main() -> None:
        with socket.create_server(("127.0.0.2", 0)) as taken:
            port = taken.getsockname()[1]
            descriptors = os.listdir("/proc/self/fd")
            with pytest.raises(OSError, match="bind on address"):
                await listen(
                    listening_on(["127.0.0.1", "127.0.0.2"], port), refuse, start_serving=start_serving
                )
            assert os.listdir("/proc/self/fd") == descriptors

    # uvloop leaves the other one open until its own end.
    run(main, "asyncio")


@each_loop
def test_start_failure_closes_socket(loop: str) -> None:
    """A socket that can't listen is closed, as by the loop."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            with pytest.raises(OSError):
                await listen(listening_on(sock=client), refuse)
            await asyncio.sleep(0)
            assert client.fileno() == -1

    run(main, loop)


@each_loop
def test_missing_room_closes_socket(loop: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no descriptor left for one more, the address is free again."""

    def fail(descriptor: int) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    async def main() -> None:
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        monkeypatch.setattr(os, "dup", fail)
        with pytest.raises(OSError, match="Too many"):
            await listen(listening_on(sock=sock), refuse)
        monkeypatch.undo()
        await asyncio.sleep(0)
        assert sock.fileno() == -1

    run(main, loop)


@each_loop
def test_given_socket_is_used(loop: str) -> None:
    """A socket that is given is listened on, of whatever family, and closed with the server."""

    async def main() -> None:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind("")
        server = await listen(listening_on(sock=sock), refuse)
        assert [one.fileno() for one in server.sockets] == [sock.fileno()]
        assert not sock.getblocking()
        server.close()
        await asyncio.sleep(0)
        assert sock.fileno() == -1

    run(main, loop)


class Accepted:
    """What is accepted: it notes the peer's address, and the transport until that is gone."""

    def __init__(self, peers: asyncio.Queue[Any]) -> None:
        self.peers = peers
        self.transport: Any = None

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport
        self.peers.put_nowait(transport.get_extra_info("peername"))

    def eof_received(self) -> None:
        """Close as well."""
        self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Note the address once more."""
        self.peers.put_nowait(self.transport.get_extra_info("peername"))


@pytest.mark.parametrize(
    "family, address",
    [(socket.AF_INET, ("127.0.0.1", 0)), (socket.AF_INET6, ("::1", 0)), (socket.AF_UNIX, "")],
)
def test_peer_has_its_address(family: socket.AddressFamily, address: Any) -> None:
    """The peer's address is what its socket says of itself, when it has gone as well."""

    async def main() -> None:
        peers: asyncio.Queue[Any] = asyncio.Queue()
        sock = socket.socket(family)
        sock.bind(address)
        server = await listen(listening_on(sock=sock), lambda: Accepted(peers), backlog=1)
        with socket.socket(family) as client:
            if family == socket.AF_UNIX:
                # A name of its own, that isn't in the file system.
                client.bind("")
            client.connect(sock.getsockname())
            named = client.getsockname()
            assert await peers.get() == named
        assert await peers.get() == named
        server.close()

    asyncio.run(main())


def test_socket_is_made_when_asked_for() -> None:
    """Until somebody asks for the socket there is none but the system's; both know their addresses."""

    async def main() -> None:
        peers: asyncio.Queue[Any] = asyncio.Queue()
        accepted = Accepted(peers)
        server = await listen(listening_on("127.0.0.1", 0), lambda: accepted)
        address = server.sockets[0].getsockname()
        with socket.create_connection(address) as client:
            await peers.get()
            ask = accepted.transport.get_extra_info
            assert ask("sockname") == address
            accepted.transport.pause_reading()
            client.send(b"?")
            assert unread_bytes(accepted.transport) == 1
            assert unsent_bytes(accepted.transport) == 0
            made = sum(isinstance(one, socket.socket) for one in gc.get_objects())
            assert ask("socket").fileno() == ask("socket").fileno() == ask("fileno")
            assert sum(isinstance(one, socket.socket) for one in gc.get_objects()) == made + 1
            assert ask("socket").getpeername() == client.getsockname()
        accepted.transport.abort()
        await peers.get()
        assert ask("socket").fileno() == -1
        assert ask("fileno") is None
        assert ask("sockname", "gone") == "gone"
        server.close()

    asyncio.run(main())
