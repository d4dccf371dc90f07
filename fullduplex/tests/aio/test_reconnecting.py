"""A connection that comes back: what goes on, what is kept, what ends it, and what is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import inspect
import itertools
import random
import socket
import typing
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fullduplex import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    InvalidStatus,
    LocalProtocolError,
    State,
    connect,
    serve,
)
from fullduplex.aio.client import ReconnectingConnection, unix_connect
from fullduplex.aio.inbox import ENTRY_SIZE
from fullduplex.aio.server import unix_serve
from fullduplex.reconnect import Connected, Connecting, Reconnect, ReconnectState, Stopped, Waiting

from .ends import accept_plainly, echo, plain_server, port_of, url_of

virtual = pytest.mark.asyncio(loop_factories=["virtual"])


def each_second() -> Iterator[float]:
    """Yield delays of one second."""
    return itertools.repeat(1.0)


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


def policy(**options: Any) -> Reconnect:
    """Return a policy that waits for a second each time."""
    return Reconnect(delays=each_second, **options)


class Other:
    """The server's side: gives each connection that arrives."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Any] = asyncio.Queue()
        self.requests: list[Any] = []
        #: What the next handshakes are refused with.
        self.refusals: list[int] = []
        self.url = ""

    async def handle(self, connection: Any) -> None:
        self.arrived.put_nowait(connection)
        await connection.wait_closed()

    def admit(self, connection: Any, request: Any) -> Any:
        self.requests.append(request)
        return connection.respond(self.refusals.pop(0), "no") if self.refusals else None


@pytest_asyncio.fixture
async def other() -> AsyncIterator[Other]:
    """A server whose connections the test has in its hands."""
    end = Other()
    async with serve(end.handle, "localhost", 0, process_request=end.admit) as server:
        end.url = url_of(server)
        yield end


@contextlib.asynccontextmanager
async def nothing_left() -> AsyncIterator[None]:
    """See that no task of ours outlives the block."""
    before = asyncio.all_tasks()
    yield
    assert {task for task in asyncio.all_tasks() - before if "server" not in repr(task.get_coro())} == set()


async def settled() -> None:
    """Let everything happen that needs no time to pass but that of sockets."""
    await asyncio.sleep(0.1)


# Coming back.


@virtual
async def test_connection_comes_back(other: Other) -> None:
    """After a loss ``recv`` goes on with the next connection, and the state tells what is going on."""
    states: list[Any] = []
    async with connect(other.url, reconnect=policy(on_state=states.append)) as connection:
        assert isinstance(connection, ReconnectingConnection)
        assert (connection.state, connection.status) == (State.OPEN, Connected(1))
        first = await other.arrived.get()
        await first.send("one")
        assert await connection.recv() == "one"
        await first.close(1012)
        await settled()
        assert (connection.state, connection.connection) == (State.CONNECTING, None)
        assert connection.status == states[-1]
        second_message = asyncio.create_task(connection.recv())
        second = await other.arrived.get()
        await second.send("two")
        assert await second_message == "two"
        await connection.send("three")
        assert await second.recv() == "three"
        assert connection.connection is not None
        assert connection.connection.state is State.OPEN
    assert second.close_code == 1000
    assert connection.state is State.CLOSED
    assert connection.status == states[-1] == Stopped(states[-1].cause)
    assert isinstance(states[-1].cause, ConnectionClosedOK)
    assert [type(state) for state in states] == [
        *(Connecting, Connected, Waiting, Connecting, Connected, Stopped),
    ]
    assert 1 <= now() < 2


@virtual
async def test_true_stands_for_policy(other: Other) -> None:
    """True takes the options that iterating takes, and so their defaults."""
    async with connect(other.url, reconnect=True, reconnect_delays=lambda: iter([3.0])) as connection:
        await (await other.arrived.get()).close(1001)
        await other.arrived.get()
        assert 3 <= now() < 4
        assert await connection.wait_connected() is connection.connection


@virtual
async def test_iterating_spans_connections(other: Other) -> None:
    """Iteration goes on from one connection to the next, and ends when the server is done: 1000."""
    connection = await connect(other.url, reconnect=policy())

    async def talk() -> None:
        for number in range(3):
            end = await other.arrived.get()
            await end.send(str(number))
            await end.close(1001 if number < 2 else 1000)

    talking = asyncio.create_task(talk())
    assert [message async for message in connection] == ["0", "1", "2"]
    await talking
    assert connection.state is State.CLOSED
    with pytest.raises(ConnectionClosedOK):
        await connection.recv()
    await connection.close()


