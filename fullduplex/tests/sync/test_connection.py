"""A connection whose methods wait: messages, threads, interruptions, and its end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from fullduplex import (
    ConcurrencyError,
    ConnectionClosedError,
    ConnectionClosedOK,
    LocalProtocolError,
    ServerConnection,
    State,
)
from fullduplex.sync import ClientConnection, connect

from ..aio.ends import accept_plainly
from ..native import TRANSPORT
from .conftest import Server, interrupt


@pytest.fixture
def connection(server: Server) -> Iterator[ClientConnection]:
    """A connection to the server that echoes."""
    with connect(server.url) as connection:
        yield connection


def wait_for_receiver(connection: ClientConnection) -> None:
    """Return as soon as some thread waits to receive."""

    async def watch() -> None:
        while connection._connection._receiver is None:  # noqa: ASYNC110 - tells nobody
            await asyncio.sleep(0)

    connection._call(watch)


def interrupt_receiver(connection: ClientConnection) -> None:
    """Do what Ctrl-C does, as soon as somebody waits to receive."""
    thread = threading.Thread(target=lambda: (wait_for_receiver(connection), interrupt()))
    thread.start()


# Messages


@pytest.mark.parametrize("message", ["发送数据", b"\x00\xff", ""])
def test_messages_go_and_come(connection: ClientConnection, message: str | bytes) -> None:
    """Text and binary messages are sent and received."""
    connection.send(message)

    assert connection.recv() == message


def test_type_can_be_chosen(connection: ClientConnection) -> None:
    """Bytes can be sent as text, and either received as the other."""
    connection.send("é".encode(), text=True)
    connection.send("é", False)
    connection.send("é", compress=False)
    connection.send("é".encode())

    assert [connection.recv(), connection.recv()] == ["é", b"\xc3\xa9"]
    assert [connection.recv(decode=False), connection.recv(decode=True)] == [b"\xc3\xa9", "é"]


def test_recv_times_out(connection: ClientConnection) -> None:
    """Without a message in time there is a TimeoutError, and nothing is lost."""
    with pytest.raises(TimeoutError, match=r"no message within 0\.01 seconds"):
        connection.recv(timeout=0.01)
    with pytest.raises(TimeoutError):
        connection.recv(0)
    connection.send("later")

    assert connection.recv(timeout=30) == "later"


def test_recv_takes_what_is_there(connection: ClientConnection) -> None:
    """A message that has arrived is received even without any time."""
    connection.send("one")
    connection.send("two")

    assert connection.recv() == "one"
    assert connection.ping().wait(30)
    assert connection.recv(timeout=0) == "two"


def test_iteration_ends_cleanly(connection: ClientConnection) -> None:
    """Iterating gives messages until a clean close."""
    for message in ("one", "two", "close 1000 done"):
        connection.send(message)

    assert list(connection) == ["one", "two"]
    assert (connection.close_code, connection.close_reason) == (1000, "done")


def test_iteration_raises_failure(connection: ClientConnection) -> None:
    """Any other end raises."""
    connection.send("close 4001 why")

    with pytest.raises(ConnectionClosedError) as failure:
        list(connection)
    assert (failure.value.code, failure.value.reason) == (4001, "why")


# Iterables and pieces


def test_items_are_one_message(connection: ClientConnection) -> None:
    """An iterable is sent as one message, drawn by the thread that sends; one without items sends nothing."""
    threads = set()

    def items() -> Iterator[str]:
        for item in ("发送", "", "数据"):
            threads.add(threading.current_thread())
            yield item

    connection.send([])
    connection.send(items())

    assert connection.recv() == "发送数据"
    assert threads == {threading.current_thread()}


def test_items_may_use_connection(connection: ClientConnection) -> None:
    """While items are drawn, the connection can be used: to send on what is received in pieces, even."""
    connection.send(b"x" * 300_000)
    connection.send(connection.recv_streaming())

    assert connection.recv() == b"x" * 300_000


def test_failing_items_close(connection: ClientConnection) -> None:
    """An iterable that raises half-way closes the connection, and its error is raised."""

    def items() -> Iterator[str]:
        yield "half"
        raise LookupError

    with pytest.raises(LookupError):
        connection.send(items())

    assert connection.wait_closed(30)
    with pytest.raises(ConnectionClosedError) as failure:
        connection.recv()
    assert failure.value.sent is not None
    assert failure.value.sent.code == 1011


async def items_of_others() -> AsyncIterator[str]:
    """Make items for a coroutine."""
    yield "item"


@pytest.mark.parametrize("message", [None, 1, {"key": "value"}, items_of_others(), [1]])
def test_other_types_are_refused(connection: ClientConnection, message: Any) -> None:
    """What is no message raises, and nothing is sent."""
    with pytest.raises(TypeError):
        connection.send(message)
    connection.send("fine")

    assert connection.recv() == "fine"


def test_items_end_with_connection(server: Server, connection: ClientConnection) -> None:
    """When the connection closes between two items, no more are drawn."""
    drawn = []

    def items() -> Iterator[str]:
        for number in range(3):
            drawn.append(number)
            if number == 1:
                connection.close()
            yield "item"

    with pytest.raises(ConnectionClosedOK):
        connection.send(items())
    assert drawn == [0, 1]


def test_pieces_make_message(server: Server, connection: ClientConnection) -> None:
    """A message is received piece by piece, and the next after it."""
    peer = server.connection()
    has_first = asyncio.Event()

    async def send() -> None:
        await peer.send(items())
        await peer.send("next")

    async def items() -> AsyncIterator[bytes]:
        yield "é".encode()[:1]
        yield "é".encode()[1:] + b"1"
        await has_first.wait()
        yield b"2"

    sending = asyncio.run_coroutine_threadsafe(send(), server.loop)
    stream = connection.recv_streaming(decode=True)

    begun = ""
    while len(begun) < 2:
        begun += str(next(stream))
    assert begun == "é1"
    server.loop.call_soon_threadsafe(has_first.set)
    assert "".join(str(piece) for piece in stream) == "2"
    assert next(stream, None) is None
    sending.result(30)
    assert list(connection.recv_streaming(decode=False)) == [b"next"]


# Interruptions


def test_interrupted_recv_loses_nothing(connection: ClientConnection) -> None:
    """Ctrl-C while waiting for a message leaves the connection as it was."""
    interrupt_receiver(connection)
    with pytest.raises(KeyboardInterrupt):
        connection.recv()
    connection.send("message")

    assert connection.recv() == "message"


def test_interrupted_message_comes_again(
    connection: ClientConnection, interrupt_result: Callable[[], None]
) -> None:
    """A message that had arrived at Ctrl-C is received next, in its order."""
    connection.send(b"first")
    connection.send("second")
    interrupt_result()
    with pytest.raises(KeyboardInterrupt):
        connection.recv(decode=True)

    assert [connection.recv(), connection.recv()] == [b"first", "second"]


def test_interrupted_message_comes_in_pieces(
    connection: ClientConnection, interrupt_result: Callable[[], None]
) -> None:
    """A message that had arrived at Ctrl-C can be received as a stream."""
    connection.send("first")
    connection.send("second")
    interrupt_result()
    with pytest.raises(KeyboardInterrupt):
        connection.recv()

    assert list(connection.recv_streaming(decode=False)) == [b"first"]
    assert list(connection.recv_streaming()) == ["second"]


def test_interrupted_stream_goes_on(
    connection: ClientConnection, interrupt_result: Callable[[], None]
) -> None:
    """After Ctrl-C a stream goes on where it was."""
    connection.send(b"x" * 300_000)
    stream = connection.recv_streaming()
    interrupt_result()
    with pytest.raises(KeyboardInterrupt):
        next(stream)

    assert b"".join(bytes(piece) for piece in stream) == b"x" * 300_000  # type: ignore[arg-type]


# Pings


def test_pong_is_waited_for(connection: ClientConnection) -> None:
    """A ping gives something to wait for, which tells the latency."""
    pong = connection.ping("data")

    assert pong.wait() is True
    assert pong.is_set()
    assert pong.latency is not None
    assert pong.latency > 0


def test_missing_pong_times_out(plainly: Any) -> None:
    """A pong that doesn't come is waited for as long as wanted, or until the connection closes."""

    async def accept_and_wait(reader: Any, writer: Any) -> None:
        writer.write(await accept_plainly(reader))
        await reader.read()

    with plainly(accept_and_wait) as server:
        connection = connect(server.url, close_timeout=0.01)
        pong = connection.ping(b"data")

        assert pong.wait(0) is False
        assert pong.latency is None
        with pytest.raises(ConcurrencyError):
            connection.ping("data")
        connection.close()
        with pytest.raises(ConnectionClosedError):
            pong.wait()
        assert not pong.is_set()


