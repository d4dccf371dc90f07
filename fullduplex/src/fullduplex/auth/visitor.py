"""What a connection is to those who decide whether it is let in."""

from __future__ import annotations

from typing import Any

from ..protocol.http11 import Response
from ..protocol.server import plain_response

__all__ = ["Visitor"]


class Visitor:
    """A server's connection, on any face, before and after its client was let in.

    ``user`` is whom ``fullduplex.auth``, or a ``process_request`` of the program's, has
    let in; ``username`` is their name in Basic authentication.  Both are None before,
    and without any.
    """

    user: Any = None
    username: str | None = None

    def respond(self, status: int, text: str) -> Response:
        """Make a plain-text response for ``process_request`` to return."""
        return plain_response(status, text)
