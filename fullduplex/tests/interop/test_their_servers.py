"""Our clients, through each of our faces, talk with others' servers; docs/interop.md has who and what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fullduplex import InvalidStatus

from .content import ENDINGS, FRAGMENTS, MESSAGES, NEGOTIATIONS, SIMILAR
from .ours import Connecting
from .theirs import packed, servers


@servers()
async def test_client_sends_every_size(connecting: Connecting, their_server: Any, compress: bool) -> None:
    """Our messages arrive as they were, text and binary, empty and large, and come back so."""
    async with their_server(deflate=compress) as (peer, address), connecting(address) as line:
        await peer.told("connection")
        assert ("permessage-deflate" in line.extensions) is compress

        for message in MESSAGES:
            await line.send(message)
            assert await peer.heard() == message
            assert await line.messages.get() == message


@servers()
async def test_client_offers_nothing(connecting: Connecting, their_server: Any) -> None:
    """A client told not to compress talks plainly."""
    async with their_server() as (peer, address), connecting(address, deflate=False) as line:
        assert "sec-websocket-extensions" not in (await peer.told("connection"))["headers"]
        await line.send("发送数据")
        assert await line.messages.get() == "发送数据"
        assert line.extensions == ""


@servers("deflate")
@pytest.mark.parametrize("wanted", NEGOTIATIONS, ids="-".join)
async def test_client_heeds_parameters(
    connecting: Connecting, their_server: Any, wanted: dict[str, Any]
) -> None:
    """Whatever a server asks of compression, messages like earlier ones arrive as they were."""
    await agrees(connecting, their_server, wanted)


# Whether a server takes its context over, and how large a window it compresses with.
BUN_DEFLATES = ["shared", "dedicated", "3KB", "256KB"]


@servers("compressors")
@pytest.mark.parametrize("compressor", BUN_DEFLATES)
async def test_client_heeds_compressors(connecting: Connecting, their_server: Any, compressor: str) -> None:
    """So they do for those who choose among kinds of memory."""
    await agrees(connecting, their_server, {"compress": compressor, "decompress": compressor})


async def agrees(connecting: Connecting, their_server: Any, deflate: dict[str, Any]) -> None:
    """Send what can be compressed by what was sent before."""
    async with their_server(deflate=deflate) as (peer, address), connecting(address) as line:
        await peer.told("connection")
        assert "permessage-deflate" in line.extensions
        for message in SIMILAR:
            await line.send(message)
            assert await peer.heard() == message
            assert await line.messages.get() == message


@servers("parts")
async def test_client_joins_fragments(connecting: Connecting, their_server: Any, compress: bool) -> None:
    """A message in parts is one message, though a ping comes between two of them."""
    async with their_server(deflate=compress) as (peer, address), connecting(address) as line:
        await peer.told("connection")
        for message, fragments in FRAGMENTS:
            await peer.command("parts", [packed(fragment) for fragment in fragments], "between")
            assert await peer.told("pong") == {"text": "between"}
            assert await line.messages.get() == message


@servers("ping")
async def test_client_answers_pings(connecting: Connecting, their_server: Any) -> None:
    """A server's ping comes back as a pong."""
    async with their_server() as (peer, address), connecting(address):
        await peer.told("connection")
        await peer.command("ping", "hello")
        assert await peer.told("pong") == {"text": "hello"}


@servers()
async def test_client_pings_server(pinging: Connecting, their_server: Any) -> None:
    """A ping of ours is answered."""
    async with their_server() as (peer, address), pinging(address) as line:
        await peer.told("connection")
        await line.ping(b"hello")


@servers()
async def test_client_offers_subprotocols(connecting: Connecting, their_server: Any) -> None:
    """Our client speaks the subprotocol that the server chose."""
    async with (
        their_server("chat.v1") as (peer, address),
        connecting(address, ["chat.v2", "chat.v1"]) as line,
    ):
        assert (await peer.told("connection"))["protocol"] == "chat.v1"
        assert line.protocol == "chat.v1"


@servers()
async def test_client_adds_headers(connecting: Connecting, their_server: Any) -> None:
    """What our program adds to the request is seen by the server."""
    async with (
        their_server() as (peer, address),
        connecting(f"{address}path?query", headers={"X-Ours": "yes"}),
    ):
        told = await peer.told("connection")
        assert told["headers"]["x-ours"] == "yes"
        assert told["path"] == "/path?query"


