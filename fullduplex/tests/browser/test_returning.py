"""A WebSocket that comes back: its events, its states, what it keeps, and what its program resumes with."""

from __future__ import annotations

import asyncio
import gc
import itertools
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from fullduplex import ConcurrencyError, ConnectionClosedError, InvalidStatus, NegotiationError, serve
from fullduplex.browser import (
    EVENTS_AHEAD,
    DOMException,
    DOMSyntaxError,
    InvalidStateError,
    QuotaExceededError,
    ReconnectingEvent,
    WebSocket,
)
from fullduplex.observe import Observer
from fullduplex.reconnect import Connected, Connecting, Reconnect, Stopped, Waiting

from ..aio.ends import accept_plainly
from .ends import CLOSED, CLOSING, CONNECTING, FAILED, OPEN, Recorder, plain_address

virtual = pytest.mark.asyncio(loop_factories=["virtual"])


def policy(**options: Any) -> Reconnect:
    """Return a policy that waits for a second each time."""
    return Reconnect(delays=lambda: itertools.repeat(1.0), **options)


class Returns(Recorder):
    """Notes when it comes back, as well."""

    def __init__(self, ws: WebSocket) -> None:
        super().__init__(ws)
        ws.addEventListener("reconnecting", lambda event: self._note(event, event.attempt, event.delay))
        self._news = asyncio.Event()

    def _note(self, event: Any, *details: Any) -> None:
        super()._note(event, *details)
        if hasattr(self, "_news"):
            self._news.set()

    async def until(self, kind: str, times: int = 1) -> Any:
        """Wait until an event of this type was heard so many times; return the last."""
        while sum(entry[0] == kind for entry in self.seen) < times:
            self._news.clear()
            await self._news.wait()
        return self.event[kind]

    def heard(self) -> list[str]:
        """Return the types of the events."""
        return [entry[0] for entry in self.seen]


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


# Coming back.


@virtual
async def test_websocket_comes_back(server: Any) -> None:
    """While it is away it is CONNECTING; "open" is heard each time, and "close" once, at the end."""
    ws = WebSocket(server.url, reconnect=policy())
    recorder = Returns(ws)
    assert (ws.readyState, ws.status) == (CONNECTING, Connecting(1))
    await recorder.until("open")
    assert ws.status == Connected(1)
    assert ws.extensions.startswith("permessage-deflate")
    ws.send("one")
    await recorder.until("message")
    ws.send("close 1012 restart")
    event = await recorder.until("reconnecting")
    assert isinstance(event, ReconnectingEvent)
    assert isinstance(event.error, ConnectionClosedError)
    assert isinstance(ws.status, Waiting)
    assert (ws.readyState, ws.extensions) == (CONNECTING, "")
    await recorder.until("open", 2)
    assert (ws.status, ws.url) == (Connected(2), server.url)
    ws.send("two")
    await recorder.until("message", 2)
    ws.send("close 4000 bye")
    await recorder.until("open", 3)
    ws.close(4001, "enough")
    assert ws.readyState == CLOSING

    assert await recorder.end() == [
        ("open", OPEN),
        ("message", OPEN, "one"),
        ("reconnecting", CONNECTING, 2, 1.0),
        ("open", OPEN),
        ("message", OPEN, "two"),
        ("reconnecting", CONNECTING, 3, 1.0),
        ("open", OPEN),
        ("close", CLOSED, 4001, "enough", True),
    ]
    assert isinstance(ws.status, Stopped)
    assert 2 <= now() < 3


@virtual
async def test_handler_hears_of_return(server: Any) -> None:
    """``onreconnecting`` is a handler as the others are; without ``reconnect`` it hears nothing."""
    heard: list[str] = []
    for reconnect in (True, False):
        ws = WebSocket(server.url, reconnect=reconnect)
        recorder = Returns(ws)
        assert ws.onreconnecting is None
        ws.onreconnecting = lambda event: heard.append(event.type)
        await recorder.until("open")
        ws.send("close 1012 ")
        if reconnect:
            await recorder.until("open", 2)
            ws.close()
        await recorder.end()
        assert heard == ["reconnecting"]
    assert ws.status is None


@virtual
async def test_final_close_is_close(server: Any) -> None:
    """What the server closes for good is a "close" with its code, and clean."""
    for code, reason in ((1000, ""), (1008, "no"), (3000, "who?")):
        recorder = Returns(WebSocket(server.url, reconnect=policy()))
        await recorder.until("open")
        recorder.ws.send(f"close {code} {reason}")

        assert (await recorder.end())[1:] == [("close", CLOSED, code, reason, True)]


