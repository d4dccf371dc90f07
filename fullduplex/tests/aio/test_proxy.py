"""Proxies: which one the environment names, and what becomes of a way through one."""

from __future__ import annotations

import asyncio
import socket
import struct
import urllib.request
from typing import Any

import pytest

from fullduplex.aio.proxy import open_tunnel, proxy_from_environment
from fullduplex.exceptions import InvalidProxyMessage, InvalidProxyStatus, ProxyError
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.proxy import parse_proxy

from .ends import Talk, plain_server, port_of
from .proxies import Proxy, listening

pytestmark = pytest.mark.usefixtures("no_proxies")


@pytest.mark.parametrize(
    "variables, plain, secure",
    [
        ({}, None, None),
        ({"http_proxy": "http://a"}, "http://a", None),
        ({"https_proxy": "http://b"}, "http://b", "http://b"),
        ({"HTTPS_PROXY": "http://b"}, "http://b", "http://b"),
        ({"http_proxy": "http://a", "https_proxy": "http://b"}, "http://b", "http://b"),
        ({"all_proxy": "socks5h://c"}, "socks5h://c", "socks5h://c"),
        ({"all_proxy": "http://c", "http_proxy": "http://a"}, "http://a", "http://c"),
        ({"socks_proxy": "socks5://d", "https_proxy": "http://b"}, "socks5://d", "socks5://d"),
        ({"socks_proxy": "http://d:1080"}, "socks5h://d:1080", "socks5h://d:1080"),
        ({"ws_proxy": "http://e", "socks_proxy": "socks5://d"}, "http://e", "socks5://d"),
        ({"wss_proxy": "https://f", "socks_proxy": "socks5://d"}, "socks5://d", "https://f"),
        ({"https_proxy": "b:3128"}, "http://b:3128", "http://b:3128"),
        ({"https_proxy": ""}, None, None),
        ({"ftp_proxy": "http://g"}, None, None),
        ({"https_proxy": "http://b", "no_proxy": "other.example"}, "http://b", "http://b"),
        ({"https_proxy": "http://b", "no_proxy": "chat.example"}, None, None),
        ({"https_proxy": "http://b", "no_proxy": ".example"}, None, None),
        ({"https_proxy": "http://b", "no_proxy": "chat.example:8765"}, None, None),
        ({"https_proxy": "http://b", "NO_PROXY": "*"}, None, None),
    ],
    ids=str,
)
def test_environment_names_proxy(
    variables: dict[str, str], plain: str | None, secure: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables are looked at in order: WebSocket's own, SOCKS, HTTPS, HTTP, and the one for all."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    assert proxy_from_environment("chat.example", 8765, secure=False) == plain
    assert proxy_from_environment("chat.example", 8765, secure=True) == secure


def test_system_may_name_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the system itself has settings for proxies, it is asked, variables or not."""
    monkeypatch.setattr("sys.platform", "win32")
    monkeypatch.setattr(urllib.request, "getproxies", lambda: {"https": "http://b"})
    monkeypatch.setattr(urllib.request, "proxy_bypass", lambda host: host == "here.example:443")

    assert proxy_from_environment("chat.example", 443, secure=True) == "http://b"
    assert proxy_from_environment("here.example", 443, secure=True) is None


async def dig(proxy: str, host: str = "localhost", port: int = 1, **options: Any) -> asyncio.Transport:
    """Open a tunnel."""
    return await open_tunnel(parse_proxy(proxy), host, port, user_agent="test/1", limits=Limits(), **options)


async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a server that says nothing, and reads until the client goes."""
    await reader.read()


@pytest.mark.parametrize(
    "scheme, host, asked",
    [
        ("http", "localhost", "localhost"),
        ("http", "only.there", "only.there"),
        ("socks4", "localhost", "127.0.0.1"),
        ("socks4a", "only.there", "only.there"),
        ("socks4a", "127.0.0.1", "127.0.0.1"),
        ("socks5", "127.0.0.1", "127.0.0.1"),
        ("socks5h", "only.there", "only.there"),
    ],
)
async def test_tunnel_leads_to_server(scheme: str, host: str, asked: str) -> None:
    """A tunnel's transport is paused, and behind it is the server; names are resolved where they belong."""
    said = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said.set_result(await reader.readexactly(5))
        writer.write(b"world")
        await reader.read()

    class Ears(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            heard.set_result(data)

    heard = asyncio.get_running_loop().create_future()
    proxy = Proxy(scheme)
    async with plain_server(talk) as server, listening(proxy):
        transport = await dig(proxy.url(), host, port_of(server))
        assert not transport.is_reading()
        transport.set_protocol(Ears())
        transport.write(b"hello")
        transport.resume_reading()

        assert await said == b"hello"
        assert await heard == b"world"
        assert proxy.asked == [(asked, port_of(server))]
        transport.abort()


async def test_names_are_resolved_here() -> None:
    """socks5 and socks4 resolve names before they ask, and fail as resolving does."""
    proxy = Proxy("socks5")
    async with plain_server(listen) as server, listening(proxy):
        transport = await dig(proxy.url(), "localhost", port_of(server))
        transport.abort()

        assert proxy.asked[0][0] in ("127.0.0.1", "::1")
        with pytest.raises(socket.gaierror):
            await dig(proxy.url().replace("socks5", "socks4"), "::1")
        assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    "scheme, userinfo, credentials",
    [
        ("http", "user:p%40ss@", ("user", "p@ss")),
        ("socks5h", "user:p%40ss@", ("user", "p@ss")),
        ("socks4a", "user@", ("user", "")),
    ],
)
async def test_credentials_are_for_proxy(scheme: str, userinfo: str, credentials: tuple[str, str]) -> None:
    """User name and password in a proxy's address let us through; without or with others it refuses."""
    proxy = Proxy(scheme, credentials)
    async with plain_server(listen) as server, listening(proxy):
        (await dig(proxy.url(userinfo), "localhost", port_of(server))).abort()
        for wrong in ("", "user2:wrong@"):
            with pytest.raises(ProxyError) as caught:
                await dig(proxy.url(wrong), "localhost", port_of(server))
            if scheme == "http":
                assert isinstance(caught.value, InvalidProxyStatus)
                assert caught.value.response.status_code == 407

        assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme, kind", [("http", InvalidProxyStatus), ("socks5h", ProxyError)])
async def test_unreached_server_is_told(scheme: str, kind: type[Exception]) -> None:
    """A proxy that can't reach the server says so."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]

    async with listening(Proxy(scheme)) as proxy:
        with pytest.raises(kind):
            await dig(proxy.url(), "localhost", port)


async def test_absent_proxy_is_told() -> None:
    """Where no proxy listens, it is the system's own error."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]

    with pytest.raises(OSError, match=f"{port}|refused"):
        await dig(f"http://localhost:{port}")


def answers(data: bytes) -> Talk:
    """Return a proxy that gives this answer to whatever it is asked, and goes."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(data)
        await writer.drain()

    return talk


@pytest.mark.parametrize(
    "scheme, data",
    [
        ("http", b""),
        ("http", b"HTTP/1.1 200 Conn"),
        ("http", b"HTTP/1.1 200 OK\r\n\r\nearly"),
        ("http", b"SSH-2.0-OpenSSH_9.2\r\n\r\n"),
        ("http", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000),
        ("socks5h", b""),
        ("socks5h", b"\x05"),
        ("socks5h", b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    ],
    ids=range(8),
)
async def test_bad_answers_fail(scheme: str, data: bytes) -> None:
    """An answer that is malformed, has no end or isn't whole is an exception."""
    async with plain_server(answers(data)) as server:
        with pytest.raises((InvalidProxyMessage, ConnectionError)):
            await dig(f"{scheme}://localhost:{port_of(server)}")


async def test_lost_proxy_is_told() -> None:
    """A proxy that resets the connection fails as the network does."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        # To linger for no time is to reset.
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    async with plain_server(talk) as server:
        with pytest.raises(ConnectionResetError):
            await dig(f"http://localhost:{port_of(server)}")


async def test_cancelling_closes_it() -> None:
    """Who stops waiting for a proxy leaves no connection behind."""
    asked, ended = (asyncio.get_running_loop().create_future() for _ in range(2))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set_result(await reader.readuntil(b"\r\n\r\n"))
        try:
            ended.set_result(await reader.read())
        except ConnectionError:
            ended.set_result(b"")

    async with plain_server(talk) as server:
        digging = asyncio.create_task(dig(f"http://localhost:{port_of(server)}"))
        assert b"User-Agent: test/1\r\n" in await asked
        digging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await digging

        assert await ended == b""
