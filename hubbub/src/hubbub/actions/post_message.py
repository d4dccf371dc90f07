"""Writing a message."""

from __future__ import annotations

from collections.abc import Sequence

from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import MessagePosted
from hubbub.domain.models import Posted, User
from hubbub.domain.policies import FILES, check_nonce, check_text
from hubbub.storage.database import Database
from hubbub.storage.posting import Post


async def post_message(
    database: Database,
    author: User,
    room_id: str,
    nonce: str,
    text: str,
    reply_to: int | None = None,
    thread: int | None = None,
    files: Sequence[str] = (),
) -> Posted:
    """Store a message; when this returns, it is on the disk.

    `reply_to` is the message that it answers, `thread` the one whose thread it is written into.  `files` are
    the author's, uploaded for this room; with them it needs no text.
    The same again (author, nonce) is stored once and answered alike.

    Raises:
        ChatError: `invalid`, `too_long`, `not_found`, `not_member`, `nonce_reuse`, `upload_missing`, or that
            of a database in trouble.
    """
    check_nonce(nonce)
    check_text(text, may_be_blank=bool(files))
    if len(files) > FILES:
        raise ChatError(Code.INVALID, f"A message has at most {FILES} files.")
    message = MessagePosted(nonce, text, reply_to, thread)
    return await database.post(Post(room_id, author.id, message, tuple(files)))
