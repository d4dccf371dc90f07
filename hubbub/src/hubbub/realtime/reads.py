"""What is read of a stream on request: messages, and events of any age."""

from __future__ import annotations

from hubbub import wire
from hubbub.actions.read_history import Side, read_history
from hubbub.actions.read_log import read_log
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import User
from hubbub.realtime import showing
from hubbub.storage.database import Database


async def read_messages(database: Database, user: User, stream: str, request: wire.Hist) -> wire.HistOk:
    """Read a page of messages.

    Raises:
        ChatError: `invalid` unless exactly one place is asked for, and those of `read_history`.
    """
    side, q = _find_place(request)
    page = await read_history(database, user, stream, side, q, request.limit)
    return wire.HistOk(
        request.id, showing.messages(page.messages), page.asof, page.more, showing.names(page.names)
    )


def _find_place(request: wire.Hist) -> tuple[Side, int]:
    sides = ((Side.BEFORE, request.before), (Side.AFTER, request.after), (Side.AROUND, request.around))
    asked = [(side, q) for side, q in sides if q is not None]
    if len(asked) != 1:
        raise ChatError(Code.INVALID, "Ask for one of before, after and around.")
    return asked[0]


async def read_events(database: Database, user: User, stream: str, request: wire.Log) -> wire.LogOk:
    """Read a page of events.

    Raises:
        ChatError: those of `read_log`.
    """
    page = await read_log(database, user, stream, request.after, request.limit)
    return wire.LogOk(
        request.id,
        page.head.epoch,
        page.head.q,
        showing.events(page.events),
        page.more,
        showing.names(page.names),
        page.gone,
    )