@virtual
async def test_lasting_failure_is_close() -> None:
    """A failure that won't pass is "error" and "close", as is the last of the attempts allowed."""
    statuses = [503, 403, 503, 503]
    async with serve(
        lambda connection: connection.wait_closed(),
        "localhost",
        0,
        process_request=lambda connection, request: connection.respond(statuses.pop(0), "no"),
    ) as server:
        url = f"ws://localhost:{server.sockets[0].getsockname()[1]}/"
        for attempts in (None, 2):
            recorder = Returns(WebSocket(url, reconnect=policy(attempts=attempts)))
            assert await recorder.end() == [("reconnecting", CONNECTING, 2, 1.0), *FAILED]
            assert isinstance(recorder.event["error"].error, InvalidStatus)
            assert recorder.event["close"].error is recorder.event["error"].error


@virtual
async def test_absent_subprotocol_is_final(server: Any) -> None:
    """A server that speaks none of the subprotocols won't the next time."""
    recorder = Returns(WebSocket(server.url, "chat", reconnect=policy()))

    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["error"].error, NegotiationError)


@virtual
async def test_unread_events_come_first(server: Any) -> None:
    """What arrived before a loss is heard before it, however much there is."""
    recorder = Returns(WebSocket(server.url, reconnect=policy()))
    await recorder.until("open")
    peer = await server.arrived.get()
    for number in range(3 * EVENTS_AHEAD):
        peer.send_nowait(str(number))
    await peer.close(1012)
    await recorder.until("open", 2)
    recorder.ws.close()

    messages = [entry[2] for entry in await recorder.end() if entry[0] == "message"]
    assert messages == [str(number) for number in range(3 * EVENTS_AHEAD)]
    assert recorder.heard()[-3:] == ["reconnecting", "open", "close"]


