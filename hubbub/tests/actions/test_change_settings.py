"""Deciding how the chat is to be."""

from __future__ import annotations

import pytest

from hubbub.actions.change_settings import change_settings, read_settings
from hubbub.domain.events import SettingsChanged
from hubbub.domain.settings import ServerSettings, SignUp


async def test_administrator_decides(database, bus, heard, boss) -> None:
    """What is wanted is so from then on, and every process is told; the rest stays."""
    heard.clear()
    changed = await change_settings(database, bus, boss, {"sign_up": "invite", "guests": True})

    assert changed == await read_settings(database, boss) == ServerSettings(sign_up=SignUp.INVITE)
    assert isinstance(changed.sign_up, SignUp)
    assert heard == [SettingsChanged()]


async def test_deciding_what_is_so_tells_nobody(database, bus, heard, boss) -> None:
    """Where nothing changes, nobody has to hear of it."""
    heard.clear()
    await change_settings(database, bus, boss, {"guests": True})

    assert heard == []


@pytest.mark.parametrize("who", ["owner", "stranger"])
async def test_others_decide_nothing(database, bus, people, code_of, who) -> None:
    """Who doesn't administer the chat neither sees the settings nor changes them, whatever else they own."""
    assert await code_of(read_settings(database, people[who])) == "forbidden"
    assert await code_of(change_settings(database, bus, people[who], {"guests": False})) == "forbidden"
