"""What an extension is to the rest of the protocol.

An extension changes the payload of data frames and claims one reserved bit to
mark a message that it changed.  It is negotiated in the opening handshake
(RFC 6455 9.1) by its factory.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Protocol, TypeAlias

from ...kernels.pure import ReadableBuffer

__all__ = ["Extension", "ExtensionFactory", "Parameters"]

#: Parameters of an extension as they stand in the header; None where there is no value.
Parameters: TypeAlias = list[tuple[str, str | None]]


class Extension(Protocol):
    """A negotiated extension, with the state of one connection."""

    name: str
    #: The reserved bit it claims, as in a frame's first byte.
    rsv: int
    #: True while there is more to come of what ``decode`` was given.
    is_behind: bool

    def is_worthwhile(self, size: int) -> bool:
        """Tell whether a message of ``size`` bytes gains by ``encode``."""

    def encode(self, data: ReadableBuffer, *, ends_message: bool) -> bytes:
        """Return the payload to send for ``data``, the next part of a message."""

    @property
    def kind(self) -> Hashable:
        """Return what ``encode_alone`` depends on: equal for connections that can send the same payload."""

    def encode_alone(self, data: ReadableBuffer) -> bytes:
        """Return a payload for a whole message that any connection of this kind can send.

        Each that does calls ``sent_alone``.
        """

    def sent_alone(self) -> None:
        """Take note that a payload was sent that ``encode`` didn't make."""

    def decode(self, data: bytes, *, ends_message: bool, size: int | None) -> bytes:
        """Return what ``data``, the next part of a message, stands for: ``size`` bytes of it at most.

        While ``is_behind``, call it again with no data for more.

        Raises:
            RemoteProtocolError: if the data makes no sense.
        """

    def release_if_idle(self) -> None:
        """Give back memory that can be had again, if nothing was encoded or decoded since the last call."""


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
