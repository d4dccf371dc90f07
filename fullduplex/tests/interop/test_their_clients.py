"""Others' clients talk with our servers, through each of our faces; docs/interop.md has who and what."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .content import ENDINGS, FRAGMENTS, MESSAGES, NEGOTIATIONS, SIMILAR
from .ours import Serving
from .theirs import clients, packed

# Chromium lives as long as the session.
pytestmark = pytest.mark.asyncio(loop_scope="session")


@clients()
async def test_server_echoes_every_size(serving: Serving, client: Any, compress: bool) -> None:
    """Messages come back as they were: text and binary, empty and large."""
    async with serving(deflate=compress) as ours, client(ours.address) as peer:
        opened = await peer.told("open")
        assert ("permessage-deflate" in opened["extensions"]) is compress
        assert ("permessage-deflate" in (await ours.lines.get()).extensions) is compress

        for message in MESSAGES:
            await peer.say(message)
            assert await peer.heard() == message


@clients("deflate")
async def test_server_waits_for_offers(serving: Serving, client: Any) -> None:
    """With who doesn't offer compression it is plain talk."""
    async with serving() as ours, client(ours.address, deflate=False) as peer:
        assert (await peer.told("open"))["extensions"] == ""
        await peer.say("发送数据")
        assert await peer.heard() == "发送数据"


@clients("deflate")
@pytest.mark.parametrize("wanted", NEGOTIATIONS, ids="-".join)
async def test_server_heeds_parameters(serving: Serving, client: Any, wanted: dict[str, Any]) -> None:
    """Whatever a client asks of compression, messages like earlier ones come back as they were."""
    async with serving() as ours, client(ours.address, deflate=wanted) as peer:
        await echoes_similar(peer)


@clients()
@pytest.mark.parametrize("wanted", [NEGOTIATIONS[0], NEGOTIATIONS[-1]], ids="-".join)
async def test_client_heeds_ours(serving: Serving, client: Any, wanted: dict[str, Any]) -> None:
    """So they do, whatever our server asks."""
    async with serving(deflate=wanted) as ours, client(ours.address) as peer:
        await echoes_similar(peer)


async def echoes_similar(peer: Any) -> None:
    """Send what can be compressed by what was sent before."""
    assert "permessage-deflate" in (await peer.told("open"))["extensions"]
    for message in SIMILAR:
        await peer.say(message)
        assert await peer.heard() == message


@clients("parts")
async def test_server_joins_fragments(serving: Serving, client: Any, compress: bool) -> None:
    """A message in parts is one message, though a ping comes between two of them."""
    async with serving(deflate=compress) as ours, client(ours.address) as peer:
        await peer.told("open")
        for message, fragments in FRAGMENTS:
            await peer.command("parts", [packed(fragment) for fragment in fragments], "between")
            assert await peer.told("pong") == {"text": "between"}
            assert await peer.heard() == message


@clients("ping")
async def test_server_answers_pings(serving: Serving, client: Any) -> None:
    """A client's ping comes back as a pong."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        await peer.command("ping", "hello")
        assert await peer.told("pong") == {"text": "hello"}


@clients()
async def test_server_pings_client(serving: Serving, client: Any) -> None:
    """A ping of ours is answered."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        await (await ours.lines.get()).ping(b"hello")


@clients()
async def test_server_chooses_subprotocol(serving: Serving, client: Any) -> None:
    """Both sides agree on a subprotocol that both know."""
    async with (
        serving(subprotocols=["chat.v2", "chat.v1"]) as ours,
        client(ours.address, ["chat.v1", "other"]) as peer,
    ):
        assert (await peer.told("open"))["protocol"] == "chat.v1"
        assert (await ours.lines.get()).protocol == "chat.v1"


@clients("headers")
async def test_server_sees_headers(serving: Serving, client: Any) -> None:
    """What a client adds to its request is in ours."""
    async with serving() as ours, client(ours.address, headers={"X-Theirs": "some"}) as peer:
        await peer.told("open")
        assert (await ours.requests.get()).headers["X-Theirs"] == "some"


@clients("answer")
async def test_client_sees_headers(serving: Serving, client: Any) -> None:
    """What our server adds to its answer is in theirs."""
    async with serving() as ours, client(ours.address) as peer:
        assert (await peer.told("open"))["headers"]["x-ours"] == "yes"


@clients("answer")
async def test_refusal_is_told(serving: Serving, client: Any) -> None:
    """Who isn't let in hears the status."""
    async with serving() as ours, client(f"{ours.address}forbidden") as peer:
        assert await peer.refusal() == 401
        assert ours.lines.empty()