@virtual
async def test_final_close_is_raised(other: Other) -> None:
    """After a code that ends it, everything says so, each time with an exception of its own."""
    async with nothing_left():
        connection = await connect(other.url, reconnect=policy(outbox=1))
        await (await other.arrived.get()).close(1008, "go away")
        raised = []
        for attempt in (connection.recv(), connection.send("x"), connection.wait_connected()):
            with pytest.raises(ConnectionClosedError) as caught:
                await attempt
            raised.append(caught.value)
        with pytest.raises(ConnectionClosedError):
            connection.send_nowait("x")
        with pytest.raises(ConnectionClosedError):
            [message async for message in connection]

    assert [(error.code, error.reason) for error in raised] == [(1008, "go away")] * 3
    assert len(set(map(id, raised))) == 3
    assert other.arrived.empty()


@virtual
async def test_refusal_after_loss_ends(other: Other) -> None:
    """A refusal that won't pass ends it with the loss that came before, caused by the refusal."""
    connection = await connect(other.url, reconnect=policy())
    other.refusals = [503, 401]
    await (await other.arrived.get()).close(1012)
    with pytest.raises(ConnectionClosedError) as caught:
        await connection.recv()

    assert caught.value.code == 1012
    assert isinstance(caught.value.__cause__, InvalidStatus)
    assert isinstance(connection.status, Stopped)
    assert connection.status.cause is caught.value.__cause__
    assert len(other.requests) == 3


@virtual
async def test_program_may_judge_closings(other: Other) -> None:
    """What codes mean can be said otherwise; what the function returns is what it ends with."""
    seen = []

    def judge(closed: ConnectionClosed) -> Exception | None:
        seen.append(closed.code)
        return LookupError("expired") if closed.code == 4001 else None

    connection = await connect(other.url, reconnect=policy(process_close=judge))
    for code in (1008, 1000, 4001):
        await (await other.arrived.get()).close(code)
    with pytest.raises(ConnectionClosedError) as caught:
        await connection.recv()

    assert seen == [1008, 1000, 4001]
    assert isinstance(caught.value.__cause__, LookupError)


@virtual
async def test_closing_one_brings_next(other: Other) -> None:
    """Who closes the present connection itself gets a fresh one at once."""
    async with connect(other.url, reconnect=policy()) as connection:
        first = connection.connection
        assert first is not None
        await first.close()
        assert await connection.wait_connected() is not first
        assert now() < 1


async def test_server_may_be_restarted() -> None:
    """A server that is stopped and started again on its port is found again, with what was kept."""
    with socket.create_server(("localhost", 0)) as probe:
        port = probe.getsockname()[1]
    heard: asyncio.Queue[Any] = asyncio.Queue()

    async def hear(connection: Any) -> None:
        async for message in connection:
            heard.put_nowait(message)

    away = asyncio.Event()

    def note(state: ReconnectState) -> None:
        if isinstance(state, Waiting):
            away.set()

    quick = Reconnect(delays=lambda: itertools.repeat(0.01), outbox=10, on_state=note)
    server = await serve(hear, "localhost", port)
    async with connect(f"ws://localhost:{port}/", reconnect=quick) as connection:
        await connection.send("one")
        assert await heard.get() == "one"
        server.close()
        await server.wait_closed()
        await away.wait()
        await connection.send("two")
        async with serve(hear, "localhost", port):
            assert await heard.get() == "two"
            await connection.close()


@virtual
async def test_silent_server_is_left() -> None:
    """A server that falls silent is left for a new connection when its time is over."""
    arrived: asyncio.Queue[float] = asyncio.Queue()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await accept_plainly(reader))
        arrived.put_nowait(now())
        await reader.read()

    async with plain_server(talk) as server, connect(url_of(server), reconnect=policy(), close_timeout=1):
        assert [await arrived.get(), await arrived.get()] == [0, pytest.approx(20 + 20 + 1, abs=2)]


# The first connection.


@virtual
async def test_first_connection_is_retried(other: Other) -> None:
    """Awaiting goes on until the first connection is open, if what keeps it away may pass."""
    other.refusals = [503, 429]
    async with connect(other.url, reconnect=policy()):
        assert len(other.requests) == 3
        assert 2 <= now() < 3


