"""From options to a connection: what the server is told, the way there, and what is said if it is closed."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import io
import socket
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest

from fullduplex import ClientConnection
from fullduplex.cli.command import parse
from fullduplex.cli.complaints import Complaint
from fullduplex.cli.opening import target_of

from ..aio.certificate import make_certificate
from ..aio.ends import echo, plain_server, url_of
from ..aio.proxies import Proxy, listening
from .commands import serving


def options_of(*words: str) -> argparse.Namespace:
    """Return the options of ``connect``."""
    return parse(["connect", *words])


async def refusal(*words: str) -> Complaint:
    """Return the complaint of a connection that can't be opened."""
    with pytest.raises(Complaint) as caught:
        await target_of(options_of(*words)).open(ClientConnection)
    return caught.value


async def test_server_is_told() -> None:
    """Headers, cookies, subprotocols, origin and credentials reach the server."""
    requests: list[Any] = []

    async def note(connection: Any) -> None:
        requests.append(connection.request.headers)

    words = ["-H", "X-A: 1", "-H", "X-A: 2", "--cookie", "a=b", "--cookie", "c=d", "--bearer", "t0ken"]
    words += ["--subprotocol", "one", "--subprotocol", "two", "--origin", "https://example.com"]
    async with serving(note, subprotocols=["two"], origins=["https://example.com"]) as url:
        connection = await target_of(options_of(url, *words)).open(ClientConnection)
        await connection.close()

    headers = requests[0]
    assert connection.subprotocol == "two"
    assert headers.get_all("X-A") == ["1", "2"]
    assert headers["Cookie"] == "a=b; c=d"
    assert headers["Authorization"] == "Bearer t0ken"
    assert headers["Origin"] == "https://example.com"
    assert headers["Sec-WebSocket-Protocol"] == "one, two"


def test_basic_credentials_are_built(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user's password is given, or asked for at a terminal, and only there."""

    def authorization(user: str) -> object:
        return target_of(options_of("ws://x/", "--user", user)).way["additional_headers"]["Authorization"]

    assert authorization("me:pass:word") == "Basic bWU6cGFzczp3b3Jk"
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    with pytest.raises(Complaint, match="needs NAME:PASSWORD"):
        authorization("me")
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True)
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "pass:word")
    assert authorization("me") == "Basic bWU6cGFzczp3b3Jk"


@pytest.mark.parametrize(
    "words, sentence",
    [
        (
            ["http://me:geheim@x/?geheim"],
            "http://x/ isn't a valid WebSocket URI: the scheme isn't ws or wss; write it",
        ),
        (["ws://me:geheim@x/", "--bearer", "geheim"], "there are several credentials"),
        (["ws://x/", "--user", "me:geheim", "-H", "Authorization: geheim"], "there are several credentials"),
        (["ws://x/", "--insecure"], "are for addresses that begin with wss://"),
        (["wss://x/", "--cafile", "/nowhere"], "can't read certificates from /nowhere: no such file"),
        (["wss://x/", "--cafile", __file__], "can't read certificates from .*: TLS failed"),
    ],
)
def test_impossible_targets_are_told(words: list[str], sentence: str) -> None:
    """What can't go together, or isn't there, is told at once, with status 2 and no secret."""
    with pytest.raises(Complaint, match=sentence) as caught:
        target_of(options_of(*words))

    assert caught.value.status == 2
    assert "geheim" not in str(caught.value)


async def test_refusals_are_told(tmp_path: Path) -> None:
    """Why a connection can't be opened is one sentence without secrets, and says what to do."""

    async def refuse(connection: Any, request: Any) -> Any:
        return connection.respond(403, "no\n")

    with socket.create_server(("127.0.0.1", 0)) as probe:
        absent = f"ws://127.0.0.1:{probe.getsockname()[1]}/"
    async with serving(echo, process_request=refuse) as url:
        secret = url.replace("//", "//me:geheim@") + "?token=geheim"
        expected = {
            (absent,): f"can't connect to {absent}: connection refused; see that it runs, and on this port.",
            (
                secret,
            ): f"can't connect to {url}: server rejected the WebSocket connection: HTTP 403; it may want",
            (url.replace("ws:", "wss:"),): f"can't connect to {url.replace('ws:', 'wss:')}: TLS failed: ",
            (url, "--proxy", "ftp://me:geheim@x"): "ftp://x isn't a valid proxy: the scheme isn't one of",
        }
        for words, sentence in expected.items():
            complaint = await refusal(*words)

            assert str(complaint).startswith(sentence)
            assert "geheim" not in str(complaint)


async def test_silence_is_told() -> None:
    """A server that doesn't answer is given up after the time that --timeout names."""

    async def wait(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with plain_server(wait) as server:
        url = url_of(server)
        complaint = await refusal(url, "--timeout", "0.01")

    assert (
        str(complaint) == f"can't connect to {url}: no answer within 0.01 seconds; --timeout allows for more."
    )


async def test_proxies_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses, or isn't there, is named without its password, wherever it was given."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        absent = f"http://127.0.0.1:{probe.getsockname()[1]}"
    async with serving(echo) as url, listening(Proxy("http", ("me", "right"))) as proxy:
        refused = await refusal(url, "--proxy", proxy.url("me:geheim@"))
        assert str(refused) == (
            f"can't connect to {url} through the proxy {proxy.url()}: "
            "proxy rejected the connection: HTTP 407; "
            "give it a user name and a password: --proxy http://USER:PASSWORD@HOST:PORT."
        )
        connection = await target_of(options_of(url, "--proxy", proxy.url("me:right@"))).open(
            ClientConnection
        )
        await connection.close()

        monkeypatch.setenv("http_proxy", absent)
        missing = await refusal(url.replace("localhost", "example.invalid"))
        assert str(missing).startswith("can't connect to ws://example.invalid")
        assert f"/ through the proxy {absent}: connection refused; " in str(missing)
        connection = await target_of(options_of(url, "--no-proxy")).open(ClientConnection)
        await connection.close()


async def test_certificates_are_trusted(tmp_path: Path) -> None:
    """A certificate of one's own is refused, unless --cafile names it or --insecure trusts anyone."""
    certificate = make_certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    async with serving(echo, ssl=context) as address:
        url = address.replace("ws:", "wss:")
        assert "--cafile names whom to trust" in str(await refusal(url))
        for words in (["--cafile", str(certificate)], ["--insecure"]):
            connection = await target_of(options_of(url, *words)).open(ClientConnection)
            await connection.close()
