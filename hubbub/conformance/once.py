"""Rule 2: what is sent twice is done once, and what is sent first is done first."""

from __future__ import annotations

import asyncio

from rules import UnseenError, case, expect, same
from stage import Stage, new_nonce, refused

from hubbub import wire


@case("R2")
async def nonce_takes_effect_once(stage: Stage) -> None:
    """Sent again, on whatever connection, a write is answered by the same number and `dup`."""
    ann, again = await stage.enter("ann"), await stage.enter("ann")
    room = await stage.room(ann, again)
    nonce, draft = new_nonce(), wire.Draft("once")
    first = await ann.do(wire.Send, room, nonce, draft)
    for peer in (ann, again):
        second = await peer.do(wire.Send, room, nonce, draft)
        same((second.q, second.ts, second.dup), (first.q, first.ts, True), "sent again")
    messages = [event for event in await ann.log(room) if event.k == "msg.new"]
    same([event.q for event in messages], [first.q], "the messages in the log")


@case("R2")
async def nonce_is_of_one_thing(stage: Stage) -> None:
    """With anything else in it, a nonce that was used is refused; another's isn't."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    nonce = new_nonce()
    first = await ann.do(wire.Send, room, nonce, wire.Draft("one"))
    for kind, field in ((wire.Send, wire.Draft("two")), (wire.Delete, first.q)):
        answer = await ann.ask(kind, room, nonce, field)
        refused(answer, "nonce_reuse", "the answer to a used nonce")
    other = await bo.do(wire.Send, room, nonce, wire.Draft("one"))
    expect(not other.dup and other.q > first.q, "another author's nonce isn't their own")


@case("R2")
async def every_kind_is_done_once(stage: Stage) -> None:
    """Edits, reactions, pins and deletions are done once for their nonce, too."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    q = (await ann.send(room)).q
    writes = (
        (wire.Edit, (q, wire.NewText("new"))),
        (wire.React, (q, "👍", True)),
        (wire.Pin, (q, True)),
        (wire.Delete, (q,)),
    )
    for kind, fields in writes:
        nonce = new_nonce()
        first, second = [await ann.do(kind, room, nonce, *fields) for _ in range(2)]
        same((second.q, second.dup), (first.q, True), f"{kind.__name__} sent again")


@case("R2")
async def writes_keep_their_order(stage: Stage) -> None:
    """What one connection sends without waiting is done in that order."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    done = [answer.q for answer in await ann.send_at_once(room, 8)]
    same(done, sorted(set(done)), "the numbers, as sent")


@case("R2")
async def refused_is_not_overtaken(stage: Stage) -> None:
    """After a write that may be tried again, later ones wait until it is, or is given up."""
    ann = await stage.enter("cy")
    room = await stage.room(ann)
    requests = ann.drafts(room, ann.too_many())
    for request in requests:
        await ann.tell(request)
    answers = [await ann.answer(request) for request in requests]
    codes = [getattr(answer, "code", "ok") for answer in answers]
    taken = codes.index("too_many_requests") if "too_many_requests" in codes else len(codes)
    expect(taken < len(codes), f"{len(codes)} writes at once were taken")
    same(set(codes[taken:]), {"too_many_requests"}, "the answers from the first refusal on")
    pause = max(answer.after or 0 for answer in answers[taken:]) / 1000 + 2 / ann.welcome.limits.rate
    await asyncio.sleep(pause)
    later = wire.Send(ann.number(), room, new_nonce(), wire.Draft("later"))
    await ann.tell(later)
    refused(await ann.answer(later), "too_many_requests", "what overtakes is answered by")
    first = await ann.try_once(wire.Send, room, requests[taken].n, requests[taken].d)
    expect(not isinstance(first, wire.Err), f"the refused write, sent again, is refused: {first}")
    then = await ann.do(wire.Send, room, later.n, later.d)
    expect(then.q > first.q, "a later write came before the refused one")


@case("R2")
async def refused_can_be_given_up(stage: Stage) -> None:
    """By skip a refused write is given up, and later ones go on."""
    ann = await stage.enter("cy")
    room = await stage.room(ann)
    nonce, answer = await ann.send_until_refused(room)
    if not isinstance(answer, wire.Err):
        raise UnseenError("nothing was refused")
    await asyncio.sleep((answer.after or 1000) / 1000)
    await ann.do(wire.Skip, room, nonce)
    sent = await ann.send(room, "later")
    log = [event for event in await ann.log(room) if event.k == "msg.new"]
    same(log[-1].q, sent.q, "the last message")
    expect(all(nonce.encode() not in bytes(event.d) for event in log), "what was given up is done")
