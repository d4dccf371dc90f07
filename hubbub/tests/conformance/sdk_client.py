"""The SDK, for the scripts to be played to."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager, suppress

from hubbub import client


class SdkClient:
    """Keeps up with one room by the SDK alone."""

    def __init__(self) -> None:
        self._rooms = client.Rooms()
        self._changed = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    async def start(self, address: str, token: str, room: str) -> None:
        """Begin to keep up."""
        self._room = room
        site = address.replace("ws", "http", 1).removesuffix("/v1/realtime")
        self._task = asyncio.create_task(self._run(client.connect(site, token=token, follow=False)))

    async def send(self, text: str) -> None:
        """Have a message sent, whatever becomes of it."""
        self._sending.add(asyncio.create_task(self._send(text)))

    async def wait_texts(self, texts: list[str]) -> None:
        """Wait until these are the room's texts."""
        while self._texts != texts:
            self._changed.clear()
            await self._changed.wait()

    async def stop(self) -> None:
        """Be gone."""
        for task in (self._task, *self._sending):
            task.cancel()
        await asyncio.wait([self._task, *self._sending])

    @property
    def _texts(self) -> list[str]:
        room = self._rooms.get(self._room)
        return [] if room is None else [message.text for message in room.messages]

    async def _run(self, coming: AbstractAsyncContextManager[client.Client]) -> None:
        async with coming as self._client:
            self._client.subscribe(self._room)
            with suppress(client.SessionEnded):
                async for news in self._client:
                    self._rooms.learn(news)
                    self._changed.set()

    async def _send(self, text: str) -> None:
        with suppress(client.ClientError):
            await self._client.send(self._room, text)