@virtual
async def test_silent_server_is_left() -> None:
    """A server that falls silent is lost after a ping without an answer; one in a browser's way isn't."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        await reader.read()

    async with plain_address(talk) as url:
        recorder = Returns(WebSocket(url, reconnect=policy()))
        plain = Recorder(WebSocket(url))
        event = await recorder.until("reconnecting")
        assert now() == pytest.approx(40, abs=1)
        assert event.error.sent.code == 1011
        assert plain.seen == [("open", OPEN)]
        recorder.ws.close()
        plain.ws.close()
        await asyncio.gather(recorder.end(), plain.end())


@virtual
async def test_opening_has_its_time(server: Any) -> None:
    """``open_timeout`` counts for each attempt, with what makes its address; a fresh address is shown."""
    waits = iter([60, 0])

    async def address() -> str:
        await asyncio.sleep(next(waits))
        return "/?fresh"

    base = server.url.replace("ws", "http")
    recorder = Returns(WebSocket("/", base_url=base, reconnect=policy(uri=address), open_timeout=5))
    assert recorder.ws.url == server.url
    await recorder.until("open")
    assert recorder.ws.url == f"{server.url}?fresh"
    assert isinstance(recorder.event["reconnecting"].error, TimeoutError)
    assert now() == pytest.approx(6, abs=0.2)
    await recorder.ws.aclose()


@virtual
async def test_late_opening_is_cut() -> None:
    """An attempt that is out of time leaves no transport behind."""
    ended: asyncio.Queue[float] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.put_nowait(now())

    async with plain_address(talk) as url:
        recorder = Returns(WebSocket(url, reconnect=policy(), open_timeout=5))
        assert [await ended.get(), await ended.get()] == [
            pytest.approx(5, abs=0.2),
            pytest.approx(11, abs=0.4),
        ]
        recorder.ws.close()
        await recorder.end()


@virtual
async def test_headers_are_made_anew(server: Any) -> None:
    """Headers are made for each attempt; an address that is none ends it."""
    tokens = map(str, itertools.count())
    addresses = iter([server.url, server.url, "nonsense"])
    way = policy(headers=lambda: {"Authorization": next(tokens)}, uri=lambda: next(addresses))
    recorder = Returns(WebSocket(server.url, reconnect=way))
    for times in (1, 2):
        await recorder.until("open", times)
        peer = await server.arrived.get()
        assert peer.request.headers["Authorization"] == str(times - 1)
        assert peer.request.headers["Cache-Control"] == "no-cache"
        await peer.close(1012)

    assert (await recorder.end())[-2:] == FAILED
    assert isinstance(recorder.event["close"].error, DOMSyntaxError)


# Sending.


@virtual
async def test_sending_while_away_is_refused(server: Any) -> None:
    """Without an outbox ``send`` is an error as long as it is away, and until it is open."""
    recorder = Returns(WebSocket(server.url, reconnect=policy()))
    with pytest.raises(InvalidStateError):
        recorder.ws.send("early")
    await recorder.until("open")
    recorder.ws.send("close 1012 ")
    await recorder.until("reconnecting")
    with pytest.raises(InvalidStateError):
        recorder.ws.send("away")
    assert recorder.ws.bufferedAmount == 0
    await recorder.ws.aclose()
    recorder.ws.send("late")
    assert recorder.ws.bufferedAmount == 4


@virtual
async def test_outbox_keeps_messages(server: Any) -> None:
    """With an outbox they are kept and counted, and go out in order, before "open" is heard."""
    ws = WebSocket(server.url, reconnect=policy(outbox=2, outbox_size=100))
    recorder = Returns(ws)
    ws.send("early")
    assert ws.bufferedAmount == 5
    ws.addEventListener("open", lambda event: ws.send(f"open {ws.bufferedAmount}"))
    await recorder.until("message", 2)
    ws.send("close 1012 ")
    await recorder.until("reconnecting")
    ws.send(b"one")
    ws.send("two")
    with pytest.raises(QuotaExceededError, match="the outbox is full: 2 messages with 6 bytes") as caught:
        ws.send("three")
    assert isinstance(caught.value, DOMException)
    assert caught.value.name == "QuotaExceededError"
    assert ws.bufferedAmount == 6
    await recorder.until("message", 5)
    assert ws.bufferedAmount == 0
    ws.close()

    messages = [entry[2] for entry in await recorder.end() if entry[0] == "message"]
    assert messages == ["early", "open 5", b"one", "two", "open 6"]


@virtual
@pytest.mark.parametrize("outbox", [0, 1])
async def test_unheard_loss_keeps_messages(server: Any, outbox: int) -> None:
    """What is sent to a connection that is closing already is kept, or an error, as while it is away."""
    ws = WebSocket(server.url, reconnect=policy(outbox=outbox))
    recorder, raised = Returns(ws), []

    def send() -> None:
        try:
            ws.send("closing")
        except InvalidStateError as error:
            raised.append(error)

    await recorder.until("open")
    link: Any = ws._link
    link.closing = lambda given=link.closing: (given(), send())
    ws.send("close 1012 ")
    await recorder.until("open", 2)
    ws.send("after")
    await recorder.until("message", 1 + outbox)
    await ws.aclose()

    messages = [entry[2] for entry in recorder.seen if entry[0] == "message"]
    assert messages == ["closing", "after"][1 - outbox :]
    assert len(raised) == 1 - outbox


@virtual
async def test_lost_messages_stay_lost(server: Any) -> None:
    """What was handed to a connection that was lost isn't sent again, nor counted any longer."""
    recorder = Returns(WebSocket(server.url, reconnect=policy(outbox=1), compression=None))
    await recorder.until("open")
    peer = await server.arrived.get()
    peer.pause_reading()
    recorder.ws.send(bytes(2**23))
    await asyncio.sleep(0.1)
    assert recorder.ws.bufferedAmount > 0
    peer.abort()
    await recorder.until("reconnecting")
    assert recorder.ws.bufferedAmount == 0
    await recorder.until("open", 2)
    recorder.ws.send("next")
    assert (await recorder.until("message")).data == "next"
    await recorder.ws.aclose()


# Resuming.


@virtual
async def test_resume_comes_first(server: Any) -> None:
    """The program talks with each fresh connection before "open", what was kept, and other messages."""
    resumed: list[Any] = []

    async def resume(fresh: Any, times: int) -> None:
        assert ws.readyState == CONNECTING
        await fresh.send(f"since {times}?")
        await fresh.send(b"news")
        resumed.append(await fresh.recv())

    ws = WebSocket(server.url, reconnect=policy(resume=resume, outbox=1))
    recorder = Returns(ws)
    ws.send("kept 1")
    await recorder.until("message", 2)
    ws.send("close 1012 ")
    await recorder.until("reconnecting")
    ws.send("kept 2")
    await recorder.until("message", 4)
    ws.close()
    seen = await recorder.end()

    assert resumed == ["since 1?", "since 2?"]
    assert [entry[2] for entry in seen if entry[0] == "message"] == [b"news", "kept 1", b"news", "kept 2"]
    assert recorder.heard()[:3] == ["open", "message", "message"]


