"""The test kit: time that doesn't pass, and connections without sockets."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest

from fullduplex import connect, serve
from fullduplex.exceptions import ConnectionClosedError, InvalidStatus
from fullduplex.testing import ConnectionPair, MemoryTransport, VirtualTimeLoop, connection_pair

T = TypeVar("T")

YEAR = 365 * 24 * 3600


def run(main: Callable[[], Any], **options: Any) -> Any:
    """Run a coroutine function in virtual time."""
    with asyncio.Runner(loop_factory=lambda: VirtualTimeLoop(**options)) as runner:
        return runner.run(main())


def now() -> float:
    """Return the virtual time."""
    return asyncio.get_running_loop().time()


# Time.


def test_sleep_takes_no_time() -> None:
    """A year is over at once, and the clock shows it exactly."""

    async def main() -> list[float]:
        times = [now()]
        for seconds in (YEAR, 0.25, 1):
            await asyncio.sleep(seconds)
            times.append(now())
        return times

    assert run(main) == [0, YEAR, YEAR + 0.25, YEAR + 1.25]


def test_timers_keep_their_order() -> None:
    """Timers run at their times, those of one time in the order of their making."""

    async def main() -> list[tuple[float, str]]:
        done: list[tuple[float, str]] = []
        loop = asyncio.get_running_loop()
        for name, delay in (("c", 3), ("a", 1), ("b", 2), ("b'", 2)):
            loop.call_later(delay, lambda name=name: done.append((now(), name)))
        loop.call_at(1, lambda: done.append((now(), "a'")))
        await asyncio.sleep(10)
        return done

    assert run(main) == [(1, "a"), (1, "a'"), (2, "b"), (2, "b'"), (3, "c")]


def test_time_outs_are_virtual() -> None:
    """What waits for ever is given up after its time-out, which takes no time."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(YEAR):
                await asyncio.get_running_loop().create_future()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.Event().wait(), YEAR)
        return now()

    assert run(main) == 2 * YEAR


def test_clock_stands_while_busy() -> None:
    """As long as something can run, no time passes."""

    async def main() -> float:
        asyncio.get_running_loop().call_later(0.001, pytest.fail)
        for _ in range(1000):
            await asyncio.sleep(0)
        return now()

    assert run(main) == 0


def test_clock_may_be_advanced() -> None:
    """A callback may pretend to have taken long: what is due then runs late."""

    async def main() -> float:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        late = loop.create_future()
        loop.call_later(1, lambda: late.set_result(now()))
        loop.advance(30)
        return await late

    assert run(main) == 30


@pytest.mark.parametrize("patience", [0, 0.01])
def test_sockets_go_before_timers(patience: float) -> None:
    """What has arrived on a socket is read before the clock jumps."""

    async def main() -> float:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            while line := await reader.readline():
                writer.write(line)
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        async with asyncio.timeout(1):
            for number in range(100):
                writer.write(b"%d\n" % number)
                assert await reader.readline() == b"%d\n" % number
        writer.close()
        await writer.wait_closed()
        server.close()
        return now()

    assert run(main, patience=patience) == 0


def test_idle_sockets_let_time_pass() -> None:
    """A connection on which nothing happens doesn't stop the clock."""

    async def main() -> float:
        here, there = socket.socketpair()
        reader, writer = await asyncio.open_connection(sock=here)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.read(), 3600)
        there.send(b"late")
        assert await reader.read(4) == b"late"
        writer.close()
        await writer.wait_closed()
        there.close()
        return now()

    assert run(main) == 3600


def test_patience_waits_for_others() -> None:
    """Before it jumps, the loop gives a peer that it doesn't run some real time to answer."""

    async def main() -> float:
        here, there = socket.socketpair()

        def answer() -> None:
            there.send(there.recv(10)[::-1])
            there.close()

        thread = threading.Thread(target=answer)
        thread.start()
        reader, writer = await asyncio.open_connection(sock=here)
        writer.write(b"abc")
        assert await asyncio.wait_for(reader.read(), 1) == b"cba"
        writer.close()
        await writer.wait_closed()
        thread.join()
        return now()

    assert run(main, patience=30) == 0


