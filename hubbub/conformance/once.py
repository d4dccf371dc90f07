"""Rule 2: what is sent twice is done once, and what is sent first is done first."""

from __future__ import annotations

import asyncio

from rules import UnseenError, case, expect, same
from stage import Stage, new_nonce

from hubbub import wire

_MOST_WRITES = 200


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
        same(getattr(answer, "code", answer), "nonce_reuse", "the answer to a used nonce")
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
    limits = ann.welcome.limits
    if limits.burst > _MOST_WRITES:
        raise UnseenError(f"{limits.burst} writes at once are more than this suite sends")
    requests = ann.drafts(room, limits.burst + 8)
    for request in requests:
        await ann.tell(request)
    answers = [await ann.answer(request) for request in requests]
    codes = [getattr(answer, "code", "ok") for answer in answers]
    refused = codes.index("too_many_requests") if "too_many_requests" in codes else len(codes)
    expect(refused < len(codes), f"{len(codes)} writes at once were taken")
    same(set(codes[refused:]), {"too_many_requests"}, "the answers from the first refusal on")
    pause = max(answer.after or 0 for answer in answers[refused:]) / 1000 + 2 / limits.rate
    await asyncio.sleep(pause)
    later = wire.Send(ann.number(), room, new_nonce(), wire.Draft("later"))
    await ann.tell(later)
    same(getattr(await ann.answer(later), "code", "ok"), "too_many_requests", "what overtakes is answered by")
    first = await ann.try_once(wire.Send, room, requests[refused].n, requests[refused].d)
    expect(not isinstance(first, wire.Err), f"the refused write, sent again, is refused: {first}")
    then = await ann.do(wire.Send, room, later.n, later.d)
    expect(then.q > first.q, "a later write came before the refused one")


@case("R2")
async def refused_can_be_given_up(stage: Stage) -> None:
    """By skip a refused write is given up, and later ones go on."""
    ann = await stage.enter("cy")
    room = await stage.room(ann)
    if ann.welcome.limits.burst > _MOST_WRITES:
        raise UnseenError(f"{ann.welcome.limits.burst} writes at once are more than this suite sends")
    refused = None
    for _ in range(ann.welcome.limits.burst + 8):
        request = wire.Send(ann.number(), room, new_nonce(), wire.Draft("x"))
        await ann.tell(request)
        answer = await ann.answer(request)
        if isinstance(answer, wire.Err):
            refused = refused or (request, answer)
            break
    if refused is None:
        raise UnseenError("nothing was refused")
    request, error = refused
    await asyncio.sleep((error.after or 1000) / 1000)
    await ann.do(wire.Skip, room, request.n)
    sent = await ann.send(room, "later")
    log = [event for event in await ann.log(room) if event.k == "msg.new"]
    same(log[-1].q, sent.q, "the last message")
    expect(all(request.n.encode() not in bytes(event.d) for event in log), "what was given up is done")
