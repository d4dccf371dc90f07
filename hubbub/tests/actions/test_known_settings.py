"""What a process knows of the settings."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.known_settings import KnownSettings
from hubbub.domain.events import SettingsChanged
from hubbub.domain.settings import ServerSettings
from hubbub.storage import settings


@pytest.fixture
def known(database, bus):
    """Return what a process knows."""
    known = KnownSettings(database)
    bus.subscribe(known.hear)
    return known


async def put_guests(database, value) -> None:
    """Decide whether guests come in, behind everybody's back."""
    await database.write(lambda transaction: settings.put(transaction.connection, "guests", value))


async def test_settings_are_read_once(database, bus, known) -> None:
    """What is known is true until somebody says that it isn't: also another process."""
    assert await known.get() == ServerSettings()
    await put_guests(database, value=False)
    assert (await known.get()).guests
    bus.publish(SettingsChanged())

    assert not (await known.get()).guests


async def test_change_while_reading_is_seen(database, bus, known) -> None:
    """What was read before a change, and arrives after it, is kept by nobody."""
    reading = asyncio.create_task(known.get())
    await asyncio.sleep(0)
    await put_guests(database, value=False)
    bus.publish(SettingsChanged())
    await reading

    assert not (await known.get()).guests


async def test_unknown_value_is_the_default(database, known) -> None:
    """What a later version has decided in words of its own is the default here, and harms nothing else."""
    await put_guests(database, value=False)
    await database.write(lambda transaction: settings.put(transaction.connection, "sign_up", "by moonlight"))
    await database.write(lambda transaction: settings.put(transaction.connection, "colour", "teal"))

    assert await known.get() == ServerSettings(guests=False)