def test_executor_stops_clock() -> None:
    """While a function runs in a thread, no time-out runs out; what it raises is raised."""

    async def main() -> float:
        release = threading.Event()

        def work(value: int) -> float:
            release.wait()
            return 1 / value

        loop = asyncio.get_running_loop()
        loop.call_later(1, pytest.fail)
        async with asyncio.timeout(1):
            working = asyncio.create_task(asyncio.to_thread(work, 2))
            await asyncio.sleep(0)
            # Another thread ends it, in real time.
            threading.Timer(0.01, release.set).start()
            assert await working == 0.5
            with pytest.raises(ZeroDivisionError):
                await loop.run_in_executor(None, work, 0)
        assert await loop.getaddrinfo("localhost", 80)
        return now()

    assert run(main) == 0


def test_threads_wake_loop() -> None:
    """A loop without timers waits for threads in real time, as any loop."""

    async def main() -> str:
        loop = asyncio.get_running_loop()
        called: asyncio.Future[str] = loop.create_future()
        thread = threading.Thread(target=loop.call_soon_threadsafe, args=(called.set_result, "called"))
        thread.start()
        result = await called
        thread.join()
        return result

    assert run(main) == "called"


def test_servers_run_in_virtual_time() -> None:
    """A server and its client on real sockets ping each other for an hour at once."""

    async def main() -> int:
        pings = 0

        async def wait(connection: Any) -> None:
            nonlocal pings
            send_ping = connection.send_ping

            def count(data: bytes) -> None:
                nonlocal pings
                pings += 1
                send_ping(data)

            connection.send_ping = count
            await connection.wait_closed()

        async with serve(wait, "localhost", 0, ping_interval=600) as server:
            port = server.sockets[0].getsockname()[1]
            async with connect(f"ws://localhost:{port}/", ping_interval=None):
                await asyncio.sleep(3601)
        return pings

    assert run(main) == 6


# Connections.


Play = Callable[[ConnectionPair], Awaitable[T]]


def play(act: Play[T], **options: Any) -> T:
    """Run a coroutine function with a pair of connections, in virtual time."""

    async def main() -> T:
        async with connection_pair(**options) as pair:
            return await act(pair)

    result: T = run(main)
    return result


def test_pair_talks_both_ways() -> None:
    """Each end receives what the other sends, by the real protocol; no time passes."""

    async def act(pair: ConnectionPair) -> list[Any]:
        await pair.client.send("发送数据")
        await pair.server.send(b"\x00\xff")
        assert pair.client.request is not None
        assert pair.server.request is not None
        assert pair.client.request.headers == pair.server.request.headers
        return [await pair.server.recv(), await pair.client.recv(), now()]

    assert play(act) == ["发送数据", b"\x00\xff", 0]


def test_pair_needs_no_virtual_time() -> None:
    """It works on any loop."""

    async def main() -> Any:
        async with connection_pair() as pair:
            await pair.client.send("hello")
            return await pair.server.recv()

    assert asyncio.run(main()) == "hello"


def test_handler_runs_with_pair() -> None:
    """A handler on the server's side is run as ``serve`` runs it."""

    async def handler(connection: Any) -> None:
        async for message in connection:
            await connection.send(message[::-1])
            if message == "stop":
                return

    async def act(pair: ConnectionPair) -> Any:
        await pair.client.send("abc")
        await pair.client.send("stop")
        return [message async for message in pair.client], pair.client.close_code

    assert play(act, handler=handler) == (["cba", "pots"], 1000)


