"""A server that plays scripts, and judges how a client takes them.

It has one room with a story, and does what a network or a server may do to a client: it loses, doubles,
refuses and cuts off.  What the client says in return is judged, and what it then takes the room to be.

Knows how to talk with a client; what happens in which order, `scripts` knows.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, Protocol, TypeVar

import msgspec
from rules import BrokenError, expect
from stage import PATIENCE, Transcript, spell

from fullduplex import ConnectionClosed, ServerConnection, serve
from hubbub import wire

ROOM: Final = "r_script"
TOKEN: Final = "a-token-that-this-server-takes"
OWN: Final = "u_own"
OTHER: Final = "u_other"
_ROOM: Final = wire.RoomInfo(ROOM, "Script", "", "public", "member")
_NOW: Final = 1_800_000_000_000
_NONCE: Final = re.compile(r"[A-Za-z0-9_-]{8,64}")

T = TypeVar("T")


class Testee(Protocol):
    """A client that is judged, and how it is told what its user wants."""

    async def start(self, address: str, token: str, room: str) -> None:
        """Connect to the server there by this token, and keep up with the room from then on."""

    async def send(self, text: str) -> None:
        """Take a message for the room; what becomes of it need not be waited for."""

    async def wait_texts(self, texts: list[str]) -> None:
        """Wait until these are the texts of the room's stored messages, in their order."""

    async def stop(self) -> None:
        """Be gone."""


class Story:
    """What has happened in the room."""

    def __init__(self, *texts: str) -> None:
        self.epoch = 7
        self.events: list[wire.Event] = []
        for text in texts:
            self.add(text)

    @property
    def texts(self) -> list[str]:
        """The texts of all messages."""
        return [self._body(event).text for event in self.events]

    def add(self, text: str, nonce: str | None = None) -> wire.Event:
        """Let someone post a message; with a nonce, it is the client's user."""
        q = len(self.events) + 1
        body = wire.PostedBody(n=nonce or f"nonce-{q:04}", text=text)
        by = OTHER if nonce is None else OWN
        raw = msgspec.Raw(msgspec.json.encode(body))
        self.events.append(wire.Event(ROOM, q, "msg.new", _NOW + q, by, raw))
        return self.events[-1]

    def find(self, nonce: str) -> wire.Event | None:
        """Return the event that a nonce has brought about, if it has."""
        return next((event for event in self.events if self._body(event).n == nonce), None)

    def delta(self, request: wire.Sub) -> wire.DeltaOk:
        """Answer with what the client lacks."""
        have = request.at[1] if request.at else 0
        return wire.DeltaOk(request.id, self.epoch, len(self.events), self.events[have:], _names())

    def reset(self, request: wire.Sub) -> wire.RoomResetOk:
        """Answer with the room as it is."""
        head = len(self.events)
        messages = [self._message(event) for event in self.events]
        copy = wire.RoomCopy(_ROOM, wire.Marks(head, 0, 0), messages, False, _names())
        return wire.RoomResetOk(request.id, self.epoch, head, copy)

    def _message(self, event: wire.Event) -> wire.MessageInfo:
        body = self._body(event)
        return wire.MessageInfo(event.q, event.q, event.ts, event.by, body.n, body.text, base=event.q)

    def _body(self, event: wire.Event) -> wire.PostedBody:
        return msgspec.json.decode(event.d, type=wire.PostedBody)


def _names() -> wire.Names:
    return {OWN: wire.NameInfo("Own"), OTHER: wire.NameInfo("Other")}