@clients()
async def test_refusal_ends_client(serving: Serving, client: Any) -> None:
    """Who isn't let in never opens, whatever it hears of why."""
    async with serving() as ours, client(f"{ours.address}forbidden") as peer:
        assert await peer.refusal() in (401, None)
        assert ours.lines.empty()


@clients()
@pytest.mark.parametrize("code, reason", ENDINGS[:-1])
async def test_client_closes_ours(serving: Serving, client: Any, code: int, reason: str) -> None:
    """The code and reason that a client closes with reach our program, and come back."""
    await ends_by_client(serving, client, code, reason)


@clients("any code")
async def test_client_goes_away(serving: Serving, client: Any) -> None:
    """So do those that browsers may not send."""
    await ends_by_client(serving, client, *ENDINGS[-1])


async def ends_by_client(serving: Serving, client: Any, code: int, reason: str) -> None:
    """Have a client close."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        await peer.command("close", code, reason)
        assert await (await ours.lines.get()).endings.get() == (code, reason)
        assert await peer.ending() == (code, reason)


@clients("no code")
async def test_client_closes_silently(serving: Serving, client: Any) -> None:
    """An empty Close frame is 1005 on either side."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        await peer.command("close")
        assert await (await ours.lines.get()).endings.get() == (1005, "")
        assert await peer.ending() == (1005, "")


@clients()
@pytest.mark.parametrize("code, reason", ENDINGS)
async def test_server_closes_client(serving: Serving, client: Any, code: int, reason: str) -> None:
    """The code and reason that our server closes with reach the client, and the code comes back."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        line = await ours.lines.get()
        await line.close(code, reason)
        assert await peer.ending() == (code, reason)
        # Node's own answers without the reason.
        assert await line.endings.get() in [(code, reason), (code, "")]


@clients("cut")
async def test_loss_of_client(serving: Serving, client: Any) -> None:
    """A client that cuts its connection is 1006."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        await peer.command("terminate")
        assert await (await ours.lines.get()).endings.get() == (1006, "")


@clients("process")
async def test_end_of_process(serving: Serving, client: Any) -> None:
    """So is one whose process the system ended."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        peer.vanish()
        assert await (await ours.lines.get()).endings.get() == (1006, "")


@clients()
async def test_loss_of_server(serving: Serving, client: Any) -> None:
    """Our server's cut is 1006 at the client."""
    async with serving() as ours, client(ours.address) as peer:
        await peer.told("open")
        line = await ours.lines.get()
        line.abort()
        assert await peer.ending() == (1006, "")
        assert await line.endings.get() == (1006, "")


@clients()
async def test_server_limits_messages(serving: Serving, client: Any, compress: bool) -> None:
    """A message over our limit is 1009 at the client, compressed or not."""
    async with serving(limit=1000, deflate=compress) as ours, client(ours.address) as peer:
        await peer.told("open")
        await peer.say("x" * 1000)
        assert await peer.heard() == "x" * 1000
        await peer.say("x" * 1001)
        code, reason = await peer.ending()
        assert (code, "limit of 1000 bytes" in reason) == (1009, True)


@clients("flood")
async def test_server_holds_client_off(serving: Serving, client: Any) -> None:
    """While our server doesn't read, what it is sent waits at the client; all of it comes afterwards."""
    async with serving(deflate=False, echo=False) as ours, client(ours.address) as peer:
        await peer.told("open")
        await (await ours.lines.get()).holds_off(peer)


@clients("pause")
async def test_client_holds_server_off(serving: Serving, client: Any) -> None:
    """While a client doesn't read, what we send waits with us; all of it comes afterwards."""
    async with serving(deflate=False) as ours, client(ours.address) as peer:
        await peer.told("open")
        await peer.command("pause")
        await (await ours.lines.get()).fills_and_drains(peer)


@clients()
async def test_server_speaks_tls(serving: Serving, client: Any, certificate: Path) -> None:
    """Over TLS all is the same."""
    async with (
        serving(certificate=certificate) as ours,
        client(ours.address, certificate=certificate) as peer,
    ):
        await peer.told("open")
        for message in MESSAGES:
            await peer.say(message)
            assert await peer.heard() == message
        await peer.command("close", 4000, "再见")
        assert await (await ours.lines.get()).endings.get() == (4000, "再见")
        assert await peer.ending() == (4000, "再见")