def test_each_end_has_its_options() -> None:
    """Options go to both ends, to one, and to one rather than to both."""

    async def act(pair: ConnectionPair) -> list[Any]:
        assert pair.client.request is not None
        settings = [end._settings.ping_interval for end in (pair.client, pair.server)]
        return [*settings, pair.server._settings.max_queue, pair.client.request.path, pair.client.subprotocol]

    found = play(
        act,
        uri="ws://localhost/path",
        ping_interval=5,
        subprotocols=["chat"],
        client={"ping_interval": 7},
        server={"max_queue": 1},
    )
    assert found == [7, 5, 1, "/path", "chat"]


def test_refused_handshake_is_raised() -> None:
    """A handshake that fails is raised where the pair was wanted."""

    async def act(pair: ConnectionPair) -> None:
        pytest.fail("the handshake succeeded")

    with pytest.raises(InvalidStatus):
        play(act, server={"process_request": lambda connection, request: connection.respond(403, "no")})


def test_slow_handshake_times_out() -> None:
    """``open_timeout`` holds as ever."""

    async def never(connection: Any, request: Any) -> None:
        await asyncio.sleep(YEAR)

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with connection_pair(client={"open_timeout": 7}, server={"process_request": never}):
                pass
        return now()

    assert run(main) == 7


def test_stall_holds_everything() -> None:
    """While one way is stalled nothing arrives there, not even the end; the other way goes on."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.to_server.stall()
        await pair.client.send("late")
        await asyncio.sleep(1)
        pair.to_server.write_eof()
        await pair.server.send("in time")
        assert await pair.client.recv() == "in time"
        receiving = asyncio.create_task(pair.server.recv())
        await asyncio.sleep(4)
        assert not receiving.done()
        pair.to_server.resume()
        received = await receiving
        await pair.server.wait_closed()
        return [received, now(), pair.server.close_code]

    assert play(act) == ["late", 5, 1006]


def test_delay_postpones_arrival() -> None:
    """What is written while there is a delay arrives that much later, in its order."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.to_server.delay = 3
        await pair.client.send("one")
        await asyncio.sleep(1)
        pair.to_server.delay = 0
        await pair.client.send("two")
        return [await pair.server.recv(), now(), await pair.server.recv(), now()]

    assert play(act) == ["one", 3, "two", 3]


def test_chunks_split_what_arrives() -> None:
    """However small the pieces, the messages are whole."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.to_server.chunk = 1
        await pair.client.send("发送数据" * 100)
        await pair.client.send(b"x" * 2000)
        return [await pair.server.recv(), await pair.server.recv()]

    assert play(act, compression=None) == ["发送数据" * 100, b"x" * 2000]


def test_fault_may_come_first() -> None:
    """A fault that is there from the beginning holds for the handshake: here, it is split at every byte."""
    sizes: set[int] = set()

    def split(to_client: MemoryTransport, to_server: MemoryTransport) -> None:
        to_client.chunk = to_server.chunk = 1
        for transport in (to_client, to_server):
            connection = transport.get_protocol().connection
            take = connection.data_received
            connection.data_received = lambda data, take=take: (sizes.add(len(data)), take(data))

    async def act(pair: ConnectionPair) -> Any:
        await pair.client.send("发送数据")
        return await pair.server.recv()

    assert play(act, disturb=split) == "发送数据"
    assert sizes == {1}


def test_stalled_handshake_times_out() -> None:
    """A server that never answers is given up by the client, and a client that never asks by the server."""

    async def main() -> float:
        with pytest.raises(TimeoutError):
            async with connection_pair(
                client={"open_timeout": 7}, disturb=lambda to_client, to_server: to_client.stall()
            ):
                pass
        return now()

    assert run(main) == 7


def test_dropped_answers_fail_keepalive() -> None:
    """Who hears nothing fails with 1011, which the peer learns, and cuts when that has no answer either."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.to_client.drop()
        await pair.server.wait_closed()
        told = [now(), pair.server.close_code, pair.server.close_reason]
        await pair.client.wait_closed()
        assert pair.client.codec.close_exception.sent is not None
        return [*told, now(), pair.client.close_code, pair.client.codec.close_exception.sent.code]

    found = play(act, ping_interval=None, client={"ping_interval": 20, "ping_timeout": 5, "close_timeout": 3})
    assert found == [25, 1011, "keepalive ping timeout", 28, 1006, 1011]


