"""What waits in a room, as two streams tell it."""

from __future__ import annotations

from hubbub import wire
from hubbub.client.unread import Unread

from .scripted import message

ME, BO = "u_ann", "u_bo"


def deleted(q: int) -> wire.Event:
    """Return that a message was deleted."""
    return wire.Event("r_tea", q, "msg.del", q, BO, b"{}")  # type: ignore[arg-type]


def told(read: int, unread: int, mentions: int, ts: int) -> Unread:
    """Return what is known after one's own stream told this."""
    unread_ = Unread(ME)
    unread_.marked(wire.Marks(read, unread, mentions), ts)
    return unread_


def test_told_counts_once() -> None:
    """What happened before it was told has its part in that; what happened since has not."""
    unread = told(1, 5, 0, ts=4)
    for q in (3, 4, 5):
        unread.posted(message(q), counts=True)
    unread.deleted(deleted(3), 2, counts=True)
    unread.deleted(deleted(6), 4, counts=True)

    assert unread.marks == wire.Marks(1, 6, 0)


def test_stored_together_counts_once() -> None:
    """Of what was stored at one time, that has its part in what was told which came before it in the room."""
    unread = Unread(ME)
    unread.marked(wire.Marks(1, 2, 0), 9, asof=3)
    for q in (2, 3, 4):
        unread.posted(wire.MessageInfo(q, q, 9, BO, "nonce", "hi", q), counts=True)
    unread.deleted(wire.Event("r_tea", 5, "msg.del", 9, BO, b"{}"), 3, counts=True)  # type: ignore[arg-type]
    assert unread.marks == wire.Marks(1, 2, 0)

    unread.marked(wire.Marks(1, 2, 0), 9, asof=5)
    unread.deleted(wire.Event("r_tea", 5, "msg.del", 9, BO, b"{}"), 3, counts=True)  # type: ignore[arg-type]
    assert unread.marks == wire.Marks(1, 2, 0)


def test_copy_counts_once() -> None:
    """A copy of the own stream says up to which event it counts, of several that were stored at one time."""
    unread = Unread(ME)
    unread.filled(wire.Marks(1, 2, 0, asof=3), 9)
    for q in (2, 3, 4):
        unread.posted(wire.MessageInfo(q, q, 9, BO, "nonce", "hi", q), counts=True)

    assert unread.marks == wire.Marks(1, 3, 0)


def test_count_is_believed() -> None:
    """After counting anew everything counts that comes, whenever it happened."""
    unread = told(1, 5, 0, ts=9)
    unread.recounted(2)
    unread.posted(message(3), counts=True)

    assert unread.marks == wire.Marks(1, 3, 0)


def test_last_read_counts() -> None:
    """Of posting and reading the later counts, whichever is heard of first."""
    back, ahead = told(1, 5, 0, ts=9), told(1, 5, 0, ts=2)
    for unread in (back, ahead):
        unread.posted(message(7, by=ME), counts=True)
    assert (back.marks.read, ahead.marks.read) == (1, 7)
    ahead.marked(wire.Marks(3, 4, 0), 6)
    assert ahead.marks == wire.Marks(7, 0, 0)
    ahead.marked(wire.Marks(8, 0, 0), 6)
    assert ahead.marks.read == 8


def test_copy_knows_what_was_read() -> None:
    """What one's own stream tells of the time before a room's copy is in that already."""
    unread = told(1, 0, 0, ts=1)
    unread.copied(wire.Marks(6, 1, 0), 7, [message(7)])
    unread.marked(wire.Marks(3, 4, 0), 5)

    assert unread.marks == wire.Marks(6, 1, 0)


def test_mentions_count_once() -> None:
    """A mention counts once, whether its room or one's own stream tells of it first, until it is deleted."""
    unread = told(0, 0, 0, ts=0)
    for q in (3, 5):
        unread.mentioned(q)
    unread.copied(wire.Marks(0, 3, 1), 4, [])
    assert unread.marks.mentions == 2
    unread.mentioned(4)
    assert unread.marks.mentions == 2
    unread.deleted(deleted(6), 5, counts=True)
    assert unread.marks.mentions == 1
    unread.posted_own(message(7, by=ME))
    assert unread.marks.mentions == 0


def test_noted_mention_is_taken_back() -> None:
    """What was noted to speak of the user does so no longer once it is deleted; what was read is none."""
    unread = told(1, 2, 2, ts=0)
    for q in (1, 2):
        unread.note(q)
        unread.deleted(deleted(9), q, counts=True)

    assert unread.marks.mentions == 1


def test_new_own_stream_forgets() -> None:
    """A fresh copy of one's own stream has all mentions, whatever was known before."""
    unread = told(0, 0, 0, ts=0)
    unread.mentioned(60)
    unread.filled(wire.Marks(1, 2, 0), 9)
    unread.copied(wire.Marks(1, 2, 0), 4, [])

    assert unread.marks == wire.Marks(1, 2, 0)
