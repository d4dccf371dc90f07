"""The messages that wait, against a model that keeps a list of them."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.prepared import Prepared
from fullduplex.transport.outbox import Outbox


def message(data: bytes) -> Prepared:
    """Return a message."""
    return Prepared(Opcode.BINARY, data)


def emptied(outbox: Outbox) -> list[bytes]:
    """Return what waits, in its order, and let nothing wait any more."""
    found: list[bytes] = []
    while outbox:
        found.append(bytes(outbox.pop().data))
    return found


def test_order_is_kept() -> None:
    """Whatever may become of them, messages go out in the order in which they came."""
    outbox = Outbox()
    outbox.add(message(b"1"))
    outbox.add_droppable(message(b"2"), 5)
    outbox.replace(message(b"3"), "key")
    outbox.add(message(b"4"))

    assert emptied(outbox) == [b"1", b"2", b"3", b"4"]


def test_oldest_droppable_is_dropped() -> None:
    """Of messages that may be dropped so many wait, the newest; others aren't touched."""
    outbox = Outbox()
    outbox.add(message(b"kept"))
    for number in range(5):
        outbox.add_droppable(message(b"%d" % number), 2)
        outbox.replace(message(b"key"), number)

    assert emptied(outbox) == [b"kept", b"key", b"key", b"key", b"3", b"key", b"4", b"key"]


@pytest.mark.parametrize("most, left", [(0, []), (1, [b"new"]), (3, [b"3", b"4", b"new"])])
def test_fewer_may_wait_than_before(most: int, left: list[bytes]) -> None:
    """The newest number counts, for those that wait already as well."""
    outbox = Outbox()
    for number in range(5):
        outbox.add_droppable(message(b"%d" % number), 5)
    outbox.add_droppable(message(b"new"), most)

    assert emptied(outbox) == left


def test_newer_takes_the_place() -> None:
    """A message with a key takes the place of the one that waits with an equal one, until that is sent."""
    outbox = Outbox()
    outbox.replace(message(b"old"), "a")
    outbox.replace(message(b"other"), "b")
    outbox.replace(message(b"new"), "a")
    assert outbox.pop().data == b"new"
    outbox.replace(message(b"newest"), "a")

    assert emptied(outbox) == [b"other", b"newest"]


@pytest.mark.parametrize("key", [0, 1, False, (0,), None, "0"])
def test_keys_are_no_numbers(key: Hashable) -> None:
    """No key is taken for a message without one."""
    outbox = Outbox()
    outbox.add(message(b"first"))
    outbox.add_droppable(message(b"second"), 1)
    outbox.replace(message(b"third"), key)

    assert emptied(outbox) == [b"first", b"second", b"third"]


@given(
    sizes=st.lists(st.integers(0, 50), max_size=10),
    keys=st.lists(st.none() | st.integers(0, 2), min_size=10, max_size=10),
)
def test_size_is_what_waits(sizes: list[int], keys: list[int | None]) -> None:
    """The size is that of what waits, and 0 when nothing does."""
    outbox = Outbox()
    assert not outbox
    for size, key in zip(sizes, keys, strict=False):
        if key is None:
            outbox.add_droppable(message(bytes(size)), 3)
        else:
            outbox.replace(message(bytes(size)), key)
    size = outbox.size
    assert sum(map(len, emptied(outbox))) == size
    assert outbox.size == 0


class AnyUse(RuleBasedStateMachine):
    """An outbox and a list of what should wait: each message, whether it may be dropped, and its key."""

    def __init__(self) -> None:
        super().__init__()
        self.outbox = Outbox()
        self.model: list[tuple[bytes, bool, Hashable]] = []

    @rule(data=st.binary(max_size=5))
    def add(self, data: bytes) -> None:
        """Let one wait that isn't dropped."""
        self.outbox.add(message(data))
        self.model.append((data, False, None))

    @rule(data=st.binary(max_size=5), most=st.integers(0, 3))
    def add_droppable(self, data: bytes, most: int) -> None:
        """Let one wait that may be dropped."""
        self.outbox.add_droppable(message(data), most)
        self.model.append((data, True, None))
        droppable = [at for at, (_, may_drop, _) in enumerate(self.model) if may_drop]
        for at in reversed(droppable[: max(0, len(droppable) - most)]):
            del self.model[at]

    @rule(data=st.binary(max_size=5), key=st.sampled_from(["a", "b", 0, 1]))
    def replace(self, data: bytes, key: Hashable) -> None:
        """Let one wait with a key."""
        self.outbox.replace(message(data), key)
        for at, (_, _, its_key) in enumerate(self.model):
            if its_key == key:
                self.model[at] = (data, False, key)
                return
        self.model.append((data, False, key))

    @rule()
    def pop(self) -> None:
        """Take the next one, if there is one."""
        if self.model:
            assert self.outbox.pop().data == self.model.pop(0)[0]

    @invariant()
    def agrees(self) -> None:
        """Both hold as much."""
        assert bool(self.outbox) is bool(self.model)
        assert self.outbox.size == sum(len(data) for data, _, _ in self.model)


TestAnyUse = AnyUse.TestCase
