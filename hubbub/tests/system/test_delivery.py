"""The chat over real connections: what is said arrives, once, in order, and only where it should."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import httpx
import msgspec
import pytest

from fullduplex import ConnectionClosed, InvalidStatus
from hubbub.app import run_chat
from hubbub.config import Settings

from .clients import LOBBY, Client, dial, read_log, sign_in

Join = Callable[..., Awaitable[Client]]


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    """Run a chat, and return where it is."""
    # Everyone comes from one address, and together they say a lot.
    async with run_chat(msgspec.structs.replace(settings, address_write_burst=10_000)) as address:
        yield address


@pytest.fixture
async def join(address: str) -> AsyncIterator[Join]:
    """Return what lets someone in, subscribed to the lobby unless told otherwise."""
    async with AsyncExitStack() as stack:

        async def make(name: str = "", token: str = "", sub: bool = True, **options: Any) -> Client:
            token = token or await sign_in(address, name)
            client = Client(await stack.enter_async_context(dial(address, token, **options)))
            await client.hello()
            if sub:
                await client.ask("sub", s=LOBBY)
            return client

        yield make


async def test_two_clients_converse(join: Join) -> None:
    """What one says both hear, in the same order, and who is there."""
    ann, bob = await join("Ann"), await join("小林")
    await ann.send("nonce-01", "你好")
    await bob.send("nonce-02", "Hello 👋")

    # Bob's joining is an event too.
    heard = [
        [(event["q"], event["k"], event["d"].get("text")) for event in await client.hear_events(count)]
        for client, count in ((ann, 3), (bob, 2))
    ]
    assert heard[0][1:] == heard[1]
    assert [each[1:] for each in heard[0]] == [
        ("member", None),
        ("msg.new", "你好"),
        ("msg.new", "Hello 👋"),
    ]


async def test_presence_and_typing_are_seen(join: Join) -> None:
    """Who comes is seen, and who types."""
    ann = await join("Ann")
    bob = await join("Bob")
    shown = [await bob.hear("eph"), await bob.hear("eph")]
    await bob.tell("typing", s=LOBBY, on=True)
    while (seen := await ann.hear("eph"))["k"] != "typing":
        pass

    [listed] = [frame["d"] for frame in shown if frame["k"] == "pres.state"]
    assert [user["name"] for user in listed["users"]] == ["Ann", "Bob"]
    assert seen["d"] == {"user": {"id": bob.welcome["me"]["id"], "name": "Bob"}, "on": True}


async def test_history_is_there_later(address: str, join: Join) -> None:
    """Who comes back finds what was said, and comes back as the same."""
    token = await sign_in(address, "Ann")
    ann = await join(token=token)
    for n in range(3):
        await ann.send(f"nonce-{n:03}", f"message {n}")
    await ann.connection.close()

    again = await join(token=token, sub=False)
    copy = await again.ask("sub", s=LOBBY)

    assert again.welcome["me"] == ann.welcome["me"]
    assert [message["text"] for message in copy["snap"]["msgs"]] == [f"message {n}" for n in range(3)]


async def fill(join: Join, count: int) -> None:
    """Have so many messages said, by as many people as that takes."""
    speakers = [await join(f"Speaker {n}", sub=False) for n in range(-(-count // 20))]

    async def speak(number: int, client: Client) -> None:
        for n in range(min(20, count - number * 20)):
            assert (await client.send(f"nonce-{number:03}-{n:03}"))["t"] == "ok"

    await asyncio.gather(*(speak(number, client) for number, client in enumerate(speakers)))


@pytest.mark.parametrize("missed", [0, 1, 7])
async def test_resuming_brings_what_was_missed(join: Join, missed: int) -> None:
    """Who was away gets exactly what happened meanwhile, and hears on from there."""
    ann = await join("Ann", sub=False)
    copy = await ann.ask("sub", s=LOBBY)
    await ann.ask("unsub", s=LOBBY)
    bob = await join("Bob", sub=False)
    copy = await ann.ask("sub", s=LOBBY, at=[copy["epoch"], copy["head"]])
    await ann.ask("unsub", s=LOBBY)
    for n in range(missed):
        await bob.send(f"nonce-{n:03}")

    delta = await ann.ask("sub", s=LOBBY, at=[copy["epoch"], copy["head"]])
    await bob.send("nonce-later")
    [live] = await ann.hear_events(1)

    assert delta["mode"] == "delta"
    assert [event["q"] for event in [*delta["ev"], live]] == [copy["head"] + n for n in range(1, missed + 2)]


async def test_resuming_too_late_starts_anew(join: Join) -> None:
    """Who missed more than a delta holds gets a fresh copy; one less, and it is a delta."""
    ann = await join("Ann", sub=False)
    copy = await ann.ask("sub", s=LOBBY)
    await ann.ask("unsub", s=LOBBY)
    await fill(join, 960)
    head = (await ann.ask("hist", s=LOBBY, after=0, limit=1))["asof"]

    late = await ann.ask("sub", s=LOBBY, at=[copy["epoch"], head - 1001])
    just = await ann.ask("sub", s=LOBBY, at=[copy["epoch"], head - 1000])

    assert head > 1001
    assert (late["mode"], len(late["snap"]["msgs"])) == ("reset", 50)
    assert (just["mode"], [event["q"] for event in just["ev"]]) == (
        "delta",
        list(range(head - 999, head + 1)),
    )


async def test_resent_message_is_one(address: str, join: Join) -> None:
    """A message that is sent again, on this connection or another, is stored and heard once."""
    token = await sign_in(address, "Ann")
    ann, also_ann, bob = await join(token=token), await join(token=token), await join("Bob")
    answers = [await client.send("nonce-01") for client in (ann, ann, also_ann)]
    await ann.send("nonce-02")

    assert [answer.get("dup", False) for answer in answers] == [False, True, True]
    assert len({answer["q"] for answer in answers}) == 1
    assert [event["d"]["n"] for event in await bob.hear_events(2)] == ["nonce-01", "nonce-02"]


async def test_same_nonce_from_two_windows_is_one(address: str, join: Join) -> None:
    """Two windows that send the same outbox at once make one message of each."""
    token = await sign_in(address, "Ann")
    windows = [await join(token=token, sub=False) for _ in range(2)]
    nonces = [f"nonce-{n:03}" for n in range(15)]

    async def send_all(window: Client) -> list[int]:
        answers = await asyncio.gather(
            *(window.tell("send", id=n, s=LOBBY, n=nonce, d={"text": "hi"}) for n, nonce in enumerate(nonces))
        )
        return [(await window.hear("ok"))["q"] for _ in answers]

    first, second = await asyncio.gather(*(send_all(window) for window in windows))

    assert first == second == sorted(first)
    assert [message["n"] for message in await read_log(windows[0])] == nonces


async def test_slow_client_gets_a_gap(address: str, join: Join) -> None:
    """Who doesn't read holds nobody up, is told of the gap, and catches up."""
    token = await sign_in(address, "Slow")
    small = socket.socket()
    small.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    small.setblocking(False)
    host, port = address.removeprefix("http://").split(":")
    await asyncio.get_running_loop().sock_connect(small, (host, int(port)))
    slow = await join(token=token, sub=False, sock=small)
    copy = await slow.ask("sub", s=LOBBY)
    listening = asyncio.ensure_future((await join("Listener")).hear_events(168))

    text = "好" * 16_000
    for n in range(8):
        speaker = await join(f"Speaker {n}", sub=False)
        for m in range(20):
            assert (await speaker.send(f"nonce-{n:03}-{m:03}", text))["t"] == "ok"
    heard = [event["q"] for event in await listening]

    seen = [copy["head"]]
    while (frame := await slow.hear("ev", "gap"))["t"] == "ev":
        seen.append(frame["q"])
    after = await slow.ask("sub", s=LOBBY, at=[copy["epoch"], seen[-1]])

    assert heard == list(range(heard[0], heard[0] + 168))
    assert seen == list(range(seen[0], seen[-1] + 1))
    assert frame == {"t": "gap", "s": LOBBY, "head": heard[-1]}
    assert seen[-1] < frame["head"] == after["head"]
    assert after["mode"] == "reset"


