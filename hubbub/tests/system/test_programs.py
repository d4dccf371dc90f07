"""Programs on the client, while the chat that they are in is killed under them."""

from __future__ import annotations

import asyncio

import pytest
from faults.server import Server

from hubbub.client import connect, sign_in_guest

from ..client.listening import hear
from .clients import LOBBY

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(120)]


async def test_writes_outlive_kills(chat: Server) -> None:
    """What two programs say while the server is killed again and again is stored once, in their order."""
    ann, bo = [(await sign_in_guest(chat.address, name)).token for name in ("Ann", "Bo")]
    async with connect(chat.address, token=ann) as one, connect(chat.address, token=bo, complete=True) as two:
        texts = [f"{number}" for number in range(45)]
        hearing = asyncio.create_task(hear(two, len(texts)))
        sending = [asyncio.create_task(one.send(LOBBY, text)) for text in texts]
        for kill_at in (5, 15, 30):
            await sending[kill_at]
            await chat.stop(kill=True)
            await chat.start()
        stored = [await task for task in sending]

        assert await hearing == texts
        assert [each.q for each in stored] == sorted({each.q for each in stored})
        page = await two.history(LOBBY, before=1_000, limit=100)
        assert [message.text for message in page.msgs] == texts
