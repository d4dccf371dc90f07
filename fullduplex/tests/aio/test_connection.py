"""The coroutines of a connection: what they give, what they wait for, and what cancelling them costs."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable
from typing import Any

import pytest

from fullduplex.exceptions import (
    ConcurrencyError,
    ConnectionClosed,
    ConnectionClosedError,
    ConnectionClosedOK,
    LocalProtocolError,
)
from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.states import State
from fullduplex.testing import ConnectionPair, connection_pair

from .ends import client_frame, echo

pytestmark = pytest.mark.asyncio(loop_factories=["virtual"])

LARGE = "发送数据" * 80_000


# Messages.


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize(
    "message, received",
    [
        ("", ""),
        ("plain", "plain"),
        ("发送数据 🙂", "发送数据 🙂"),
        ("\x00\n", "\x00\n"),
        (LARGE, LARGE),
        (b"", b""),
        (b"\x00\xff" * 100, b"\x00\xff" * 100),
        (bytes(2**20), bytes(2**20)),
        (bytearray(b"array"), b"array"),
        (memoryview(b"view"), b"view"),
        (memoryview(b"every other")[::2], b"eeyohr"),
        (memoryview(b"sixteen numbers.").cast("I"), b"sixteen numbers."),
        (memoryview(b"abcdef").cast("B", (2, 3)), b"abcdef"),
    ],
    ids=lambda value: f"{type(value).__name__} {len(value)}",
)
async def test_messages_arrive_whole(message: Any, received: str | bytes, compression: str | None) -> None:
    """Text arrives as str and everything bytes-like as bytes, there and back."""
    async with connection_pair(echo, compression=compression) as pair:
        await pair.client.send(message)
        arrived = await pair.client.recv()

        assert type(arrived) is type(received)
        assert arrived == received


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 2**20])
async def test_every_length_arrives(size: int) -> None:
    """Each of the three forms of a length is right at its limits (5.2)."""
    async with connection_pair(echo, compression=None) as pair:
        await pair.client.send(b"x" * size)

        assert await pair.client.recv() == b"x" * size


@pytest.mark.parametrize("message", [None, 1, 1.5, [1], {"text": 1}, object()])
async def test_wrong_types_are_refused(message: Any) -> None:
    """What is neither str nor bytes-like isn't sent, and does no harm."""
    async with connection_pair() as pair:
        with pytest.raises(TypeError, match="a message is str"):
            await pair.client.send(message)
        with pytest.raises(TypeError):
            await pair.client.ping(message or 0)
        await pair.client.send("fine")

        assert await pair.server.recv() == "fine"


async def test_lone_surrogates_are_refused() -> None:
    """Text that has no UTF-8 isn't sent, and does no harm."""
    async with connection_pair() as pair:
        with pytest.raises(UnicodeEncodeError):
            await pair.client.send("\ud800")
        await pair.client.send("fine")

        assert await pair.server.recv() == "fine"


async def test_message_is_copied() -> None:
    """A buffer that was sent may be changed at once."""
    async with connection_pair(compression=None) as pair:
        buffer = bytearray(b"before")
        await pair.client.send(buffer)
        await pair.server.send(memoryview(buffer))
        buffer[:] = b"after!"

        assert await pair.server.recv() == b"before"
        assert await pair.client.recv() == b"before"


async def test_many_messages_in_order() -> None:
    """Ten thousand small messages come back in their order, from a hundred tasks' worth of turns."""
    async with connection_pair(echo) as pair:

        async def send_all() -> None:
            for number in range(10_000):
                await pair.client.send(str(number))

        sending = asyncio.create_task(send_all())
        received = [await pair.client.recv() for _ in range(10_000)]
        await sending

        assert received == [str(number) for number in range(10_000)]


async def test_tasks_may_send_together() -> None:
    """Messages of many tasks at once arrive each whole and once."""
    async with connection_pair(compression=None) as pair:
        numbers = range(200)

        async def send(number: int) -> None:
            await pair.client.send(f"{number}:".encode() * 1000)

        sending = asyncio.gather(*(send(number) for number in numbers))
        received = {await pair.server.recv() for _ in numbers}
        await sending

        assert received == {f"{number}:".encode() * 1000 for number in numbers}


# Waiting for messages.


async def test_recv_waits() -> None:
    """A message that comes later is waited for."""
    async with connection_pair() as pair:
        waiting = asyncio.create_task(pair.server.recv())
        await asyncio.sleep(3600)
        assert not waiting.done()
        await pair.client.send("at last")

        assert await waiting == "at last"


async def test_second_recv_is_refused() -> None:
    """Two tasks can't wait for one message; the first goes on waiting."""
    async with connection_pair() as pair:
        first = asyncio.create_task(pair.server.recv())
        await asyncio.sleep(0)
        with pytest.raises(ConcurrencyError):
            await pair.server.recv()
        with pytest.raises(ConcurrencyError):
            await anext(aiter(pair.server))
        await pair.client.send("for the first")

        assert await first == "for the first"


async def test_recv_can_follow_cancelled() -> None:
    """After a recv that was cancelled the next one may wait."""
    async with connection_pair() as pair:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pair.server.recv(), 1)
        await pair.client.send("for the next")

        assert await pair.server.recv() == "for the next"


