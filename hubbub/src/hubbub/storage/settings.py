"""Queries about what administrators have decided."""

from __future__ import annotations

import logging
from dataclasses import fields
from typing import Any, get_type_hints

import msgspec
from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from hubbub.domain.settings import ServerSettings
from hubbub.storage.tables import settings

log = logging.getLogger(__name__)

_KINDS = get_type_hints(ServerSettings)


async def find(connection: AsyncConnection) -> ServerSettings:
    """Return what is decided; what nobody has decided, or in a way unknown here, is the default."""
    rows = await connection.execute(select(settings.c.key, settings.c.value))
    found = {row.key: row.value for row in rows}
    decided: dict[str, Any] = {}
    for field in fields(ServerSettings):
        if field.name in found:
            try:
                decided[field.name] = msgspec.json.decode(found[field.name], type=_KINDS[field.name])
            except msgspec.DecodeError as error:
                # A later version may have more words for it.
                log.warning("the setting %s is taken as its default: %s", field.name, error)
    return ServerSettings(**decided)


async def put(connection: AsyncConnection, key: str, value: object) -> None:
    """Keep a setting, in place of what it was."""
    await connection.execute(delete(settings).where(settings.c.key == key))
    text = msgspec.json.encode(value).decode()
    await connection.execute(insert(settings).values(key=key, value=text))