async def test_odd_frames_are_survived(join: Join) -> None:
    """What isn't a request is answered so, and the connection goes on."""
    ann = await join("Ann")
    for frame in ("nonsense", '{"t":"vote","id":1}', "[" * 100_000, b"\x00\xff"):
        await ann.connection.send(frame)
    codes = [(await ann.hear("err"))["code"] for _ in range(4)]

    assert codes == ["bad_frame", "unknown_op", "bad_frame", "bad_frame"]
    assert (await ann.send("nonce-01"))["t"] == "ok"


async def test_huge_frame_is_refused(join: Join) -> None:
    """A frame over the limit ends the connection with the code for that."""
    ann = await join("Ann")
    await ann.connection.send("x" * (ann.welcome["limits"]["frame"] + 1))

    with pytest.raises(ConnectionClosed) as caught:
        await ann.hear("nothing")
    assert caught.value.received is not None
    assert caught.value.received.code == 1009


async def test_longest_text_passes(join: Join) -> None:
    """The longest message fits, even if its client escapes every character."""
    ann, bob = await join("Ann"), await join("Bob")
    frame = {"t": "send", "id": 9, "s": LOBBY, "n": "nonce-01", "d": {"text": "好" * 16_000}}
    await ann.connection.send(json.dumps(frame, ensure_ascii=True))

    assert (await ann.hear("ok", "err"))["t"] == "ok"
    assert (await bob.hear("ev"))["d"]["text"] == "好" * 16_000