@servers()
async def test_client_is_refused(connecting: Connecting, their_server: Any) -> None:
    """The status that a server refuses with reaches our program."""
    async with their_server() as (_, address):
        with pytest.raises(InvalidStatus) as refusal:
            async with connecting(f"{address}forbidden"):
                pytest.fail("it opened")
        assert refusal.value.response.status_code == 401


@servers()
@pytest.mark.parametrize("code, reason", ENDINGS)
async def test_server_closes_ours(connecting: Connecting, their_server: Any, code: int, reason: str) -> None:
    """The code and reason that a server closes with reach our program, and come back."""
    async with their_server() as (peer, address), connecting(address) as line:
        await peer.told("connection")
        await peer.command("close", code, reason)
        assert await line.endings.get() == (code, reason)
        assert await peer.ending() == (code, reason)


@servers("no code")
async def test_server_closes_silently(connecting: Connecting, their_server: Any) -> None:
    """An empty Close frame is 1005 on either side."""
    async with their_server() as (peer, address), connecting(address) as line:
        await peer.told("connection")
        await peer.command("close")
        assert await line.endings.get() == (1005, "")
        assert await peer.ending() == (1005, "")


@servers()
@pytest.mark.parametrize("code, reason", ENDINGS[:-1])
async def test_client_closes_server(
    connecting: Connecting, their_server: Any, code: int, reason: str
) -> None:
    """The code and reason that our client closes with reach the server, and come back."""
    async with their_server() as (peer, address), connecting(address) as line:
        await peer.told("connection")
        await line.close(code, reason)
        assert await peer.ending() == (code, reason)
        assert await line.endings.get() == (code, reason)


@servers("cut")
async def test_server_cuts_ours(connecting: Connecting, their_server: Any) -> None:
    """A server that cuts the connection is 1006."""
    async with their_server() as (peer, address), connecting(address) as line:
        await peer.told("connection")
        await peer.command("terminate")
        assert await line.endings.get() == (1006, "")


@servers("process")
async def test_end_of_server(connecting: Connecting, their_server: Any) -> None:
    """So is one whose process the system ended."""
    async with their_server() as (peer, address), connecting(address) as line:
        await peer.told("connection")
        peer.vanish()
        assert await line.endings.get() == (1006, "")


@servers()
async def test_client_cuts_server(pinging: Connecting, their_server: Any) -> None:
    """Our client's cut is 1006 at the server."""
    async with their_server() as (peer, address), pinging(address) as line:
        await peer.told("connection")
        line.abort()
        assert await peer.ending() == (1006, "")


@servers()
async def test_client_limits_messages(connecting: Connecting, their_server: Any, compress: bool) -> None:
    """A message over our limit is 1009 at the server, compressed or not."""
    async with (
        their_server(deflate=compress) as (peer, address),
        connecting(address, limit=1000) as line,
    ):
        await peer.told("connection")
        await peer.say("x" * 1000)
        assert await line.messages.get() == "x" * 1000
        await peer.say("x" * 1001)
        code, reason = await peer.ending()
        assert (code, "limit of 1000 bytes" in reason) == (1009, True)


@servers()
async def test_client_hears_limit(connecting: Connecting, their_server: Any) -> None:
    """Who says more than a server takes hears so."""
    async with their_server(limit=1000, deflate=False) as (peer, address), connecting(address) as line:
        await peer.told("connection")
        await line.send("x" * 1001)
        assert (await line.endings.get())[0] == 1009


@servers("pause")
async def test_server_holds_client_off(connecting: Connecting, their_server: Any) -> None:
    """While a server doesn't read, what we send waits with us; all of it arrives afterwards."""
    async with their_server(deflate=False) as (peer, address), connecting(address) as line:
        await peer.told("connection")
        await peer.command("pause")
        await line.fills_and_drains(peer)


@servers("flood")
async def test_client_holds_server_off(pinging: Connecting, their_server: Any) -> None:
    """While our client doesn't read, what it is sent waits at the server; all of it comes afterwards."""
    async with their_server(deflate=False) as (peer, address), pinging(address) as line:
        await peer.told("connection")
        await line.holds_off(peer)


@servers()
async def test_client_speaks_tls(connecting: Connecting, their_server: Any, certificate: Path) -> None:
    """Over TLS all is the same."""
    async with (
        their_server(certificate=certificate) as (peer, address),
        connecting(address, certificate=certificate) as line,
    ):
        await peer.told("connection")
        for message in MESSAGES:
            await line.send(message)
            assert await peer.heard() == message
            assert await line.messages.get() == message
        await line.close(4000, "再见")
        assert await peer.ending() == (4000, "再见")
        assert await line.endings.get() == (4000, "再见")
