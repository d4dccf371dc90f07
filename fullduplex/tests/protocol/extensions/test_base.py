"""What an extension is: any that keeps to the protocol class works in a connection."""

from __future__ import annotations

import inspect

from fullduplex.kernels.pure import ReadableBuffer
from fullduplex.protocol.events import Chunk, Text
from fullduplex.protocol.extensions.base import Extension, ExtensionFactory, Parameters
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflate, PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.prepared import Prepared
from fullduplex.protocol.states import Side

from ..wire import BINARY, RSV1, TEXT, End, Frame, deflated


class Reversal:
    """An extension that turns payloads round."""

    name = "x-reversal"
    rsv = RSV1
    kind = "reversal"

    def __init__(self) -> None:
        self.is_behind = False
        self.sent_otherwise = 0
        self._rest = b""

    def is_worthwhile(self, size: int) -> bool:
        """Turn round what has two sides."""
        return size > 1

    def encode(self, data: ReadableBuffer, *, ends_message: bool) -> bytes:
        """Turn round."""
        return bytes(data)[::-1]

    def encode_alone(self, data: ReadableBuffer) -> bytes:
        """Turn round."""
        return self.encode(data, ends_message=True)

    def sent_alone(self) -> None:
        """Count it."""
        self.sent_otherwise += 1

    def decode(self, data: bytes, *, ends_message: bool, size: int | None) -> bytes:
        """Turn back, and keep what is too much."""
        data = self._rest if self.is_behind else data[::-1]
        given, self._rest = data[:size], b"" if size is None else data[size:]
        self.is_behind = self._rest != b""
        return given

    def release_if_idle(self) -> None:
        """Keep nothing anyway."""


class ReversalFactory:
    """Agrees to anything."""

    name = "x-reversal"

    def offers(self) -> list[Parameters]:
        """Offer without parameters."""
        return [[]]

    def accept_response(self, parameters: Parameters) -> Extension:
        """Accept any answer."""
        return Reversal()

    def accept_offer(self, parameters: Parameters) -> tuple[Parameters, Extension]:
        """Accept any offer as it is."""
        return parameters, Reversal()


def test_any_extension_serves(side: Side) -> None:
    """A connection applies whatever extension it was opened with, to messages that it marks."""
    factory: ExtensionFactory = ReversalFactory()
    end = End(side, limits=Limits(message=5), extension=factory.accept_response([]))

    events = end.receive(end.frame(TEXT, b"olleh", rsv=RSV1), end.text("plain"))

    assert events == [Text("hello"), Text("plain")]
    end.connection.send_message(Opcode.TEXT, b"hello")
    end.connection.send_message(Opcode.TEXT, b"plain", compress=False)
    end.connection.send_message(Opcode.TEXT, b"!")
    end.connection.send_message(Opcode.TEXT, b"!", compress=True)
    assert end.sent() == [
        Frame(TEXT, b"olleh", rsv=RSV1),
        Frame(TEXT, b"plain"),
        Frame(TEXT, b"!"),
        Frame(TEXT, b"!", rsv=RSV1),
    ]


def test_any_extension_is_streamed(side: Side) -> None:
    """What an extension gives piece by piece is received so, its end last."""
    end = End(side, extension=Reversal())
    end.connection.start_streaming()

    chunks = end.receive(end.frame(BINARY, bytes(100_000) + b"!", rsv=RSV1))

    assert [chunk.ends_message for chunk in chunks if isinstance(chunk, Chunk)] == [False, True]
    assert b"".join(chunk.data for chunk in chunks) == b"!" + bytes(100_000)  # type: ignore[union-attr, misc]


def test_any_extension_is_shared() -> None:
    """Of a message that goes to many, an extension encodes the payload once and hears of each sending."""
    prepared, extensions = Prepared(Opcode.TEXT, b"hello"), [Reversal(), Reversal()]
    for extension in extensions:
        end = End(Side.SERVER, extension=extension)
        end.connection.send_prepared(prepared)
        assert end.sent() == [Frame(TEXT, b"olleh", rsv=RSV1)]

    assert [extension.sent_otherwise for extension in extensions] == [1, 1]


def test_deflate_is_such_an_extension() -> None:
    """permessage-deflate has the methods that the protocol classes name."""
    for kind, protocol in ((PerMessageDeflate, Extension), (PerMessageDeflateFactory, ExtensionFactory)):
        for name, method in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                found = inspect.signature(getattr(kind, name))
                assert found.parameters == inspect.signature(method).parameters
    for name in ("is_behind", "kind", "name", "rsv"):
        assert hasattr(deflated(Side.CLIENT), name)
