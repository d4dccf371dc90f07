"""What is to be written, until the server has it."""

from __future__ import annotations

from hubbub import wire
from hubbub.client.writes import Writes, nonce_of, stream_of

from .scripted import make_send

LIMITS = wire.Limits(262144, 16000, 8, 64, requests=4, burst=8, rate=2)


def err(after: int | None = None) -> wire.Err:
    """Return a refusal that may pass."""
    return wire.Err("unavailable", "", retry=True, after=after)


class Bench:
    """Writes of an open connection, whose requests are numbered from 1."""

    def __init__(self, *nonces: str) -> None:
        self.writes = Writes(lambda: 0.5)
        self.number = 0
        for nonce in nonces:
            self.writes.add(make_send(nonce))
        self.writes.open(LIMITS, 0.0)

    def send(self, now: float = 0.0) -> list[str]:
        """Send what may be sent; return the nonces."""
        sent = []
        while (request := self.writes.next(self.number + 1, now)) is not None:
            self.number += 1
            assert request.id == self.number
            sent.append(nonce_of(request))
        return sent


def test_writes_are_pipelined() -> None:
    """As many are under way as may be, in their order; each answer makes room for one."""
    bench = Bench("a", "b", "c", "d", "e", "f")

    assert bench.send() == ["a", "b", "c", "d"]
    assert bench.writes.settle(1) == "a"
    assert bench.send() == ["e"]
    assert len(bench.writes) == 5


def test_writes_are_listed() -> None:
    """What isn't answered is listed in its order, whether it was sent or not."""
    bench = Bench("a", "b", "c", "d", "e", "f")
    bench.send()
    bench.writes.settle(2)

    assert [nonce_of(request) for request in bench.writes] == ["a", "c", "d", "e", "f"]


def test_rate_is_kept() -> None:
    """No more are sent than the server takes, and it is known when the next may be."""
    bench = Bench(*"abcdefghij")
    sent = []
    for _ in range(3):
        sent += bench.send()
        for number in range(bench.number - 3, bench.number + 1):
            if bench.writes.sent_as(number):
                bench.writes.settle(number)

    assert sent == list("abcdefgh")
    assert bench.writes.due() == 0.5
    assert bench.send(0.5) == ["i"]


def test_refused_write_comes_first() -> None:
    """After a refusal that passes, everything waits for what is under way, and then keeps its order."""
    bench = Bench(*"abcde")
    bench.send()
    bench.writes.settle(1)
    bench.writes.hold(2, err(1_000), 0.0)

    assert bench.send(0.5) == []
    bench.writes.hold(3, err(1_000), 0.0)
    bench.writes.hold(4, err(1_000), 0.0)
    assert bench.writes.due() == 1.0
    assert bench.send(0.9) == []
    assert bench.send(1.0) == ["b", "c", "d", "e"]


def test_other_streams_go_on() -> None:
    """A stream that waits holds no other up, and streams take turns."""
    bench = Bench("a", "b")
    for nonce in ("x", "y"):
        bench.writes.add(make_send(nonce, "r_milk"))

    assert bench.send() == ["a", "x", "b", "y"]
    bench.writes.hold(1, err(), 0.0)
    bench.writes.settle(2)
    bench.writes.add(make_send("z", "r_milk"))
    assert bench.send() == ["z"]


def test_lost_connection_resends_all() -> None:
    """On another connection what wasn't answered is sent again, in its order and under its nonces."""
    bench = Bench(*"abc")
    bench.send()
    bench.writes.settle(2)
    bench.writes.hold(1, err(60_000), 0.0)
    bench.writes.lose()

    assert bench.send() == []
    bench.writes.open(LIMITS, 1.0)
    assert bench.send(1.0) == ["a", "c"]


def test_given_up_write_is_skipped() -> None:
    """The server is told of what it waits for; of another write it needn't be."""
    bench = Bench(*"abcdefgh")
    bench.send()
    for number in range(1, 5):
        bench.writes.hold(number, err(60_000), 0.0)

    assert bench.writes.give_up("h") is None
    assert bench.writes.give_up("b") is None
    assert bench.writes.give_up("a") == wire.Skip(0, "r_tea", "a")
    assert bench.send() == ["c", "d", "e", "f"]


def test_same_nonce_is_one_write() -> None:
    """What is added twice is written once."""
    bench = Bench("a", "a")

    assert bench.send() == ["a"]
    assert bench.writes.is_under_way("a")


def test_calls_have_their_streams() -> None:
    """A method that writes to a room keeps that room's order; one that makes a room has none."""
    leave = wire.make_call(0, wire.LeaveRoom("r_tea"), "nonce-01")
    create = wire.make_call(0, wire.CreateRoom("tea"), "nonce-02")

    assert [stream_of(call) for call in (leave, create)] == ["r_tea", ""]  # type: ignore[arg-type]
