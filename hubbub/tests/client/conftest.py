"""What the tests of the client share: a chat in this process, and people in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest

from hubbub.app import run_chat
from hubbub.client import Client, connect, sign_in_guest
from hubbub.config import Settings

Enter = Callable[..., Awaitable[Client]]


@pytest.fixture
async def address(tmp_path: Path) -> AsyncIterator[str]:
    """Run a chat, and return where it is."""
    async with run_chat(Settings(port=0, data=str(tmp_path / "data"))) as address:
        yield address


@pytest.fixture
async def enter(address: str) -> AsyncIterator[Enter]:
    """Return what lets guests in."""
    async with AsyncExitStack() as stack:

        async def enter(name: str, **options: Any) -> Client:
            token = options.pop("token", "") or (await sign_in_guest(address, name)).token
            return await stack.enter_async_context(connect(address, token=token, **options))

        yield enter
