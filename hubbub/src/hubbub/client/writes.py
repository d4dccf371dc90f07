"""What is to be written, until the server has it.

Knows nonces, and who goes first.  Doesn't know what is written, nor where it is kept meanwhile.

Invariants:

1. The writes to a stream are sent in the order in which they were added.
2. A write keeps its nonce, and its place, until it is done or refused for good.
3. After one was refused for now, none to its stream is sent until those under way are answered; then it is
   the first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from hubbub import wire
from hubbub.client.backoff import Random, wait_for

Request: TypeAlias = wire.Send | wire.Edit | wire.Delete | wire.React | wire.Pin | wire.Call


def nonce_of(request: Request) -> str:
    """Return what makes it one write, however often it is sent."""
    assert request.n is not None
    return request.n


def stream_of(request: Request) -> str:
    """Return the stream that it writes to; nothing for what has none."""
    return request.s if isinstance(request, wire.Write) else msgspec.json.decode(request.p, type=_Where).s


class _Where(msgspec.Struct):
    s: str = ""


@dataclass(slots=True)
class _Lane:
    stream: str
    waiting: dict[str, Request] = field(default_factory=dict)
    sent: set[str] = field(default_factory=set)
    held_until: float | None = None
    refused: str | None = None
    """The one that the server waits for, before it does any other."""
    failures: int = 0

    @property
    def first(self) -> Request | None:
        """The first that isn't under way."""
        return next((request for nonce, request in self.waiting.items() if nonce not in self.sent), None)

    def may_send(self, now: float) -> bool:
        """Say whether the first may be sent now."""
        return self.held_until is None or (not self.sent and now >= self.held_until)


class Writes:
    """The writes of one user."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._lanes: dict[str, _Lane] = {}
        self._lane_of: dict[str, _Lane] = {}
        self._sent: dict[int, Request] = {}
        self._limits: wire.Limits | None = None
        self._tokens = 0.0
        self._counted_at = 0.0

    def __contains__(self, nonce: str) -> bool:
        return nonce in self._lane_of

    def __len__(self) -> int:
        return len(self._lane_of)

    def __iter__(self) -> Iterator[Request]:
        return (request for lane in self._lanes.values() for request in lane.waiting.values())

    def add(self, request: Request) -> None:
        """Take a write; one that is there already stays where it is."""
        nonce, stream = nonce_of(request), stream_of(request)
        if nonce not in self:
            lane = self._lanes.setdefault(stream, _Lane(stream))
            lane.waiting[nonce] = request
            self._lane_of[nonce] = lane

    def open(self, limits: wire.Limits, now: float) -> None:
        """Begin to send on a connection, as fast as it may be."""
        self._limits = limits
        self._tokens, self._counted_at = limits.burst, now

    def lose(self) -> None:
        """Take what wasn't answered as not sent: the connection is gone."""
        self._limits = None
        self._sent.clear()
        for lane in self._lanes.values():
            lane.sent.clear()
            lane.held_until = lane.refused = None
            lane.failures = 0

    def next(self, request: int, now: float) -> Request | None:
        """Return what to send next under this number, if anything may be; it is under way then."""
        if self._limits is None or len(self._sent) >= self._limits.requests:
            return None
        self._count(self._limits, now)
        if self._tokens < 1:
            return None
        for lane in self._lanes.values():
            if (first := lane.first) is not None and lane.may_send(now):
                return self._begin(request, lane, first)
        return None

    def due(self) -> float | None:
        """Return when there will be something to send that there isn't now."""
        if self._limits is None or len(self._sent) >= self._limits.requests:
            return None
        allowed = self._counted_at + max(0.0, 1 - self._tokens) / self._limits.rate
        idle = [lane for lane in self._lanes.values() if len(lane.sent) < len(lane.waiting)]
        times = [lane.held_until or 0.0 for lane in idle if lane.held_until is None or not lane.sent]
        return max(allowed, min(times)) if times else None

    def sent_as(self, request: int) -> Request | None:
        """Return what is under way under a number."""
        return self._sent.get(request)

    def is_under_way(self, nonce: str) -> bool:
        """Say whether the server may be doing it at this moment."""
        return nonce in self and nonce in self._lane_of[nonce].sent

    def settle(self, request: int) -> str:
        """Forget what is done, or refused for good; return its nonce."""
        nonce = nonce_of(self._sent.pop(request))
        self._lane_of[nonce].failures = 0
        self._forget(nonce)
        return nonce

    def hold(self, request: int, error: wire.Err, now: float) -> None:
        """Keep what is refused for now, and let it be the next of its stream."""
        nonce = nonce_of(self._sent.pop(request))
        lane = self._lane_of[nonce]
        lane.sent.discard(nonce)
        lane.refused = lane.refused or nonce
        if lane.held_until is None:
            lane.failures += 1
            lane.held_until = now + wait_for(error.after, lane.failures, self._random)

    def give_up(self, nonce: str) -> wire.Skip | None:
        """Forget what isn't under way; return what the server is told that waits for it."""
        lane = self._lane_of[nonce]
        self._forget(nonce)
        if lane.refused != nonce:
            return None
        lane.refused = lane.held_until = None
        return wire.Skip(0, lane.stream, nonce) if lane.stream else None

    def _begin(self, number: int, lane: _Lane, request: Request) -> Request:
        nonce = nonce_of(request)
        lane.held_until = None
        if lane.refused == nonce:
            lane.refused = None
        lane.sent.add(nonce)
        self._sent[number] = request
        self._tokens -= 1
        # The next turn is another stream's.
        self._lanes[lane.stream] = self._lanes.pop(lane.stream)
        return msgspec.structs.replace(request, id=number)

    def _forget(self, nonce: str) -> None:
        lane = self._lane_of.pop(nonce)
        lane.sent.discard(nonce)
        del lane.waiting[nonce]
        if not lane.waiting:
            del self._lanes[lane.stream]

    def _count(self, limits: wire.Limits, now: float) -> None:
        self._tokens = min(limits.burst, self._tokens + max(0.0, now - self._counted_at) * limits.rate)
        self._counted_at = max(now, self._counted_at)
