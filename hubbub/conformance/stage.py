"""Who takes part in a case: guests, their connections, and what was said on them.

Knows how to open connections, ask and hear.  Doesn't know any rule but that each frame has to be readable,
and that errors say rightly whether to try again.
"""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
import secrets
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from typing import Any, Final, Self, TypeVar, get_args
from urllib.parse import urlsplit, urlunsplit

from msgspec import Struct
from rules import BrokenError, UnseenError, expect, same

from fullduplex import ClientConnection, ConnectionClosed, connect
from hubbub import wire

PATH: Final = "/v1/realtime"
PATIENCE: Final = 5.0
"""Seconds until what has to come is missed."""
LARGEST: Final = 16 * 2**20
"""Bytes of a message, whatever a server may say."""
CLIENT: Final = wire.Client("conformance", "1")
_REMEMBERED: Final = 40
_SHOWN: Final = 240
_MOST_WRITES: Final = 200

T = TypeVar("T")


def http_address(address: str) -> str:
    """Return where guests are let in, for the address of a WebSocket."""
    url = urlsplit(address)
    return urlunsplit((url.scheme.replace("ws", "http", 1), url.netloc, "", "", ""))


def websocket_address(address: str) -> str:
    """Return an address with the path where the WebSocket is, if it came without one; browsers' will do."""
    url = urlsplit(address)
    scheme = {"http": "ws", "https": "wss"}.get(url.scheme, url.scheme)
    return urlunsplit(url._replace(scheme=scheme, path=url.path if url.path.strip("/") else PATH))


def spell(kind: Any) -> str:
    """Return the name of a kind of frame, or of several."""
    return " or ".join(each.__name__ for each in get_args(kind) or (kind,))


def new_nonce() -> str:
    """Return the name of something that nobody did before."""
    return secrets.token_urlsafe(12)


