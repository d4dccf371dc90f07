"""Very many clients in one process: the SDK's engine and its line, without a view, an outbox or a program.

    herd.py http://localhost:8000 tokens.txt

Each token's client keeps its connection.  Whenever all are where they should be, a line of JSON says how that
came to be: for each attempt when it was planned, and for each client when it was let in and when it had
everything, in seconds since the first had lost its connection.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path
from typing import Final

import msgspec

from hubbub import wire
from hubbub.client.guests import websocket_address
from hubbub.client.line import Line
from hubbub.client.link import State
from hubbub.client.news import Opened
from hubbub.client.sync import Sync

TOO_MANY: Final = 4005


class Return(msgspec.Struct):
    """How all came back; `since` is by the clock that all processes have in common.

    So many were `refused` as too many, some of them again and again.
    """

    since: float
    refused: int
    planned: list[float]
    admitted: list[float]
    resumed: list[float]


class Herd:
    """All clients, and when each did what."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._loop = asyncio.get_running_loop()
        self._planned: list[float] = [self._loop.time()] * size
        self._admitted: list[float] = []
        self._refused = 0
        self._resumed: dict[Member, float] = {}
        self._since = self._loop.time()

    def note_lost(self, member: Member, code: int | None, next_at: float | None) -> None:
        """Note that a client isn't there, why, and when it will try."""
        if len(self._resumed) == self._size:
            self._since = self._loop.time()
            self._planned, self._admitted, self._refused = [], [], 0
            self._resumed.clear()
        self._resumed.pop(member, None)
        self._planned.append(next_at or 0.0)
        self._refused += code == TOO_MANY

    def note_admitted(self) -> None:
        """Note that a client is let in."""
        self._admitted.append(self._loop.time())

    def note_resumed(self, member: Member) -> None:
        """Note that a client has everything; say so when all have."""
        if member not in self._resumed:
            self._resumed[member] = self._loop.time()
            if len(self._resumed) == self._size:
                self._tell()

    def _tell(self) -> None:
        since = self._since
        times = (self._planned, self._admitted, list(self._resumed.values()))
        report = Return(since, self._refused, *([time - since for time in some] for some in times))
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
        sys.stdout.buffer.flush()


class Member(Sync):
    """One client's engine, which tells the herd."""

    def __init__(self, herd: Herd, token: str) -> None:
        super().__init__(wire.Client("herd", "1"), token, random.random)
        self._herd = herd

    def disconnected(self, code: int | None, reason: str, now: float) -> None:
        """Learn that the connection is gone."""
        super().disconnected(code, reason, now)
        self._herd.note_lost(self, code, self.connect_at)

    def learn(self) -> None:
        """Look what there is to be told."""
        for news in self.take_news():
            if isinstance(news, Opened):
                self._herd.note_admitted()
        if self.state is State.OPEN and not self._asked and len(self.positions) > 1:
            self._herd.note_resumed(self)


async def main(address: str, tokens: list[str]) -> None:
    """Keep all connections until cancelled."""
    herd = Herd(len(tokens))
    async with asyncio.TaskGroup() as group:
        for token in tokens:
            member = Member(herd, token)
            group.create_task(Line(websocket_address(address), member, member.learn).run())


if __name__ == "__main__":
    # The scripts beside this one are nothing to it.
    del sys.path[0]
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_text().split()))
