"""Queries about files: what is known of each beside its content, which the shelf has.

Invariants:

1. A file is in one message at most, of its owner's and in its room.
2. What nobody can ask for any more is marked as gone, and forgotten only when the disk no longer has it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final

import msgspec
from sqlalchemy import Row, bindparam, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.events import tell_file
from hubbub.domain.models import Attachment, StoredFile
from hubbub.storage.tables import files

PAGE: Final = 500


class State(StrEnum):
    """Where a file is in its life."""

    UNSENT = "unsent"
    POSTED = "posted"
    GONE = "gone"


_COLUMNS = (
    files.c.id, files.c.owner, files.c.room, files.c.q, files.c.name, files.c.type, files.c.size,
    files.c.width, files.c.height, files.c.alt, files.c.digest,
)  # fmt: skip


def _stored(row: Row[*tuple[Any, ...]]) -> StoredFile:
    shown = Attachment(row.id, row.name, row.type, row.size, row.width, row.height, row.alt)
    return StoredFile(shown, row.owner, row.room, row.digest, row.q)


async def add(connection: AsyncConnection, file: StoredFile, now: int) -> None:
    """Store what is known of a file that no message has yet."""
    shown = file.attachment
    await connection.execute(
        insert(files).values(
            id=shown.id,
            owner=file.owner,
            room=file.room,
            state=State.UNSENT,
            name=shown.name,
            type=shown.type,
            size=shown.size,
            width=shown.width,
            height=shown.height,
            alt=shown.alt,
            digest=file.digest,
            created=now,
        )
    )


async def find(connection: AsyncConnection, file_id: str) -> StoredFile | None:
    """Return a file, unless it is gone."""
    rows = await connection.execute(
        select(*_COLUMNS).where(files.c.id == file_id, files.c.state != State.GONE)
    )
    row = rows.one_or_none()
    return None if row is None else _stored(row)


async def select_unsent(connection: AsyncConnection, ids: Collection[str]) -> dict[str, StoredFile]:
    """Return those of the files that no message has yet, by id."""
    rows = await connection.execute(
        select(*_COLUMNS).where(files.c.id.in_(list(ids)), files.c.state == State.UNSENT)
    )
    return {row.id: _stored(row) for row in rows}


_CLAIM = (
    update(files).where(files.c.id == bindparam("file")).values(q=bindparam("message"), state=State.POSTED)
)


async def claim(connection: AsyncConnection, claims: Sequence[tuple[str, int]]) -> None:
    """Let messages have files: each of them an id, and a message's number."""
    await connection.execute(_CLAIM, [{"file": file, "message": q} for file, q in claims])


async def describe(connection: AsyncConnection, file_id: str, alt: str) -> None:
    """Say in other words what a file shows."""
    await connection.execute(update(files).where(files.c.id == file_id).values(alt=alt))


async def measure(connection: AsyncConnection, owner: str) -> int:
    """Return how many bytes the files of a user have."""
    size = await connection.scalar(
        select(func.coalesce(func.sum(files.c.size), 0)).where(
            files.c.owner == owner, files.c.state.in_([State.UNSENT, State.POSTED])
        )
    )
    return int(size or 0)


async def let_go(connection: AsyncConnection, room: str, q: int) -> None:
    """Let the files go that a message had."""
    await connection.execute(
        update(files).where(files.c.room == room, files.c.q == q).values(state=State.GONE)
    )


async def drop(connection: AsyncConnection, file_id: str) -> None:
    """Let one file go."""
    await connection.execute(update(files).where(files.c.id == file_id).values(state=State.GONE))


async def let_go_of_orphans(connection: AsyncConnection, before: int) -> None:
    """Let the files go that no message has, and that came before a time."""
    await connection.execute(
        update(files).where(files.c.state == State.UNSENT, files.c.created < before).values(state=State.GONE)
    )


async def list_gone(connection: AsyncConnection) -> list[str]:
    """Return files that are gone; so many that there may be more."""
    rows = await connection.scalars(select(files.c.id).where(files.c.state == State.GONE).limit(PAGE))
    return list(rows)


async def forget(connection: AsyncConnection, ids: Collection[str]) -> None:
    """Forget files that are gone."""
    await connection.execute(delete(files).where(files.c.id.in_(list(ids)), files.c.state == State.GONE))


async def select_known(connection: AsyncConnection, ids: Collection[str]) -> set[str]:
    """Return those of the ids that files have."""
    return set(await connection.scalars(select(files.c.id).where(files.c.id.in_(list(ids)))))


# What messages say of their files


class _Told(msgspec.Struct):
    id: str
    name: str
    type: str
    size: int
    w: int | None = None
    h: int | None = None
    alt: str = ""


def encode(attached: Sequence[Attachment]) -> str | None:
    """Return what a message keeps of its files; nothing if it has none."""
    told: list[Mapping[str, object]] = [tell_file(file) for file in attached]
    return msgspec.json.encode(told).decode() if told else None


def decode(kept: str | None) -> tuple[Attachment, ...]:
    """Return the files of which a message keeps this."""
    if kept is None:
        return ()
    return tuple(
        Attachment(told.id, told.name, told.type, told.size, told.w, told.h, told.alt)
        for told in msgspec.json.decode(kept, type=list[_Told])
    )