async def test_cancelled_recv_loses_nothing() -> None:
    """Wherever a recv is cancelled between two turns, the message is there for the next one."""
    async with connection_pair() as pair:
        for number in range(20):
            receiving = asyncio.create_task(pair.server.recv())
            await asyncio.sleep(0)
            pair.client.send_nowait(str(number))
            for _ in range(number % 7):
                await asyncio.sleep(0)
            receiving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                assert await receiving == str(number)
                continue

            assert await pair.server.recv() == str(number)


async def test_timed_recv_loses_nothing() -> None:
    """A recv with a time-out gives each message once, whichever comes first."""
    async with connection_pair() as pair:
        received = []

        async def send_all() -> None:
            for number in range(50):
                await asyncio.sleep(1)
                await pair.client.send(str(number))

        sending = asyncio.create_task(send_all())
        while len(received) < 50:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(0.5):
                    received.append(await pair.server.recv())
        await sending

        assert received == [str(number) for number in range(50)]


async def test_iteration_may_be_resumed() -> None:
    """A loop that is left loses nothing: the next one goes on where it stopped."""
    async with connection_pair() as pair:
        for word in ("one", "two", "three"):
            await pair.client.send(word)
        async for message in pair.server:
            assert message == "one"
            break
        await pair.client.close()

        assert [message async for message in pair.server] == ["two", "three"]


# Backpressure.


async def test_full_queue_stops_reading() -> None:
    """Reading stops at max_queue messages and goes on when a quarter is left."""
    async with connection_pair(max_queue=16) as pair:
        for number in range(100):
            await pair.client.send(str(number))
            await asyncio.sleep(0.1)
        for number in range(12):
            assert pair.server.is_reading_paused
            assert await pair.server.recv() == str(number)
        assert not pair.server.is_reading_paused

        assert [await pair.server.recv() for _ in range(88)] == [str(number) for number in range(12, 100)]


async def test_queue_may_be_endless() -> None:
    """Without a limit, reading never stops."""
    async with connection_pair(max_queue=None) as pair:
        for number in range(1000):
            await pair.client.send(str(number))
            await asyncio.sleep(0.1)

        assert not pair.server.is_reading_paused
        assert [await pair.server.recv() for _ in range(1000)] == [str(number) for number in range(1000)]


@pytest.mark.parametrize("max_queue", [1, 2, 3])
async def test_short_queues_work(max_queue: int) -> None:
    """A queue of one message holds up nothing for ever."""
    async with connection_pair(max_queue=max_queue) as pair:
        sending = asyncio.gather(*(pair.client.send(str(number)) for number in range(100)))

        assert [await pair.server.recv() for _ in range(100)] == [str(number) for number in range(100)]
        await sending


async def test_send_waits_for_peer() -> None:
    """What waits for a peer that doesn't read is bounded: send waits, with its own message taken."""
    async with connection_pair(compression=None, max_queue=4, ping_interval=None) as pair:
        sent = 0

        async def send_all() -> None:
            nonlocal sent
            for number in range(1000):
                sent += 1
                await pair.client.send(f"{number:10000}")

        sending = asyncio.create_task(send_all())
        await asyncio.sleep(3600)
        assert not sending.done()
        assert sent < 20
        assert pair.client.buffered_amount < 60_000
        received = [await pair.server.recv() for _ in range(1000)]
        await sending

        assert [int(number.lstrip()) for number in received] == list(range(1000))


async def test_cancelled_send_stays_sent() -> None:
    """A send that is cancelled while it waits has sent its message, whole and once."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.stall()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pair.client.send("x" * 100_000), 1)
        pair.client.send_nowait("next")
        pair.to_server.resume()

        assert await pair.server.recv() == "x" * 100_000
        assert await pair.server.recv() == "next"


async def test_send_ends_with_connection() -> None:
    """A send that waits when the connection is lost is told so."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.stall()
        sending = asyncio.create_task(pair.client.send("x" * 100_000))
        await asyncio.sleep(1)
        pair.cut()

        with pytest.raises(ConnectionClosedError):
            await sending


async def test_send_tells_how_it_ended() -> None:
    """While the connection closes it isn't known whether cleanly; who sends then is told when it is."""
    async with connection_pair() as pair:
        pair.to_server.delay = 1
        pair.server.start_close()
        begun = asyncio.get_running_loop().time()
        for send in (pair.server.send, pair.server.ping, pair.server.pong):
            with pytest.raises(ConnectionClosedOK):
                await send("late")
        assert asyncio.get_running_loop().time() - begun == 1
        with pytest.raises(ConnectionClosedOK):
            pair.server.send_nowait("later")

    async with connection_pair(close_timeout=7) as pair:
        pair.to_server.stall()
        pair.server.start_close()
        with pytest.raises(ConnectionClosedError):
            pair.server.send_nowait("late")
        with pytest.raises(ConnectionClosedError):
            await pair.server.send("late")


