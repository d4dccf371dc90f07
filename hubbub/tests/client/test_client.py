"""The client as programs have it, in a real chat."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from hubbub import wire
from hubbub.app import run_chat
from hubbub.client import (
    Happened,
    Posted,
    RequestRefused,
    Reset,
    SessionEnded,
    Stored,
    connect,
    sign_in_guest,
)
from hubbub.client.client import make_nonce
from hubbub.client.outbox import FileOutbox
from hubbub.config import Settings
from hubbub.domain.models import LOBBY

from .listening import hear
from .scripted import make_send


async def test_message_is_heard(enter) -> None:
    """What one sends is stored when the call returns, and the other hears it, in order."""
    ann, bo = await enter("Ann"), await enter("Bo")
    sent = [await ann.send(LOBBY, text) for text in ("one", "two", "three")]

    assert [each.q for each in sent] == sorted(each.q for each in sent)
    assert await hear(bo, 3) == ["one", "two", "three"]
    assert [each.text for each in bo.rooms[LOBBY].messages] == ["one", "two", "three"]
    assert bo.rooms[LOBBY].name(ann.me.id) == "Ann"


async def test_many_at_once_keep_order(enter) -> None:
    """Writes that are begun together are stored in that order, though they are more than the server takes."""
    ann, bo = await enter("Ann"), await enter("Bo")
    texts = [f"{number}" for number in range(24)]
    _, heard = await asyncio.gather(
        asyncio.gather(*(ann.send(LOBBY, text) for text in texts)), hear(bo, len(texts))
    )

    assert heard == texts


@pytest.mark.parametrize("kept", [False, True])
async def test_same_nonce_is_one_write(address: str, tmp_path: Path, kept: bool) -> None:
    """Who sends the same twice, or again after a run that left it unsaid, has it stored once."""
    signed_in = await sign_in_guest(address, "Ann")
    file = tmp_path / "outbox.sqlite3" if kept else None
    if file is not None:
        outbox = FileOutbox(file)
        await outbox.put(signed_in.me.id, make_send("nonce-01", LOBBY, "one"))
        await outbox.close()
    async with connect(address, token=signed_in.token, outbox=file) as ann:
        sent = await asyncio.gather(*(ann.send(LOBBY, "one", nonce="nonce-01") for _ in range(3)))

    assert len({each.q for each in sent}) == 1


async def test_refusal_is_raised(enter) -> None:
    """What the server won't do is an error of the call, and of no other."""
    ann = await enter("Ann")
    with pytest.raises(RequestRefused) as refused:
        await ann.send(LOBBY, "x" * 16_001)
    with pytest.raises(RequestRefused):
        await ann.history("r_nowhere", before=9)

    assert (refused.value.code, refused.value.retry) == ("too_long", False)
    assert (await ann.send(LOBBY, "short")).q > 0


async def test_history_fills_view(enter) -> None:
    """Pages of history are in the room's view afterwards."""
    ann = await enter("Ann")
    q = (await ann.send(LOBBY, "hi")).q
    page = await ann.history(LOBBY, before=q + 1)

    assert [each.text for each in page.msgs] == ["hi"]
    assert ann.rooms[LOBBY].find(q) is not None


async def test_own_is_on_all_devices(address) -> None:
    """What one keeps, one's other sessions see, and later ones from the beginning."""
    token = (await sign_in_guest(address, "Ann")).token
    async with connect(address, token=token) as desk, connect(address, token=token) as phone:
        await desk.keep("pref.theme", "dark")
        await desk.keep("pref.size", 12)
        await desk.keep("pref.theme", None)
        kept = 0
        async for news in phone:
            kept += isinstance(news, Happened) and isinstance(news.body, wire.SetBody)
            if kept == 3:
                break

        assert phone.own == {"pref.size": 12}
        async with connect(address, token=token) as later:
            assert later.own == {"pref.size": 12}


async def test_voided_page_is_read_again(enter) -> None:
    """A page that the room was filled anew over is asked for once more."""
    ann = await enter("Ann")
    q = (await ann.send(LOBBY, "hi")).q
    view = ann.rooms[LOBBY]
    asking = asyncio.create_task(ann.history(LOBBY, before=q + 1))
    await asyncio.sleep(0)
    assert view.info is not None
    copy = wire.RoomCopy(view.info, view.marks, [], False, {})
    view.reset(Reset(LOBBY, 1, q, copy, renumbered=False))
    page = await asking

    assert page.msgs[-1].q == q
    assert view.find(q) == page.msgs[-1]


async def test_wrong_token_is_told(address: str) -> None:
    """Who isn't let in learns why, and isn't tried again."""
    with pytest.raises(SessionEnded) as ended:
        async with connect(address, token="wrong"):
            pytest.fail("nobody is in")

    assert (ended.value.retry, ended.value.code) == ("never", 4401)


