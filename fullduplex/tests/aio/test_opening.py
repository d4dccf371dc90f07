"""Ways to a server: through proxies, over TLS and TLS within TLS, by Unix sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from fullduplex.aio.client import connect, unix_connect
from fullduplex.aio.opening import open_transport
from fullduplex.aio.server import Server, serve
from fullduplex.exceptions import InvalidProxy, InvalidProxyStatus
from fullduplex.protocol.client import ClientConnection
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.uri import parse_uri
from fullduplex.transport import native

from .certificate import make_certificate
from .ends import accept_plainly, echo, plain_server, port_of, url_of
from .proxies import Proxy, listening

pytestmark = pytest.mark.usefixtures("no_proxies")
virtual = pytest.mark.asyncio(loop_factories=["virtual"])

TLS = tuple[ssl.SSLContext, ssl.SSLContext]


@contextlib.asynccontextmanager
async def noting(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Server[Any], list[Any]]]:
    """Run a server that echoes, and notes what it was asked."""
    requests: list[Any] = []

    async def note(connection: Any) -> None:
        requests.append(connection.request)
        await echo(connection)

    async with serve(note, "localhost", 0, ssl=tls) as server:
        yield server, requests


@contextlib.contextmanager
def no_complaints() -> Any:
    """See that the loop has nothing to complain about, as of exceptions that nobody looked at."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    yield
    assert complaints == []


# Proxies.


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
async def test_proxy_is_gone_through(scheme: str, secure: bool, tls: TLS) -> None:
    """A connection through a proxy is like any other, be TLS with the server, the proxy, or both."""
    for_server, for_client = tls
    options: dict[str, Any] = {"ssl": for_client} if secure else {}
    if scheme == "https":
        options["proxy_ssl"] = for_client
    proxy = Proxy(scheme)
    async with (
        noting(for_server if secure else None) as (server, requests),
        listening(proxy, for_server if scheme == "https" else None),
    ):
        uri = url_of(server, "/room", "wss" if secure else "ws")
        with no_complaints():
            async with connect(uri, proxy=proxy.url(), **options) as connection:
                for message in ("发送数据", bytes(range(256)) * 3000):
                    await connection.send(message)
                    assert await connection.recv() == message

        assert connection.close_code == 1000
        assert [port for _, port in proxy.asked] == [port_of(server)]
        assert requests[0].path == "/room"
        assert requests[0].headers["Host"] == f"localhost:{port_of(server)}"


async def test_environment_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy that the environment names is gone through, unless the program says otherwise."""
    async with noting() as (server, _), listening(Proxy("http")) as proxy:
        monkeypatch.setenv("ws_proxy", proxy.url())
        for options, count in (({}, 1), ({"proxy": True}, 2), ({"proxy": None}, 2)):
            async with connect(url_of(server), **options):
                assert len(proxy.asked) == count
        monkeypatch.setenv("no_proxy", "localhost")
        async with connect(url_of(server)):
            assert len(proxy.asked) == 2


async def test_given_way_needs_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a given socket, no proxy is asked, whatever the environment and the program say."""
    async with noting() as (server, _), listening(Proxy("http")) as proxy:
        monkeypatch.setenv("ws_proxy", proxy.url())
        for options in ({}, {"proxy": proxy.url()}):
            with socket.create_connection(server.sockets[0].getsockname()[:2]) as sock:
                sock.setblocking(False)
                async with connect(url_of(server), sock=sock, **options):
                    pass
        assert proxy.asked == []


async def test_secrets_go_where_they_belong() -> None:
    """The proxy gets its credentials and none of the server's, and the server none of the proxy's."""
    proxy = Proxy("http", ("us", "secret1"))
    headers = {"Cookie": "secret2", "X-Token": "secret3"}
    async with noting() as (server, requests), listening(proxy):
        uri = f"ws://user:secret4@localhost:{port_of(server)}/?secret5"
        async with connect(
            uri, proxy=proxy.url("us:secret1@"), additional_headers=headers, user_agent_header="test/1"
        ):
            pass

        [head] = proxy.heads
        assert head.count(b"secret") == 0
        assert b"User-Agent: test/1\r\n" in head
        assert "Proxy-Authorization" not in requests[0].headers
        assert requests[0].headers["Cookie"] == "secret2"


