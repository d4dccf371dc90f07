"""The keepalive of one connection: what it sends when, and what it makes of the peer."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import pytest_asyncio

from fullduplex.protocol.states import State
from fullduplex.testing import VirtualTimeLoop, connection_pair
from fullduplex.transport.heartbeat import Heartbeat, unread_bytes, unsent_bytes


class Patient:
    """What a heartbeat needs of a connection; it notes what is done to it, and when."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self.state = State.OPEN
        self.is_reading_paused = False
        self.buffered_amount = 0
        self.bytes_taken = 0
        self.bytes_written = 0
        self.codec = SimpleNamespace(extension=None)
        self.latency = 0.0
        self.socket: Any = None
        self.done: list[tuple[float, str]] = []
        self.pings: list[bytes] = []

    def get_extra_info(self, name: str) -> Any:
        return {"socket": self.socket, "fileno": None}[name]

    def note(self, what: str) -> None:
        """Note what is done now."""
        self.done.append((self.loop.time(), what))

    def send_ping(self, data: bytes) -> None:
        """Note a ping."""
        self.pings.append(data)
        self.note("ping")

    def flush(self) -> None:
        """Do nothing."""

    def cut(self, cause: Exception) -> None:
        """Note the end."""
        self.state = State.CLOSED
        self.cause = cause
        self.note("cut")

    def fail(self, code: int, reason: str, cause: Exception) -> None:
        """Note the end."""
        self.state = State.CLOSING
        self.cause = cause
        self.note(f"fail {code} {reason}")


@pytest_asyncio.fixture
async def patient() -> AsyncIterator[Patient]:
    """A connection without a heartbeat yet."""
    yield Patient(asyncio.get_running_loop())


async def test_silence_fails_connection(patient: Patient) -> None:
    """Without a sign of life for the time-out after a ping, the code is 1011."""
    Heartbeat(patient, 20, 5)
    await asyncio.sleep(100)

    assert patient.done == [(20, "ping"), (25, "fail 1011 keepalive ping timeout")]


async def test_pings_at_intervals(patient: Patient) -> None:
    """While the peer says anything at all, one ping follows another at the interval."""
    heartbeat = Heartbeat(patient, 20, 5)
    for _ in range(70):
        await asyncio.sleep(1)
        heartbeat.heard = True

    assert patient.done == [(20, "ping"), (40, "ping"), (60, "ping")]


async def test_long_timeout_delays_pings(patient: Patient) -> None:
    """A time-out longer than the interval is waited for first."""
    heartbeat = Heartbeat(patient, 10, 30)
    for _ in range(75):
        await asyncio.sleep(1)
        heartbeat.heard = True

    assert patient.done == [(10, "ping"), (40, "ping"), (70, "ping")]


async def test_earlier_life_proves_nothing(patient: Patient) -> None:
    """Only what arrives after the ping counts."""
    heartbeat = Heartbeat(patient, 20, 20)
    heartbeat.heard = True
    await asyncio.sleep(50)

    assert [what for _, what in patient.done] == ["ping", "fail 1011 keepalive ping timeout"]


async def test_pong_gives_latency(patient: Patient) -> None:
    """The latency is the time between a ping and its own pong."""
    heartbeat = Heartbeat(patient, 20, 20)
    await asyncio.sleep(21)
    heartbeat.pong_received(b"other")
    assert patient.latency == 0
    await asyncio.sleep(2)
    heartbeat.pong_received(patient.pings[0])
    assert patient.latency == 3
    heartbeat.pong_received(patient.pings[0])
    assert patient.latency == 3


async def test_pings_are_unpredictable(patient: Patient) -> None:
    """No two pings have the same payload, so an old pong isn't taken for a new one."""
    Heartbeat(patient, 1, None)
    await asyncio.sleep(5.5)

    assert len(set(patient.pings)) == 5


async def test_no_timeout_waits_for_ever(patient: Patient) -> None:
    """Without a time-out, pings go on and nothing is judged."""
    Heartbeat(patient, 20, None)
    await asyncio.sleep(90)

    assert patient.done == [(20, "ping"), (40, "ping"), (60, "ping"), (80, "ping")]


async def test_unread_bytes_cut_connection(patient: Patient) -> None:
    """A peer that takes nothing is cut, whatever it says: a Close frame wouldn't reach it."""
    heartbeat = Heartbeat(patient, 20, 20)
    patient.buffered_amount = 1000
    await asyncio.sleep(21)
    heartbeat.heard = True
    await asyncio.sleep(20)

    assert patient.done == [(20, "ping"), (40, "cut")]


