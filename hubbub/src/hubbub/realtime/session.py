"""One connection, from its hello to its goodbye.

Knows who speaks and whether they are still there.  What they may ask for, `requests` knows.

Invariants:

1. Nothing is done for a connection that has no user.
2. Whoever ends a session, it ends by itself: between two requests, with a goodbye if the peer can hear it.
3. Between two of its requests everybody else has a turn.
4. What was said before the connection was closed is done, in the order in which it was said.
5. While nothing is asked for there is no task: most sessions are idle most of the time, and there are many.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Literal, Protocol

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
from hubbub.realtime.waits import Waits

log = logging.getLogger(__name__)

HELLO_TIMEOUT: Final = 10.0
HEARTBEAT: Final = 25.0
HEARTBEAT_GRACE: Final = 10.0
SETTLING: Final = 2.0
"""Seconds that writes under way have to end before the connection is closed."""
UNREAD: Final = 16
"""When so many messages wait to be taken, no more are read until all are."""
UNREAD_SIZE: Final = 1024 * 1024
"""So do as many characters or bytes."""

# Waking so much later than asked means that this process stood still.
_STALL: Final = 1.0


class Connection(Writable, Protocol):
    """What a session needs of a WebSocket connection: one that tells of messages and its end by events."""

    def on(self, event: str, listener: Callable[..., object], /) -> object:
        """Call a listener at each "message", or at the "close", which comes last."""

    def off(self, event: str, listener: Callable[..., object], /) -> object:
        """Call a listener no more."""

    def pause(self) -> None:
        """Tell of no more messages until `resume`."""

    def resume(self) -> None:
        """Go on telling."""

    def close(self, code: int = ..., reason: str = ..., /) -> None:
        """Begin to close the connection."""


class Keeper(Protocol):
    """Who has to know of sessions."""

    times: Times

    def arrive(self, session: Session) -> None:
        """It is known whose it is, and where."""

    def leave(self, session: Session) -> None:
        """It is over, and its connection closed."""


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


class Times:
    """How long the sessions of one keeper wait: for the hello, until the next ping, and for its answer."""

    def __init__(self) -> None:
        self.hello = Waits[Session](HELLO_TIMEOUT, lambda session, _due: session.end(NO_HELLO))
        self.quiet = Waits[Session](HEARTBEAT, lambda session, _due: session.ask_for_life())
        self.grace = Waits[Session](HEARTBEAT_GRACE, Session.look_for_life)

    def stop(self, session: Session) -> None:
        """Let a session wait for nothing more."""
        for waits in (self.hello, self.quiet, self.grace):
            waits.stop(session)


class _Leaving(Exception):
    """The session has come to its end."""


class Session:
    """What becomes of one connection; `token` is what came with it, if anything did.

    `sender` stands for the address that it comes from.
    """

    __slots__ = (
        "_caller",
        "_closed",
        "_connection",
        "_goodbye",
        "_heard",
        "_is_gone",
        "_is_paused",
        "_keeper",
        "_outbound",
        "_requests",
        "_shared",
        "_taken",
        "_task",
        "_token",
        "_unread",
        "device",
        "login",
        "sender",
    )

    def __init__(
        self, connection: Connection, token: str | None, shared: Shared, keeper: Keeper, sender: str = ""
    ) -> None:
        self.login = b""
        """The digest of what the user is known by: what is revoked when they sign out."""
        self.device: str | None = None
        """What the program calls the place that it is in, once it is signed in there; None for nothing."""
        self.sender = sender
        self._connection = connection
        self._token = token
        self._keeper = keeper
        self._shared = shared
        self._outbound = Outbound(connection, self._be_slow)
        self._caller: Caller | None = None
        self._requests: Requests | None = None
        self._goodbye: Goodbye | None = None
        # Messages that weren't taken yet: nearly always none.
        self._unread: tuple[str | bytes, ...] = ()
        self._is_paused = False
        self._task: asyncio.Task[None] | None = None
        self._is_gone = False
        self._closed: asyncio.Future[None] | None = None
        self._heard = False
        self._taken: int | None = None
        keeper.times.hello.begin(self)
        connection.on("message", self._hear)
        connection.on("close", self._hang_up)

    @property
    def waiting(self) -> int:
        """How many frames wait for the peer."""
        return self._outbound.waiting

    @property
    def goodbye(self) -> Goodbye | None:
        """Why it ends, if it was ended here."""
        return self._goodbye

    def end(self, goodbye: Goodbye) -> None:
        """Let the session end as soon as the request under way is done; the first to call this is right."""
        if self._goodbye is None:
            self._goodbye = goodbye
            self._outbound.wake()
            self._go_on()

    def rename(self, user: User) -> None:
        """Let the user go by another name, if it is theirs."""
        if self._caller is not None and self._caller.user.id == user.id:
            self._caller.user = user

    def _be_slow(self) -> None:
        self.end(SLOW)

    # What the connection tells

    def _hear(self, message: str | bytes, _is_binary: bool) -> None:
        self._heard = True
        if self._goodbye is not None:
            return
        self._unread = (*self._unread, message)
        if len(self._unread) >= UNREAD or sum(map(len, self._unread)) >= UNREAD_SIZE:
            self._is_paused = True
            self._connection.pause()
        self._go_on()

    def _hang_up(self, _code: int, _reason: str) -> None:
        self._is_gone = True
        # Neither keeps the other then: garbage of a crowd that comes and goes would be collected much later.
        self._connection.off("message", self._hear)
        self._connection.off("close", self._hang_up)
        self._outbound.close()
        if self._closed is not None and not self._closed.done():
            self._closed.set_result(None)
        self._go_on()

    def _go_on(self) -> None:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())

    # What is done about it

    async def _work(self) -> None:
        """Do what was asked for, one after another, and part if that was all."""
        try:
            while self._unread and self._goodbye is None:
                await self._take(self._next())
                if self._unread:
                    await asyncio.sleep(0)
        except _Leaving:
            pass
        except Exception:
            log.exception("a session failed")
            self.end(UNKNOWN)
        if self._goodbye is not None or self._is_gone:
            # Whatever happens now, there is nothing to go on with: the task stays.
            await self._part()
        else:
            self._task = None

    def _next(self) -> str | bytes:
        message, self._unread = self._unread[0], self._unread[1:]
        if self._is_paused and not self._unread:
            self._is_paused = False
            self._connection.resume()
        return message

    async def _take(self, message: str | bytes) -> None:
        requests = self._requests
        if requests is None:
            await self._begin(message)
            return
        for place, frame in enumerate(requests.split(message)):
            if place:
                await asyncio.sleep(0)
            await self._wait_for_room()
            await requests.take(frame)
            if requests.is_abused:
                self.end(ABUSED)

    async def _wait_for_room(self) -> None:
        if self._goodbye is None:
            await self._outbound.wait_for_room()
        if self._goodbye is not None:
            raise _Leaving

    async def _begin(self, message: str | bytes) -> None:
        self._keeper.times.hello.stop(self)
        hello = self._read_hello(message)
        heard = self._shared.hub.heard
        arrival = await self._sign_in(hello.token or self._token)
        user = arrival.user
        self._count(user)
        self.device = hello.client.device
        self._keeper.arrive(self)
        features: list[str] = [feature for feature in wire.FEATURES if feature in hello.feat]
        self._caller = Caller(
            user,
            self.login,
            self._outbound,
            _agreed(tuple(features)),
            self.sender,
            self._shared.refusals,
        )
        self._requests = Requests(self._caller, self._shared)
        await self._welcome(arrival, heard, hello, features)
        self._keeper.times.quiet.begin(self)

    def _read_hello(self, message: str | bytes) -> wire.Hello:
        try:
            hello = wire.decode(message)
        except wire.BadFrameError:
            hello = None
        if not isinstance(hello, wire.Hello):
            self.end(BAD_PROTOCOL)
            raise _Leaving
        return hello

    async def _sign_in(self, token: str | None) -> Arrival:
        self._token = None
        if token is not None:
            # From here on it can be revoked, so that it isn't used after the look at the database.
            self.login = digest_token(token)
            arrival = await self._shared.arrivals.find(self.login)
            if arrival is not None:
                return arrival
        is_shut_out = token is not None and await is_disabled(self._shared.database, token)
        self.end(DISABLED if is_shut_out else BAD_CREDENTIALS)
        raise _Leaving

    def _count(self, user: User) -> None:
        try:
            self._shared.turnstile.sign_in(user.id)
        except ChatError as reason:
            self.end(crowded(reason))
            raise _Leaving from reason

    async def _welcome(self, arrival: Arrival, heard: int, hello: wire.Hello, features: list[str]) -> None:
        (user, heads), hub = arrival, self._shared.hub
        inbox = hub.subscribe(user.id, self._outbound, user.id)
        # Whose inbox it is, was only known when it was read; what has come since then must not be missed.
        if hub.has_moved(user.id, heard):
            heads = await read_heads(self._shared.database, user)
        self._outbound.answer(wire.encode(self._make_welcome(user, hello, features, heads)))
        if wire.BATCH in features:
            self._outbound.gather()
        [own] = (head for head in heads if head.stream == user.id)
        inbox.go_live(own.q)
        self._shared.presence.connect(self._outbound, user)

    def _make_welcome(
        self, user: User, hello: wire.Hello, features: list[str], heads: Sequence[Head]
    ) -> wire.Welcome:
        limits = self._shared.turnstile.limits
        positions = {showing.stream_name(head.stream): (head.epoch, head.q) for head in heads}
        return wire.Welcome(
            sid=secrets.token_urlsafe(9),
            me=showing.me(user),
            now=self._shared.database.now(),
            hb=HEARTBEAT,
            limits=wire.Limits(
                frame=wire.FRAME_BYTES,
                text=policies.TEXT_LENGTH,
                nonce_min=policies.NONCE_MIN,
                nonce_max=policies.NONCE_MAX,
                burst=limits.writes.burst,
                rate=limits.writes.per_second,
                file=limits.file_bytes,
            ),
            heads={name: at for name, at in positions.items() if hello.at.get(name) != at},
            feat=features,
        )

    # Whether anybody is still there

    def ask_for_life(self) -> None:
        """Ask whether anybody is there, and say how far the streams are."""
        self._heard = False
        if self._outbound.is_behind:
            # The client couldn't hear it before all that is ahead of it: that it takes this, is as good.
            self._taken = self._outbound.taken
        else:
            self._taken = None
            self._outbound.answer(wire.encode(wire.Ping(self._shared.hub.heads(self._outbound))))
        self._keeper.times.grace.begin(self)

    def look_for_life(self, due: float) -> None:
        """See whether anything was heard since then; that was due some time ago, or just now."""
        # Nothing may be heard while a request is being done.
        if self._heard or self._task is not None:
            self._keeper.times.quiet.begin(self)
        elif self._outbound.is_blocked or self._has_taken():
            # Nor while the peer has to take what was sent first: one that takes nothing is too slow.
            self.ask_for_life()
        elif asyncio.get_running_loop().time() - due < _STALL:
            self.end(NO_HEARTBEAT)
        else:
            self._keeper.times.grace.begin(self)

    def _has_taken(self) -> bool:
        return self._taken is not None and self._outbound.taken > self._taken

    # The end

    async def _part(self) -> None:
        self._keeper.times.stop(self)
        if self._requests is not None:
            self._requests.close()
        self._shared.hub.remove(self._outbound)
        self._shared.presence.disconnect(self._outbound)
        try:
            await self._settle()
            if self._goodbye is not None and not self._is_gone:
                await self._say_goodbye(self._goodbye)
        finally:
            if self._caller is not None:
                self._shared.turnstile.sign_out(self._caller.user.id)
            self._keeper.leave(self)

    async def _say_goodbye(self, goodbye: Goodbye) -> None:
        self._outbound.finish(goodbye.as_frame())
        self._closed = asyncio.get_running_loop().create_future()
        self._connection.close(goodbye.code, goodbye.why)
        await self._closed

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


@functools.cache
def _agreed(features: tuple[str, ...]) -> frozenset[str]:
    """Return features as a set: one for all connections that agreed on the same."""
    return frozenset(features)
