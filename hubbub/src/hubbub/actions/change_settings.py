"""Deciding how the chat is to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from hubbub.actions.audit import note
from hubbub.bus.base import Bus
from hubbub.domain.events import SettingsChanged
from hubbub.domain.models import Deed, User
from hubbub.domain.settings import ServerSettings
from hubbub.storage import settings, users
from hubbub.storage.database import Database
from hubbub.storage.transactions import Connection
from hubbub.storage.writer import Transaction


async def read_settings(database: Database, user: User) -> ServerSettings:
    """Return what is decided, to who may decide it.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat.
    """

    async def read(connection: Connection) -> ServerSettings:
        await users.require_administrator(connection, user.id)
        return await settings.find(connection)

    return await database.read(read)


async def change_settings(
    database: Database, bus: Bus, user: User, wanted: Mapping[str, object]
) -> ServerSettings:
    """Decide what is `wanted`, by the names of settings, and leave the rest; return all of it.

    Raises:
        ChatError: `forbidden` for who doesn't administer the chat.
    """

    async def change(transaction: Transaction) -> tuple[ServerSettings, bool]:
        connection = transaction.connection
        await users.require_administrator(connection, user.id)
        before = await settings.find(connection)
        after = replace(before, **wanted)  # type: ignore[arg-type]
        changed = {key: value for key, value in asdict(after).items() if value != getattr(before, key)}
        for key, value in changed.items():
            await settings.put(connection, key, value)
            detail = {"from": getattr(before, key), "to": value}
            await note(transaction, user, Deed("settings.change", "setting", key, detail=detail))
        return await settings.find(connection), bool(changed)

    after, has_changed = await database.write(change)
    if has_changed:
        bus.publish(SettingsChanged())
    return after