async def test_proxy_is_asked_for_the_host_given() -> None:
    """With ``host`` and ``port``, that is where the proxy is to connect to."""
    async with noting() as (server, requests), listening(Proxy("http")) as proxy:
        async with connect("ws://chat.example/", proxy=proxy.url(), host="only.there", port=port_of(server)):
            pass

        assert proxy.asked == [("only.there", port_of(server))]
        assert requests[0].headers["Host"] == "chat.example"


async def test_refusing_proxy_is_told() -> None:
    """What a proxy refuses fails the handshake, and isn't taken for the server's refusal."""
    async with noting() as (server, requests), listening(Proxy("http", ("user", "pass"))) as proxy:
        with pytest.raises(InvalidProxyStatus, match="407"):
            await connect(url_of(server), proxy=proxy.url("user:wrong@"))

        assert requests == []


async def test_bad_proxy_options_are_refused(tls: TLS) -> None:
    """A proxy's address must be one, and ``proxy_ssl`` is for those that speak TLS."""
    with pytest.raises(InvalidProxy):
        await connect("ws://localhost:1/", proxy="ftp://localhost")
    for proxy in ("http://localhost:1", "socks5h://localhost:1"):
        with pytest.raises(ValueError, match="proxy_ssl is for https:// proxies"):
            await connect("ws://localhost:1/", proxy=proxy, proxy_ssl=tls[1])


async def test_proxy_must_prove_its_name(tls: TLS) -> None:
    """A proxy's certificate is checked: by its own name, or the one that is given."""
    for_server, for_client = tls
    async with noting() as (server, _), listening(Proxy("https"), for_server) as proxy:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        for options in ({}, {"proxy_ssl": for_client, "proxy_server_hostname": "other.example"}):
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(url_of(server), proxy=proxy.url(), **options)
        async with connect(
            url_of(server), proxy=proxy.url(), proxy_ssl=for_client, proxy_server_hostname="localhost"
        ):
            pass


async def test_server_must_prove_its_name(tls: TLS) -> None:
    """The certificate of a server behind a proxy is checked, and the tunnel closed if it isn't right."""
    for_server, for_client = tls
    async with noting(for_server) as (server, requests), listening(Proxy("http")) as proxy:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        uri = url_of(server, scheme="wss")
        for options in ({}, {"ssl": True}, {"ssl": for_client, "server_hostname": "other.example"}):
            with pytest.raises(ssl.SSLCertVerificationError):
                await connect(uri, proxy=proxy.url(), **options)

        assert len(proxy.asked) == 3
        assert requests == []


@virtual
@pytest.mark.parametrize("scheme", ["http", "socks5h"])
async def test_silent_proxy_times_out(scheme: str) -> None:
    """The time for opening includes the proxy's, and its connection is closed at the end."""
    ended = asyncio.get_running_loop().create_future()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            ended.set_result((await reader.read())[:0])
        except ConnectionError:
            ended.set_result(b"")

    async with plain_server(talk) as server:
        proxy = f"{scheme}://user:secret@localhost:{port_of(server)}"
        with pytest.raises(TimeoutError) as caught:
            await connect("ws://u:secret@chat.example/?secret", proxy=proxy, open_timeout=7)

        assert str(caught.value) == "no connection to ws://chat.example/ within 7 seconds"
        assert asyncio.get_running_loop().time() == pytest.approx(7)
        assert await ended == b""


async def test_silent_tls_is_closed(tls: TLS) -> None:
    """Who stops waiting for TLS behind a proxy leaves no connection behind."""
    begun, ended = (asyncio.get_running_loop().create_future() for _ in range(2))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begun.set_result(await reader.read(1))
        try:
            ended.set_result((await reader.read())[:0])
        except ConnectionError:
            ended.set_result(b"")

    async def wait_for_ever() -> None:
        await connect(url_of(server, scheme="wss"), ssl=tls[1], proxy=proxy.url(), open_timeout=None)

    async with plain_server(talk) as server, listening(Proxy("http")) as proxy:
        connecting = asyncio.create_task(wait_for_ever())
        await begun
        connecting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await connecting

        assert await ended == b""


# TLS.