@virtual
async def test_first_refusal_is_raised(other: Other) -> None:
    """What won't pass is raised as it is, as is the last failure of those allowed."""
    async with nothing_left():
        other.refusals = [403]
        with pytest.raises(InvalidStatus) as caught:
            await connect(other.url, reconnect=True)
        assert caught.value.response.status_code == 403
        other.refusals = [503] * 5
        with pytest.raises(InvalidStatus):
            await connect(other.url, reconnect=policy(attempts=3))
        assert len(other.requests) == 4


@virtual
@pytest.mark.parametrize("seconds", [0.5, 10.5], ids=["opening", "waiting"])
async def test_cancelling_first_leaves_nothing(seconds: float) -> None:
    """Who is cancelled while it opens, or waits to, leaves no task and no transport."""
    ended = asyncio.Event()

    async def keep_silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        ended.set()

    async with plain_server(keep_silent) as server, nothing_left():
        waiting = asyncio.ensure_future(_given(connect(url_of(server), reconnect=policy())))
        await asyncio.sleep(seconds)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await ended.wait()
        assert now() == pytest.approx(seconds, abs=0.1)


async def _given(connecting: Any) -> Any:
    return await connecting


@virtual
async def test_attempts_have_their_time(other: Other) -> None:
    """``open_timeout`` counts for each attempt by itself, with what makes its address."""
    attempts = 0

    async def address() -> str:
        nonlocal attempts
        attempts += 1
        await asyncio.sleep(60 if attempts < 3 else 0)
        return other.url

    async with connect("ws://nowhere.invalid/", reconnect=policy(uri=address), open_timeout=5):
        assert now() == pytest.approx(2 * (5 + 1), abs=0.5)


# Fresh addresses and headers.


@virtual
async def test_each_attempt_asks_anew(other: Other) -> None:
    """Address and headers are made for each attempt, so that tokens in them may expire."""
    tokens = itertools.count(1)

    async def headers() -> dict[str, str]:
        return {"Authorization": f"Bearer {next(tokens)}"}

    way = policy(uri=lambda: f"{other.url}?{len(other.requests)}", headers=headers)
    other.refusals = [503]
    async with connect(other.url, reconnect=way, additional_headers={"authorization": "none", "X-A": "a"}):
        await (await other.arrived.get()).close(1012)
        await other.arrived.get()

    assert [request.path for request in other.requests] == ["/?0", "/?1", "/?2"]
    assert [request.headers.get_all("Authorization") for request in other.requests] == [
        ["Bearer 1"],
        ["Bearer 2"],
        ["Bearer 3"],
    ]
    assert all(request.headers["X-A"] == "a" for request in other.requests)


@virtual
async def test_failing_token_is_judged(other: Other) -> None:
    """What making an address or a header raises is a failure as others are: it may pass, or ends it."""
    failures: list[Exception] = [OSError("token server is away"), TimeoutError()]

    def headers() -> dict[str, str]:
        if failures:
            raise failures.pop(0)
        return {}

    async with connect(other.url, reconnect=policy(headers=headers)) as connection:
        assert 2 <= now() < 3
        failures.append(PermissionError("revoked"))
        failures.append(LookupError("no such user"))
        await (await other.arrived.get()).close(1012)
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.recv()
        assert isinstance(caught.value.__cause__, LookupError)


async def test_fresh_address_is_checked() -> None:
    """What isn't an address, or goes without TLS where it was asked for, is raised."""
    with pytest.raises(ValueError, match="isn't a valid WebSocket URI"):
        await connect("ws://localhost/", reconnect=Reconnect(uri=lambda: "mailto:me"))
    with pytest.raises(ValueError, match="ssl is for wss"):
        await connect("wss://localhost/", ssl=True, reconnect=Reconnect(uri=lambda: "ws://localhost/"))


# Receiving.


@virtual
async def test_unread_messages_come_first(other: Other) -> None:
    """What a lost connection had received is given out in order, before what the next receives."""
    async with connect(other.url, reconnect=policy()) as connection:
        first = await other.arrived.get()
        for message in ("a", b"b", "c"):
            await first.send(message)
        await first.close(1012)
        second = await other.arrived.get()
        await second.send("d")
        await settled()

        assert await connection.recv() == "a"
        assert await connection.recv(decode=True) == "b"
        assert await connection.recv(decode=False) == b"c"
        assert await connection.recv() == "d"


