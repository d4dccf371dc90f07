"""Connections send what no client would: broken JSON, floods, frames that lie, bombs, and all of it slowly.

Each is answered as the protocol says, or closed by the right code; nobody else notices, the server's memory
stays bounded, and nothing surprises it.
"""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import Callable
from random import Random
from typing import Any, Final

from faults.bytewise import TEXT, Bytewise, frame, reach, request
from faults.case import Size, require
from faults.device import Device
from faults.hasty import hasty
from faults.lab import LOBBY, Lab
from faults.process import MIB, memory, most_memory
from faults.suite import RuleBroken, Stage, open_stage
from fullduplex import ConnectionClosed
from hubbub import wire

TIMES: Final = {"realtime.session:HELLO_TIMEOUT": 2.0}
GROWTH: Final = 64 * MIB
DEEP: Final = 100_000
BOMB: Final = zlib.compress(bytes(64 * MIB))
HELLO: Final = wire.Hello(wire.Client("nobody", "1"), token="nobody's")

# What closes a connection that has said hello, and by which code.
FRAMES: Final = {
    "invalid UTF-8": (frame(b"\xff\xfe"), 1007),
    "a frame too large": (frame(b"x" * 10, claimed=wire.FRAME_BYTES + 1), 1009),
    "a frame beyond memory": (frame(b"x" * 10, claimed=2**62), 1009),
    "a deflate bomb": (frame(BOMB, 0xC0 | TEXT), 1002),
    "a reserved opcode": (frame(b"x", 0x83), 1002),
    "no mask": (frame(b"x", masked=False), 1002),
    "half a ping": (frame(b"x", 0x09), 1002),
    "fragments without end": (frame(b"x", TEXT) + 300 * frame(b"x" * 1000, 0x00), 1009),
}
# What is no frame of the protocol, and answered so.
TEXTS: Final = {
    "broken JSON": "{",
    "no object": "[]",
    "no kind": '{"t":1}',
    "deep nesting": "[" * DEEP,
    "deep nesting in a field": '{"t":"sub","id":1,"s":' + '{"s":' * (DEEP // 4),
    "huge numbers": f'{{"t":"hist","id":1,"s":"r_lobby","before":{"9" * 4000}}}',
    "an infinite number": '{"t":"read","s":"r_lobby","q":1e999}',
    "an unknown kind": '{"t":"dance","id":1}',
}


async def run(lab: Lab, size: Size) -> None:
    """Say everything, and count what becomes of it, while others talk."""
    await lab.start_server(*hasty(TIMES if size is Size.SHORT else {}))
    ann, _ = await lab.admit("ann"), await lab.admit("bob")
    before = memory(lab.server.pid)
    acks: list[float] = []
    talking = lab.keep_doing(keep_saying(ann, acks))
    async with open_stage(lab) as stage:
        await asyncio.gather(
            close_by_frames(lab, await stage.token("mallory")),
            come_wrongly(lab, size.pick(2.0, 10.0)),
            say_nonsense(stage, Random(lab.seed), size.pick(2_000, 100_000)),
            flood(lab, await stage.token("trudy"), size.pick(20_000, 1_000_000)),
        )
    talking.cancel()
    grown = most_memory(lab.server.pid) - before
    lab.show("memory grew by, MiB", grown / MIB)
    require(grown <= GROWTH, f"memory grew by {grown / MIB:.0f} MiB")
    lab.time("the others' slowest ack", max(acks), 1.0)
    require("Traceback" not in lab.server.output, f"it was surprised: {lab.server.output[-2000:]}")
    await lab.settle()


async def keep_saying(device: Device, acks: list[float]) -> None:
    """Write, and note how long each message takes to be stored."""
    loop = asyncio.get_running_loop()
    while True:
        start = loop.time()
        await device.say(LOBBY, "all quiet")
        acks.append(loop.time() - start)
        await asyncio.sleep(0.05)


async def close_by_frames(lab: Lab, token: str) -> None:
    """Break the rules of WebSockets after hello."""
    for name, (said, code) in FRAMES.items():
        async with reach(lab.server.address) as connection:
            await enter(connection, lab, token)
            await connection.send(said)
            closed = await connection.wait_closed()
            require(closed == code, f"{name} is closed by {closed}, not {code}")
    lab.show("ways to be closed", len(FRAMES) + 4)


async def enter(connection: Bytewise, lab: Lab, token: str) -> None:
    """Open the session."""
    await connection.shake(lab.server.address)
    await connection.say(wire.Hello(wire.Client("mallory", "1"), token=token))
    await connection.hear()


async def come_wrongly(lab: Lab, patience: float) -> None:
    """Say something else than hello, or say it so slowly that the server loses its patience."""
    hello = frame(wire.encode(HELLO).text.encode())
    loop = asyncio.get_running_loop()
    first = {frame(b'{"t":"ping"}'): 4400, frame(b"{"): 4400, hello: 4401}
    for said, code in first.items():
        async with reach(lab.server.address) as connection:
            await connection.shake(lab.server.address)
            await connection.send(said)
            closed = await connection.wait_closed()
            require(closed == code, f"{said[6:]!r} at first is closed by {closed}, not {code}")
    start = loop.time()
    async with reach(lab.server.address) as slow, reach(lab.server.address) as slower:
        await slow.shake(lab.server.address)
        dribbling = [
            asyncio.create_task(dribble(slow, hello)),
            asyncio.create_task(dribble(slower, request(lab.server.address))),
        ]
        closed = await slow.wait_closed()
        require(closed == 4006, f"a slow hello is closed by {closed}")
        lab.time("a slow hello is over after", loop.time() - start, patience + 1.0)
        await slower.reader.read()
        lab.time("a slow handshake is over after", loop.time() - start, 11.0)
        for task in dribbling:
            task.cancel()


async def dribble(connection: Bytewise, said: bytes) -> None:
    """Say something byte by byte."""
    for byte in said:
        await connection.send(bytes([byte]))
        await asyncio.sleep(0.2)


async def say_nonsense(stage: Stage, random: Random, count: int) -> None:
    """Say what is no frame, then frames that chance has changed; who is parted from for it comes again."""
    peer = await stage.enter("mallory")
    for name, text in TEXTS.items():
        await peer.tell(text)
        error = await peer.hear(wire.Err)
        expected = "unknown_op" if name == "an unknown kind" else "bad_frame"
        require(error.code == expected, f"{name} is answered by {error.code}")
    whole = [wire.encode(frame).text for frame in sensible()]
    for _ in range(count // 100):
        try:
            for _ in range(100):
                await peer.tell(mutate(random.choice(whole), random))
            await peer.settle()
        except (RuleBroken, ConnectionClosed):
            _, code = await peer.wait_closed()
            require(code == 4429, f"nonsense again and again is closed by {code}")
            peer = await stage.enter("mallory")


def sensible() -> list[wire.Request]:
    """Return frames that make sense."""
    return [
        wire.Sub(1, LOBBY),
        wire.Send(2, LOBBY, "nonce-of-mallory", wire.Draft("hi", re=1)),
        wire.Edit(3, LOBBY, "nonce-of-mallory", 4, wire.NewText("ho")),
        wire.Read(LOBBY, 3),
        wire.Hist(4, LOBBY, before=9),
        wire.make_call(5, wire.CreateRoom("room"), "another-nonce"),
        wire.Typing(LOBBY, True),
    ]


def mutate(text: str, random: Random) -> str:
    """Return a frame with something changed: a character, a stretch, or a value."""
    at, to = sorted(random.sample(range(len(text)), 2))
    changes: list[Callable[[], str]] = [
        lambda: text[:at] + text[to:],
        lambda: text[:to] + text[at:],
        lambda: text[:at] + random.choice('{}[]",:0-\\\0é€😀') + text[at + 1 :],
        lambda: json.dumps(json.loads(text) | {random.choice("tsnqmidp"): random.choice(VALUES)}),
    ]
    return random.choice(changes)()


VALUES: Final[list[Any]] = [
    None,
    True,
    -1,
    2**53,
    2**64,
    1.5,
    "",
    "x" * 70,
    "\ud800",
    [],
    {},
    [[]],
    {"text": "\0"},
]


async def flood(lab: Lab, token: str, count: int) -> None:
    """Say very many small frames without waiting for what they are answered."""
    async with reach(lab.server.address) as connection:
        await enter(connection, lab, token)
        hearing = asyncio.create_task(count_pongs(connection, count))
        for _ in range(count // 1_000):
            await connection.send(frame(b'{"t":"ping"}') * 1_000)
        await hearing
    lab.show("small frames", count)


async def count_pongs(connection: Bytewise, count: int) -> None:
    """Hear so many answers."""
    while count:
        _, said = await connection.hear()
        count -= said.startswith(b'{"t":"pong"')
