"""Queries about what was done by those who administer and keep order."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.models import Deed
from hubbub.storage.tables import audit


async def add(connection: AsyncConnection, actor: str | None, deed: Deed, ts: int) -> None:
    """Store what someone did; None is whoever runs the server."""
    await connection.execute(
        insert(audit).values(
            ts=ts,
            actor=actor,
            verb=deed.verb,
            kind=deed.kind,
            subject=deed.subject,
            room=deed.room,
            detail=_encode(deed.detail),
        )
    )


async def forget_before(connection: AsyncConnection, ts: int) -> None:
    """Forget what was done before then."""
    await connection.execute(delete(audit).where(audit.c.ts < ts))


def _encode(detail: Mapping[str, object]) -> str:
    return msgspec.json.encode(detail).decode()