async def test_send_nowait_never_waits() -> None:
    """It takes what it is given, and buffered_amount tells how much that is."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.stall()
        for _ in range(100):
            pair.client.send_nowait(b"x" * 10_000)

        assert pair.client.buffered_amount >= 1_000_000


# Closing.


@pytest.mark.parametrize(
    "code, reason, kind",
    [
        (1000, "", ConnectionClosedOK),
        (1000, "再见", ConnectionClosedOK),
        (1001, "", ConnectionClosedOK),
        (1005, "", ConnectionClosedOK),
        (1011, "sorry", ConnectionClosedError),
        (3000, "", ConnectionClosedError),
        (4999, "x" * 123, ConnectionClosedError),
    ],
)
@pytest.mark.parametrize("closer", ["client", "server"])
async def test_codes_arrive(closer: str, code: int, reason: str, kind: type[ConnectionClosed]) -> None:
    """Code and reason of whoever closes are known to both, and the kind of the exception follows the code."""
    async with connection_pair() as pair:
        ends = [pair.client, pair.server]
        us, them = ends if closer == "client" else reversed(ends)
        await us.close(code, reason)
        await them.wait_closed()

        assert (them.close_code, them.close_reason) == (code, reason)
        assert us.close_code == code
        assert (us.state, them.state) == (State.CLOSED, State.CLOSED)
        for end, received_first in ((us, False), (them, True)):
            with pytest.raises(kind) as caught:
                await end.recv()
            assert caught.value.received_first is received_first
            with pytest.raises(kind):
                await end.send("late")
            with pytest.raises(kind):
                await end.ping()


@pytest.mark.parametrize("code", [0, 999, 1004, 1006, 1015, 1016, 2999, 5000, 65_536])
async def test_wrong_codes_are_refused(code: int) -> None:
    """A code that mustn't be sent changes nothing (7.4)."""
    async with connection_pair(echo) as pair:
        with pytest.raises(LocalProtocolError):
            await pair.client.close(code)
        with pytest.raises(LocalProtocolError):
            await pair.client.close(1000, "据" * 42)
        await pair.client.send("still open")

        assert await pair.client.recv() == "still open"


async def test_closing_twice_is_harmless() -> None:
    """The first code counts; whoever closes again waits for the same end."""
    async with connection_pair() as pair:
        await asyncio.gather(pair.client.close(4000, "first"), pair.client.close(4001, "second"))
        await pair.client.close(4002)

        assert (pair.server.close_code, pair.server.close_reason) == (4000, "first")


async def test_both_may_close() -> None:
    """When both ends close at once, each learns the other's code."""
    async with connection_pair() as pair:
        await asyncio.gather(pair.client.close(4001), pair.server.close(4002))

        assert (pair.client.close_code, pair.server.close_code) == (4002, 4001)


async def test_messages_outlive_connection() -> None:
    """What arrived before the end is still given out, then the end is told."""
    async with connection_pair() as pair:
        for word in ("one", "two"):
            await pair.client.send(word)
        await pair.client.close()
        await pair.server.wait_closed()
        assert await pair.server.recv() == "one"
        assert await pair.server.recv() == "two"

        with pytest.raises(ConnectionClosedOK):
            await pair.server.recv()


async def test_closer_still_receives() -> None:
    """What the peer had sent before it saw our Close frame isn't lost."""
    async with connection_pair() as pair:
        pair.to_client.delay = 1
        await pair.server.send("on its way")
        await pair.client.close()

        assert await pair.client.recv() == "on its way"


async def test_close_passes_full_queue() -> None:
    """Behind messages that nobody takes the peer's answer is found; those beyond the queue are dropped."""
    async with connection_pair(max_queue=4) as pair:
        for number in range(40):
            await pair.client.send(str(number))
            await asyncio.sleep(0.1)
        begun = asyncio.get_running_loop().time()
        await pair.server.close()

        assert asyncio.get_running_loop().time() - begun < 1
        assert pair.server.close_code == 1000
        assert [message async for message in pair.server] == ["0", "1", "2", "3"]


async def test_silent_peer_is_cut() -> None:
    """Who doesn't answer our Close frame is cut at the time-out: 1006."""
    async with connection_pair(close_timeout=7) as pair:
        pair.to_server.stall()
        begun = asyncio.get_running_loop().time()
        await pair.client.close()

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        assert pair.client.close_code == 1006


async def test_lost_connection_is_error() -> None:
    """Without a Close frame it is 1006 and an error, in the middle of a message as well."""
    async with connection_pair() as pair:
        await pair.client.send("whole")
        await asyncio.sleep(1)
        pair.to_server.write(client_frame(Opcode.TEXT, b"half" * 10_000)[:20_000])
        await asyncio.sleep(1)
        pair.cut()
        assert await pair.server.recv() == "whole"
        for end in (pair.client, pair.server):
            with pytest.raises(ConnectionClosedError) as caught:
                await end.recv()
            assert (caught.value.received, caught.value.sent) == (None, None)
            assert (end.close_code, end.close_reason) == (1006, "")


async def test_broken_rule_is_told() -> None:
    """Who breaks the protocol is told why; for us it is an error."""
    async with connection_pair() as pair:
        pair.to_server.write(b"\x81\x84\x00\x00\x00\x00\xff\xff\xff\xff")
        with pytest.raises(ConnectionClosedError) as caught:
            await pair.server.recv()
        await pair.client.wait_closed()

        assert caught.value.received is None
        assert caught.value.sent is not None
        assert caught.value.sent.code == pair.client.close_code == 1007


BROKEN = client_frame(Opcode.TEXT, b"good") + b"\xf1\x80\x00\x00\x00\x00"


