"""Rules 1, 3, 4, 5, 6 and 9: what comes, in which order, and how it is made up for."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from rules import UnseenError, case, expect, same
from stage import Peer, Stage

from hubbub import wire

# 48,000 bytes as UTF-8, and under every limit of a text.
LONG = "好" * 16_000
_TAIL_GRACE = 5.0
_DELTA_EVENTS = 1_000


def numbers(events: Sequence[wire.Event]) -> list[int]:
    """Return the numbers of events."""
    return [event.q for event in events]


def as_told(events: Sequence[wire.Event]) -> list[tuple[int, str, int, str, bytes]]:
    """Return all that is said of events."""
    return [(event.q, event.k, event.ts, event.by, bytes(event.d)) for event in events]


def follow(first: int, events: Sequence[wire.Event], what: str) -> None:
    """Go on if these are numbered from `first` on, without holes."""
    same(numbers(events), list(range(first, first + len(events))), what)


@case("R1")
async def numbers_have_no_holes(stage: Stage) -> None:
    """A stream is numbered 1, 2, 3 …, and each write answered by its number."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    sent = [(await ann.send(room)).q for _ in range(3)]
    log = await ann.log(room)
    follow(1, log, "the log is numbered")
    same(numbers(log)[-3:], sent, "the last in the log")


@case("R1")
async def everyone_sees_the_same(stage: Stage) -> None:
    """Two who write at the same time see the same events in the same order, as the log has them."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    head = (await bo.log(room))[-1].q
    await asyncio.gather(*(peer.send_at_once(room, 4) for peer in (ann, bo)))
    log = as_told(await ann.log(room, head))
    for peer in (ann, bo):
        same(as_told(await _read_to(peer, room, log[-1][0])), log, f"what {peer.name} heard")


async def _read_to(peer: Peer, room: str, last: int) -> list[wire.Event]:
    """Hear events up to a number, without what was heard before the first message."""
    events = [await peer.hear(wire.Event, lambda event: event.s == room)]
    while events[-1].q < last:
        events += await peer.events(room, 1)
    return [event for event in events if event.k == "msg.new"]


@case("R3")
async def done_is_there(stage: Stage) -> None:
    """What was answered by ok is in the log and in the history that another one reads then."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    for text in ("one", "two"):
        sent = await ann.send(room, text)
        same(numbers(await bo.log(room, sent.q - 1)), [sent.q], f"the log after {sent.q - 1}")
        page = await bo.do(wire.Hist, room, around=sent.q, limit=1)
        same([(it.q, it.text) for it in page.msgs], [(sent.q, text)], f"the message {sent.q}")


@case("R4")
async def every_event_comes(stage: Stage) -> None:
    """Who is subscribed gets every event, each as the next."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    sent = [(await ann.send(room)).q for _ in range(6)]
    same(numbers(await bo.events(room, 6)), sent, "what came live")


@case("R4")
async def what_was_missed_is_told(stage: Stage) -> None:
    """Who was away gets all that came meanwhile, by sub from what they have; hello tells of it."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    held = await bo.sub(room)
    await bo.do(wire.Unsub, room)
    sent = [(await ann.send(room)).q for _ in range(3)]
    again = await stage.enter("bo", at={room: (held.epoch, held.head)})
    same(again.welcome.heads.get(room), (held.epoch, sent[-1]), "the room in welcome's heads")
    delta = await again.sub(room, (held.epoch, held.head))
    same(delta.mode, "delta", "the mode")
    same(numbers(delta.ev), sent, "the delta")
    unasked = [frame for frame in await bo.settle() if isinstance(frame, wire.Event) and frame.s == room]
    same(unasked, [], "after unsub there came")


@case("R4")
async def known_streams_are_not_in_heads(stage: Stage) -> None:
    """The heads of welcome lack the streams that the client has, and have all others."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    first = (await stage.enter("ann")).welcome
    expect(room in first.heads and wire.ME in first.heads, f"welcome's heads lack a stream: {first.heads}")
    second = (await stage.enter("ann", at=first.heads)).welcome
    same(second.heads, {}, "the heads, for who has them all")


@case("R4", patient=True)
async def heads_prove_the_tail(stage: Stage) -> None:
    """The server pings within its heartbeat, and says how far each subscribed stream is."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    sent = await ann.send(room)
    ping = await _wait_for_ping(ann)
    same(ping.heads.get(room), sent.q, "the room's head in ping")
    expect(wire.ME in ping.heads, "one's own stream isn't in the heads of ping")