async def test_revoked_session_ends_iteration(address: str, enter) -> None:
    """Who iterates, and who waits for an answer, learns that the session has ended."""
    token = (await sign_in_guest(address, "Ann")).token
    ann = await enter("Ann", token=token)
    reader, writer = await asyncio.open_connection(*address.removeprefix("http://").rsplit(":", 1))
    writer.write(
        f"DELETE /v1/session HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\n"
        f"Cookie: hubbub_session={token}\r\nConnection: close\r\n\r\n".encode()
    )
    assert b" 204 " in await reader.readline()
    writer.close()
    with pytest.raises(SessionEnded) as ended:
        await hear(ann, 1)

    assert (ended.value.retry, ended.value.code) == ("reauth", 4101)
    with pytest.raises(SessionEnded):
        await ann.send(LOBBY, "hi")


async def test_outage_is_survived(settings: Settings) -> None:
    """What is sent while the server is away is stored when it is back, and heard by who was there."""
    async with run_chat(settings) as address:
        ann, bo = [(await sign_in_guest(address, name)).token for name in ("Ann", "Bo")]
        port = int(address.rpartition(":")[2])
        client = connect(address, token=ann)
        one = await client.__aenter__()
        other = connect(address, token=bo)
        two = await other.__aenter__()
        await one.send(LOBBY, "before")
    sending = asyncio.create_task(one.send(LOBBY, "during"))
    async with run_chat(msgspec.structs.replace(settings, port=port)):
        await sending
        assert await hear(two, 2) == ["before", "during"]
        for each in (client, other):
            await each.__aexit__(None, None, None)


async def test_outbox_is_sent_by_next_run(address: str, tmp_path: Path) -> None:
    """What an earlier run couldn't send is sent by the next, once, and isn't kept any longer."""
    file = tmp_path / "outbox.sqlite3"
    signed_in = await sign_in_guest(address, "Ann")
    outbox = FileOutbox(file)
    await outbox.put(signed_in.me.id, make_send("nonce-from-before", LOBBY, "from before"))
    await outbox.close()
    async with connect(address, token=signed_in.token, outbox=file) as ann:
        async for news in ann:
            if isinstance(news, Stored):
                assert news.nonce == "nonce-from-before"
                break
        await ann.send(LOBBY, "and now")
        page = await ann.history(LOBBY, before=1_000)
    assert [each.text for each in page.msgs] == ["from before", "and now"]

    again = FileOutbox(file)
    assert await again.load(signed_in.me.id) == []
    await again.close()


async def test_message_is_known_by_nonce(address: str, tmp_path: Path) -> None:
    """What isn't stored yet can be shown, and is known again when it is: by its nonce."""
    file = tmp_path / "outbox.sqlite3"
    signed_in = await sign_in_guest(address, "Ann")
    outbox = FileOutbox(file)
    await outbox.put(signed_in.me.id, make_send("nonce-from-before", LOBBY, "from before"))
    await outbox.close()
    async with connect(address, token=signed_in.token, outbox=file) as ann:
        assert [each.n for each in ann.unsent] == ["nonce-from-before"]
        nonce = make_nonce()
        await ann.send(LOBBY, "and now", nonce=nonce)
        assert await hear(ann, 2) == ["from before", "and now"]

        assert ann.unsent == []
        assert [each.n for each in ann.rooms[LOBBY].messages] == ["nonce-from-before", nonce]


async def test_cancelled_send_is_sent(enter) -> None:
    """Cancelling leaves a write to itself: it is stored all the same."""
    ann, bo = await enter("Ann"), await enter("Bo")
    sending = asyncio.create_task(ann.send(LOBBY, "anyway"))
    await asyncio.sleep(0)
    sending.cancel()

    assert await hear(bo, 1) == ["anyway"]


async def test_behind_program_gets_all(enter) -> None:
    """What waits for a program that doesn't look is bounded; it may write on, and misses nothing."""
    ann, bo = await enter("Ann"), await enter("Bo", waiting=5)
    texts = [f"{number}" for number in range(15)]
    for text in texts:
        await ann.send(LOBBY, text)
    await bo.send(LOBBY, "mine")

    assert len(bo.rooms[LOBBY]) <= 6
    assert await hear(bo, 16) == [*texts, "mine"]


async def test_closed_client_says_so(address: str) -> None:
    """After the end iterating ends, and asking is an error."""
    token = (await sign_in_guest(address, "Ann")).token
    async with connect(address, token=token) as ann:
        pass

    assert all(not isinstance(news, Posted) for news in [news async for news in ann])
    with pytest.raises(SessionEnded):
        await ann.call(wire.ListRooms())
    with pytest.raises(SessionEnded):
        await ann.send(LOBBY, "hi")


def test_nonces_are_new() -> None:
    """Each is another, and of the length and the characters that nonces have."""
    nonces = {make_nonce() for _ in range(100)}

    assert len(nonces) == 100
    assert all(
        8 <= len(nonce) <= 64 and nonce.replace("-", "").replace("_", "").isalnum() for nonce in nonces
    )
