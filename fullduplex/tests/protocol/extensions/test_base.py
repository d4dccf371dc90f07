"""What an extension is: any that keeps to the protocol class works in a connection."""

from __future__ import annotations

import inspect

from fullduplex.protocol.events import Text
from fullduplex.protocol.extensions.base import Extension, ExtensionFactory, Parameters
from fullduplex.protocol.extensions.permessage_deflate import PerMessageDeflate, PerMessageDeflateFactory
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import Side

from ..wire import RSV1, TEXT, End, Frame


class Reversal:
    """An extension that turns payloads round."""

    name = "x-reversal"
    rsv = RSV1

    def encode(self, data: bytes, *, ends_message: bool) -> bytes:
        """Turn round."""
        return data[::-1]

    def decode(self, data: bytes, *, ends_message: bool, limit: int | None) -> bytes:
        """Turn back, at most one byte over the limit."""
        return data[::-1][: None if limit is None else limit + 1]


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
    assert end.sent() == [Frame(TEXT, b"olleh", rsv=RSV1), Frame(TEXT, b"plain")]


def test_deflate_is_such_an_extension() -> None:
    """permessage-deflate has the methods that the protocol classes name."""
    for kind, protocol in ((PerMessageDeflate, Extension), (PerMessageDeflateFactory, ExtensionFactory)):
        for name, method in inspect.getmembers(protocol, inspect.isfunction):
            if not name.startswith("_"):
                found = inspect.signature(getattr(kind, name))
                assert found.parameters == inspect.signature(method).parameters