def failing(*failures: Any) -> Callable[[Any, int], Any]:
    """Return a hook that fails so, in turn; None is to wait for a message."""
    coming: Iterator[Any] = iter(failures)

    async def resume(fresh: Any, times: int) -> None:
        failure = next(coming, False)
        if failure is None:
            await fresh.recv()
        elif failure:
            raise failure

    return resume


@virtual
async def test_failing_resume_is_retried(server: Any) -> None:
    """A hook that fails for what may pass, or whose connection is lost, has another attempt; no "open"."""
    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=failing(OSError("away"), None))))
    first = await server.arrived.get()
    await first.wait_closed()
    assert first.close_code == 1011
    await (await server.arrived.get()).close(1012)
    await recorder.until("open")
    assert recorder.heard() == ["reconnecting", "reconnecting", "open"]
    await recorder.ws.aclose()


@virtual
async def test_wrong_resume_ends_it(server: Any) -> None:
    """A hook that fails for what won't pass ends it, as does a final close meanwhile."""
    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=failing(LookupError()))))
    assert await recorder.end() == FAILED
    assert isinstance(recorder.event["close"].error, LookupError)
    await server.arrived.get()

    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=failing(None))))
    await (await server.arrived.get()).close(1008, "no")
    assert await recorder.end() == [("close", CLOSED, 1008, "no", True)]


@virtual
async def test_failed_resume_ends_link(server: Any) -> None:
    """The connection on which a hook failed is closed before anything else, whatever it still says."""
    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=failing(LookupError()))))
    peer = await server.arrived.get()
    for number in range(3 * EVENTS_AHEAD):
        peer.send_nowait(str(number))
    await recorder.end()

    assert peer.close_code == 1011
    assert [connection.state for connection in server.connections] == []


@virtual
async def test_late_recv_is_refused(server: Any) -> None:
    """Who receives beyond the hook is told, at once or while waiting, that listeners do so now."""
    receiving: list[Any] = []

    def resume(fresh: Any, times: int) -> None:
        receiving.extend([asyncio.create_task(fresh.recv()), fresh])

    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=resume)))
    await recorder.until("open")
    with pytest.raises(ConcurrencyError, match="listeners"):
        await receiving[0]
    with pytest.raises(ConcurrencyError, match="listeners"):
        await receiving[1].recv()
    recorder.ws.send("for listeners")
    assert (await recorder.until("message")).data == "for listeners"
    await recorder.ws.aclose()


@virtual
async def test_failed_openings_are_observed() -> None:
    """Observers hear of each attempt that fails, as they do without ``reconnect``."""
    failures: list[Any] = []

    class Watching(Observer):
        def handshake_failed(self, connection: Any, response: Any, error: Any, seconds: float) -> None:
            failures.append(error)

    def nowhere() -> str:
        return "ws://localhost:0/"

    way = policy(uri=nowhere, attempts=2)
    recorder = Returns(WebSocket("ws://localhost/", reconnect=way, observer=Watching()))
    await recorder.end()
    assert [type(failure) for failure in failures] == 2 * [type(recorder.event["close"].error)]


@virtual
@pytest.mark.parametrize("count", [2, 2 * EVENTS_AHEAD], ids=["few", "many"])
async def test_unnoticed_loss_is_told(server: Any, count: int) -> None:
    """A connection that is lost while the hook does other things opens, and is lost, for listeners."""

    async def resume(fresh: Any, times: int) -> None:
        if times == 1:
            await asyncio.sleep(5)
            assert fresh.is_reading_paused is (count > EVENTS_AHEAD)

    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=resume)))
    peer = await server.arrived.get()
    for number in range(count):
        peer.send_nowait(str(number))
    await asyncio.sleep(1)
    assert recorder.ws.readyState == CONNECTING
    peer.abort()
    await recorder.until("open", 2)
    recorder.ws.close()
    seen = await recorder.end()

    messages = [entry[2] for entry in seen if entry[0] == "message"]
    assert messages[:EVENTS_AHEAD] == [str(number) for number in range(min(count, EVENTS_AHEAD))]
    assert recorder.heard()[0] == "open"
    assert recorder.heard()[-3:] == ["reconnecting", "open", "close"]


