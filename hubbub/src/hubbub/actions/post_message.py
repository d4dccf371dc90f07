"""Writing a message."""

from __future__ import annotations

from hubbub.domain.events import MessagePosted
from hubbub.domain.models import Posted, User
from hubbub.domain.policies import check_nonce, check_text
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
) -> Posted:
    """Store a message; when this returns, it is on the disk.

    `reply_to` is the message that it answers, `thread` the one whose thread it is written into.
    The same again (author, nonce) is stored once and answered alike.

    Raises:
        ChatError: `invalid`, `too_long`, `not_found`, `not_member`, `nonce_reuse`, or that of a database in
            trouble.
    """
    check_nonce(nonce)
    check_text(text)
    return await database.post(Post(room_id, author.id, MessagePosted(nonce, text, reply_to, thread)))