def test_dropped_cable_fails_keepalive() -> None:
    """When nothing gets through either way, each end finds out by itself: what it sent seems to be taken."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.drop()
        await pair.client.send("lost")
        found = []
        for end in (pair.client, pair.server):
            assert end.buffered_amount < 20
            await end.wait_closed()
            found += [now(), end.close_code, end.codec.close_exception.sent.code]
        return found

    assert play(act, ping_interval=20, ping_timeout=20, close_timeout=10) == [50, 1006, 1011, 50, 1006, 1011]


def test_dropped_close_times_out() -> None:
    """A Close frame that vanishes is waited for until the close time-out; the other end stays open."""

    async def act(pair: ConnectionPair) -> list[Any]:
        await pair.client.send("before")
        await asyncio.sleep(1)
        pair.to_server.drop()
        await pair.client.close()
        assert await pair.server.recv() == "before"
        return [now(), pair.client.close_code, pair.server.state.name]

    assert play(act, close_timeout=7, ping_interval=None) == [8, 1006, "OPEN"]


def test_half_close_ends_one_way() -> None:
    """An end without a Close frame is none that was agreed; what the other way carries still arrives."""

    async def act(pair: ConnectionPair) -> list[Any]:
        await pair.client.send("in time")
        pair.to_client.delay = 2
        await pair.server.send("under way")
        await asyncio.sleep(1)
        pair.to_server.half_close()
        await pair.client.send("vanishes")
        received = [await pair.server.recv()]
        with pytest.raises(ConnectionClosedError):
            await pair.server.recv()
        received += [await pair.client.recv(), now()]
        with pytest.raises(ConnectionClosedError):
            await pair.client.recv()
        return [*received, now(), pair.server.close_code, pair.client.close_code]

    assert play(act, compression=None) == ["in time", "under way", 2, 3, 1006, 1006]


def test_throttled_line_holds_sender() -> None:
    """A slow line makes the sender wait for what is above the low-water mark, and brings the rest in time."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.to_server.throttle(1000)
        await pair.client.send(b"x" * 9_992)
        sent = now()
        assert pair.client.buffered_amount == 1000
        await pair.server.recv()
        return [sent, now()]

    options = {"compression": None, "ping_interval": None, "write_limit": 4000}
    assert play(act, **options) == pytest.approx([9, 10])


def test_throttle_may_be_undone() -> None:
    """What still waits arrives at once then; a rate that isn't one is refused."""

    async def act(pair: ConnectionPair) -> float:
        pair.to_server.throttle(0.001)
        await pair.client.send("slow")
        await asyncio.sleep(5)
        with pytest.raises(ValueError):
            pair.to_server.throttle(0)
        pair.to_server.throttle(None)
        assert await pair.server.recv() == "slow"
        return now()

    assert play(act, ping_interval=None) == 5


def test_faults_add_up() -> None:
    """Delay, rate and chunks of one direction hold together, and leave the other direction alone."""

    async def act(pair: ConnectionPair) -> list[Any]:
        pair.to_server.delay = 3
        pair.to_server.chunk = 1
        pair.to_server.throttle(100)
        await pair.client.send(b"x" * 92)
        await asyncio.sleep(2)
        await pair.client.send("soon after")
        pair.to_server.stall()
        await pair.server.send("other way")
        assert await pair.client.recv() == "other way"
        assert now() == 2
        pair.to_server.resume()
        found = []
        for _ in range(2):
            await pair.server.recv()
            found.append(now())
        return found

    # A client's frame has a head of 6 bytes; the second is under way until 5 s, and takes 0.16 s.
    assert play(act, compression=None) == pytest.approx([3.98, 5.16])