@virtual
async def test_resume_reads_on(server: Any) -> None:
    """A hook may receive more than waits at once."""
    count = 3 * EVENTS_AHEAD
    received: list[Any] = []

    async def resume(fresh: Any, times: int) -> None:
        await asyncio.sleep(1)
        received.extend([await fresh.recv() for _ in range(count)])

    recorder = Returns(WebSocket(server.url, reconnect=policy(resume=resume)))
    peer = await server.arrived.get()
    for number in range(count + 1):
        peer.send_nowait(str(number))

    assert (await recorder.until("message")).data == str(count)
    assert received == [str(number) for number in range(count)]
    await recorder.ws.aclose()


# Closing.


@virtual
@pytest.mark.parametrize("stage", ["at once", "opening", "resuming", "begun", "waiting", "in listener"])
async def test_closing_away_ends_it(server: Any, stage: str) -> None:
    """``close`` while there is no open connection is "error" and "close", once, whatever is going on."""
    before = asyncio.all_tasks()
    begun = asyncio.Event()
    slow = policy(
        outbox=1,
        resume=lambda *_: asyncio.sleep(100 if stage == "resuming" else 0),
        on_state=lambda state: state == Connected(1) and begun.set(),
    )
    recorder = Returns(WebSocket(server.url, reconnect=slow))
    ws = recorder.ws
    ws.send("kept")
    if stage == "opening":
        await asyncio.sleep(0)
    elif stage == "resuming":
        await asyncio.sleep(0.1)
    elif stage == "begun":
        await begun.wait()
        assert (ws.status, ws.readyState) == (Connected(1), CONNECTING)
    elif stage in ("waiting", "in listener"):
        await recorder.until("open")
        if stage == "in listener":
            ws.onreconnecting = lambda event: ws.close()
        ws.send("close 1012 ")
        await recorder.until("reconnecting")
    ws.close(4000)
    assert ws.readyState == CLOSING
    ws.close()
    await ws.aclose()
    seen = await recorder.end()

    assert seen[-2:] == FAILED
    assert isinstance(recorder.event["close"].error, ConnectionAbortedError)
    if stage in ("resuming", "begun"):
        peer = await server.arrived.get()
        await peer.wait_closed()
        assert peer.close_code == 1001
    assert not {task for task in asyncio.all_tasks() - before if "Life" in repr(task.get_coro())}
    assert now() < 1


@virtual
async def test_listener_may_close_at_open(server: Any) -> None:
    """Closing as soon as it is open is a clean close."""
    recorder = Returns(WebSocket(server.url, reconnect=policy()))
    recorder.ws.onopen = lambda event: event.target.close(1000, "seen")

    assert await recorder.end() == [("open", OPEN), ("close", CLOSED, 1000, "seen", True)]


@virtual
async def test_leaving_says_so(server: Any) -> None:
    """``aclose`` leaves with 1001, and so does who is cancelled as at the loop's end."""
    for leave in ("aclose", "cancel"):
        recorder = Returns(WebSocket(server.url, reconnect=policy()))
        await recorder.until("open")
        if leave == "aclose":
            await recorder.ws.aclose()
        else:
            recorder.ws._life.cancel()
        assert (await recorder.end())[-1][0] == "close"
        peer = await server.arrived.get()
        await peer.wait_closed()
        assert peer.close_code == 1001


@virtual
async def test_returning_one_is_kept(server: Any) -> None:
    """It lives as long as it may come back, though nobody keeps it or listens, and not longer."""
    ws = weakref.ref(WebSocket(server.url, reconnect=policy()))
    for _ in range(2):
        peer = await server.arrived.get()
        gc.collect()
        assert ws() is not None
        await peer.close(1012)
    await (await server.arrived.get()).close(1000)
    await asyncio.sleep(1)
    gc.collect()

    assert ws() is None


async def test_wrong_options_are_told_at_once() -> None:
    """What could never be sent, or is for one connection only, is refused before the first attempt."""
    with pytest.raises(ValueError, match="sock is for one connection"):
        WebSocket("ws://localhost/", reconnect=True, sock=object())
    with pytest.raises(ValueError, match="header"):
        WebSocket("ws://localhost/", reconnect=True, additional_headers={"a b": "c"})
