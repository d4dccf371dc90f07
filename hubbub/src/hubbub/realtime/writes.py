"""Which action each write to a stream is."""

from __future__ import annotations

from hubbub import wire
from hubbub.actions.delete_message import delete_message
from hubbub.actions.edit_message import edit_message
from hubbub.actions.pin_message import pin_message
from hubbub.actions.post_message import post_message
from hubbub.actions.react import react
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.models import Posted, User
from hubbub.storage.database import Database


async def write(database: Database, user: User, stream: str, request: wire.Write) -> wire.SendOk:
    """Do what a write asks for, and return its answer.

    Raises:
        ChatError: that of the action.
    """
    posted = await _act(database, user, stream, request)
    return wire.SendOk(request.id, posted.q, posted.ts, posted.dup)


async def _act(database: Database, user: User, stream: str, request: wire.Write) -> Posted:
    n = request.n
    match request:
        case wire.Send(d=d):
            return await post_message(database, user, stream, n, d.text, d.re, d.th, d.files)
        case wire.Edit(m=m, d=new, base=base):
            return await edit_message(database, user, stream, n, m, new.text, base)
        case wire.Delete(m=m):
            return await delete_message(database, user, stream, n, m)
        case wire.React(m=m, e=emoji, on=on):
            return await react(database, user, stream, n, m, emoji, on=on)
        case wire.Pin(m=m, on=on):
            return await pin_message(database, user, stream, n, m, on=on)
    raise ChatError(Code.UNKNOWN_OP)