def test_cut_breaks_both_ends() -> None:
    """After a cut nothing arrives any more, and both ends see an error."""

    async def act(pair: ConnectionPair) -> list[Any]:
        await pair.client.send("lost")
        pair.cut()
        for end in (pair.client, pair.server):
            with pytest.raises(ConnectionClosedError):
                await end.recv()
        return [pair.client.close_code, pair.server.close_code]

    assert play(act) == [1006, 1006]


@pytest.mark.parametrize("error", [None, ZeroDivisionError])
def test_block_ends_at_once(error: type[Exception] | None) -> None:
    """However the ends are left, the block's end cuts them; no task, no time and no message is left."""
    left: list[Any] = []

    async def main() -> None:
        try:
            async with connection_pair(compression=None) as pair:
                pair.to_server.stall()
                pair.to_client.stall()
                pair.client.send_nowait("x" * 100_000)
                pair.client.start_close()
                if error is not None:
                    raise error
        finally:
            left.extend([now(), len(asyncio.all_tasks()), pair.client.state.name, pair.server.state.name])

    if error is None:
        run(main)
    else:
        with pytest.raises(error):
            run(main)
    assert left == [0, 1, "CLOSED", "CLOSED"]


# Transports.


class Notes(asyncio.Protocol):
    """Notes what it is told."""

    def __init__(self, *, keeps_open: bool = False) -> None:
        self.told: list[Any] = []
        self._keeps_open = keeps_open

    def data_received(self, data: bytes) -> None:
        """Note it, or fail."""
        if data == b"fail":
            raise ZeroDivisionError
        self.told.append(data)

    def eof_received(self) -> bool:
        """Note it."""
        self.told.append("end")
        return self._keeps_open

    def pause_writing(self) -> None:
        """Note it."""
        self.told.append("pause")

    def resume_writing(self) -> None:
        """Note it."""
        self.told.append("resume")

    def connection_lost(self, exc: Exception | None) -> None:
        """Note it."""
        self.told.append(("lost", exc))


def with_transports(
    act: Callable[[MemoryTransport, MemoryTransport], Awaitable[None]], *, keeps_open: bool = False
) -> tuple[list[Any], list[Any]]:
    """Run a coroutine function with two joined transports; return what their protocols were told."""
    here, there = Notes(keeps_open=keeps_open), Notes(keeps_open=keeps_open)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        one = MemoryTransport(here, loop, sockname="one", peername="other")
        other = MemoryTransport(there, loop)
        one.peer, other.peer = other, one
        await act(one, other)
        await asyncio.sleep(1)

    run(main)
    return here.told, there.told


def test_transport_has_limits() -> None:
    """Its protocol is told to pause above the high-water mark, and to resume at the low one."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        assert one.get_write_buffer_limits() == (16_384, 65_536)
        one.set_write_buffer_limits(low=10)
        assert one.get_write_buffer_limits() == (10, 40)
        one.set_write_buffer_limits(high=4)
        assert one.get_write_buffer_limits() == (1, 4)
        other.pause_reading()
        assert not other.is_reading()
        one.writelines([b"ab", b"cd"])
        assert one.get_write_buffer_size() == 4
        one.write(b"e")
        one.write(b"f")
        one.write(b"")
        await asyncio.sleep(1)
        other.resume_reading()
        assert other.is_reading()

    assert with_transports(act) == (["pause", "resume"], [b"abcdef"])


def test_transport_ends_by_halves() -> None:
    """Each direction has its own end; after it nothing is sent."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        assert one.can_write_eof()
        one.write(b"last")
        one.write_eof()
        one.write_eof()
        one.write(b"dropped")
        await asyncio.sleep(1)
        other.write(b"answer")
        await asyncio.sleep(1)
        assert not one.is_closing()
        other.close()

    assert with_transports(act, keeps_open=True) == ([b"answer", "end"], [b"last", "end", ("lost", None)])


