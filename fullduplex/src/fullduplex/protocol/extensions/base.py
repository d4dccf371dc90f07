"""What an extension is to the rest of the protocol.

An extension changes the payload of data frames and claims one reserved bit to
mark a message that it changed.  It is negotiated in the opening handshake
(RFC 6455 9.1) by its factory.
"""

from __future__ import annotations

from typing import Protocol, TypeAlias

__all__ = ["Extension", "ExtensionFactory", "Parameters"]

#: Parameters of an extension as they stand in the header; None where there is no value.
Parameters: TypeAlias = list[tuple[str, str | None]]


class Extension(Protocol):
    """A negotiated extension, with the state of one connection."""

    name: str
    #: The reserved bit it claims, as in a frame's first byte.
    rsv: int

    def encode(self, data: bytes, *, ends_message: bool) -> bytes:
        """Return the payload to send for ``data``, the next part of a message."""

    def decode(self, data: bytes, *, ends_message: bool, limit: int | None) -> bytes:
        """Return what ``data``, the next part of a message, stands for.

        At most ``limit`` + 1 bytes come back: one more than the limit tells that it was passed.

        Raises:
            RemoteProtocolError: if the data makes no sense.
        """


class ExtensionFactory(Protocol):
    """Negotiates one extension, for either side."""

    name: str

    def offers(self) -> list[Parameters]:
        """Return what a client offers, the best first."""

    def accept_response(self, parameters: Parameters) -> Extension:
        """Make a client's extension of the server's answer to ``offers``.

        Raises:
            NegotiationError: if the answer isn't one that the offers permit.
        """

    def accept_offer(self, parameters: Parameters) -> tuple[Parameters, Extension]:
        """Answer a client's offer: the parameters of the answer, and the server's extension.

        Raises:
            NegotiationError: if the offer is declined.
        """
