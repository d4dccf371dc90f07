"""How an input is played, and what is looked at while it is: parts of every target."""

from __future__ import annotations

import gc
import itertools
import random
import types
import zlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from fullduplex.protocol.connection import Connection
from fullduplex.protocol.limits import Limits
from fullduplex.protocol.states import Side, State

LIMITS = Limits(message=300, fragments=20, head=600, headers=30, header_line=200, request_line=200, body=100)
#: What may be kept: a message, a head, a body, a control frame and a window, each of them twice while it is
#: copied; and what a connection has from the start.
MOST_KEPT = 2 * (300 + 600 + 100 + 131 + 1024) + 1000
_INFLATE = type(zlib.decompressobj())


class Choices(NamedTuple):
    """The two bytes that an input begins with."""

    flags: int
    seed: int

    def has(self, bit: int) -> bool:
        """Tell whether one of the eight flags is set."""
        return bool(self.flags >> bit & 1)


class Played(NamedTuple):
    """What came of some bytes, as far as it may not depend on how they were split."""

    events: list[object]
    written: object
    state: State
    ending: object


def split_input(data: bytes) -> tuple[Choices, bytes]:
    """Take an input apart."""
    flags, seed = (data + b"\0\0")[:2]
    return Choices(flags, seed), data[2:]


def reads(data: bytes, seed: int) -> Iterator[list[bytes]]:
    """Give the same bytes whole, cut at a few places, and, if they are few, one by one."""
    yield [data]
    chance = random.Random(seed)
    places = sorted(chance.randrange(len(data) + 1) for _ in range(seed % 6 + 1))
    edges = [0, *places, len(data)]
    yield [data[start:stop] for start, stop in itertools.pairwise(edges)]
    if len(data) <= 150:
        yield [data[at : at + 1] for at in range(len(data))]


def kept(thing: object) -> int:
    """Count the bytes that an object of ours refers to, through other objects."""
    total, seen, left = 0, set[int](), [thing]
    while left:
        one = left.pop()
        if id(one) in seen or isinstance(one, type | types.ModuleType | types.FunctionType):
            continue
        seen.add(id(one))
        if isinstance(one, bytes | bytearray | str):
            total += len(one)
        elif isinstance(one, _INFLATE):
            total += len(one.unconsumed_tail) + len(one.unused_data)
        else:
            left += gc.get_referents(one)
    return total


def check_memory(connection: Connection, at: int, pieces: Sequence[bytes]) -> None:
    """See that not too much is kept, half-way and at the end: counting takes longer than reading."""
    if at in (len(pieces) // 2, len(pieces) - 1):
        assert kept(connection) < MOST_KEPT, "more is kept than the limits allow"


def compare(outcomes: Sequence[Played]) -> None:
    """See that the same came of the same bytes, each time that they were played."""
    for other in outcomes[1:]:
        assert outcomes[0] == other, f"depends on the reads:\n{outcomes[0]}\n{other}"


def written_frames(output: bytes, side: Side) -> list[tuple[int, bytes]]:
    """Read the frames that one side wrote, each as its first byte and its payload; they must be good ones."""
    found = []
    while output:
        first, second = output[0], output[1]
        assert bool(second & 0x80) is (side is Side.CLIENT), "masked by the wrong side (5.1)"
        assert second & 0x7F < 126, "nothing that we answer is that long (5.5)"
        at = 6 if side is Side.CLIENT else 2
        end = at + (second & 0x7F)
        key = output[2:at] or bytes(4)
        assert len(output) >= end, "a frame was cut off"
        found.append((first, bytes(byte ^ key[n % 4] for n, byte in enumerate(output[at:end]))))
        output = output[end:]
    return found


def check_answers(frames: Sequence[tuple[int, bytes]], events: Sequence[object]) -> None:
    """See that what was written only answers: pongs, and one Close frame with at most pongs after it."""
    closes = [payload for first, payload in frames if first == 0x88]
    pongs = [first for first, _ in frames if first == 0x8A]
    assert len(closes) <= 1, "a second Close frame (5.5.1)"
    assert len(closes) + len(pongs) == len(frames), "a frame that nobody asked for"
    assert len(pongs) <= sum(type(event).__name__ == "Ping" for event in events), "a pong without its ping"
    assert all(len(payload) != 1 for payload in closes), "a close code of one byte"