async def test_slow_reader_is_spared(patient: Patient) -> None:
    """A peer that takes a byte now and then lives."""
    heartbeat = Heartbeat(patient, 20, 20)
    patient.buffered_amount = 1000
    for _ in range(100):
        await asyncio.sleep(1)
        heartbeat.heard = True
        patient.bytes_taken += 1

    assert {what for _, what in patient.done} == {"ping"}


async def test_own_pause_is_forgiven(patient: Patient) -> None:
    """While we read nothing, silence isn't held against the peer."""
    Heartbeat(patient, 20, 20)
    patient.is_reading_paused = True
    await asyncio.sleep(99)
    assert {what for _, what in patient.done} == {"ping"}

    patient.is_reading_paused = False
    await asyncio.sleep(40)
    assert patient.state is State.CLOSING


async def test_blocked_loop_is_forgiven(patient: Patient) -> None:
    """A judgement that comes late, because the loop was blocked, is put off."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    heartbeat = Heartbeat(patient, 20, 20)
    await asyncio.sleep(21)
    loop.advance(60)
    await asyncio.sleep(1)
    assert patient.state is State.OPEN

    heartbeat.heard = True
    await asyncio.sleep(22)
    assert [what for _, what in patient.done] == ["ping", "ping"]


async def test_blocked_loop_forgives_once(patient: Patient) -> None:
    """Who is silent after that as well has failed."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualTimeLoop)
    Heartbeat(patient, 20, 20)
    await asyncio.sleep(21)
    loop.advance(60)
    await asyncio.sleep(30)

    assert patient.done == [(20, "ping"), (101, "fail 1011 keepalive ping timeout")]


async def test_unread_bytes_are_life(patient: Patient) -> None:
    """What the system has received already is read before anything is said of the peer."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        patient.socket = ours
        theirs.send(b"pong")
        heartbeat = Heartbeat(patient, 20, 20)
        await asyncio.sleep(41)
        assert [what for _, what in patient.done] == ["ping"]

        ours.recv(10)
        heartbeat.heard = True
        await asyncio.sleep(10)
        assert patient.done == [(20, "ping"), (42, "ping")]


async def test_unread_bytes_count_once(patient: Patient) -> None:
    """Bytes of which nothing is ever heard, as of an unfinished TLS record, put off the end once a ping."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        patient.socket = ours
        theirs.send(b"half of a record")
        Heartbeat(patient, 20, 20)
        await asyncio.sleep(100)

    assert patient.done == [(20, "ping"), (42, "fail 1011 keepalive ping timeout")]


async def test_dead_sockets_have_no_life(patient: Patient) -> None:
    """A socket in whose buffer nothing waits changes nothing."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        patient.socket = ours
        Heartbeat(patient, 20, 20)
        await asyncio.sleep(100)

    assert patient.done == [(20, "ping"), (40, "fail 1011 keepalive ping timeout")]


async def test_unread_bytes_are_counted(patient: Patient) -> None:
    """They are told of a socket that is open; of anything else there are none."""
    assert unread_bytes(patient) == 0
    ours, theirs = socket.socketpair()
    with ours, theirs:
        patient.socket = ours
        theirs.send(bytes(1000))
        assert unread_bytes(patient) == 1000
    assert unread_bytes(patient) == 0
    # A directory has no such count.
    descriptor = os.open(os.curdir, os.O_RDONLY)
    patient.socket = SimpleNamespace(fileno=lambda: descriptor)
    assert unread_bytes(patient) == 0
    os.close(descriptor)


async def test_stop_ends_pings(patient: Patient) -> None:
    """After stop nothing is sent and nothing judged; a second one does nothing."""
    heartbeat = Heartbeat(patient, 20, 20)
    await asyncio.sleep(21)
    heartbeat.stop()
    heartbeat.stop()
    await asyncio.sleep(100)

    assert patient.done == [(20, "ping")]


async def test_closing_ends_pings(patient: Patient) -> None:
    """A connection that is closing is neither pinged nor judged."""
    Heartbeat(patient, 20, 20)
    patient.state = State.CLOSING
    await asyncio.sleep(100)
    assert patient.done == []


async def test_closing_ends_judgement(patient: Patient) -> None:
    """Nor is it judged when it began to close after the ping."""
    Heartbeat(patient, 20, 20)
    await asyncio.sleep(21)
    patient.state = State.CLOSING
    await asyncio.sleep(100)

    assert patient.done == [(20, "ping")]


async def test_connections_measure_latency() -> None:
    """A real peer answers, and the way there and back is the latency."""
    async with connection_pair(ping_interval=20, ping_timeout=20) as pair:
        pair.to_server.delay, pair.to_client.delay = 0.25, 0.5
        assert pair.client.latency == 0
        await asyncio.sleep(100)

        assert [pair.client.latency, pair.server.latency] == [0.75, 0.75]
        assert [pair.client.state, pair.server.state] == [State.OPEN, State.OPEN]


async def test_silent_peer_is_told() -> None:
    """A peer that can't be heard any more gets the Close frame with the reason."""
    async with connection_pair(client={"ping_interval": 20, "ping_timeout": 20}, ping_interval=None) as pair:
        pair.to_client.stall()
        await pair.server.wait_closed()

        assert (pair.server.close_code, pair.server.close_reason) == (1011, "keepalive ping timeout")


