"""Rules 7, 8 and 11: what becomes of messages, of members, and of what was taken back."""

from __future__ import annotations

import copy
from typing import Any

import msgspec
from folding import fold
from rules import case, expect, same
from stage import Peer, Stage, new_nonce, refused

from hubbub import wire


async def change(peer: Peer, kind: Any, room: str, *fields: Any, **more: Any) -> wire.SendOk:
    """Do a write of any kind, under a new nonce."""
    done = await peer.do(kind, room, new_nonce(), *fields, **more)
    assert isinstance(done, wire.SendOk)
    return done


def shown(messages: Any) -> list[dict[str, Any]]:
    """Return messages as they can be compared: who reacted has no order."""
    found = []
    for message in messages:
        entry = msgspec.to_builtins(message)
        entry["rx"] = {emoji: sorted(users) for emoji, users in message.rx.items()}
        found.append(entry)
    return found


@case("R7")
async def history_is_what_events_made(stage: Stage) -> None:
    """After each change the history has the messages just as the table of rule 7 makes them."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    first, second = [(await ann.send(room, text)).q for text in ("one", "two")]
    reply = (await bo.send(room, "three", re=first, th=first)).q
    # What is deleted is forgotten by the log, so its events are kept as they come.
    seen = {event.q: event for event in await ann.log(room)}
    steps: list[tuple[Peer, Any, tuple[Any, ...]]] = [
        (ann, wire.Edit, (first, wire.NewText("eins"))),
        (bo, wire.React, (first, "👍", True)),
        (ann, wire.React, (first, "👍", True)),
        (bo, wire.React, (first, "👍", False)),
        (ann, wire.Pin, (second, True)),
        (ann, wire.Pin, (second, False)),
        (ann, wire.Pin, (first, True)),
        (bo, wire.Delete, (reply,)),
        (ann, wire.Delete, (first,)),
    ]
    for peer, kind, fields in steps:
        done = await change(peer, kind, room, *fields)
        for event in await ann.log(room, max(seen)):
            seen[event.q] = event
        made = fold(copy.deepcopy([seen[q] for q in sorted(seen)]))
        page = await bo.do(wire.Hist, room, after=first - 1)
        listed = shown(made[q] for q in sorted(made))
        same(shown(page.msgs), listed, f"the history after {kind.__name__} {done.q}")
        same(page.asof, done.q, "asof")


@case("R7")
async def pins_are_told_whole(stage: Stage) -> None:
    """A copy tells all that is pinned, the last pinned first, and nothing that no longer is."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    expect(not (await ann.sub(room)).snap.pins, "something is pinned to an empty room")
    sent = [(await ann.send(room, f"{i}")).q for i in range(4)]
    pins = [(q, (await change(ann, wire.Pin, room, q, True)).q) for q in (sent[2], *sent)]
    await change(ann, wire.Pin, room, sent[1], False)
    await change(ann, wire.Delete, room, sent[3])
    same((await ann.sub(room)).snap.pins, [pins[3], pins[1]], "what is pinned")


@case("R7")
async def unread_is_counted(stage: Stage) -> None:
    """What others post outside of threads is unread until it is read; what one posts oneself isn't."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    sent = [(await ann.send(room, f"<@{bo.id}> {i}")).q for i in range(3)]
    await ann.send(room, "aside", th=sent[0])
    marks = (await bo.sub(room)).snap.me
    same((marks.unread, marks.mentions), (3, 3), "unread messages and mentions")
    await bo.tell(wire.Read(room, sent[1]))
    read = wire.body_of(await bo.hear(wire.Event, lambda event: event.s == wire.ME and event.k == "read"))
    head = (await ann.sub(room)).head
    same(read, wire.ReadBody(room, sent[1], 1, 1, head), "what is told of having read two")
    own = (await ann.sub(room)).snap.me
    same((own.unread, own.mentions), (0, 0), "what waits for who posted it")


@case("R8")
async def removed_hears_nothing_more(stage: Stage) -> None:
    """After a kick nothing of the room comes on any connection, however it is asked for."""
    ann, bo, other = [await stage.enter(name) for name in ("ann", "bo", "bo")]
    room = await stage.room(ann, bo, other, visibility="private")
    held = await bo.sub(room)
    kicked = await ann.call(wire.Kick(room, bo.id))
    expect(isinstance(kicked, wire.WriteResult), f"the owner may not kick: {kicked}")
    for peer in (bo, other):
        await peer.hear(wire.Event, lambda event: event.s == room and event.q == kicked.q)
        await peer.hear(wire.Event, lambda event: event.s == wire.ME and event.k == "room.rm")
        await peer.settle()
    secret = await ann.send(room, "secret")
    await ann.hear(wire.Event, lambda event: event.q == secret.q)
    for peer in (bo, other):
        heard = [frame for frame in await peer.settle() if getattr(frame, "s", None) == room]
        same(heard, [], "after the removal there came")
    for asked in (
        await bo.ask(wire.Sub, room),
        await bo.ask(wire.Sub, room, (held.epoch, held.head)),
        await bo.ask(wire.Hist, room, after=0),
        await bo.ask(wire.Log, room, 0),
        await bo.call(wire.ListMembers(room)),
        await bo.ask(wire.Send, room, new_nonce(), wire.Draft("hi")),
    ):
        refused(asked, "not_found", "who was removed is answered by")
    fresh = await stage.enter("bo", at={room: (held.epoch, held.head)})
    expect(room not in fresh.welcome.heads, "welcome tells of a room that one was removed from")


@case("R8")
async def left_hears_nothing_more(stage: Stage) -> None:
    """Who leaves on one connection has left on every other."""
    ann, bo, other = [await stage.enter(name) for name in ("ann", "bo", "bo")]
    room = await stage.room(ann, bo, other, visibility="private")
    left = await bo.call(wire.LeaveRoom(room))
    expect(isinstance(left, wire.WriteResult), f"one may not leave: {left}")
    await other.hear(wire.Event, lambda event: event.s == room and event.q == left.q)
    await other.settle()
    sent = await ann.send(room)
    await ann.hear(wire.Event, lambda event: event.q == sent.q)
    for peer in (bo, other):
        heard = [it for it in await peer.settle() if isinstance(it, wire.Event) and it.q > left.q]
        same([it for it in heard if it.s == room], [], "after leaving there came")


@case("R11")
async def deleted_is_forgotten(stage: Stage) -> None:
    """A deleted message has no text in the log, in a delta, in the history or among its edits."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    held = await ann.sub(room)
    q = (await ann.send(room, "secret one")).q
    edit = (await change(ann, wire.Edit, room, q, wire.NewText("secret two"))).q
    before = {event.q: event for event in await ann.log(room, held.head)}
    await change(ann, wire.Delete, room, q)
    delta = await ann.sub(room, (held.epoch, held.head))
    for where, events in (("log", await ann.log(room, held.head)), ("delta", delta.ev)):
        found = {event.q: event for event in events}
        for number in (q, edit):
            same(bytes(found[number].d), b"{}", f"the body of {number} in the {where}")
            kept = [(it.k, it.ts, it.by) for it in (found[number], before[number])]
            same(kept[0], kept[1], f"what is left of {number} in the {where}")
    pages = {
        "the history": await ann.do(wire.Hist, room, around=q),
        "a copy": await ann.sub(room),
        "its edits": await ann.call(wire.ListEdits(room, q)),
    }
    for where, page in pages.items():
        expect(b"secret" not in msgspec.json.encode(page), f"{where} still has its text")
