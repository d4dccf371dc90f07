"""A server in few words: its rooms are lists, and what it does wrong is said by whoever turns it."""

from __future__ import annotations

from collections import deque
from typing import Any

from .scripted import Desk, delta, event, inbox, log, refusal, reset, stored

DELTA = 3
"""So few events fit into a delta."""
PAGE = 2


class Server:
    """The other side of a desk: rooms, and frames on their way in both directions."""

    def __init__(self, desk: Desk, *rooms: str) -> None:
        self.desk = desk
        self.rooms: dict[str, list[dict[str, Any]]] = {room: [] for room in rooms}
        self.epoch = 1
        self.is_busy = False
        self.inbound: deque[dict[str, Any]] = deque()
        self.outbound: deque[dict[str, Any]] = deque()
        self._live: set[str] = set()
        self._held: dict[str, str] = {}
        self.is_open = False

    # The connection

    def connect(self) -> None:
        """Open a session."""
        if not self.is_open:
            self.is_open = True
            self._live.clear()
            self._held.clear()
            self.inbound.extend(self.desk.open())

    def disconnect(self) -> None:
        """Break the connection, with all that is on its way."""
        if self.is_open:
            self.is_open = False
            self.inbound.clear()
            self.outbound.clear()
            self.desk.sync.disconnected(None, "", self.desk.now)

    def hear(self) -> None:
        """Take what the client has said first."""
        self.inbound.extend(self.desk.heard())
        if self.is_open and self.inbound:
            self._do(self.inbound.popleft())

    def deliver(self) -> None:
        """Let the client have what was said first."""
        if self.is_open and self.outbound:
            self.inbound.extend(self.desk.say(self.outbound.popleft()))

    def flow(self) -> None:
        """Let everything arrive that is on its way."""
        while self.is_open and (self.inbound or self.outbound):
            self.hear()
            self.deliver()

    def settle(self) -> None:
        """Let everything be said and heard, with heartbeats, until nothing is left to say."""
        self.is_busy = False
        for _ in range(60):
            self.flow()
            self.inbound.extend(self.desk.advance(1.0))
            if self.is_open and not self.inbound:
                heads = {room: len(self.rooms[room]) for room in self._live}
                self.outbound.append({"t": "ping", "heads": heads})

    # What happens

    def post(self, room: str, nonce: str = "", by: str = "u_bo") -> int:
        """Store a message, and tell who is there."""
        q = len(self.rooms[room]) + 1
        said = event(q, room, n=nonce or f"theirs-{q}", text="hi") | {"by": by}
        self.rooms[room].append(said)
        if room in self._live:
            self.outbound.append(said)
        return q

    def restore(self, room: str) -> None:
        """Lose the last messages, as by restoring a backup."""
        self.disconnect()
        self.epoch += 1
        for each, events in self.rooms.items():
            if each == room:
                del events[-2:]

    # Requests

    def _do(self, frame: dict[str, Any]) -> None:
        answer = getattr(self, f"_{frame['t']}", None)
        if answer is not None:
            self.outbound.extend(answer(frame))

    def _sub(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        number, room = frame["id"], frame["s"]
        if room == "me":
            return [inbox(number, 0)]
        self._live.add(room)
        events = self.rooms[room]
        epoch, q = frame.get("at", (0, 0))
        if epoch == self.epoch and 0 <= len(events) - q <= DELTA:
            return [delta(number, len(events), epoch=self.epoch) | {"ev": events[q:]}]
        return [reset(number, len(events), self.epoch, room)]

    def _log(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        events, after = self.rooms[frame["s"]], frame["after"]
        page = log(frame["id"], len(events), more=after + PAGE < len(events), epoch=self.epoch)
        return [page | {"ev": events[after : after + PAGE]}]

    def _send(self, frame: dict[str, Any]) -> list[dict[str, Any]]:
        number, room, nonce = frame["id"], frame["s"], frame["n"]
        if self._held.get(room, nonce) != nonce or self.is_busy:
            self._held.setdefault(room, nonce)
            return [refusal(number, "unavailable", retry=True)]
        self._held.pop(room, None)
        found = [each["q"] for each in self.rooms[room] if each["d"]["n"] == nonce]
        return (
            [stored(number, found[0]) | {"dup": True}] if found else [stored(number, self._post(room, nonce))]
        )

    def _post(self, room: str, nonce: str) -> int:
        return self.post(room, nonce, "u_ann")