async def _wait_for_ping(peer: Peer) -> wire.Ping:
    due = asyncio.get_running_loop().time() + peer.welcome.hb + _TAIL_GRACE
    while True:
        for frame in await peer.settle():
            if isinstance(frame, wire.Ping):
                return frame
        expect(asyncio.get_running_loop().time() < due, "no ping in a heartbeat")
        await asyncio.sleep(min(1.0, peer.welcome.hb / 4))


@case("R5")
async def delta_is_complete(stage: Stage) -> None:
    """A delta has just the events that the log has, from nothing on up to all."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    for _ in range(3):
        await ann.send(room)
    log = await ann.log(room)
    for have in range(1, len(log) + 1):
        delta = await ann.sub(room, ((await ann.sub(room)).epoch, have))
        same(delta.mode, "delta", f"the mode from {have} on")
        same(as_told(delta.ev), as_told(log[have:]), f"the delta from {have} on")
        same(delta.head, log[-1].q, "the head")


@case("R5")
async def too_large_is_anew(stage: Stage) -> None:
    """Just under 256 KiB there is a delta, and beyond it a reset; the log has it all, in pages."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    before = await ann.sub(room)
    for _ in range(5):
        await ann.send(room, LONG)
    delta = await ann.sub(room, (before.epoch, before.head))
    same((delta.mode, len(getattr(delta, "ev", ()))), ("delta", 5), "five events of 48,000 bytes")
    await ann.send(room, LONG)
    reset = await ann.sub(room, (before.epoch, before.head))
    same(reset.mode, "reset", "the mode for six events of 48,000 bytes")
    log = await ann.log(room, before.head)
    follow(before.head + 1, log, "the log is numbered")
    same(len(log), 6, "the log's events")


@case("R5")
async def too_many_are_anew(stage: Stage) -> None:
    """A thousand events are a delta, and one more a reset."""
    ann = await stage.enter("ann")
    if ann.welcome.limits.burst <= _DELTA_EVENTS:
        raise UnseenError(f"{_DELTA_EVENTS} writes would take minutes at {ann.welcome.limits.rate} a second")
    room = await stage.room(ann)
    before = await ann.sub(room)
    await _fill(ann, room, _DELTA_EVENTS)
    delta = await ann.sub(room, (before.epoch, before.head))
    same((delta.mode, len(getattr(delta, "ev", ()))), ("delta", _DELTA_EVENTS), "a thousand events")
    await ann.send(room)
    reset = await ann.sub(room, (before.epoch, before.head))
    same(reset.mode, "reset", "the mode for a thousand and one")


async def _fill(peer: Peer, room: str, count: int) -> None:
    step = max(1, peer.welcome.limits.requests // 2)
    for start in range(0, count, step):
        await peer.send_at_once(room, min(step, count - start))


@case("R6")
async def live_follows_the_copy(stage: Stage) -> None:
    """However the answer to sub falls among the writes of others, after it comes head + 1."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    at = None
    for _ in range(3):
        await ann.rest(2)
        first, second = ann.drafts(room, 2)
        await ann.tell(first)
        copy = await bo.sub(room, at)
        await ann.tell(second)
        last = [await ann.stored(request) for request in (first, second)][-1]
        heard: list[wire.Event] = []
        while not heard or heard[-1].q < last.q:
            heard += [event for event in await bo.events(room, 1) if event.q > copy.head]
        follow(copy.head + 1, heard, f"after the head {copy.head} came")
        at = (copy.epoch, copy.head)


@case("R9")
async def epoch_stays(stage: Stage) -> None:
    """A stream has one epoch, whoever asks and however."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    said = {peer.name: (await peer.sub(room)).epoch for peer in (ann, bo)}
    said["log"] = (await ann.do(wire.Log, room, 0)).epoch
    said["welcome"] = (await stage.enter("ann")).welcome.heads[room][0]
    same(len(set(said.values())), 1, f"the epochs {said}")


@case("R9")
async def other_epoch_is_anew(stage: Stage) -> None:
    """Under another epoch numbers mean nothing, even if they would fit."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    held = await ann.sub(room)
    for epoch in (held.epoch - 1, held.epoch + 1):
        answer = await ann.sub(room, (max(epoch, 0), held.head))
        same(answer.mode, "reset", f"the mode under the epoch {epoch}")
        same(answer.epoch, held.epoch, "the epoch")
    answer = await ann.sub(wire.ME, (held.epoch + 1, 1))
    same(answer.mode, "reset", "the mode of one's own stream under another epoch")