async def test_message_before_failure_is_answered() -> None:
    """What came before a broken rule, in one read, is answered before the connection fails."""
    async with connection_pair(echo) as pair:
        pair.to_server.write(BROKEN)

        assert await pair.client.recv() == "good"
        with pytest.raises(ConnectionClosedError):
            await pair.client.recv()
        assert pair.client.close_code == 1002


async def test_failure_waits_for_a_time() -> None:
    """Who never asks for the next message doesn't put the failure off for ever."""
    async with connection_pair(close_timeout=7) as pair:
        begun = asyncio.get_running_loop().time()
        pair.to_server.write(BROKEN)
        await pair.client.wait_closed()

        assert asyncio.get_running_loop().time() - begun == pytest.approx(7)
        assert pair.client.close_code == 1002
        assert await pair.server.recv() == "good"


async def test_closing_tells_broken_rule() -> None:
    """Closing after the peer broke a rule tells the peer of it, and doesn't wait for an answer."""
    async with connection_pair() as pair:
        pair.to_server.write(BROKEN)
        await asyncio.sleep(1)
        begun = asyncio.get_running_loop().time()
        await pair.server.close()
        await pair.client.wait_closed()

        assert asyncio.get_running_loop().time() == begun
        assert pair.client.close_code == 1002


async def test_too_large_message_is_refused() -> None:
    """A message over max_size is answered with 1009."""
    async with connection_pair(server={"max_size": 1000}) as pair:
        await pair.client.send(b"x" * 1000)
        await pair.client.send(b"x" * 1001)
        await pair.client.wait_closed()

        assert await pair.server.recv() == b"x" * 1000
        assert pair.client.close_code == 1009


async def test_iteration_ends_cleanly() -> None:
    """A clean close ends the loop, with code 1001 and without a code too."""
    for code in (1000, 1001, 1005):
        async with connection_pair() as pair:
            await pair.client.send("last")
            pair.client.start_close(code)

            assert [message async for message in pair.server] == ["last"]


@pytest.mark.parametrize("how", ["code", "cut"])
async def test_iteration_tells_errors(how: str) -> None:
    """Any other end is raised out of the loop, after the messages."""
    async with connection_pair() as pair:
        await pair.client.send("last")
        await asyncio.sleep(1)
        if how == "code":
            pair.client.start_close(4000)
        else:
            pair.cut()
        messages = aiter(pair.server)
        assert await anext(messages) == "last"

        with pytest.raises(ConnectionClosedError):
            await anext(messages)


async def test_context_closes() -> None:
    """The end of a block closes with 1000, an exception out of it with 1011."""
    async with connection_pair() as pair:
        async with pair.client as connection:
            assert connection is pair.client
        assert pair.server.close_code == 1000

    async with connection_pair() as pair:
        with pytest.raises(ZeroDivisionError):
            async with pair.client:
                raise ZeroDivisionError
        assert pair.server.close_code == 1011


async def test_waiters_all_return() -> None:
    """Any number of tasks may wait for the end, before it and after it."""
    async with connection_pair() as pair:
        waiting = [asyncio.create_task(pair.server.wait_closed()) for _ in range(3)]
        await asyncio.sleep(1)
        waiting[0].cancel()
        await pair.client.close()
        await asyncio.gather(*waiting[1:])
        await pair.server.wait_closed()

        assert waiting[0].cancelled()


Call = Callable[[ConnectionPair], Any]


@pytest.mark.parametrize(
    "call",
    [
        lambda pair: pair.client.recv(),
        lambda pair: pair.client.send("x" * 100_000),
        lambda pair: pair.client.drain(),
        lambda pair: pair.client.ping(),
        lambda pair: pair.client.pong(),
        lambda pair: pair.client.wait_closed(),
    ],
    ids=["recv", "send", "drain", "ping", "pong", "wait_closed"],
)
async def test_cancelling_keeps_connection(call: Call) -> None:
    """Whatever is cancelled while it waits, the connection stays whole."""
    async with connection_pair(echo, compression=None) as pair:
        pair.to_server.stall()
        pair.client.send_nowait("y" * 100_000)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(call(pair), 1)
        pair.to_server.resume()
        assert await pair.client.recv() == "y" * 100_000
        await pair.client.send("whole")
        while await pair.client.recv() != "whole":
            pass
        await pair.client.close()

        assert pair.server.close_code == 1000


async def test_cancelled_close_goes_on() -> None:
    """A close that is cancelled ends by itself."""
    async with connection_pair() as pair:
        pair.to_server.delay = 2
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pair.client.close(4000), 1)
        await pair.client.wait_closed()

        assert (pair.client.close_code, pair.server.close_code) == (4000, 4000)


# Pings.


async def test_ping_gives_latency() -> None:
    """A ping's future has the seconds until its pong came."""
    async with connection_pair() as pair:
        pair.to_server.delay, pair.to_client.delay = 1, 2
        pong = await pair.client.ping()

        assert await pong == 3


async def test_later_pong_answers_all() -> None:
    """A pong answers the pings before its own as well, not those after it (5.5.3)."""
    async with connection_pair() as pair:
        pair.to_client.stall()
        pongs = [await pair.client.ping(data) for data in (b"1", "2", b"3", b"4")]
        await asyncio.sleep(1)
        pair.to_client.cut()
        pair.client.data_received(b"\x8a\x013")

        assert [pong.done() for pong in pongs] == [True, True, True, False]