def test_transport_answers_end() -> None:
    """Unless its protocol wants it open, the other end's end closes it."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        one.write_eof()
        await asyncio.sleep(1)
        assert other.is_closing()

    assert with_transports(act) == (["end", ("lost", None)], ["end", ("lost", None)])


def test_close_delivers_what_waits() -> None:
    """Closing waits until everything is taken, and takes nothing itself."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        one.stall()
        one.write(b"last")
        one.close()
        one.close()
        other.write(b"dropped")
        await asyncio.sleep(5)
        one.resume()

    assert with_transports(act) == ([("lost", None)], [b"last", "end", ("lost", None)])


def test_abort_drops_what_waits() -> None:
    """Aborting doesn't wait; the other end sees an end."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        one.write(b"lost")
        one.abort()
        one.abort()

    assert with_transports(act) == ([("lost", None)], ["end", ("lost", None)])


def test_late_abort_does_nothing() -> None:
    """Who is lost already is aborted without effect: the other end sees one end."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        one.write(b"lost")
        one.abort()
        await asyncio.sleep(1)
        one.abort()

    assert with_transports(act, keeps_open=True) == ([("lost", None)], ["end"])


def test_stall_stops_delivery() -> None:
    """What would have arrived in the same turn waits as well."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        one.write(b"waits")
        one.stall()
        await asyncio.sleep(1)
        assert one.get_write_buffer_size() == 5
        other.cut()

    assert with_transports(act) == ([], [("lost", None)])


def test_early_timer_loses_nothing() -> None:
    """Loops run timers up to their clock's resolution early; the bytes are then those that are due."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        asyncio.get_running_loop()._clock_resolution = 0.5
        for delay, data in ((0.25, b"a"), (0.25, b"b"), (3, b"c")):
            one.delay = delay
            one.write(data)
        for _ in range(5):
            await asyncio.sleep(0)
        assert now() == 0
        assert one.get_write_buffer_size() == 1
        await asyncio.sleep(5)

    assert with_transports(act) == ([], [b"a", b"b", b"c"])


def test_gone_end_takes_everything() -> None:
    """What is written to an end that is lost and had stopped reading doesn't keep the other from closing."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        other.pause_reading()
        one.write(b"never read")
        one.close()
        await asyncio.sleep(1)
        assert one.get_write_buffer_size() == 10
        other.cut()

    assert with_transports(act) == ([("lost", None)], [("lost", None)])


def test_dropping_end_is_not_told() -> None:
    """What is under way arrives; what comes after it, an abort included, does not."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        one.write(b"under way")
        one.drop()
        one.write(b"vanishes")
        assert one.get_write_buffer_size() == 9
        await asyncio.sleep(1)
        one.abort()
        other.write(b"to nobody")

    assert with_transports(act) == ([("lost", None)], [b"under way"])


def test_failing_protocol_is_cut() -> None:
    """A protocol that raises is reported and cut with its error, as asyncio does."""
    reported: list[Any] = []

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: reported.append(context))
        one.write(b"fail")

    here, there = with_transports(act)

    assert here == ["end", ("lost", None)]
    assert isinstance(there[0][1], ZeroDivisionError)
    assert [context["exception"] for context in reported] == [there[0][1]]


def test_transport_tells_of_itself() -> None:
    """It has what programs ask a transport for, and its protocol may be changed."""

    async def act(one: MemoryTransport, other: MemoryTransport) -> None:
        assert one.get_extra_info("sockname") == "one"
        assert one.get_extra_info("peername") == "other"
        assert one.get_extra_info("ssl_object") is None
        second = Notes()
        assert isinstance(other.get_protocol(), Notes)
        other.set_protocol(second)
        one.write(b"for the second")
        await asyncio.sleep(1)
        assert second.told == [b"for the second"]

    assert with_transports(act) == ([], [])