async def test_deaf_peer_is_cut() -> None:
    """A peer that takes nothing is cut, though it goes on sending."""
    async with connection_pair(server={"ping_interval": 20, "ping_timeout": 20}, ping_interval=None) as pair:
        pair.to_client.stall()

        async def go_on() -> None:
            while True:
                await pair.client.send("still here")
                await pair.server.recv()
                await asyncio.sleep(1)

        talking = asyncio.create_task(go_on())
        await pair.server.wait_closed()
        talking.cancel()

        assert asyncio.get_running_loop().time() == 40
        assert pair.server.close_code == 1006


async def test_unread_queue_is_forgiven() -> None:
    """A program that takes its messages late loses nothing: it was us who didn't read."""
    server = {"ping_interval": 20, "ping_timeout": 20, "max_queue": 1}
    async with connection_pair(server=server, ping_interval=None) as pair:
        words = ["one", "two", "three"]
        for word in words:
            await pair.client.send(word)
            await asyncio.sleep(1)
        await asyncio.sleep(200)

        assert pair.server.is_reading_paused
        assert [await pair.server.recv() for _ in words] == words


async def test_ping_on_its_way_is_waited_for(patient: Patient) -> None:
    """While what was sent before the ping is still being taken, no answer can be expected."""
    patient.bytes_written = 100
    Heartbeat(patient, 20, 20)
    for _ in range(99):
        await asyncio.sleep(2)
        patient.bytes_taken += 1
    await asyncio.sleep(1)
    patient.bytes_taken = 100
    assert [what for _, what in patient.done] == ["ping"]

    await asyncio.sleep(40)
    assert [what for _, what in patient.done] == ["ping", "fail 1011 keepalive ping timeout"]


async def test_standing_ping_is_not_waited_for(patient: Patient) -> None:
    """When nothing of what is before the ping is taken any more, the peer isn't there."""
    patient.bytes_written = 100
    Heartbeat(patient, 20, 20)
    await asyncio.sleep(100)

    assert patient.done == [(20, "ping"), (40, "fail 1011 keepalive ping timeout")]


async def test_slow_lines_stay_open() -> None:
    """A peer at the other end of a slow line gets our ping late, and isn't taken for dead."""
    keepalive = {"ping_interval": 20, "ping_timeout": 20}
    async with connection_pair(ping_interval=None, client=keepalive, compression=None) as pair:
        pair.to_server.throttle(1000)
        await pair.client.send(b"x" * 100_000)

        assert await pair.server.recv() == b"x" * 100_000
        assert asyncio.get_running_loop().time() > 99
        assert pair.client.state is State.OPEN


async def test_unsent_bytes_are_counted(patient: Patient) -> None:
    """What the system holds back as the peer's takes no more is told, where the system tells."""
    listener = socket.create_server(("localhost", 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    with listener, ours, theirs:
        patient.socket = ours
        assert unsent_bytes(patient) == 0
        ours.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while ours.send(bytes(65536)):
                pass
        assert unsent_bytes(patient) > 0 or sys.platform != "linux"


async def test_idle_contexts_are_released() -> None:
    """After an interval without a message, compression gives back its contexts, and goes on all the same."""
    async with connection_pair(ping_interval=20, ping_timeout=20) as pair:
        messages = ["the same words again and again " * 5] * 2
        for message in messages:
            await pair.client.send(message)
            assert await pair.server.recv() == message
        held = [pair.client.codec.extension._deflate, pair.server.codec.extension._inflate]
        assert all(held)
        await asyncio.sleep(50)
        assert [pair.client.codec.extension._deflate, pair.server.codec.extension._inflate] == [None, None]
        for message in messages:
            await pair.client.send(message)
            assert await pair.server.recv() == message
