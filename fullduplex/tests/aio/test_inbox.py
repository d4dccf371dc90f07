"""The queue of received messages, against a model."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.aio.inbox import Inbox
from fullduplex.protocol.events import Chunk
from fullduplex.transport.connection import Settings

parts = st.one_of(st.lists(st.binary(max_size=9), min_size=1), st.lists(st.text(max_size=9), min_size=1))


def chunks(message: Sequence[str | bytes]) -> list[Chunk]:
    """Return a message in chunks."""
    return [Chunk(part, at == len(message) - 1) for at, part in enumerate(message)]


def whole(message: Sequence[str | bytes]) -> str | bytes:
    """Return the message that some chunks make."""
    return type(message[0])().join(message)  # type: ignore[arg-type]


@given(messages=st.lists(st.tuples(parts, st.booleans())))
def test_messages_come_out_whole(messages: list[tuple[list[str | bytes], bool]]) -> None:
    """Messages come out in order and whole, whether they went in so or in chunks."""
    inbox = Inbox(Settings())
    for message, is_in_chunks in messages:
        for entry in chunks(message) if is_in_chunks else [whole(message)]:
            inbox.add(entry)

    assert [inbox.take_message() for _ in messages] == [whole(message) for message, _ in messages]
    assert not inbox
    assert inbox.has_room
    assert not inbox.is_full


@given(messages=st.lists(st.tuples(parts, st.booleans())))
def test_chunks_come_out_alike(messages: list[tuple[list[str | bytes], bool]]) -> None:
    """A message in chunks comes out in them, a whole one as its only one."""
    inbox = Inbox(Settings())
    expected = []
    for message, is_in_chunks in messages:
        entries = chunks(message) if is_in_chunks else [Chunk(whole(message), True)]
        for entry in entries:
            inbox.add(entry if is_in_chunks else entry.data)
        expected += entries
    found = []
    while inbox:
        found.append(inbox.take())

    assert found == expected


def test_message_needs_its_end() -> None:
    """There is a message only once the end of one is there."""
    inbox = Inbox(Settings())
    inbox.add(Chunk("a", False))
    before = inbox.has_message
    inbox.add(Chunk("b", True))

    assert (before, inbox.has_message) == (False, True)


@pytest.mark.parametrize("is_ended", [True, False])
def test_rest_can_be_skipped(is_ended: bool) -> None:
    """The rest of a message can be dropped, and is told to be there or not."""
    inbox = Inbox(Settings())
    inbox.add(Chunk("a", False))
    if is_ended:
        inbox.add(Chunk("b", True))
        inbox.add("next")

    assert inbox.skip_message() is is_ended
    assert bool(inbox) is is_ended
    assert inbox.has_message is is_ended


@pytest.mark.parametrize(
    "settings, full_at, room_at",
    [
        (Settings(max_queue=8), 8, 2),
        (Settings(max_queue=(8, 5)), 8, 5),
        (Settings(max_queue=None, read_limit=592), 8, 2),
        (Settings(max_queue=None, read_limit=(592, 0)), 8, 0),
        (Settings(max_queue=4, read_limit=592), 4, 1),
        (Settings(max_queue=80, read_limit=592), 8, 2),
        (Settings(max_queue=80, read_limit=296), 4, 1),
    ],
)
def test_marks_are_kept(settings: Settings, full_at: int, room_at: int) -> None:
    """It is full at the high-water mark of messages or bytes, and has room at the low-water marks of both."""
    inbox = Inbox(settings)
    while not inbox.is_full:
        inbox.add(b"10 bytes!!")
        full = count = inbox._whole
    while not inbox.has_room:
        inbox.take()
        count -= 1

    assert (full, count) == (full_at, room_at)


def test_limit_may_be_lowered() -> None:
    """With another limit it is full earlier, and has room when it is empty; without one it is as before."""
    inbox = Inbox(Settings(read_limit=1000, max_queue=None))
    inbox.limit(100)
    assert inbox.has_room
    assert inbox.high_water_mark == 100
    inbox.add(b"x" * 36)
    assert (inbox.is_full, inbox.has_room) == (True, False)
    inbox.limit(None)
    assert (inbox.is_full, inbox.has_room) == (False, True)
    inbox.add(b"x" * 900)
    assert inbox.is_full