def test_pong_can_be_sent(connection: ClientConnection) -> None:
    """A pong that nobody asked for harms nobody."""
    connection.pong(b"data")
    connection.send("fine")

    assert connection.recv() == "fine"


def test_pings_go_on_meanwhile(serving: Callable[..., Any]) -> None:
    """Keepalive goes on while the program does something else."""
    pinged = threading.Semaphore(0)

    class Pinged(ServerConnection):
        def ping_received(self, data: bytes) -> None:
            pinged.release()

    with (
        serving(create_connection=Pinged, ping_interval=None) as server,
        connect(server.url, ping_interval=0.01, ping_timeout=None) as connection,
    ):
        assert connection.latency == 0
        for _ in range(3):
            assert pinged.acquire(timeout=30)
        assert connection.latency > 0


# Threads


def test_second_receiver_is_refused(connection: ClientConnection) -> None:
    """One thread receives; a second one is told so."""
    received = []
    first = threading.Thread(target=lambda: received.append(connection.recv()))
    first.start()

    wait_for_receiver(connection)
    with pytest.raises(ConcurrencyError):
        connection.recv()
    connection.send("for the first")
    first.join()

    assert received == ["for the first"]


def test_many_threads_send(connection: ClientConnection) -> None:
    """What many threads send, some in fragments, arrives whole."""

    def send(name: str) -> None:
        for number in range(20):
            connection.send(f"{name}{number}")
            connection.send(iter([f"{name}{number}", " in", " parts"]))

    threads = [threading.Thread(target=send, args=(name,)) for name in "abc"]
    for thread in threads:
        thread.start()
    received = [connection.recv() for _ in range(120)]
    for thread in threads:
        thread.join()

    assert sorted(received) == sorted(
        f"{name}{number}{end}" for name in "abc" for number in range(20) for end in ("", " in parts")
    )


