"""Our client through proxies that aren't ours: those of ``tiny_proxy``, over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import tiny_proxy
from anyio.streams.tls import TLSListener

from fullduplex.aio.client import connect
from fullduplex.aio.server import serve
from fullduplex.exceptions import ProxyError

from ..aio.certificate import contexts, make_certificate
from ..aio.ends import echo, url_of

TLS = tuple[ssl.SSLContext, ssl.SSLContext]


@pytest.fixture
def tls(tmp_path: Path) -> TLS:
    """Contexts for servers called localhost, and for a client that trusts them."""
    return contexts(make_certificate(tmp_path))


@contextlib.asynccontextmanager
async def running(handler: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """Run a proxy, and give its port."""
    listener: Any = await anyio.create_tcp_listener(local_host="127.0.0.1")
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    if tls is not None:
        listener = TLSListener(listener, tls, standard_compatible=False)
    serving = asyncio.create_task(listener.serve(handler.handle))
    try:
        yield port
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)
        await listener.aclose()


def handler(scheme: str, *credentials: str) -> Any:
    """Return a proxy that speaks to the scheme of an address."""
    if scheme.startswith("socks4"):
        return tiny_proxy.Socks4ProxyHandler(*credentials[:1])
    if scheme.startswith("socks5"):
        return tiny_proxy.Socks5ProxyHandler(*credentials)
    return tiny_proxy.HttpProxyHandler(*credentials)


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize("credentials", [(), ("user", "p@ss")])
@pytest.mark.parametrize("scheme", ["http", "https", "socks4", "socks4a", "socks5", "socks5h"])
async def test_messages_go_through(scheme: str, credentials: tuple[str, ...], secure: bool, tls: TLS) -> None:
    """Messages of all sizes go there and back, with TLS to either or both, and who we are is believed."""
    for_server, for_client = tls
    userinfo = "user:p%40ss@" if credentials else ""
    options: dict[str, Any] = {"ssl": for_client} if secure else {}
    if scheme == "https":
        options["proxy_ssl"] = for_client
    async with (
        serve(echo, "localhost", 0, ssl=for_server if secure else None) as server,
        running(handler(scheme, *credentials), for_server if scheme == "https" else None) as port,
    ):
        uri = url_of(server, scheme="wss" if secure else "ws")
        async with connect(uri, proxy=f"{scheme}://{userinfo}localhost:{port}", **options) as connection:
            for message in ("发送数据", b"", bytes(range(256)) * 3000):
                await connection.send(message)
                assert await connection.recv() == message
        assert connection.close_code == 1000


@pytest.mark.parametrize("scheme", ["http", "socks4a", "socks5h"])
async def test_strangers_are_refused(scheme: str) -> None:
    """Who isn't let through by the proxy is told so."""
    async with (
        serve(echo, "localhost", 0) as server,
        running(handler(scheme, "user", "pass")) as port,
    ):
        for userinfo in ("", "other:wrong@"):
            with pytest.raises(ProxyError):
                await connect(url_of(server), proxy=f"{scheme}://{userinfo}localhost:{port}")
