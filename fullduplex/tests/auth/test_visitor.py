"""Visitors: what a ``process_request`` of a program's can do, on any face."""

from __future__ import annotations

from typing import Any

import pytest

from fullduplex.aio.connection import ServerConnection
from fullduplex.auth.visitor import Visitor
from fullduplex.emitter import ServerWebSocket

from .ends import serving, status_of, told


async def admit(connection: Any, request: Any) -> Any:
    """Let in who asks for a name, as whom they say they are."""
    assert connection.user is connection.username is None
    connection.user = request.path.removeprefix("/") or None
    return None if connection.user else connection.respond(404, "There is nobody.\n")


@pytest.mark.parametrize("kind", [ServerConnection, ServerWebSocket])
def test_connections_are_visitors(kind: type) -> None:
    """Connections of either server are visitors first: no class of a face hides what these have."""
    assert kind.__mro__[1] is Visitor


async def test_programs_may_decide(face: str) -> None:
    """A program may set the user, or answer in plain text."""
    async with serving(face, admit) as address:
        assert await told(f"{address}/ann") == "ann None /ann"
        answer = await told(f"{address}/")
        assert status_of(answer) == 404
        assert answer.body == b"There is nobody.\n"