@pytest.mark.parametrize(
    "options,status",
    [
        ({"origin": "http://evil.test"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": None}, 403),
        ({"subprotocols": None}, 400),
        ({"subprotocols": ["hubbub.v9"]}, 400),
    ],
    ids=range(5),
)
async def test_stranger_is_refused(address: str, options: dict[str, Any], status: int) -> None:
    """Another page's script, and who speaks another protocol, get no connection."""
    token = await sign_in(address, "Ann")

    with pytest.raises(InvalidStatus) as caught:
        async with dial(address, token, **options):
            pass
    assert caught.value.response.status_code == status


async def test_strange_name_is_refused(address: str) -> None:
    """A page whose own name leads here gets no connection, though its Origin is the Host it asks."""
    host, port = address.removeprefix("http://").split(":")
    sock = socket.create_connection((host, int(port)))
    sock.setblocking(False)

    with pytest.raises(InvalidStatus) as caught:
        async with dial(f"http://evil.test:{port}", None, sock=sock):
            pass
    assert caught.value.response.status_code == 403
    assert b"--public-url" in caught.value.response.body


async def test_program_shows_its_token(address: str) -> None:
    """A program has neither an Origin nor a cookie, but a token in its hello."""
    token = await sign_in(address, "Bot")
    async with dial(address, None, origin=None) as connection:
        bot = Client(connection)
        welcome = await bot.hello(token=token)

    assert welcome["me"]["name"] == "Bot"


async def test_nobody_is_sent_to_sign_in(address: str) -> None:
    """A page without a session is told so after its hello, by a code that it can see."""
    async with dial(address, None) as connection:
        await connection.send('{"t":"hello","client":{"name":"web","ver":"1"}}')
        bye = json.loads(await connection.recv())
        await connection.wait_closed()

    assert (bye["t"], bye["code"], connection.close_code) == ("bye", 4401, 4401)


async def test_sign_out_reaches_live_connections(address: str, join: Join) -> None:
    """Whoever signs out is out at once, in every window."""
    token = await sign_in(address, "Ann")
    windows = [await join(token=token) for _ in range(2)]
    async with httpx.AsyncClient(base_url=address, cookies={"hubbub_session": token}) as http:
        await http.delete("/v1/session", headers={"Origin": address})

    for window in windows:
        assert (await window.hear("bye"))["code"] == 4101
        await window.connection.wait_closed()
        assert window.connection.close_code == 4101


async def test_new_name_is_heard(address: str, join: Join) -> None:
    """Everyone hears a new name, as an event and in who is there."""
    token = await sign_in(address, "Ann")
    ann = await join(token=token)
    bob = await join("Bob")
    async with httpx.AsyncClient(base_url=address, cookies={"hubbub_session": token}) as http:
        await http.post("/v1/guests", json={"name": "Anna"}, headers={"Origin": address})

    me = ann.welcome["me"]["id"]
    assert (await bob.hear("ev"))["d"] == {"op": "rename", "user": {"id": me, "name": "Anna"}}
    while (seen := await bob.hear("eph"))["d"].get("name") != "Anna":
        pass
    assert seen["k"] == "pres"


async def test_stop_says_goodbye(settings: Settings) -> None:
    """When the server stops, everyone is told to come back; what was under way is stored."""
    async with AsyncExitStack() as stack:
        async with run_chat(settings) as address:
            token = await sign_in(address, "Ann")
            connection = await stack.enter_async_context(dial(address, token))
            ann = Client(connection)
            await ann.hello()
            assert (await ann.send("nonce-01"))["t"] == "ok"
        bye = await ann.hear("bye")
        await connection.wait_closed()

    assert (bye["code"], bye["retry"], connection.close_code) == (1012, "resume", 1012)
    assert 0 <= bye["after"] <= 1000
