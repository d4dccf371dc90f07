"""Clients of the protocol, without a browser.

To them frames are plain JSON: what reads and writes them in the server isn't tested by itself.
"""

from __future__ import annotations

import json
from collections import deque
from typing import Any

import httpx

from fullduplex import ClientConnection, connect

LOBBY = "r_lobby"
CLIENT = {"name": "test", "ver": "1"}


async def sign_in(address: str, name: str) -> str:
    """Become a guest, and return the token."""
    async with httpx.AsyncClient(base_url=address) as http:
        answer = await http.post("/v1/guests", json={"name": name})
        return answer.cookies["hubbub_session"]


def dial(address: str, token: str | None, **options: Any) -> connect:
    """Prepare a connection as a browser's page would make it; options replace what that is."""
    cookies = {"Cookie": f"hubbub_session={token}"} if token else {}
    defaults = {"origin": address, "subprotocols": ["hubbub.v1"], "additional_headers": cookies}
    return connect(address.replace("http", "ws", 1) + "/v1/realtime", **defaults | options)


class Client:
    """Someone on a connection: asks, and hears."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.welcome: dict[str, Any] = {}
        self._frames: deque[dict[str, Any]] = deque()
        self._requests = 0

    async def hello(self, **fields: object) -> dict[str, Any]:
        """Open the session."""
        await self.tell("hello", client=CLIENT, **fields)
        self.welcome = await self.hear("welcome")
        return self.welcome

    async def tell(self, t: str, **fields: object) -> None:
        """Send a frame."""
        await self.connection.send(json.dumps({"t": t} | fields))

    async def ask(self, t: str, **fields: object) -> dict[str, Any]:
        """Send a request, and wait for its answer; other frames are kept."""
        self._requests += 1
        await self.tell(t, id=self._requests, **fields)
        return await self._wait(lambda frame: frame.get("id") == self._requests)

    async def send(self, nonce: str, text: str = "hi") -> dict[str, Any]:
        """Send a message to the lobby, and wait for the answer."""
        return await self.ask("send", s=LOBBY, n=nonce, d={"text": text})

    async def hear(self, *kinds: str) -> dict[str, Any]:
        """Return the next frame of one of these kinds; others are kept."""
        return await self._wait(lambda frame: frame["t"] in kinds)

    async def hear_events(self, count: int) -> list[dict[str, Any]]:
        """Return the next events."""
        return [await self.hear("ev") for _ in range(count)]

    async def _wait(self, wanted: Any) -> dict[str, Any]:
        for frame in self._frames:
            if wanted(frame):
                self._frames.remove(frame)
                return frame
        while True:
            frame = json.loads(await self.connection.recv())
            if wanted(frame):
                return frame
            self._frames.append(frame)


async def read_log(client: Client) -> list[dict[str, Any]]:
    """Return every message of the lobby, page by page."""
    log: list[dict[str, Any]] = []
    more = True
    while more:
        page = await client.ask("hist", s=LOBBY, after=log[-1]["q"] if log else 0, limit=100)
        log += page["msgs"]
        more = page["more"]
    return log