async def test_same_ping_is_refused() -> None:
    """Two pings under way with the same data couldn't be told apart; afterwards they can."""
    async with connection_pair() as pair:
        pong = await pair.client.ping(b"same")
        with pytest.raises(ConcurrencyError):
            await pair.client.ping(b"same")
        await pong

        assert await (await pair.client.ping(b"same")) >= 0


async def test_long_pings_are_refused() -> None:
    """125 bytes are the most (5.5); what was refused isn't under way."""
    async with connection_pair() as pair:
        for _ in range(2):
            with pytest.raises(LocalProtocolError):
                await pair.client.ping(b"x" * 126)
        with pytest.raises(LocalProtocolError):
            await pair.client.pong(b"x" * 126)

        assert await (await pair.client.ping(b"x" * 125)) >= 0


async def test_unanswered_pings_fail() -> None:
    """When no pong can come any more, the future says so; nobody needs to look."""
    complaints: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    async with connection_pair() as pair:
        pair.to_server.stall()
        watched, ignored = await pair.client.ping(), await pair.client.ping()
        pair.cut()
        with pytest.raises(ConnectionClosedError):
            await watched
        assert ignored.done()
    del watched, ignored
    gc.collect()

    assert complaints == []


async def test_pong_may_be_unasked() -> None:
    """A pong that nobody asked for is sent and ignored (5.5.3)."""
    async with connection_pair(echo) as pair:
        await pair.client.pong(b"heartbeat")
        await pair.client.pong("心")
        await pair.server.pong()
        await pair.client.send("fine")

        assert await pair.client.recv() == "fine"


async def test_cancelled_pong_is_forgotten() -> None:
    """A future of a ping that was cancelled disturbs nothing when its pong comes."""
    async with connection_pair(echo) as pair:
        pair.to_client.delay = 1
        pong = await pair.client.ping()
        pong.cancel()
        await pair.client.send("fine")

        assert await pair.client.recv() == "fine"


async def test_connections_have_names() -> None:
    """Each connection has an id of its own, and its protocol can be reached."""
    async with connection_pair() as pair:
        assert pair.client.id != pair.server.id
        assert pair.client.protocol.state is State.OPEN
        assert pair.server.username is None
        assert pair.server in pair.server.server.connections
        assert pair.server.respond(418, "茶\n").body == "茶\n".encode()
        assert pair.client.transport_kind == pair.server.transport_kind == "asyncio"


async def test_unawaited_calls_are_told() -> None:
    """Who forgets to await is warned in Python's words; who closes what was made isn't."""
    async with connection_pair() as pair:
        connection = pair.client
        calls = {
            "recv": connection.recv,
            "__anext__": connection.__anext__,
            "send": lambda: connection.send(""),
        }
        for name, call in calls.items():
            with pytest.warns(RuntimeWarning, match=rf"^coroutine 'Connection\.{name}' was never awaited$"):
                call()
            coroutine = call()
            assert (coroutine.__name__, coroutine.__qualname__) == (name, f"Connection.{name}")
            coroutine.close()


async def test_debug_mode_shows_calls() -> None:
    """In asyncio's debug mode all goes on as ever, and tasks show what they wait in."""
    asyncio.get_running_loop().set_debug(True)
    async with connection_pair(echo) as pair:
        receiving = asyncio.ensure_future(pair.client.recv())
        await asyncio.sleep(0)
        assert "coro=<Connection.recv()" in repr(receiving)
        await pair.client.send("hello")
        assert await receiving == "hello"


# Messages in pieces.


async def numbers(*items: Any, then: BaseException | None = None) -> Any:
    """Give items, one each turn of the loop, and then raise."""
    for item in items:
        await asyncio.sleep(0)
        yield item
    if then is not None:
        raise then


async def pieces_of(stream: Any) -> list[Any]:
    """Return the pieces of a message."""
    return [piece async for piece in stream]


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize(
    "items", [["发送", "", "数据"], [b"\x00\xff", bytearray(b"a"), memoryview(b"b")], [""], [b""]]
)
@pytest.mark.parametrize("make", [iter, list, tuple, lambda items: numbers(*items)])
async def test_iterables_are_one_message(
    items: list[Any], make: Callable[..., Any], compression: Any
) -> None:
    """The items of an iterable arrive as one message, and what is sent next after it."""
    async with connection_pair(compression=compression) as pair:
        await pair.client.send(make(items))
        await pair.client.send("next")

        assert await pair.server.recv() == type(await_whole := items[0])().join(items)
        assert isinstance(await_whole, str | bytes)
        assert await pair.server.recv() == "next"


@pytest.mark.parametrize("make", [iter, lambda items: numbers(*items)])
async def test_no_items_send_nothing(make: Callable[..., Any]) -> None:
    """An iterable without items is no message."""
    async with connection_pair() as pair:
        await pair.client.send(make([]))
        await pair.client.send("next")

        assert await pair.server.recv() == "next"


async def test_items_go_out_as_they_come() -> None:
    """A fragment doesn't wait for the one after it."""
    async with connection_pair(compression=None) as pair:
        queue: asyncio.Queue[str] = asyncio.Queue()

        async def items() -> Any:
            while item := await queue.get():
                yield item

        sending = asyncio.create_task(pair.client.send(items()))
        stream = pair.server.recv_streaming()
        for item in ("one", "two"):
            queue.put_nowait(item)
            assert await anext(stream) == item
        queue.put_nowait("")
        await sending

        assert "".join(await pieces_of(stream)) == ""