@virtual
async def test_unread_messages_are_never_dropped(other: Other) -> None:
    """However many one may hold, all that lost connections left are given out."""
    async with connect(other.url, reconnect=policy(), max_queue=3) as connection:
        for number in range(4):
            end = await other.arrived.get()
            await end.send(f"{number}a")
            await end.send(f"{number}b")
            if number < 3:
                await end.close(1012)
        await settled()
        received = [await connection.recv() for _ in range(8)]
        assert received == ["0a", "0b", "1a", "1b", "2a", "2b", "3a", "3b"]


@virtual
async def test_unread_messages_delay_return(other: Other, caplog: pytest.LogCaptureFixture) -> None:
    """While too many bytes of lost connections are unread, the next one has to wait for the program."""
    large = "x" * 1000
    limit = 2 * (len(large) + ENTRY_SIZE)
    async with connect(other.url, reconnect=policy(), read_limit=limit) as connection:
        for number in range(2):
            end = await other.arrived.get()
            await end.send(f"{number}{large}")
            await end.close(1012)
        await asyncio.sleep(100)
        assert (connection.status, other.arrived.empty()) == (Connecting(3), True)
        assert caplog.messages == ["not connecting again before the program receives what had arrived"]
        assert [(await connection.recv())[0]] == ["0"]
        await (await other.arrived.get()).send("last")
        assert [(await connection.recv())[0] for _ in range(2)] == ["1", "l"]


@virtual
async def test_unread_messages_hinder_no_close(other: Other) -> None:
    """Who closes while the program has to receive first ends it at once, and may receive the rest."""
    async with nothing_left():
        connection = await connect(other.url, reconnect=policy(), read_limit=1)
        end = await other.arrived.get()
        await end.send("unread")
        await end.close(1012)
        await asyncio.sleep(100)
        await connection.close()
        assert await connection.recv() == "unread"
        with pytest.raises(ConnectionClosedOK):
            await connection.recv()


@virtual
async def test_cancelled_recv_loses_nothing(other: Other) -> None:
    """Who stops waiting for a message, with or without a connection, takes none with them."""
    async with connect(other.url, reconnect=policy()) as connection:
        first = await other.arrived.get()
        for _ in range(2):
            waiting = asyncio.create_task(connection.recv())
            await settled()
            waiting.cancel()
            await asyncio.wait([waiting])
            if connection.connection is not None:
                await first.close(1012)
                await settled()
        await (await other.arrived.get()).send("here")
        assert await connection.recv() == "here"


@virtual
async def test_only_one_receives(other: Other) -> None:
    """A second task that would receive is told so, with a connection and without."""
    async with connect(other.url, reconnect=policy()) as connection:
        first = await other.arrived.get()
        waiting = asyncio.create_task(connection.recv())
        await settled()
        with pytest.raises(ConcurrencyError):
            await connection.recv()
        await first.close(1012)
        await settled()
        with pytest.raises(ConcurrencyError):
            await connection.recv()
        await (await other.arrived.get()).send("here")
        assert await waiting == "here"


@virtual
async def test_streamed_message_isnt_taken(other: Other) -> None:
    """Who receives from the present connection in pieces keeps what arrived there."""
    async with connect(other.url, reconnect=policy()) as connection:
        first = await other.arrived.get()
        present = connection.connection
        assert present is not None
        pieces = aiter(present.recv_streaming())
        waiting = asyncio.ensure_future(anext(pieces))
        await settled()
        await first.close(1012)
        with pytest.raises(ConnectionClosedError):
            await waiting
        await (await other.arrived.get()).send("here")
        assert await connection.recv() == "here"


# Sending.


@virtual
async def test_sending_while_away_is_refused(other: Other) -> None:
    """Without an outbox, who sends while it is away is told how the connection was lost."""
    async with connect(other.url, reconnect=policy()) as connection:
        await (await other.arrived.get()).close(1012, "back soon")
        await settled()
        with pytest.raises(ConnectionClosedError, match=r"1012 .* back soon"):
            await connection.send("lost?")
        with pytest.raises(ConnectionClosedError):
            connection.send_nowait("lost?")
        assert connection.buffered_amount == 0
        second = await other.arrived.get()
        await connection.wait_connected()
        connection.send_nowait("found", compress=False)
        assert await second.recv() == "found"


