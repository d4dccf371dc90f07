"""The same bytes read by three implementations without I/O: ours, `websockets` and `wsproto`.

What the two others leave to their faces is added here, as those do it: joining fragments, decoding text,
answering pings and Close frames.  Everything else is theirs.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol

import websockets.frames
import websockets.protocol
import wsproto.connection
import wsproto.events
from websockets.extensions import permessage_deflate as websockets_deflate
from wsproto.extensions import PerMessageDeflate as WsprotoDeflate

from fullduplex.close import Close
from fullduplex.protocol.connection import Connection
from fullduplex.protocol.events import Binary, CloseReceived, Event, Ping, Pong, Text
from fullduplex.protocol.extensions.base import Parameters
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.prepared import Prepared
from fullduplex.protocol.states import Side

from ..protocol.wire import CLOSE, PING, PONG, TEXT, frames


class Setting(NamedTuple):
    """What was agreed before the first frame."""

    side: Side = Side.SERVER
    deflate: bool = False
    takeover: bool = True
    limit: int = 200

    @property
    def parameters(self) -> Parameters:
        """The parameters of permessage-deflate, the same for both directions."""
        if self.takeover:
            return []
        return [("server_no_context_takeover", None), ("client_no_context_takeover", None)]


class Answer(NamedTuple):
    """A control frame that was written; a Close frame as its code in two bytes, or none."""

    opcode: int
    payload: bytes


class Outcome(NamedTuple):
    """What one implementation made of some bytes."""

    events: tuple[Event, ...]
    answers: tuple[Answer, ...]

    @property
    def close_code(self) -> int | None:
        """The code of the Close frame that was written; 1005 for an empty one, None without one."""
        codes = [Close.parse(answer.payload).code for answer in self.answers if answer.opcode == CLOSE]
        return codes[0] if codes else None


def answers(output: bytes, side: Side) -> list[Answer]:
    """Read what was written, without close reasons: everyone words them in another way."""
    found = frames(output, masked=side is Side.CLIENT)
    return [Answer(one.opcode, one.payload[:2] if one.opcode == CLOSE else one.payload) for one in found]


class Twin(Protocol):
    """One implementation, open, on one side."""

    name: str
    events: list[Event]
    answers: list[Answer]

    def __init__(self, setting: Setting) -> None: ...

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer."""

    def send(self, pieces: Iterable[bytes], opcode: Opcode) -> bytes:
        """Return a message's frames, one for each piece, compressed if that was agreed."""


class Ours:
    """`fullduplex.protocol`."""

    name = "fullduplex"

    def __init__(self, setting: Setting) -> None:
        self.side = setting.side
        self.events: list[Event] = []
        self.answers: list[Answer] = []
        self.connection = Connection(setting.side, Limits(message=setting.limit))
        factory = PerMessageDeflateFactory(server_max_window_bits=15, client_max_window_bits=15, threshold=0)
        extension = None
        if setting.deflate and setting.side is Side.SERVER:
            extension = factory.accept_offer(setting.parameters)[1]
        elif setting.deflate:
            extension = factory.accept_response(setting.parameters)
        self.connection.open(extension)

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer."""
        self.connection.receive_data(data)
        self.events += self.connection.events_received()
        self.answers += answers(b"".join(self.connection.data_to_send()), self.side)

    def send(self, pieces: Iterable[bytes], opcode: Opcode) -> bytes:
        """Return a message's frames."""
        first, *others = pieces
        self.connection.send_message(opcode, first, fin=not others)
        for left, piece in zip(range(len(others) - 1, -1, -1), others, strict=True):
            self.connection.send_continuation(piece, fin=left == 0)
        return b"".join(self.connection.data_to_send())


class Resting(Ours):
    """`fullduplex.protocol`, giving its zlib contexts back whenever it may."""

    name = "fullduplex, resting"

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer."""
        super().receive(data)
        self.rest()

    def send(self, pieces: Iterable[bytes], opcode: Opcode) -> bytes:
        """Return a message's frames."""
        self.rest()
        return super().send(pieces, opcode)

    def rest(self) -> None:
        """Be idle long enough for the contexts to be released."""
        for _ in range(2):
            if self.connection.extension is not None:
                self.connection.extension.release_if_idle()


class Broadcasting(Ours):
    """`fullduplex.protocol`, sending every other message as one that goes to many."""

    name = "fullduplex, broadcasting"
    is_next = True

    def send(self, pieces: Iterable[bytes], opcode: Opcode) -> bytes:
        """Return a message's frames."""
        self.is_next = not self.is_next
        if self.is_next:
            return super().send(pieces, opcode)
        self.connection.send_prepared(Prepared(opcode, b"".join(pieces)))
        return b"".join(self.connection.data_to_send())