@pytest.mark.parametrize("items", [["text", b"bytes"], [b"bytes", "text"], ["text", 1], [b"bytes", None]])
async def test_mixed_items_fail(items: list[Any]) -> None:
    """Items of different kinds, or of none, raise, and close: half of the message is out."""
    async with connection_pair() as pair:
        with pytest.raises(TypeError):
            await pair.client.send(items)
        with pytest.raises(ConnectionClosedError) as caught:
            await pair.server.recv()

        assert caught.value.code == 1011


async def test_first_item_may_fail() -> None:
    """An iterable that fails before its first item, or gives nothing that can be sent, costs nothing."""
    async with connection_pair() as pair:
        with pytest.raises(ZeroDivisionError):
            await pair.client.send(numbers(then=ZeroDivisionError()))
        with pytest.raises(TypeError):
            await pair.client.send([None])
        await pair.client.send("fine")

        assert await pair.server.recv() == "fine"


async def test_half_a_message_closes() -> None:
    """An iterable that fails later takes the connection with it: half a message must not pass for one."""
    async with connection_pair() as pair:
        with pytest.raises(ZeroDivisionError):
            await pair.client.send(numbers("half", then=ZeroDivisionError()))
        with pytest.raises(ConnectionClosedError) as caught:
            await pair.server.recv()

        assert (caught.value.code, caught.value.received_first) == (1011, True)


async def test_cancelled_fragments_close() -> None:
    """Cancelling before the first item costs nothing, and closes the connection after it."""
    async with connection_pair() as pair:
        never = asyncio.Event()

        async def items(*first: str) -> Any:
            for item in first:
                yield item
            await never.wait()

        for first in ((), ("half",)):
            sending = asyncio.create_task(pair.client.send(items(*first)))
            await asyncio.sleep(1)
            assert pair.client.state is State.OPEN
            sending.cancel()
            with pytest.raises(asyncio.CancelledError):
                await sending
        with pytest.raises(ConnectionClosedError) as caught:
            await pair.server.recv()

        assert caught.value.code == 1011


async def test_closed_peer_ends_iterables() -> None:
    """When the connection closes, sending items ends as any sending does."""
    async with connection_pair() as pair:

        async def items() -> Any:
            yield "first"
            await pair.server.close(1001)
            yield "second"

        with pytest.raises(ConnectionClosedOK) as caught:
            await pair.client.send(items())

        assert caught.value.code == 1001


async def test_other_connections_end_is_passed_on() -> None:
    """Items that come from another connection, whose end raises, don't wait for the end of this one."""
    async with connection_pair() as one, connection_pair() as other:
        sending = asyncio.create_task(one.client.send(other.server.recv_streaming()))
        await asyncio.sleep(1)
        await other.client.close()
        with pytest.raises(ConnectionClosedOK):
            await sending

        assert one.client.state is State.OPEN


async def test_fragments_stay_together() -> None:
    """Whatever else is sent meanwhile, by whichever method, arrives after the message in fragments."""
    async with connection_pair() as pair:
        many = [asyncio.create_task(pair.client.send(numbers(*[str(task)] * 50))) for task in range(5)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert pair.client.codec.is_sending_fragments
        pair.client.send_nowait("without waiting")
        single = asyncio.create_task(pair.client.send("single"))
        received = [await pair.server.recv() for _ in range(7)]
        await asyncio.gather(*many, single)

        assert received[0] == "0" * 50
        assert sorted(received) == sorted(
            [str(task) * 50 for task in range(5)] + ["without waiting", "single"]
        )
        assert received[1] == "without waiting"


async def test_pings_pass_fragments() -> None:
    """Control frames go between fragments (5.4)."""
    async with connection_pair() as pair:
        never = asyncio.Event()

        async def items() -> Any:
            yield "half"
            await never.wait()
            yield "half"

        sending = asyncio.create_task(pair.client.send(items()))
        await asyncio.sleep(1)
        await (await pair.client.ping())
        never.set()
        await sending

        assert await pair.server.recv() == "halfhalf"


async def test_waiting_send_learns_of_close() -> None:
    """Who waits for another's fragments to end is told when the connection closes instead."""
    async with connection_pair() as pair:
        never = asyncio.Event()

        async def items() -> Any:
            yield "half"
            await never.wait()

        first = asyncio.create_task(pair.client.send(items()))
        await asyncio.sleep(1)
        others = [asyncio.create_task(pair.client.send(message)) for message in ("single", ["in", "items"])]
        await asyncio.sleep(1)
        pair.cut()
        outcomes = await asyncio.gather(*others, return_exceptions=True)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)

        assert [type(outcome) for outcome in outcomes] == [ConnectionClosedError] * 2


@pytest.mark.parametrize("compression", ["deflate", None])
@pytest.mark.parametrize("message", [LARGE, LARGE.encode() + b"\xff", "", b"", "short", b"short"], ids=len)
async def test_pieces_make_the_message(message: Any, compression: str | None) -> None:
    """The pieces of a message, however it is cut under way, are the message; no character is cut."""
    async with connection_pair(compression=compression) as pair:
        pair.to_server.chunk = 1001
        sending = asyncio.create_task(pair.client.send(message))
        pieces = await pieces_of(pair.server.recv_streaming())
        await sending

        assert type(message)().join(pieces) == message
        assert len(pieces) > 10 or len(message) < 10


