"""Keeping how far someone has read a room, for all their devices."""

from __future__ import annotations

from hubbub.domain.events import Read
from hubbub.domain.models import Marks, User
from hubbub.storage import marks, rooms, streams
from hubbub.storage.database import Database
from hubbub.storage.writer import Transaction


async def mark_read(database: Database, user: User, room_id: str, q: int, *, back: bool = False) -> Marks:
    """Let a user have read a room up to an event, but no less than before unless it goes `back`.

    Nothing is stored if that changes nothing; what is beyond the room's end is its end.

    Raises:
        ChatError: that of `rooms.refusal`, for a room that the user doesn't belong to.
    """

    async def change(transaction: Transaction) -> Marks:
        connection = transaction.connection
        before = await marks.find(connection, room_id, user.id)
        if before is None:
            raise await rooms.refusal(connection, room_id)
        [head] = await streams.read_heads(connection, [room_id])
        up_to = min(q, head.q)
        if back:
            # What came before they did waits for nobody.
            standing = await rooms.require_standing(connection, room_id, user.id)
            up_to = max(up_to, standing.sight.since)
        if up_to == before.read or (up_to < before.read and not back):
            return before
        await marks.set_read(connection, room_id, user.id, up_to)
        after = await marks.find(connection, room_id, user.id)
        assert after is not None
        await transaction.append(user.id, user.id, Read(room_id, after, head.q))
        return after

    return await database.write(change)