def sign_in(address: str, name: str) -> str:
    """Become a guest of the chat at this HTTP address, and return the token.

    Raises:
        BrokenError: if nobody is let in.
    """
    url = urlsplit(address)
    kind = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = kind(url.netloc, timeout=PATIENCE)
    try:
        body = json.dumps({"name": name})
        connection.request("POST", "/v1/guests", body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read().decode(errors="replace")
        expect(answer.status == 201, f"no guest is let in: {answer.status} {said[:_SHOWN]}")
        return str(json.loads(said)["token"])
    finally:
        connection.close()


def dial(address: str) -> connect[ClientConnection]:
    """Prepare a connection to a server; nothing is said on it that isn't asked for."""
    return connect(
        address,
        subprotocols=[wire.SUBPROTOCOL],
        max_size=LARGEST,
        compression=None,
        proxy=None,
        ping_interval=None,
        close_timeout=1.0,
    )


def refused(answer: object, code: str, what: str) -> None:
    """Go on if `what` was answered by the error of this code.

    Raises:
        BrokenError: otherwise.
    """
    same(getattr(answer, "code", answer), code, what)


class Transcript:
    """The last frames of a case, on all of its connections."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=_REMEMBERED)

    def add(self, who: str, arrow: str, frame: str | bytes) -> None:
        """Note a frame; `arrow` says which way it went."""
        text = frame if isinstance(frame, str) else repr(frame)
        shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(text)})"
        self._lines.append(f"{who} {arrow} {shown}")

    def lines(self) -> tuple[str, ...]:
        """Return what was noted."""
        return tuple(self._lines)


class Peer:
    """One connection: what is said on it, and what is heard."""

    def __init__(self, connection: ClientConnection, name: str, transcript: Transcript) -> None:
        self.connection = connection
        self.name = name
        self.welcome: wire.Welcome
        self._transcript = transcript
        self._ids = itertools.count(1)
        self._kept: deque[wire.Said] = deque()
        self._unread: deque[str] = deque()

    @property
    def id(self) -> str:
        """Whose connection it is."""
        return self.welcome.me.id

    async def tell(self, frame: wire.Request | str | bytes) -> None:
        """Say something; raw text and bytes are sent as they are."""
        text = wire.encode(frame).text if isinstance(frame, Struct) else frame
        self._transcript.add(self.name, "→", text)
        await self.connection.send(text)

    async def hello(self, token: str | None, **fields: Any) -> wire.Welcome:
        """Open the session."""
        await self.tell(wire.Hello(CLIENT, token=token, **fields))
        self.welcome = await self.hear(wire.Welcome)
        return self.welcome

    async def hear(self, kind: type[T], wanted: Callable[[T], bool] = lambda frame: True) -> T:
        """Return the next frame of a kind that is wanted; others are kept for later.

        Raises:
            BrokenError: if it doesn't come in time, or something comes that is no frame.
        """
        for frame in self._kept:
            if isinstance(frame, kind) and wanted(frame):
                self._kept.remove(frame)
                return frame
        try:
            async with asyncio.timeout(PATIENCE):
                while True:
                    said = await self._receive()
                    if isinstance(said, kind) and wanted(said):
                        return said
                    if said is not None:
                        self._kept.append(said)
        except TimeoutError:
            raise BrokenError(f"{self.name} waited in vain for {spell(kind)}") from None
        except ConnectionClosed as closed:
            raise BrokenError(f"{self.name} was cut off ({closed})") from None

    async def _receive(self) -> wire.Said | None:
        try:
            if not self._unread:
                text = await self.connection.recv()
                self._transcript.add(self.name, "←", text)
                self._unread += wire.split(text)
            return self._check(wire.decode_reply(self._unread.popleft()))
        except wire.BadFrameError as error:
            raise BrokenError(f"this is no frame: {error}") from error

    def _check(self, said: wire.Said | None) -> wire.Said | None:
        match said:
            case wire.Err(code=code, retry=retry):
                expect(retry == wire.ERRORS.get(code, retry), f"{code} says retry: {retry}")
            case wire.Event():
                wire.body_of(said)
            case wire.Ephemeral():
                wire.ephemeral_body_of(said)
        return said

    def number(self) -> int:
        """Return the id of a new request."""
        return next(self._ids)

    async def answer(self, request: Any) -> Any:
        """Wait for the answer to a request that was sent: what its `ok` brings, or its error."""
        said = await self.hear(wire.Answered | wire.Err, lambda frame: frame.id == request.id)  # type: ignore[arg-type]
        if isinstance(said, wire.Err):
            return said
        try:
            answer = wire.decode_answer(request, said)
            for event in getattr(answer, "ev", ()):
                wire.body_of(event)
        except wire.BadFrameError as error:
            raise BrokenError(f"this isn't what answers it: {error}") from error
        return answer

    async def try_once(self, kind: Callable[..., wire.Request], *fields: Any, **more: Any) -> Any:
        """Send a request, and wait for its answer."""
        request = kind(self.number(), *fields, **more)
        await self.tell(request)
        return await self.answer(request)

    async def ask(self, kind: Callable[..., wire.Request], *fields: Any, **more: Any) -> Any:
        """Send a request, again when that was too much at once, and wait for its answer."""
        answer = await self.try_once(kind, *fields, **more)
        if isinstance(answer, wire.Err) and answer.code == "too_many_requests":
            await asyncio.sleep((answer.after or 1000) / 1000)
            return await self.ask(kind, *fields, **more)
        return answer

    async def do(self, kind: Callable[..., wire.Request], *fields: Any, **more: Any) -> Any:
        """Send a request that has to succeed; return what it brings.

        Raises:
            BrokenError: if it is refused.
        """
        answer = await self.ask(kind, *fields, **more)
        if isinstance(answer, wire.Err):
            raise BrokenError(f"{self.name} was refused: {answer.code}")
        return answer

    def too_many(self) -> int:
        """Return how many writes at once are more than this server takes.

        Raises:
            UnseenError: if they would be more than anybody should send.
        """
        burst = self.welcome.limits.burst
        if burst > _MOST_WRITES:
            raise UnseenError(f"{burst} writes at once are more than this suite sends")
        return burst + 8

    async def rest(self, writes: int) -> None:
        """Wait until so many writes can be sent at once, whatever was written before."""
        await asyncio.sleep(writes / self.welcome.limits.rate)

    async def send(self, room: str, text: str = "hi", **fields: Any) -> wire.SendOk:
        """Send a message that has to be taken."""
        sent = await self.do(wire.Send, room, new_nonce(), wire.Draft(text, **fields))
        assert isinstance(sent, wire.SendOk)
        return sent

    def drafts(self, room: str, count: int) -> list[wire.Send]:
        """Make requests to send messages."""
        return [wire.Send(self.number(), room, new_nonce(), wire.Draft(f"{i}")) for i in range(count)]

    async def stored(self, request: wire.Send) -> wire.SendOk:
        """Wait until a message that was sent is stored.

        Raises:
            UnseenError: if it is refused, as one of too many at once.
        """
        answer = await self.answer(request)
        if isinstance(answer, wire.Err):
            raise UnseenError(f"the server doesn't take that many writes at once: {answer.code}")
        assert isinstance(answer, wire.SendOk)
        return answer

    async def send_at_once(self, room: str, count: int) -> list[wire.SendOk]:
        """Send messages without waiting in between, and wait until they are stored.

        Raises:
            UnseenError: if one is refused, as one of too many at once.
        """
        await self.rest(count)
        requests = self.drafts(room, count)
        for request in requests:
            await self.tell(request)
        return [await self.stored(request) for request in requests]

    async def send_until_refused(self, room: str) -> tuple[str, Any]:
        """Send messages one after another until one is refused; return the last one's nonce and answer.

        Raises:
            UnseenError: if that would take more than anybody should send.
        """
        for _ in range(self.too_many()):
            answer = await self.try_once(wire.Send, room, nonce := new_nonce(), wire.Draft("x"))
            if isinstance(answer, wire.Err):
                break
        return nonce, answer

    async def call(self, params: wire.Params) -> Any:
        """Call a method, and wait for what it gives or why it is refused."""
        method = wire.make_call(0, params).m
        nonce = new_nonce() if wire.METHODS[method].writes else None
        return await self.ask(wire.make_call, params, nonce)

    async def sub(self, room: str, at: wire.At | None = None) -> Any:
        """Subscribe to a stream."""
        return await self.do(wire.Sub, room, at)

    async def log(self, room: str, after: int = 0) -> list[wire.Event]:
        """Read every event of a stream."""
        events: list[wire.Event] = []
        while True:
            page = await self.do(wire.Log, room, after)
            events += page.ev
            if not page.more:
                return events
            expect(page.ev, "the log has more, and gives nothing")
            after = events[-1].q

    async def events(self, room: str, count: int) -> list[wire.Event]:
        """Hear the next events of a stream."""
        return [await self.hear(wire.Event, lambda event: event.s == room) for _ in range(count)]

    async def settle(self) -> list[wire.Said]:
        """Hear everything that the server has said so far, and return what wasn't asked for yet."""
        await self.tell(wire.ClientPing())
        await self.hear(wire.Pong)
        heard, self._kept = list(self._kept), deque()
        return heard

    async def wait_closed(self, patience: float = PATIENCE) -> tuple[wire.Bye | None, int]:
        """Wait until the server closes the connection; return its last word, if it had one, and the code."""
        bye = None
        try:
            async with asyncio.timeout(patience):
                while True:
                    said = await self._receive()
                    bye = said if isinstance(said, wire.Bye) else bye
        except TimeoutError:
            raise BrokenError(f"{self.name} isn't cut off") from None
        except ConnectionClosed as closed:
            code = 1006 if closed.rcvd is None else closed.rcvd.code
            self._transcript.add(self.name, "←", f"Close {code}")
            return bye, code


class House:
    """The chat that is examined: where it is, and the guests it has let in."""

    def __init__(self, address: str, http_address: str) -> None:
        self.address = address
        self._http_address = http_address
        self._tokens: dict[str, str] = {}

    async def token(self, name: str) -> str:
        """Return the token of the guest of this name, who is let in when first asked for."""
        if name not in self._tokens:
            self._tokens[name] = await asyncio.to_thread(sign_in, self._http_address, name)
        return self._tokens[name]


class Stage:
    """One case's connections, closed when it is over."""

    def __init__(self, house: House) -> None:
        self.transcript = Transcript()
        self._house = house
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Begin."""
        return self

    async def __aexit__(self, *details: object) -> None:
        """Close everything."""
        await self._stack.aclose()

    async def dial(self, name: str) -> Peer:
        """Open a connection on which nothing was said yet."""
        connection = await self._stack.enter_async_context(dial(self._house.address))
        same = connection.subprotocol == wire.SUBPROTOCOL
        expect(same, f"the subprotocol is {connection.subprotocol}, not {wire.SUBPROTOCOL}")
        return Peer(connection, name, self.transcript)

    async def token(self, name: str) -> str:
        """Return the token of a guest."""
        return await self._house.token(name)

    async def enter(self, name: str, **hello: Any) -> Peer:
        """Open a session of a guest; everyone may have several."""
        peer = await self.dial(name)
        await peer.hello(await self.token(name), **hello)
        return peer

    async def room(self, owner: Peer, *members: Peer, visibility: wire.Visibility = "public") -> str:
        """Make a room with these members, to which everyone there is subscribed."""
        made = await owner.call(wire.CreateRoom("conformance", visibility=visibility))
        expect(isinstance(made, wire.RoomResult), f"no room can be made: {made}")
        room = str(made.room.id)
        for user in {member.id for member in members}:
            answer = await owner.call(wire.Invite(room, user))
            expect(not isinstance(answer, wire.Err), f"nobody can be invited: {answer}")
        for peer in (owner, *members):
            await peer.sub(room)
        return room