@virtual
async def test_outbox_keeps_messages(other: Other) -> None:
    """With an outbox they are kept, as they were, and go out in order before what is sent later."""
    async with connect(other.url, reconnect=policy(outbox=3, outbox_size=100)) as connection:
        await (await other.arrived.get()).close(1012)
        await settled()
        data = bytearray(b"two")
        await connection.send("one")
        await connection.send(data)
        data[:] = b"new"
        connection.send_nowait(b"three", text=True)
        assert connection.buffered_amount == 11
        second = await other.arrived.get()
        await connection.wait_connected()
        await connection.send("four")

        assert [await second.recv() for _ in range(4)] == ["one", b"two", "three", "four"]
        assert connection.buffered_amount == 0


@virtual
async def test_full_outbox_waits(other: Other) -> None:
    """When it is full, ``send`` waits, in turn, and ``send_nowait`` says so; a cancelled one isn't sent."""
    async with connect(other.url, reconnect=policy(outbox=1)) as connection:
        await (await other.arrived.get()).close(1012)
        await settled()
        await connection.send("one")
        senders = [asyncio.create_task(connection.send(text)) for text in ("two", "never", "three")]
        await settled()
        assert not any(sender.done() for sender in senders)
        with pytest.raises(BufferError, match="the outbox is full: 1 messages with 3 bytes"):
            connection.send_nowait("no")
        senders[1].cancel()
        second = await other.arrived.get()
        await asyncio.wait(senders)
        await connection.send("four")

        assert [await second.recv() for _ in range(4)] == ["one", "two", "three", "four"]
        assert senders[1].cancelled()


@virtual
async def test_closing_connection_is_passed_by(other: Other) -> None:
    """A message for a connection that is closing already is kept for the next."""
    async with connect(other.url, reconnect=policy(outbox=1), close_timeout=5) as connection:
        await other.arrived.get()
        present = connection.connection
        assert present is not None
        present.start_close(1001)
        connection.send_nowait("next")
        await settled()

        assert await (await other.arrived.get()).recv() == "next"


@virtual
async def test_handed_message_isnt_sent_again(other: Other) -> None:
    """What was handed to a connection is never sent again, even if it was lost with it."""
    async with connect(other.url, reconnect=policy(outbox=10), compression=None) as connection:
        first = await other.arrived.get()
        first.pause_reading()
        # More than the system takes.
        large = bytes(2**23)
        sending = asyncio.create_task(connection.send(large))
        await settled()
        assert not sending.done()
        assert connection.buffered_amount > 0
        first.abort()
        await sending
        second = await other.arrived.get()
        await connection.send("next")

        assert await second.recv() == "next"


@virtual
async def test_kept_messages_go_by_backpressure(other: Other) -> None:
    """What was kept is handed over as the server takes it, while others send and receive."""
    size = 2**20
    options: dict[str, Any] = {"compression": None, "write_limit": 1000}
    way = policy(outbox=20, outbox_size=20 * size)
    async with connect(other.url, reconnect=way, **options) as connection:
        await (await other.arrived.get()).close(1012)
        await settled()
        for number in range(20):
            await connection.send(bytes([number]) * (size - 100))
        second = await other.arrived.get()
        second.pause_reading()
        await connection.wait_connected()
        await settled()
        assert connection.connection is not None
        assert connection.connection.buffered_amount < 2 * size < connection.buffered_amount
        sending = asyncio.create_task(connection.send("behind"))
        await second.send("answer")
        assert await connection.recv() == "answer"
        heads = [(await second.recv())[0] for _ in range(20)]

        assert heads == list(range(20))
        assert await second.recv() == "behind"
        await sending


@virtual
async def test_fragments_are_never_kept(other: Other) -> None:
    """A message in fragments needs a connection, and lets others wait for its end."""
    async with connect(other.url, reconnect=policy(outbox=1)) as connection:
        first = await other.arrived.get()
        gate = asyncio.Event()

        async def parts() -> AsyncIterator[str]:
            yield "be"
            await gate.wait()
            yield "gun"

        slow = asyncio.create_task(connection.send(parts()))
        await settled()
        small = asyncio.create_task(connection.send("small"))
        await settled()
        assert not small.done()
        gate.set()
        assert [await first.recv(), await first.recv()] == ["begun", "small"]
        await asyncio.gather(slow, small)
        await first.close(1012)
        await settled()
        with pytest.raises(ConnectionClosedError):
            await connection.send(["in ", "parts"])