async def test_pieces_come_before_the_end() -> None:
    """A piece is given as soon as it is there, below the level of frames."""
    async with connection_pair(compression=None) as pair:
        pair.to_server.chunk = 10
        sending = asyncio.create_task(pair.client.send(b"x" * 100_000))
        stream = pair.server.recv_streaming()
        first = await anext(stream)

        assert len(first) < 10
        assert len(first) + sum(map(len, await pieces_of(stream))) == 100_000
        await sending


async def test_begun_message_is_streamed() -> None:
    """What has arrived of a message before it is asked for in pieces is its first piece."""
    async with connection_pair(compression=None) as pair:
        sending = asyncio.create_task(pair.client.send(numbers("half and ", "half", then=None)))
        await asyncio.sleep(1)
        await sending

        assert await pieces_of(pair.server.recv_streaming()) == ["half and half"]
        pair.client.send_fragment(Opcode.TEXT, b"\xe5\x8f\x91\xe9", fin=False)
        await asyncio.sleep(1)
        stream = pair.server.recv_streaming()
        assert await anext(stream) == "发"
        pair.client.send_fragment(Opcode.TEXT, b"\x80\x81", fin=True)
        assert await pieces_of(stream) == ["送"]


async def test_streams_follow_each_other() -> None:
    """Messages in pieces and whole ones can be received by turns."""
    async with connection_pair() as pair:
        for number in range(6):
            await pair.client.send([str(number)] * 3)
        for number in (0, 2, 4):
            assert "".join(await pieces_of(pair.server.recv_streaming())) == str(number) * 3
            assert await pair.server.recv() == str(number + 1) * 3


async def test_decode_is_obeyed() -> None:
    """Text comes as bytes and binary as text where that is asked for, character by character."""
    async with connection_pair() as pair:
        for _ in range(2):
            await pair.client.send("发送")
            await pair.client.send("发送".encode())
        assert await pair.server.recv(decode=False) == "发送".encode()
        assert await pair.server.recv(decode=True) == "发送"
        assert b"".join(await pieces_of(pair.server.recv_streaming(decode=False))) == "发送".encode()
        pair.to_server.chunk = 1
        assert "".join(await pieces_of(pair.server.recv_streaming(decode=True))) == "发送"
        await pair.client.send(b"\xff")
        with pytest.raises(UnicodeDecodeError):
            await pair.server.recv(decode=True)


async def test_text_flag_is_obeyed() -> None:
    """Bytes go out as text and str as binary where that is asked for."""
    async with connection_pair() as pair:
        await pair.client.send(b"bytes", text=True)
        await pair.client.send("text", text=False)
        await pair.client.send([b"by", b"tes"], text=True)
        pair.client.send_nowait("text", text=False)

        assert [await pair.server.recv() for _ in range(4)] == ["bytes", b"text", "bytes", b"text"]


async def test_left_stream_is_skipped() -> None:
    """The rest of a message that was received in part is dropped when anything else is received."""
    async with connection_pair(compression=None, read_limit=1000) as pair:
        for size in (10, 100_000):
            sending = [
                asyncio.create_task(pair.client.send(message))
                for message in ([b"x" * size, b"y" * size], "next")
            ]
            stream = pair.server.recv_streaming()
            assert set(await anext(stream)) == set(b"x")
            assert await pair.server.recv() == "next"
            with pytest.raises(ConcurrencyError):
                await anext(stream)
            await asyncio.gather(*sending)
            await pair.client.send("after")
            assert await pieces_of(pair.server.recv_streaming()) == ["after"]


async def test_cancelled_pieces_are_not_lost() -> None:
    """Cancelling the wait for a piece loses nothing, before the first one and after it."""
    async with connection_pair() as pair:
        stream = pair.server.recv_streaming()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(stream)
        pair.client.send_fragment(Opcode.TEXT, b"one", fin=False)
        assert await anext(stream) == "one"
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await anext(stream)
        pair.client.send_fragment(Opcode.TEXT, b"two", fin=True)

        assert "".join(await pieces_of(stream)) == "two"


async def test_unbegun_stream_loses_nothing() -> None:
    """A stream of which nothing was taken leaves the message whole for who receives next."""
    async with connection_pair() as pair:
        for arrived in (False, True):
            waiting = asyncio.create_task(anext(pair.server.recv_streaming()))
            await asyncio.sleep(1)
            if arrived:
                pair.client.send_fragment(Opcode.TEXT, b"half and ", fin=False)
                pair.client.flush()
                pair.to_server._deliver()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            if not arrived:
                pair.client.send_fragment(Opcode.TEXT, b"half and ", fin=False)
            pair.client.send_fragment(Opcode.TEXT, b"half", fin=True)

            assert await pair.server.recv() == "half and half"


@pytest.mark.parametrize("first, second", [("recv", "stream"), ("stream", "recv"), ("stream", "stream")])
async def test_two_receivers_are_refused(first: str, second: str) -> None:
    """Whoever comes second to receive is told so, and doesn't disturb the first."""
    async with connection_pair() as pair:

        def receive(how: str) -> Any:
            return pair.server.recv() if how == "recv" else anext(pair.server.recv_streaming())

        waiting = asyncio.ensure_future(receive(first))
        await asyncio.sleep(1)
        with pytest.raises(ConcurrencyError):
            await receive(second)
        await pair.client.send("for the first")

        assert await waiting == "for the first"


