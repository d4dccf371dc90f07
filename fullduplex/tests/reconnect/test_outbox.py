"""Messages that are kept: their order, their bounds, and who waits for room."""

from __future__ import annotations

import asyncio

import pytest

from fullduplex.protocol.frames import Opcode
from fullduplex.protocol.prepared import Prepared
from fullduplex.reconnect.outbox import Outbox


def message(data: bytes) -> Prepared:
    """Return a message."""
    return Prepared(Opcode.BINARY, data)


def taken(outbox: Outbox) -> list[bytes]:
    """Take everything that is kept."""
    return [bytes(outbox.pop().data) for _ in range(len(outbox))]


def test_messages_keep_their_order() -> None:
    """What was put in first goes out first; looking at it takes nothing."""
    outbox = Outbox(10, 100)
    for data in (b"a", b"bb", b"ccc"):
        outbox.add(message(data))
    assert (len(outbox), outbox.size, bool(outbox)) == (3, 6, True)
    assert outbox.first().data == b"a"

    assert taken(outbox) == [b"a", b"bb", b"ccc"]
    assert (outbox.size, bool(outbox)) == (0, False)


def test_number_of_messages_is_bounded() -> None:
    """One message more than allowed is refused, with a sentence that says what is there."""
    outbox = Outbox(2, 100)
    outbox.add(message(b""))
    outbox.add(message(b"a"))
    with pytest.raises(BufferError, match="the outbox is full: 2 messages with 1 bytes"):
        outbox.add(message(b""))

    assert taken(outbox) == [b"", b"a"]


def test_bytes_are_bounded() -> None:
    """One byte more than allowed is refused; a message that is larger by itself is kept alone."""
    outbox = Outbox(10, 4)
    outbox.add(message(b"aa"))
    outbox.add(message(b"bb"))
    with pytest.raises(BufferError):
        outbox.add(message(b"c"))
    outbox.add(message(b""))
    assert taken(outbox) == [b"aa", b"bb", b""]

    outbox.add(message(b"large"))
    with pytest.raises(BufferError):
        outbox.add(message(b""))


async def begun(outbox: Outbox, *all_data: bytes) -> list[asyncio.Task[None]]:
    """Begin to put messages in, in this order."""
    tasks = [asyncio.create_task(outbox.put(message(data))) for data in all_data]
    await asyncio.sleep(0)
    return tasks


async def test_putting_waits_for_room() -> None:
    """Who finds no room waits for it, in turn; nobody overtakes, however small."""
    outbox = Outbox(10, 4)
    first, second, third = await begun(outbox, b"aaa", b"bb", b"c")
    assert [task.done() for task in (first, second, third)] == [True, False, False]
    with pytest.raises(BufferError):
        outbox.add(message(b""))
    outbox.pop()
    assert len(outbox) == 2
    await asyncio.gather(second, third)

    assert taken(outbox) == [b"bb", b"c"]


async def test_cancelled_put_keeps_nothing() -> None:
    """Who is cancelled while waiting, or when just admitted, has nothing kept, and makes room."""
    outbox = Outbox(1, 100)
    _, second, third, fourth = await begun(outbox, b"a", b"b", b"c", b"d")
    second.cancel()
    await asyncio.sleep(0)
    assert second.cancelled()
    outbox.pop()
    assert outbox.first().data == b"c"
    third.cancel()
    await asyncio.wait([third, fourth])

    assert third.cancelled()
    assert taken(outbox) == [b"d"]


async def test_cancelled_put_blocks_nobody() -> None:
    """Who is cancelled is passed over at once, and is in nobody's way."""
    outbox = Outbox(10, 4)
    _, second, third = await begun(outbox, b"aaa", b"bb", b"cc")
    second.cancel()
    third.cancel()
    outbox.pop()
    assert not outbox
    outbox.add(message(b"ddd"))
    (fifth,) = await begun(outbox, b"ee")
    fifth.cancel()
    await asyncio.wait([second, third, fifth])
    outbox.add(message(b"f"))

    assert taken(outbox) == [b"ddd", b"f"]


async def test_cancelled_message_may_have_gone() -> None:
    """What went out before its sender was cancelled isn't missed in what is kept."""
    outbox = Outbox(1, 100)
    _, second = await begun(outbox, b"a", b"b")
    outbox.pop()
    outbox.pop()
    second.cancel()
    await asyncio.wait([second])

    assert (len(outbox), outbox.size) == (0, 0)


async def test_giving_up_tells_waiters() -> None:
    """When nothing is kept any more, who waits is told why, each by an exception of their own."""
    outbox = Outbox(1, 100)
    _, second, third, fourth = await begun(outbox, b"a", b"b", b"c", b"d")
    fourth.cancel()
    outbox.give_up(lambda: LookupError("over"))
    await asyncio.wait([second, third, fourth])

    assert not outbox
    assert outbox.size == 0
    assert isinstance(second.exception(), LookupError)
    assert second.exception() is not third.exception()
    assert fourth.cancelled()