@virtual
async def test_lost_fragments_pass_others_on(other: Other) -> None:
    """Who waits behind a message in fragments whose connection is lost is kept for the next."""
    async with connect(other.url, reconnect=policy(outbox=1)) as connection:
        first = await other.arrived.get()

        async def parts() -> AsyncIterator[str]:
            yield "begun"
            await asyncio.sleep(100)

        slow = asyncio.create_task(connection.send(parts()))
        await settled()
        small = asyncio.create_task(connection.send("small"))
        await settled()
        first.abort()
        assert await (await other.arrived.get()).recv() == "small"
        await small
        slow.cancel()
        await asyncio.wait([slow])


@virtual
@pytest.mark.parametrize("seed", range(5))
async def test_order_survives_losses(seed: int) -> None:
    """Whenever connections are cut, both sides get each message once at most, and in order."""
    chance, heard, received = random.Random(seed), [], []
    numbers = itertools.count()

    async def handle(connection: Any) -> None:
        with contextlib.suppress(ConnectionClosed):
            async for message in connection:
                heard.append(int(message))
                with contextlib.suppress(ConnectionClosed):
                    connection.send_nowait(str(next(numbers)))
                if heard[-1] < 70 and chance.random() < 0.1:
                    chance.choice([connection.abort, connection.start_close])()

    async def receive() -> None:
        received.extend([int(message) async for message in connection])

    way = policy(outbox=3, process_close=lambda closed: None)
    async with serve(handle, "localhost", 0) as server:
        async with connect(url_of(server), reconnect=way) as connection:
            receiving = asyncio.create_task(receive())
            for number in range(100):
                await connection.send(str(number))
                await asyncio.sleep(chance.choice([0, 0, 0, 0, 0.5]))
            assert isinstance(connection.status, Connected)
            losses = connection.status.times - 1
        await receiving

    assert losses > 1
    assert heard == sorted(set(heard))
    assert heard[-20:] == list(range(80, 100))
    assert received == sorted(set(received))


# Resuming.


@virtual
async def test_resume_comes_first(other: Other) -> None:
    """The hook talks with each fresh connection before what was kept, and before the program reads."""
    resumed: list[Any] = []

    async def resume(fresh: Any, times: int) -> None:
        await fresh.send(f"since {times}?")
        resumed.append(await fresh.recv())

    async def answer(number: int) -> Any:
        end = await other.arrived.get()
        assert await end.recv() == f"since {number}?"
        await settled()
        await end.send(f"resumed {number}")
        await end.send(f"news {number}")
        return end

    answering = asyncio.create_task(answer(1))
    async with connect(other.url, reconnect=policy(resume=resume, outbox=5)) as connection:
        assert await connection.recv() == "news 1"
        await (await answering).close(1012)
        await settled()
        await connection.send("kept")
        answering = asyncio.create_task(answer(2))
        await asyncio.sleep(1)
        assert (connection.status, connection.connection) == (Connecting(2), None)
        await connection.send("kept too")
        assert await connection.recv() == "news 2"
        end = await answering
        assert [await end.recv(), await end.recv()] == ["kept", "kept too"]

    assert resumed == ["resumed 1", "resumed 2"]


@virtual
async def test_failing_resume_is_retried(other: Other) -> None:
    """A hook that fails for what may pass, or whose connection is lost, has another attempt."""
    failures: list[Exception | None] = [OSError("away"), None, TimeoutError()]

    async def resume(fresh: Any, times: int) -> None:
        assert times == 1
        if not failures:
            return
        failure = failures.pop(0)
        if failure is not None:
            raise failure
        await fresh.recv()

    async def converse() -> list[int]:
        ends = [await other.arrived.get() for _ in range(2)]
        await ends[1].close(1012)
        ends.append(await other.arrived.get())
        await asyncio.gather(*(end.wait_closed() for end in ends))
        return [end.close_code for end in ends]

    conversing = asyncio.create_task(converse())
    async with connect(other.url, reconnect=policy(resume=resume)) as connection:
        assert connection.status == Connected(1)
        assert await conversing == [1011, 1012, 1011]
        assert 3 <= now() < 4


