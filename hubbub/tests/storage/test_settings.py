"""What is decided, as it is kept."""

from __future__ import annotations

from hubbub.domain.settings import ServerSettings, SignUp
from hubbub.storage import settings


async def test_decided_takes_the_place_of_default(connection) -> None:
    """What was put last is found, and the default of all else."""
    assert await settings.find(connection) == ServerSettings()

    for mode in (SignUp.CLOSED, SignUp.INVITE):
        await settings.put(connection, "sign_up", mode)

    assert await settings.find(connection) == ServerSettings(sign_up=SignUp.INVITE)