class Line:
    """One connection of the client."""

    def __init__(self, connection: ServerConnection, transcript: Transcript) -> None:
        self._connection = connection
        self._transcript = transcript

    async def say(self, *frames: wire.Reply | str) -> None:
        """Say something; raw text as it is."""
        for frame in frames:
            text = frame if isinstance(frame, str) else wire.encode(frame).text
            self._transcript.add("server", "→", text)
            await self._connection.send(text)

    async def hear(self, kind: type[T]) -> T:
        """Return the next request of the client, which has to be of a kind, but for what any client may ask.

        Raises:
            BrokenError: if another one comes, or none.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    request = await self._receive()
                    if isinstance(request, kind) and getattr(request, "s", ROOM) != wire.ME:
                        return request
                    await self._do_without(request, kind)
        except TimeoutError:
            raise BrokenError(f"the client didn't say {spell(kind)}") from None
        except ConnectionClosed as closed:
            raise BrokenError(f"the client has gone ({closed}) before {spell(kind)}") from None

    async def _receive(self) -> wire.Request:
        text = await self._connection.recv()
        self._transcript.add("client", "→", text)
        try:
            request = wire.decode(text)
        except wire.BadFrameError as error:
            raise BrokenError(f"the client says what is no frame: {error}") from error
        if isinstance(request, wire.Write):
            expect(_NONCE.fullmatch(request.n), f"this is no nonce: {request.n!r}")
        return request

    async def _do_without(self, request: wire.Request, kind: type[Any]) -> None:
        match request:
            case wire.ClientPing():
                await self.say(wire.Pong())
            case wire.Sub(s=wire.ME):
                inbox = wire.InboxCopy([_ROOM], {ROOM: wire.Marks(0, 0, 0)})
                await self.say(wire.InboxResetOk(request.id, 7, 1, inbox))
            case wire.Call() | wire.Hist() | wire.Log():
                await self.say(wire.Err("not_found", "This server has but one room.", False, request.id))
            case wire.Pong() | wire.Typing() | wire.Pres() | wire.Read():
                pass
            case _:
                raise BrokenError(f"the client said {type(request).__name__}, where {spell(kind)} was due")

    async def settle(self) -> None:
        """Go on when the client has taken everything, and asked nothing because of it.

        Raises:
            BrokenError: if it asked, or doesn't answer ping.
        """
        await self.say(wire.Ping())
        await self.hear(wire.Pong)

    async def welcome(self, story: Story) -> wire.Hello:
        """Let the client in, and return its hello."""
        hello = await self.hear(wire.Hello)
        expect(hello.token == TOKEN, "the client doesn't give its token")
        own = wire.MeInfo(OWN, "Own", "guest")
        limits = wire.Limits(frame=wire.FRAME_BYTES, text=16_000, nonce_min=8, nonce_max=64)
        heads: dict[str, wire.At] = {wire.ME: (7, 1), ROOM: (story.epoch, len(story.events))}
        moved = {name: at for name, at in heads.items() if hello.at.get(name) != at}
        await self.say(wire.Welcome("s1", own, _NOW, 25, limits, heads=moved))
        return hello

    async def close(self, code: int, *, bye: wire.Bye | None = None) -> None:
        """Cut the client off."""
        if bye is not None:
            await self.say(bye)
        await self._connection.close(code)


class Theatre:
    """Where the scripted server is, and who comes."""

    def __init__(self, address: str, transcript: Transcript, arrivals: asyncio.Queue[Line]) -> None:
        self.address = address
        self._transcript = transcript
        self._arrivals = arrivals

    async def arrive(self) -> Line:
        """Wait for the client's next connection.

        Raises:
            BrokenError: if it doesn't come.
        """
        try:
            async with asyncio.timeout(PATIENCE):
                return await self._arrivals.get()
        except TimeoutError:
            raise BrokenError("the client doesn't come") from None

    async def stay_alone(self, seconds: float) -> None:
        """Go on if the client doesn't come for so long.

        Raises:
            BrokenError: if it does.
        """
        try:
            async with asyncio.timeout(seconds):
                await self._arrivals.get()
        except TimeoutError:
            return
        raise BrokenError("the client comes again, and was told never to")


@asynccontextmanager
async def open_theatre(transcript: Transcript) -> AsyncIterator[Theatre]:
    """Listen on this machine, on a port of its own, as long as the context lasts."""
    arrivals: asyncio.Queue[Line] = asyncio.Queue()

    async def admit(connection: ServerConnection) -> None:
        arrivals.put_nowait(Line(connection, transcript))
        await connection.wait_closed()

    async with serve(
        admit, "127.0.0.1", 0, subprotocols=[wire.SUBPROTOCOL], compression=None, ping_interval=None
    ) as server:
        port = server.sockets[0].getsockname()[1]
        yield Theatre(f"ws://127.0.0.1:{port}/v1/realtime", transcript, arrivals)