@virtual
async def test_wrong_resume_ends_it(other: Other) -> None:
    """A hook that fails for what won't pass is raised at first, and ends a connection later."""

    def resume(fresh: Any, times: int) -> None:
        if times == wrong:
            raise ZeroDivisionError(times)

    wrong = 1
    with pytest.raises(ZeroDivisionError):
        await connect(other.url, reconnect=policy(resume=resume))
    assert (await other.arrived.get()).close_code == 1011
    wrong = 2
    async with connect(other.url, reconnect=policy(resume=resume)) as connection:
        await (await other.arrived.get()).close(1012)
        with pytest.raises(ConnectionClosedError) as caught:
            await connection.recv()
        assert isinstance(caught.value.__cause__, ZeroDivisionError)


@virtual
async def test_kept_survives_failing_resume(other: Other) -> None:
    """What was kept stays so until a connection is resumed."""
    failures = [None, OSError(), OSError(), None]

    def resume(fresh: Any, times: int) -> None:
        failure = failures.pop(0)
        if failure is not None:
            raise failure

    async with connect(other.url, reconnect=policy(resume=resume, outbox=1)) as connection:
        await (await other.arrived.get()).close(1012)
        await settled()
        await connection.send("kept")
        for _ in range(2):
            with pytest.raises(ConnectionClosedError):
                await (await other.arrived.get()).recv()
        assert await (await other.arrived.get()).recv() == "kept"


# Closing.


@virtual
async def test_closing_while_waiting_ends_it(other: Other) -> None:
    """``close`` cuts a wait short, drops what was kept, and ends whoever waits, normally."""
    async with nothing_left():
        connection = await connect(other.url, reconnect=policy(outbox=1))
        await (await other.arrived.get()).close(1012)
        await settled()
        await connection.send("kept")
        waiting = [
            asyncio.ensure_future(_given(each))
            for each in (connection.recv(), connection.send("waits"), connection.wait_connected())
        ]
        await settled()
        closing = asyncio.create_task(connection.close())
        await asyncio.sleep(0)
        assert connection.state is State.CLOSING
        with pytest.raises(ConnectionClosed):
            connection.send_nowait("late")
        await closing
        done = await asyncio.gather(*waiting, return_exceptions=True)
        assert [type(error) for error in done] == [ConnectionClosedOK] * 3
        assert connection.status == Stopped(None)
        assert connection.buffered_amount == 0
        assert [message async for message in connection] == []
        await connection.close()
        await connection.wait_closed()

    assert other.arrived.empty()
    assert now() < 1


@virtual
async def test_closing_while_resuming_cuts(other: Other) -> None:
    """``close`` while the hook runs ends the hook, and its connection."""
    ended = []

    async def resume(fresh: Any, times: int) -> None:
        if times == 2:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append(times)

    async with nothing_left():
        connection = await connect(other.url, reconnect=policy(resume=resume))
        await (await other.arrived.get()).close(1012)
        second = await other.arrived.get()
        await settled()
        await connection.close()
        await second.wait_closed()

    assert ended == [2]
    assert second.close_code == 1006


@virtual
async def test_closing_cuts_failed_resume(other: Other) -> None:
    """``close`` while a connection that wasn't resumed says good-bye to a deaf server leaves nothing."""

    def resume(fresh: Any, times: int) -> None:
        if times == 2:
            raise OSError

    async with nothing_left():
        connection = await connect(other.url, reconnect=policy(resume=resume))
        await (await other.arrived.get()).close(1012)
        second = await other.arrived.get()
        second.pause_reading()
        await settled()
        assert isinstance(connection.status, Connecting)
        await connection.close()
        second.resume_reading()
        await second.wait_closed()
        assert now() < 3


@virtual
async def test_closing_sends_what_is_kept(other: Other) -> None:
    """What was kept and is on its way goes out before the Close frame, and late messages are refused."""
    options: dict[str, Any] = {"compression": None, "write_limit": 1000}
    way = policy(outbox=30, outbox_size=2**25)
    connection = await connect(other.url, reconnect=way, **options)
    await (await other.arrived.get()).close(1012)
    await settled()
    for _ in range(20):
        await connection.send(bytes(2**20))
    second = await other.arrived.get()
    second.pause_reading()
    await connection.wait_connected()
    await settled()
    closing = asyncio.create_task(connection.close(4000, "done"))
    await asyncio.sleep(0)
    with pytest.raises(ConnectionClosed):
        connection.send_nowait("late")
    late = asyncio.create_task(connection.send("late"))
    received = [await second.recv() for _ in range(20)]

    assert set(map(len, received)) == {2**20}
    await closing
    with pytest.raises(ConnectionClosedError, match="4000"):
        await late
    assert (second.close_code, second.close_reason) == (4000, "done")


