"""One connection, from its hello to its goodbye.

Knows who speaks and whether they are still there.  What they may ask for, `requests` knows.

Invariants:

1. Nothing is done for a connection that has no user.
2. Whoever ends a session, it ends by itself: between two requests, with a goodbye if the peer can hear it.
3. Between two of its requests everybody else has a turn.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol, TypeVar

from fullduplex import ConnectionClosed
from hubbub import wire
from hubbub.actions.authenticate import Arrival, digest_token
from hubbub.actions.check_disabled import is_disabled
from hubbub.actions.read_heads import read_heads
from hubbub.domain import policies
from hubbub.domain.errors import ChatError
from hubbub.domain.models import Head, User
from hubbub.realtime import showing
from hubbub.realtime.caller import Caller, Shared
from hubbub.realtime.outbound import Outbound, Writable
from hubbub.realtime.requests import Requests

log = logging.getLogger(__name__)

T = TypeVar("T")

HELLO_TIMEOUT: Final = 10.0
HEARTBEAT: Final = 25.0
HEARTBEAT_GRACE: Final = 10.0
SETTLING: Final = 2.0
"""Seconds that writes under way have to end before the connection is closed."""

# Waking so much later than asked means that this process stood still.
_STALL: Final = 1.0


class Connection(Writable, Protocol):
    """What a session needs of a WebSocket connection."""

    async def recv(self) -> str | bytes:
        """Wait for the next message."""

    async def close(self, code: int = ..., reason: str = ...) -> None:
        """Close the connection."""


@dataclass(frozen=True, slots=True)
class Goodbye:
    """Why a connection is closed, and what its client should do; `after` is in seconds."""

    code: int
    why: str
    retry: Literal["resume", "reauth", "never"]
    after: float | None = None

    def as_frame(self) -> wire.Frame:
        """Return the last frame."""
        after = None if self.after is None else round(self.after * 1000)
        return wire.encode(wire.Bye(self.code, self.why, self.retry, after))


UNKNOWN: Final = Goodbye(4000, "something went wrong", "resume")
NO_HEARTBEAT: Final = Goodbye(4002, "no heartbeat", "resume")
SLOW: Final = Goodbye(4003, "too slow", "resume")
REPLACED: Final = Goodbye(4004, "this device is here anew", "resume")
NO_HELLO: Final = Goodbye(4006, "no hello in time", "resume")
EXPIRED: Final = Goodbye(4100, "no longer signed in", "reauth")
REVOKED: Final = Goodbye(4101, "signed out", "reauth")
BAD_PROTOCOL: Final = Goodbye(4400, "hello comes first", "never")
ABUSED: Final = Goodbye(4429, "too much that can't be read", "never")
BAD_CREDENTIALS: Final = Goodbye(4401, "not signed in", "never")
DISABLED: Final = Goodbye(4403, "this account is disabled", "never")


def crowded(reason: ChatError) -> Goodbye:
    """Make the goodbye to a connection that is one too many."""
    return Goodbye(4005, "too many connections", "resume", reason.after)


class _Leaving(Exception):
    """The session has come to its end."""


class Session:
    """What becomes of one connection; `token` is what came with it, if anything did.

    `sender` stands for the address that it comes from; `arrived` is called when it is known whose it is.
    """

    __slots__ = (
        "_arrived",
        "_caller",
        "_connection",
        "_database",
        "_goodbye",
        "_heard",
        "_hub",
        "_is_listening",
        "_loop",
        "_outbound",
        "_presence",
        "_requests",
        "_sender",
        "_shared",
        "_taken",
        "_timer",
        "_token",
        "_waiting",
        "device",
        "id",
        "login",
    )

    def __init__(
        self,
        connection: Connection,
        token: str | None,
        shared: Shared,
        sender: str = "",
        arrived: Callable[[Session], None] = lambda _session: None,
    ) -> None:
        self.id = secrets.token_urlsafe(9)
        self.login = ""
        """What is revoked when the user signs out."""
        self.device: str | None = None
        """What the program calls the place that it is in, once it is signed in there; None for nothing."""
        self._connection = connection
        self._token = token
        self._sender = sender
        self._arrived = arrived
        self._shared = shared
        self._database = shared.database
        self._hub = shared.hub
        self._presence = shared.presence
        self._outbound = Outbound(connection, lambda: self.end(SLOW))
        self._caller: Caller | None = None
        self._requests: Requests | None = None
        self._goodbye: Goodbye | None = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Task[Any] | None = None
        self._is_listening = False
        self._heard = False
        self._taken: int | None = None

    async def run(self) -> None:
        """Converse until the connection or the session ends; afterwards the connection is closed."""
        try:
            await self._converse()
        except (_Leaving, ConnectionClosed):
            pass
        except Exception:
            log.exception("a session failed")
            self.end(UNKNOWN)
        finally:
            self._hub.remove(self._outbound)
            self._presence.disconnect(self._outbound)
        try:
            await self._part()
        finally:
            if self._caller is not None:
                self._shared.turnstile.sign_out(self._caller.user.id)

    def end(self, goodbye: Goodbye) -> None:
        """Let the session end as soon as the request under way is done; the first to call this is right."""
        if self._goodbye is None:
            self._goodbye = goodbye
            waiting = self._waiting
            if waiting is not None:
                self._waiting = None
                waiting.cancel()

    def rename(self, user: User) -> None:
        """Let the user go by another name, if it is theirs."""
        if self._caller is not None and self._caller.user.id == user.id:
            self._caller.user = user

    async def _converse(self) -> None:
        requests = await self._begin()
        self._timer = self._loop.call_later(HEARTBEAT, self._ask_for_life)
        try:
            while True:
                await self._take(requests, await self._receive())
        finally:
            self._timer.cancel()
            requests.close()

    async def _begin(self) -> Requests:
        hello = await self._receive_hello()
        heard = self._hub.heard
        arrival = await self._sign_in(hello.token or self._token)
        user = arrival.user
        self._count(user)
        self.device = hello.client.device
        self._arrived(self)
        features: list[str] = [feature for feature in wire.FEATURES if feature in hello.feat]
        self._caller = Caller(
            user, bytes.fromhex(self.login), self._outbound, frozenset(features), self._sender
        )
        self._requests = Requests(self._caller, self._shared)
        await self._welcome(arrival, heard, hello, features)
        return self._requests

    async def _take(self, requests: Requests, message: str | bytes) -> None:
        for frame in requests.split(message):
            await self._wait_for_room()
            await requests.take(frame)
            if requests.is_abused:
                self.end(ABUSED)
            # Receiving doesn't wait while there are requests: a flood would be done at one go.
            await asyncio.sleep(0)

    async def _receive(self) -> str | bytes:
        await self._wait_for_room()
        self._is_listening = True
        try:
            frame = await self._unless_ended(self._connection.recv())
        finally:
            self._is_listening = False
        self._heard = True
        return frame

    async def _wait_for_room(self) -> None:
        if self._outbound.is_full or self._goodbye is not None:
            await self._unless_ended(self._outbound.wait_for_room())

    async def _unless_ended(self, waiting: Coroutine[Any, Any, T]) -> T:
        """Wait for something, but not beyond the end of the session."""
        if self._goodbye is not None:
            waiting.close()
            raise _Leaving
        self._waiting = task = asyncio.current_task()
        try:
            return await waiting
        except asyncio.CancelledError:
            # Another may have cancelled it as well.
            if self._waiting is None and task is not None and not task.uncancel():
                raise _Leaving from None
            raise
        finally:
            self._waiting = None

    async def _receive_hello(self) -> wire.Hello:
        timer = self._loop.call_later(HELLO_TIMEOUT, self.end, NO_HELLO)
        try:
            hello = wire.decode(await self._receive())
        except wire.BadFrameError:
            hello = None
        finally:
            timer.cancel()
        if not isinstance(hello, wire.Hello):
            self.end(BAD_PROTOCOL)
            raise _Leaving
        return hello

    async def _sign_in(self, token: str | None) -> Arrival:
        if token is not None:
            # From here on it can be revoked, so that it isn't used after the look at the database.
            digest = digest_token(token)
            self.login = digest.hex()
            arrival = await self._shared.arrivals.find(digest)
            if arrival is not None:
                return arrival
        is_shut_out = token is not None and await is_disabled(self._database, token)
        self.end(DISABLED if is_shut_out else BAD_CREDENTIALS)
        raise _Leaving

    def _count(self, user: User) -> None:
        try:
            self._shared.turnstile.sign_in(user.id)
        except ChatError as reason:
            self.end(crowded(reason))
            raise _Leaving from reason

    async def _welcome(self, arrival: Arrival, heard: int, hello: wire.Hello, features: list[str]) -> None:
        user, heads = arrival
        inbox = self._hub.subscribe(user.id, self._outbound, user.id)
        # Whose inbox it is, was only known when it was read; what has come since then must not be missed.
        if self._hub.has_moved(user.id, heard):
            heads = await read_heads(self._database, user)
        self._outbound.answer(wire.encode(self._make_welcome(user, hello, features, heads)))
        if wire.BATCH in features:
            self._outbound.gather()
        [own] = (head for head in heads if head.stream == user.id)
        inbox.go_live(own.q)
        self._presence.connect(self._outbound, user)

    def _make_welcome(
        self, user: User, hello: wire.Hello, features: list[str], heads: Sequence[Head]
    ) -> wire.Welcome:
        limits = self._shared.turnstile.limits
        positions = {showing.stream_name(head.stream): (head.epoch, head.q) for head in heads}
        return wire.Welcome(
            sid=self.id,
            me=showing.me(user),
            now=self._database.now(),
            hb=HEARTBEAT,
            limits=wire.Limits(
                frame=wire.FRAME_BYTES,
                text=policies.TEXT_LENGTH,
                nonce_min=policies.NONCE_MIN,
                nonce_max=policies.NONCE_MAX,
                burst=limits.writes.burst,
                rate=limits.writes.per_second,
            ),
            heads={name: at for name, at in positions.items() if hello.at.get(name) != at},
            feat=features,
        )

    def _ask_for_life(self) -> None:
        self._heard = False
        if self._outbound.is_behind:
            # The client couldn't hear it before all that is ahead of it: that it takes this, is as good.
            self._taken = self._outbound.taken
        else:
            self._taken = None
            self._outbound.answer(wire.encode(wire.Ping(self._hub.heads(self._outbound))))
        self._await_life()

    def _await_life(self) -> None:
        due = self._loop.time() + HEARTBEAT_GRACE
        self._timer = self._loop.call_later(HEARTBEAT_GRACE, self._look_for_life, due)

    def _look_for_life(self, due: float) -> None:
        # Nothing can be heard while a request is being done, or its answer waits for room.
        if self._heard or not self._is_listening:
            self._timer = self._loop.call_later(HEARTBEAT, self._ask_for_life)
        elif self._taken is not None and self._outbound.taken > self._taken:
            self._ask_for_life()
        elif self._loop.time() - due < _STALL:
            self.end(NO_HEARTBEAT)
        else:
            self._await_life()

    async def _part(self) -> None:
        await self._settle()
        if self._goodbye is None:
            self._outbound.close()
        else:
            self._outbound.finish(self._goodbye.as_frame())
            await self._connection.close(self._goodbye.code, self._goodbye.why)

    async def _settle(self) -> None:
        """Let writes under way end, unless they are no longer allowed."""
        if self._requests is None:
            return
        if self._goodbye is not None and self._goodbye.retry != "resume":
            self._requests.cancel()
            return
        try:
            async with asyncio.timeout(SETTLING):
                await self._requests.settle()
        except TimeoutError:
            self._requests.cancel()