async def test_cut_stream_tells() -> None:
    """When the connection ends in the middle of a message, its pieces end with the reason."""
    async with connection_pair() as pair:
        pair.client.send_fragment(Opcode.TEXT, b"half", fin=False)
        stream = pair.server.recv_streaming()
        assert await anext(stream) == "half"
        pair.cut()
        with pytest.raises(ConnectionClosedError) as caught:
            await anext(stream)
        assert isinstance(caught.value.__cause__, ConnectionResetError)


@pytest.mark.parametrize("is_last", [False, True])
async def test_stream_keeps_limit(is_last: bool) -> None:
    """A message received in pieces is held to max_size all the same."""
    async with connection_pair(compression=None, max_size=100) as pair:
        pair.client.send_fragment(Opcode.BINARY, b"x" * 60, fin=False)
        stream = pair.server.recv_streaming()
        assert len(await anext(stream)) == 60
        pair.client.send_fragment(Opcode.BINARY, b"x" * 41, fin=is_last)
        with pytest.raises(ConnectionClosedError) as caught:
            await anext(stream)

        assert caught.value.sent.code == 1009


# How much waits.


async def test_bytes_stop_reading() -> None:
    """Reading stops at the high-water mark of bytes, and goes on at the low-water mark."""
    async with connection_pair(compression=None, max_queue=None, read_limit=(5320, 2128)) as pair:
        for _ in range(20):
            await pair.client.send(b"x" * 1000)
        await asyncio.sleep(1)
        taken = 0
        while pair.server.is_reading_paused:
            assert len(await pair.server.recv()) == 1000
            taken += 1

        assert taken == 3


async def test_awaited_message_may_be_larger() -> None:
    """A message above the mark stops the reading only while nobody waits for it."""
    async with connection_pair(compression=None, read_limit=1000, ping_interval=None) as pair:
        pair.to_server.chunk = 600
        sending = asyncio.create_task(pair.client.send(b"x" * 100_000))
        await asyncio.sleep(1)
        assert pair.server.is_reading_paused
        assert pair.server.codec.bytes_assembled < 2000

        assert await pair.server.recv() == b"x" * 100_000
        await sending


async def test_closing_needs_no_room() -> None:
    """A close comes through though the peer is in the middle of a message without end that nobody takes."""
    async with connection_pair(compression=None, read_limit=1000, max_size=None) as pair:

        async def endless() -> Any:
            while True:
                yield b"x" * 1000

        sending = asyncio.create_task(pair.client.send(endless()))
        await asyncio.sleep(1)
        closing = asyncio.create_task(pair.server.close())
        with pytest.raises(ConnectionClosed):
            await sending
        await closing

        assert pair.server.codec.bytes_assembled < 2000
        assert pair.server.close_code == 1000


async def test_nowait_is_bounded() -> None:
    """Who sends without waiting to a peer that doesn't read has the connection cut at the buffer limit."""
    async with connection_pair(compression=None, buffer_limit=100_000, write_limit=1000) as pair:
        pair.to_server.stall()
        most = 0

        async def flood() -> None:
            nonlocal most
            while True:
                most = max(most, pair.client.buffered_amount)
                await asyncio.sleep(0)
                pair.client.send_nowait(b"x" * 1000)

        with pytest.raises(ConnectionClosedError) as caught:
            await flood()

        assert 100_000 < most < 105_000
        assert isinstance(caught.value.__cause__, BufferError)
        with pytest.raises(ConnectionClosedError):
            await pair.client.recv()
        assert pair.client.close_code == 1006


async def test_waiting_sends_are_not_cut() -> None:
    """Who waits is never cut, however much one message is."""
    async with connection_pair(compression=None, buffer_limit=1000, max_size=None) as pair:
        sending = [asyncio.create_task(pair.client.send(b"x" * 100_000)) for _ in range(10)]
        for _ in range(10):
            assert len(await pair.server.recv()) == 100_000
        await asyncio.gather(*sending)


@pytest.mark.parametrize("compress, is_small", [(None, False), (True, True), (False, False)])
async def test_compression_can_be_chosen(compress: bool | None, is_small: bool) -> None:
    """Each message can be compressed or not; short ones aren't of themselves."""
    async with connection_pair() as pair:
        for message in ("x" * 31, ["x" * 31]):
            taken = pair.client.bytes_taken
            await pair.client.send(message, compress=compress)
            await pair.server.recv()
            in_pieces = isinstance(message, list)

            assert (pair.client.bytes_taken - taken < 30) is (is_small or (in_pieces and compress is None))


async def test_held_messages_are_bounded() -> None:
    """What waits behind a message in fragments counts for the buffer limit."""
    async with connection_pair(buffer_limit=10_000) as pair:
        never = asyncio.Event()

        async def items() -> Any:
            yield "half"
            await never.wait()

        sending = asyncio.create_task(pair.client.send(items()))
        await asyncio.sleep(1)
        for _ in range(11):
            pair.client.send_nowait("x" * 1000)
        with pytest.raises(ConnectionClosedError) as caught:
            pair.client.send_nowait("one more")
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)

        assert isinstance(caught.value.__cause__, BufferError)