async def test_server_chooses_certificate_by_name(tls: TLS, tmp_path: Path) -> None:
    """The name that the client asks for chooses the certificate (SNI, RFC 6066 3)."""
    right, for_client = tls
    wrong = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    wrong.load_cert_chain(make_certificate(tmp_path))
    names: list[str | None] = []

    def choose(connection: ssl.SSLObject, name: str | None, context: ssl.SSLContext) -> None:
        names.append(name)
        if name == "localhost":
            connection.context = right

    wrong.sni_callback = choose  # type: ignore[assignment]
    async with noting(wrong) as (server, _):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        async with connect(url_of(server, scheme="wss"), ssl=for_client):
            pass
        async with connect(
            f"wss://chat.example:{port_of(server)}/",
            host="localhost",
            ssl=for_client,
            server_hostname="localhost",
        ):
            pass
        with pytest.raises(ssl.SSLCertVerificationError):
            await connect(f"wss://chat.example:{port_of(server)}/", host="localhost", ssl=for_client)

        assert names == ["localhost", "localhost", "chat.example"]


# Unix sockets.


@contextlib.asynccontextmanager
async def unix_server(path: Path, tls: ssl.SSLContext | None = None) -> AsyncIterator[None]:
    """Greet whoever connects to a Unix socket, and close."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader) + b"\x81\x05hello\x88\x02\x03\xe8")
        # The answer to the Close frame, which is masked.
        await reader.readexactly(8)
        writer.close()

    server = await asyncio.start_unix_server(talk, path, ssl=tls)
    try:
        yield
    finally:
        server.close()


async def test_unix_socket_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """``unix_connect`` goes to a Unix socket, and never through a proxy."""
    monkeypatch.setenv("all_proxy", "http://localhost:1")
    path = tmp_path / "chat"
    async with unix_server(path):
        for connecting in (
            unix_connect(path),
            unix_connect(str(path), "ws://chat.example/room"),
            connect("ws://localhost/", path=path),
        ):
            async with connecting as connection:
                assert await connection.recv() == "hello"


async def test_unix_socket_may_have_tls(tls: TLS, tmp_path: Path) -> None:
    """With ``ssl``, a Unix socket is spoken to by TLS, for localhost unless the URI has another name."""
    for_server, for_client = tls
    path = tmp_path / "chat"
    async with unix_server(path, for_server):
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)
        async with unix_connect(path, ssl=for_client) as connection:
            assert await connection.recv() == "hello"
            assert connection.request is not None
            assert connection.request.headers["Host"] == "localhost"
        with pytest.raises(ssl.SSLCertVerificationError):
            await unix_connect(path, "wss://chat.example/", ssl=for_client)


async def test_unix_socket_may_be_given(tmp_path: Path) -> None:
    """A Unix socket that is connected already is taken as it is."""
    path = tmp_path / "chat"
    async with unix_server(path):
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(path))
            sock.setblocking(False)
            async with unix_connect(sock=sock) as connection:
                assert await connection.recv() == "hello"


# What the loop is asked for.


class NotingLoop:
    """Notes how it was asked to connect."""

    def __init__(self) -> None:
        self.asked: list[Any] = []

    async def create_connection(self, factory: Any, *place: Any, **options: Any) -> None:
        self.asked.append((*place, options))


@pytest.fixture
def no_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a loop do everything by itself."""
    monkeypatch.setattr(native, "engine", None)


async def asked_of_loop(uri: str, **options: Any) -> Any:
    """Return what a loop is asked for to get to a URI."""
    loop = NotingLoop()
    protocol = ClientConnection(parse_uri(uri), limits=Limits())
    await open_transport(SimpleNamespace(loop=loop), protocol, **options)  # type: ignore[arg-type]
    [asked] = loop.asked
    return asked


@pytest.mark.usefixtures("no_engine")
async def test_zone_is_for_the_system() -> None:
    """The zone of an IPv6 address finds the way, and no one else hears of it (RFC 6874 4)."""
    context = ssl.create_default_context()
    asked = await asked_of_loop("wss://[fe80::1%25eth0]:8443/", ssl=context)

    assert asked == ("fe80::1%eth0", 8443, {"ssl": context, "server_hostname": "fe80::1"})


@pytest.mark.usefixtures("no_engine")
async def test_other_options_are_the_loops() -> None:
    """Options that aren't ours go to the loop as they are; those for an absent proxy go nowhere."""
    asked = await asked_of_loop(
        "ws://host/", local_addr=("localhost", 0), happy_eyeballs_delay=0.25, proxy_server_hostname="unused"
    )

    assert asked == ("host", 80, {"local_addr": ("localhost", 0), "happy_eyeballs_delay": 0.25})
