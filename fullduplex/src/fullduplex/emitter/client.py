"""``WebSocket``: ws's client, which tells of its opening as well.

It knows what a program is told of an opening that works, fails or leads
elsewhere.  It doesn't know the handshake, which is the protocol's, nor how a
server is reached, which is ``aio``'s.

Invariants:

1. Listeners that are added in the turn in which it is made miss nothing.
2. "close" is emitted once, and last; "error" comes before it if the connection didn't open,
   unless "unexpected-response" has told why.
3. No attempt begins before the transport of the last one has gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from typing import Any, Self, cast

from ..aio.client import USER_AGENT, Handshake, make_protocol, open_transport
from ..aio.opening import ProxyOption, check_ssl
from ..aio.redirect import MAX_REDIRECTS, redirected
from ..close import CloseCode
from ..exceptions import InvalidStatus, NegotiationError, SecurityError
from ..observe.observer import ObserverOption
from ..protocol.client import ClientConnection as ClientProtocol
from ..protocol.headers import Headers, HeadersLike
from ..protocol.http11 import Request
from ..protocol.limits import Limits
from ..protocol.states import State
from ..protocol.uri import URI
from ..transport.connection import Connection as BaseConnection
from ..transport.connection import Handshaker, Marks, Settings
from ..transport.observed import Observation
from .connection import EventConnection, Unanswering
from .options import Deflate, check_unavailable, extensions_of, read_address, with_credentials

__all__ = ["WebSocket"]

_UNOPENED = "closed before the connection was open"
#: What keeps connections alive that nobody holds: an event loop doesn't, if they are paused.
_alive: set[asyncio.Task[None]] = set()


class _Unanswering(Unanswering, ClientProtocol):
    """A client's side that doesn't answer pings."""


class WebSocket(EventConnection):
    """A client's connection that tells of everything by events.

    Made while an event loop runs, it connects at once, and listeners added
    before the next ``await`` miss nothing; otherwise ``run()`` is for scripts
    and ``async with`` for programs.  When the loop is shut down, an open
    connection leaves with 1001.

    Events, with what their listeners are given:

    ``upgrade(response)``: the server agrees; the connection isn't open yet.
    ``open()``: it is open.
    ``message(data, is_binary)``, ``ping(data)``, ``pong(data)``.
    ``redirect(url, request)``: a redirect is about to be followed; the headers of ``request`` may
    be changed.
    ``unexpected-response(request, response)``: the server refuses. With a listener
    of it there is no "error" about that.
    ``error(exception)``: the connection didn't open, broke or was failed.
    ``close(code, reason)``: it is over; 1006 if it didn't open.

    Args:
        address: ``ws:``, ``wss:``, ``http:`` or ``https:``, read as browsers read it, or
            ``ws+unix:``, the path of a Unix socket, a colon and the path to ask for. User name and
            password become Basic authentication.
        protocols: a subprotocol, or several in order of preference; the server has to choose one.
        autoPong: whether pings are answered without asking; if not, ``pong`` is the program's.
        auth: user name, a colon and password, unless ``address`` or ``headers`` have them.
        finishRequest: called with each request and the ``WebSocket`` before the request is sent; it
            may change its headers.
        followRedirects: whether redirects are followed, as ``fullduplex.connect`` does.
        handshakeTimeout: seconds for the handshake, which begin anew with each redirect; None
            waits for ever.
        headers: more headers of the request.
        maxPayload: bytes of the largest message, after decompression; None for no limit.
        maxRedirects: how many redirects are followed in a row.
        origin: value of the Origin header.
        perMessageDeflate: whether to offer compression, or with which parameters, as with
            ``WebSocketServer``.
        protocolVersion: can only be 13.
        skipUTF8Validation: can only be False.
        allowSynchronousEvents: can only be True.
        proxy: None for none, True for the one that the environment names, or its address.

    These are ws's, but for ``proxy``, which is its ``agent``; the other arguments
    are those of ``fullduplex.connect``, ``ssl``, ``sock`` and ``path`` among them.

    Raises:
        InvalidURI: if ``address`` isn't one.
        TypeError: for an option of ws that has another name here.
        ValueError: for options that make no sense, or can't be had.
    """

    def __init__(
        self,
        address: str,
        protocols: str | Sequence[str] | None = None,
        *,
        autoPong: bool = True,
        auth: str | None = None,
        finishRequest: Callable[[Request, WebSocket], object] | None = None,
        followRedirects: bool = False,
        handshakeTimeout: float | None = 10,
        headers: HeadersLike | None = None,
        maxPayload: int | None = 2**20,
        maxRedirects: int = MAX_REDIRECTS,
        origin: str | None = None,
        perMessageDeflate: Deflate = True,
        protocolVersion: int = 13,
        skipUTF8Validation: bool = False,
        allowSynchronousEvents: bool = True,
        proxy: ProxyOption = None,
        limits: Limits | None = None,
        ping_interval: float | None = 20,
        ping_timeout: float | None = 20,
        close_timeout: float | None = 10,
        write_limit: Marks = 32_768,
        buffer_limit: int | None = 2**26,
        logger: logging.Logger | None = None,
        observer: ObserverOption = None,
        **options: Any,
    ) -> None:
        EventConnection.__init__(self)
        check_unavailable(
            options,
            skipUTF8Validation=skipUTF8Validation,
            allowSynchronousEvents=allowSynchronousEvents,
            protocolVersion=protocolVersion,
        )
        self._url, uri, place = read_address(address)
        self._additional_headers = Headers(headers or ())
        self._options: dict[str, Any] = {"proxy": proxy, **place, **options}
        check_ssl(uri, self._options.get("ssl"))
        self._subprotocols = [protocols] if isinstance(protocols, str) else list(protocols or ())
        self._protocol_options: dict[str, Any] = {
            "origin": origin,
            "extensions": extensions_of(perMessageDeflate),
            "subprotocols": self._subprotocols,
            "compression": None,
            "user_agent_header": USER_AGENT,
            "max_size": maxPayload,
            "limits": limits,
            "create_protocol": ClientProtocol if autoPong else _Unanswering,
        }
        self._client_settings = Settings(
            ping_interval=ping_interval,
            ping_timeout=ping_timeout,
            close_timeout=close_timeout,
            write_limit=write_limit,
            buffer_limit=buffer_limit,
        )
        self._observation = Observation(observer, logger or logging.getLogger("fullduplex.client"))
        self._finish_request = finishRequest
        self._handshake_timeout = handshakeTimeout
        if maxRedirects < 0:
            raise ValueError("maxRedirects must not be negative")
        self._redirects_left = maxRedirects if followRedirects else None
        self._stage = State.CONNECTING
        self._failure: Exception | None = None
        self._deadline: asyncio.Timeout | None = None
        # Set when it is open, or won't be; and after "close".
        self._decided, self._over = asyncio.Event(), asyncio.Event()
        loop: asyncio.AbstractEventLoop | None = None
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
        # Nothing uses the loop before there is one.
        self.loop = cast(asyncio.AbstractEventLoop, loop)
        self._ask(with_credentials(uri, auth, self._additional_headers), is_redirect=False)
        self._life: asyncio.Task[None] | None = None
        if loop is not None:
            self._begin()

    def _begin(self) -> None:
        """Begin to connect, if that isn't begun."""
        if self._life is None:
            self.loop = asyncio.get_running_loop()
            self._life = self.loop.create_task(self._live())
            _alive.add(self._life)
            self._life.add_done_callback(_alive.discard)

    @property
    def url(self) -> str:
        """The address, in its normal form; after a redirect, where that has led."""
        return self._url

    def close(self, code: int = CloseCode.NO_STATUS_RCVD, reason: str = "") -> None:
        """Begin to close the connection; ``close`` is emitted when it is done.

        One that isn't open yet won't open: that is an ``error`` first.

        Raises:
            LocalProtocolError: for a code or reason that may not be sent.
        """
        if self._stage is State.CONNECTING:
            self._give_up(ConnectionAbortedError(_UNOPENED))
        elif self._stage is None:
            super().close(code, reason)

    def terminate(self) -> None:
        """Cut the connection without a closing handshake; before it is open, as ``close``."""
        if self._stage is State.CONNECTING:
            self.close()
        else:
            super().terminate()

    # For scripts and programs

    def run(self) -> None:
        """Connect, and tell of everything until closed, or the process is interrupted; for scripts.

        Interrupted, it closes with 1001.  A connection that doesn't open is an
        ``error``, and raises nothing.
        """
        with contextlib.suppress(KeyboardInterrupt):
            asyncio.run(self._run())

    async def _run(self) -> None:
        try:
            await self.wait_closed()
        finally:
            self.close(CloseCode.GOING_AWAY)
            await self.wait_closed()

    async def wait_open(self) -> None:
        """Wait until the connection is open; return at once if it has been.

        Cancelling stops only the waiting.

        Raises:
            InvalidHandshake: if the opening handshake failed.
            OSError: if the transport couldn't be opened, or ``close`` came first.
            TimeoutError: if the connection wasn't open in time.
        """
        self._begin()
        await self._decided.wait()
        if self._failure is not None:
            raise self._failure

    async def wait_closed(self) -> None:
        """Wait until ``close`` was emitted; cancelling stops only the waiting."""
        self._begin()
        assert self._life is not None
        await asyncio.shield(self._life)

    async def __aenter__(self) -> Self:
        await self.wait_open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *details: object) -> None:
        self.close(CloseCode.NORMAL_CLOSURE if kind is None else CloseCode.INTERNAL_ERROR)
        await self.wait_closed()

    # Opening

    def _ask(self, uri: URI, *, is_redirect: bool) -> None:
        """Have a request ready, and be a connection that hasn't begun."""
        protocol = make_protocol(uri, additional_headers=self._additional_headers, **self._protocol_options)
        BaseConnection.__init__(self, protocol, Handshaker(), self._client_settings, self.loop)
        #: Set when the transport has gone.
        self._gone = asyncio.Event()
        assert protocol.request is not None
        if is_redirect:
            self.emit("redirect", self._url, protocol.request)
        if self._finish_request is not None:
            self._finish_request(protocol.request, self)
        protocol.request_changed()

    async def _live(self) -> None:
        """Open, tell of what keeps it from opening, and be there until the end."""
        # Tasks may be eager: listeners come first.
        await asyncio.sleep(0)
        try:
            if self._failure is None:
                await self._open()
            if self._failure is not None:
                if self._transport is not None:
                    await self._gone.wait()
                self._tell_failure(self._failure)
            await self._over.wait()
        except asyncio.CancelledError:
            self._go_away()
            raise

    async def _open(self) -> None:
        """Open the connection in time; what fails is in ``_failure``."""
        try:
            async with asyncio.timeout(None) as self._deadline:
                await self._follow()
        except Exception as error:
            is_late = self._deadline is not None and self._deadline.expired()
            late = f"no connection to {self._protocol().uri} within {self._handshake_timeout} seconds"
            self._failure = self._failure or (TimeoutError(late) if is_late else error)
        finally:
            self._deadline = None

    async def _follow(self) -> None:
        """Open the connection, wherever redirects lead."""
        # Whoever hears of a redirect may give up.
        while self._stage is State.CONNECTING:
            if self._handshake_timeout is not None and self._deadline is not None:
                self._deadline.reschedule(self.loop.time() + self._handshake_timeout)
            try:
                await self._attempt()
                return
            except InvalidStatus as refusal:
                if self._redirects_left is None:
                    raise
                # It was told when its transport had gone.
                uri = self._redirected(refusal)
            self._ask(uri, is_redirect=True)

    async def _attempt(self) -> None:
        handshake = self._handshaker = Handshake(self.loop)
        self._observation.begin(self)
        try:
            await self._connect()
            await handshake.wait(self._protocol())
        except BaseException as error:
            self.opening_failed(error)
            raise

    async def _connect(self) -> None:
        try:
            await open_transport(self, self._protocol(), **self._options)
        except BaseException:
            # Of a transport that a loop closes by itself, uvloop doesn't tell when it has gone.
            self._gone.set()
            raise

    def _protocol(self) -> ClientProtocol:
        return cast(ClientProtocol, self.codec)

    def _redirected(self, refusal: InvalidStatus) -> URI:
        """Return where a refusal leads, if it is a redirect that may be followed."""
        uri, headers = redirected(
            refusal, self._protocol().uri, self._additional_headers, self._options, self._subprotocols
        )
        if not self._redirects_left:
            raise SecurityError("there are more redirects than maxRedirects") from refusal
        self._redirects_left -= 1
        self._additional_headers = headers
        self._url = f"{uri.scheme}://{uri.host_header}{uri.resource_name}"
        return uri

    def _give_up(self, why: Exception) -> None:
        """Open no more; ``why`` is told in a later turn."""
        self._stage = State.CLOSING
        self._failure = why
        self.codec.lifecycle.lost()
        self.abort()
        if self._deadline is not None and not self._deadline.expired():
            self._deadline.reschedule(self.loop.time())

    def _tell_failure(self, failure: Exception) -> None:
        is_told = isinstance(failure, InvalidStatus) and self.emit(
            "unexpected-response", self.request, failure.response
        )
        self._stage = State.CLOSING
        self.codec.lifecycle.lost()
        # A listener may have given up meanwhile, for another reason.
        if (not is_told or self._failure is not failure) and not self.emit("error", self._failure):
            self.logger.error("connection didn't open: %s", self._failure)
        self._stage = State.CLOSED
        self._decided.set()
        self.emit("close", CloseCode.ABNORMAL_CLOSURE, "")
        self._over.set()

    def _go_away(self) -> None:
        """Say that we leave, and don't wait for an answer."""
        if self.state is State.OPEN:
            self.start_close(CloseCode.GOING_AWAY)
        if self._transport is not None:
            self._transport.close()

    # What happens to the connection

    def opened(self) -> None:
        """Emit ``upgrade``, then ``open`` if nothing is against it."""
        self.emit("upgrade", self.response)
        if self._stage is State.CONNECTING and self._subprotocols and self.subprotocol is None:
            self._give_up(NegotiationError("the server chose none of the subprotocols offered"))
        if self._stage is State.CONNECTING:
            self._stage = None
            self._decided.set()
            self.emit("open")

    def closed(self, exc: Exception | None) -> None:
        """Tell of the end of a connection that was open."""
        self._gone.set()
        if self._stage is None:
            self._emit_end()
            self._over.set()
