"""Listening as ``loop.create_server`` does it: arguments, addresses, errors, and nothing left open."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
from typing import Any

import pytest

from fullduplex.transport import listening
from fullduplex.transport.listening import can_listen, listen

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


def test_can_listen_refuses_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Datagrams and options that aren't known here are asyncio's, and everything without the engine."""
    with socket.socket() as stream, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        assert can_listen(None, {"backlog": 10, "reuse_port": True, "ssl": None})
        assert can_listen(stream, {})
        assert not can_listen(datagrams, {})
    assert not can_listen(None, {"ssl_shutdown_timeout": 1})
    monkeypatch.setattr(listening, "engine", None)
    assert not can_listen(None, {})


def test_listens_on_every_address() -> None:
    """Each address of each host has a socket of its own, given twice or not."""

    async def main() -> None:
        server = await listen(
            asyncio.get_running_loop(), refuse, ["127.0.0.1", "127.0.0.2", "127.0.0.1"], 0, None
        )
        hosts = sorted(sock.getsockname()[0] for sock in server.sockets)
        assert hosts == ["127.0.0.1", "127.0.0.2"]
        assert server.is_serving()
        server.close()
        server.close()
        assert not server.is_serving()
        assert server.sockets == ()

    asyncio.run(main())


def test_serving_can_start_later() -> None:
    """Until it is started a server holds its address, and takes nobody; starting it again does nothing."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await listen(loop, refuse, "127.0.0.1", 0, None, start_serving=False)
        assert not server.is_serving()
        with socket.socket() as client:
            assert client.connect_ex(server.sockets[0].getsockname()) == errno.ECONNREFUSED
        await server.start_serving()
        await server.start_serving()
        assert server.is_serving()
        server.close()

    asyncio.run(main())


@pytest.mark.parametrize("start_serving", [True, False])
def test_failure_leaves_nothing_open(start_serving: bool) -> None:
    """If one of the addresses is taken, the error is asyncio's, and the other one's socket is closed."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server(("127.0.0.2", 0)) as taken:
            port = taken.getsockname()[1]
            descriptors = os.listdir("/proc/self/fd")
            errors = []
            for attempt in (
                listen(loop, refuse, ["127.0.0.1", "127.0.0.2"], port, None, start_serving=start_serving),
                loop.create_server(refuse, ["127.0.0.1", "127.0.0.2"], port, start_serving=start_serving),
            ):
                with pytest.raises(OSError, match="bind on address") as caught:
                    await attempt
                errors.append((caught.value.errno, caught.value.strerror))
            assert errors[0] == errors[1]
            assert os.listdir("/proc/self/fd") == descriptors

    asyncio.run(main())


def test_start_failure_closes_socket() -> None:
    """A socket that can't listen is closed, as asyncio does."""

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            client = socket.create_connection(server.getsockname())
            with pytest.raises(OSError):
                await listen(asyncio.get_running_loop(), refuse, None, None, client)
            assert client.fileno() == -1

    asyncio.run(main())


def test_given_socket_is_used() -> None:
    """A socket that is given is listened on, of whatever family, and closed with the server."""

    async def main() -> None:
        sock = socket.socket(socket.AF_UNIX)
        sock.bind("")
        server = await listen(asyncio.get_running_loop(), refuse, None, None, sock)
        assert server.sockets == (sock,)
        assert not sock.getblocking()
        server.close()
        assert sock.fileno() == -1

    asyncio.run(main())