class Websockets:
    """`websockets.protocol`, with what its asyncio face does about messages."""

    name = "websockets"

    def __init__(self, setting: Setting) -> None:
        self.side = setting.side
        self.events: list[Event] = []
        self.answers: list[Answer] = []
        self.message: list[websockets.frames.Frame] = []
        self.protocol = websockets.protocol.Protocol(
            websockets.protocol.Side[setting.side.name], max_size=setting.limit
        )
        if setting.deflate:
            fresh = not setting.takeover
            self.protocol.extensions = [websockets_deflate.PerMessageDeflate(fresh, fresh, 15, 15)]

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer."""
        self.protocol.receive_data(data)
        for frame in self.protocol.events_received():
            self.take(frame)
        self.answers += answers(b"".join(self.protocol.data_to_send()), self.side)

    def take(self, frame: Any) -> None:
        """Turn a frame into an event."""
        if frame.opcode == CLOSE:
            self.events.append(CloseReceived(Close.parse(bytes(frame.data))))
        elif frame.opcode in (PING, PONG):
            self.events.append((Ping if frame.opcode == PING else Pong)(bytes(frame.data)))
        else:
            self.message.append(frame)
            if frame.fin:
                self.finish()

    def finish(self) -> None:
        """Join the fragments of a message, and decode it if it is text."""
        data = b"".join(frame.data for frame in self.message)
        is_text = self.message[0].opcode == TEXT
        self.message.clear()
        try:
            self.events.append(Text(data.decode()) if is_text else Binary(data))
        except UnicodeDecodeError:
            self.protocol.fail(1007)

    def send(self, pieces: Iterable[bytes], opcode: Opcode) -> bytes:
        """Return a message's frames."""
        first, *others = pieces
        begin = self.protocol.send_text if opcode is Opcode.TEXT else self.protocol.send_binary
        begin(first, fin=not others)
        for left, piece in zip(range(len(others) - 1, -1, -1), others, strict=True):
            self.protocol.send_continuation(piece, fin=left == 0)
        return b"".join(self.protocol.data_to_send())


class Wsproto:
    """`wsproto.connection`, with what it asks of those who use it."""

    name = "wsproto"

    def __init__(self, setting: Setting) -> None:
        self.side = setting.side
        self.events: list[Event] = []
        self.answers: list[Answer] = []
        self.message: list[Any] = []
        self.is_over = False
        extensions = []
        if setting.deflate:
            agreed = ["permessage-deflate", *(name for name, _ in setting.parameters)]
            extensions = [WsprotoDeflate()]
            extensions[0].finalize("; ".join(agreed))
        self.connection = wsproto.connection.Connection(
            wsproto.connection.ConnectionType[setting.side.name], extensions
        )

    def receive(self, data: bytes) -> None:
        """Take bytes of the peer."""
        if self.is_over:
            return
        self.connection.receive_data(data)
        for event in self.connection.events():
            self.take(event)

    def take(self, event: Any) -> None:
        """Answer an event, and turn it into one of ours."""
        if isinstance(event, wsproto.events.Message):
            self.message.append(event.data)
            if event.message_finished:
                data = type(event.data)().join(self.message)
                self.message.clear()
                self.events.append(Text(data) if isinstance(data, str) else Binary(bytes(data)))
        elif isinstance(event, wsproto.events.Ping):
            self.events.append(Ping(bytes(event.payload)))
            self.answer(event.response())
        elif isinstance(event, wsproto.events.Pong):
            self.events.append(Pong(bytes(event.payload)))
        else:
            # It tells of a rule that the peer broke by the same event.
            if self.connection.state is wsproto.connection.ConnectionState.REMOTE_CLOSING:
                self.events.append(CloseReceived(Close(int(event.code), event.reason or "")))
            self.is_over = True
            self.answer(event.response())

    def answer(self, event: Any) -> None:
        """Send an event."""
        self.answers += answers(bytes(self.connection.send(event)), self.side)

    def send(self, pieces: Iterable[bytes], opcode: Opcode) -> bytes:
        """Return a message's frames; text must be cut between characters."""
        kind = wsproto.events.TextMessage if opcode is Opcode.TEXT else wsproto.events.BytesMessage
        *others, last = [piece.decode() if opcode is Opcode.TEXT else piece for piece in pieces]
        sent = [self.connection.send(kind(piece, message_finished=False)) for piece in others]
        return b"".join([*sent, self.connection.send(kind(last))])


class Sent(NamedTuple):
    """One frame of a script, which may break any rule."""

    opcode: int
    payload: bytes = b""
    fin: bool = True
    rsv: int = 0
    #: Bytes of the length field after the second byte, if not the fewest that do.
    size: int | None = None
    #: What the head claims, if not the truth.
    length: int | None = None
    #: Whether the side that sends it masks just when it must.
    masks_rightly: bool = True

    @property
    def is_data(self) -> bool:
        """Whether it is a part of a message."""
        return self.opcode <= 2


def play(kind: type[Twin], setting: Setting, reads: Iterable[Iterable[bytes]]) -> list[Outcome]:
    """Give one implementation some frames, each in one or more reads; return what it was after each."""
    twin = kind(setting)
    outcomes = []
    for frame in reads:
        for data in frame:
            twin.receive(data)
        outcomes.append(Outcome(tuple(twin.events), tuple(twin.answers)))
    return outcomes