def test_close_ends_receiver(connection: ClientConnection) -> None:
    """A thread that waits for messages ends when another closes the connection."""
    received: list[Any] = []
    thread = threading.Thread(target=lambda: received.extend(connection))
    thread.start()
    connection.close()
    thread.join()

    assert received == []


# The end


def test_what_there_is_to_know(serving: Callable[..., Any]) -> None:
    """An open connection tells how it was opened, and a closed one how it ended."""
    with serving(subprotocols=["chat"]) as server:
        connection = connect(f"{server.url}path", subprotocols=["chat"])
        peer = server.connection()

        assert connection.request is not None
        assert connection.response is not None
        assert (connection.request.path, connection.response.status_code) == ("/path", 101)
        assert connection.subprotocol == "chat"
        assert connection.local_address == peer.remote_address
        assert connection.remote_address == peer.local_address
        assert connection.transport_kind == TRANSPORT
        assert len({connection.id, peer.id}) == 2
        assert connection.state is State.OPEN
        assert (connection.close_code, connection.close_reason) == (None, None)
        assert not connection.wait_closed(0)

        connection.close(4000, "bye")

        assert connection.state is State.CLOSED
        assert (connection.close_code, connection.close_reason) == (4000, "bye")
        assert connection.wait_closed()


def test_close_can_be_repeated(connection: ClientConnection) -> None:
    """Closing twice changes nothing; a bad code is refused."""
    with pytest.raises(LocalProtocolError):
        connection.close(1006)
    connection.close(1001)
    connection.close(1000)

    assert connection.close_code == 1001
    for call in (connection.ping, connection.pong, lambda: connection.send("late")):
        with pytest.raises(ConnectionClosedOK):
            call()


def test_rest_is_received_after_close(server: Server) -> None:
    """What arrived before the end is received after it, when the loop's thread has ended."""
    connection = connect(server.url, max_queue=4)
    for message in ("one", "two", "three", "close 1000 done"):
        connection.send(message)
    assert connection.wait_closed(30)
    for thread in threading.enumerate():
        if thread.name == "fullduplex":
            thread.join()

    assert list(connection) == ["one", "two", "three"]


def test_context_tells_of_failure(server: Server) -> None:
    """A block that ends with an exception closes with code 1011."""
    with pytest.raises(LookupError), connect(server.url) as connection:
        raise LookupError

    assert connection.state is State.CLOSED
    assert server.connection().protocol.close_exception.received.code == 1011


def test_fork_leaves_connection(connection: ClientConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    """A forked process can't use its parent's connection, nor close it."""
    with monkeypatch.context() as forked:
        forked.setattr("os.getpid", lambda: -1)
        with pytest.raises(RuntimeError):
            connection.send("mine")
        connection.close()
    connection.send("mine")

    assert connection.recv() == "mine"