@virtual
async def test_unread_messages_outlive_close(other: Other) -> None:
    """What arrived before ``close`` is given out after it."""
    connection = await connect(other.url, reconnect=policy())
    await (await other.arrived.get()).send("unread")
    await settled()
    await connection.close()

    assert [message async for message in connection] == ["unread"]


@virtual
async def test_wrong_code_closes_nothing(other: Other) -> None:
    """A code that may not be sent is refused, and the connection goes on."""
    async with connect(other.url, reconnect=policy()) as connection:
        with pytest.raises(LocalProtocolError):
            await connection.close(1005 + 1)
        assert connection.state is State.OPEN
        first = await other.arrived.get()
        await first.send("still here")
        assert await connection.recv() == "still here"


@virtual
async def test_failed_block_says_so(other: Other) -> None:
    """A block that raises closes with 1011, as that of a plain connection does."""

    async def fail() -> None:
        async with connect(other.url, reconnect=True):
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (await other.arrived.get()).close_code == 1011


@virtual
async def test_cancelled_life_cuts_connection(other: Other) -> None:
    """When its task is cancelled, as at the loop's end, the connection goes with it."""
    connection = await connect(other.url, reconnect=True)
    first = await other.arrived.get()
    connection._task.cancel()
    await connection.wait_closed()
    await first.wait_closed()

    assert connection.state is State.CLOSED
    assert first.close_code == 1006


def test_forgotten_one_ends_with_loop() -> None:
    """Who forgets to close it is not warned of anything at the loop's end."""

    async def forget() -> None:
        async with serve(echo, "localhost", 0) as server:
            connection = await connect(f"ws://localhost:{port_of(server)}/", reconnect=True)
            await connection.send("hello")
            assert await connection.recv() == "hello"

    asyncio.run(forget())
    gc.collect()


# What isn't offered.


async def test_iterating_connect_is_refused() -> None:
    """Connections that come back aren't iterated over, as each of them never ends."""
    with pytest.raises(TypeError, match="there is one connection"):
        async for _ in connect("ws://localhost/", reconnect=True):
            pass


async def test_policy_stands_alone() -> None:
    """What a policy has isn't given beside it."""
    for options in ({"process_exception": lambda _: None}, {"reconnect_delays": each_second}):
        with pytest.raises(TypeError, match=r"to Reconnect"):
            connect("ws://localhost/", reconnect=Reconnect(), **options)  # type: ignore[arg-type]


async def test_given_socket_is_refused() -> None:
    """A socket that is open already can't be opened again."""
    with pytest.raises(ValueError, match="give host and port, or path"):
        connect("ws://localhost/", reconnect=True, sock=object())


async def test_unix_connection_comes_back(tmp_path: Path) -> None:
    """A connection to a Unix socket comes back as any other."""
    back = asyncio.Event()
    quick = Reconnect(
        delays=lambda: itertools.repeat(0.01), on_state=lambda state: state == Connected(2) and back.set()
    )
    path = tmp_path / "socket"
    async with unix_serve(echo, path), unix_connect(path, reconnect=quick) as connection:
        assert connection.connection is not None
        connection.connection.abort()
        await back.wait()
        await connection.send("back")
        assert await connection.recv() == "back"


def test_types_tell_which_connection() -> None:
    """What type checkers see of a plain ``connect`` is all that there is."""
    plain, coming_back = typing.get_overloads(connect.__init__)
    real = inspect.signature(connect.__init__).parameters
    seen = inspect.signature(plain).parameters

    assert list(seen) == list(real)
    assert {name: seen[name].annotation for name in real if name not in ("self", "reconnect")} == {
        name: real[name].annotation for name in real if name not in ("self", "reconnect")
    }
    assert list(inspect.signature(coming_back).parameters) == ["self", "uri", "reconnect", "options"]
