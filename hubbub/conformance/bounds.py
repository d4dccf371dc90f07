"""The limits, and how connections are closed."""

from __future__ import annotations

import asyncio

from rules import case, expect, same
from stage import CLIENT, Peer, Stage, new_nonce, refused

from hubbub import wire

_GRACE = 5.0
_HELLO_TIMEOUT = 10.0
_SILENCE = 10.0


async def parted(peer: Peer, code: int, patience: float = _GRACE, *, bye: bool = True) -> None:
    """Go on if the connection is closed by this code, after a bye that says the same."""
    said, closed = await peer.wait_closed(patience)
    same(closed, code, "the code of the close")
    if bye:
        expect(said is not None, "there was no bye")
    if said is not None:
        same((said.code, said.retry), (code, wire.retry_after(code)), "what bye said")


@case("limits")
async def texts_have_a_length(stage: Stage) -> None:
    """A text of just the limit is taken, counted in code points; one more is too_long."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    most = ann.welcome.limits.text
    await ann.send(room, "😀" * most)
    answer = await ann.ask(wire.Send, room, new_nonce(), wire.Draft("x" * (most + 1)))
    refused(answer, "too_long", "a text too long")


@case("limits")
async def nonces_have_a_length(stage: Stage) -> None:
    """Nonces of just the limits are taken; shorter, longer and other ones aren't."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    least, most = ann.welcome.limits.nonce_min, ann.welcome.limits.nonce_max
    for length in (least, most):
        nonce = (new_nonce() + new_nonce() * 8)[:length]
        await ann.do(wire.Send, room, nonce, wire.Draft("hi"))
    for nonce, code in (("x" * (least - 1), "invalid"), ("ä" * least, "invalid"), ("x" * 65, "bad_frame")):
        answer = await ann.ask(wire.Send, room, nonce, wire.Draft("hi"))
        refused(answer, code, f"the nonce {nonce}")


@case("limits")
async def frames_have_a_size(stage: Stage) -> None:
    """A message of just the limit is read; one of a byte more closes the connection by 1009."""
    ann = await stage.enter("ann")
    most = ann.welcome.limits.frame
    head = '{"t":"ping","x":"'
    await ann.tell(head + "x" * (most - len(head) - 2) + '"}')
    await ann.hear(wire.Pong)
    await ann.tell(head + "x" * (most - len(head) - 1) + '"}')
    await parted(ann, 1009, bye=False)


@case("limits")
async def writes_have_a_rate(stage: Stage) -> None:
    """Beyond the burst writes are refused by too_many_requests, with `after`; after that they are taken."""
    ann = await stage.enter("cy")
    room = await stage.room(ann)
    nonce, answer = await ann.send_until_refused(room)
    refused(answer, "too_many_requests", "a write beyond the burst")
    expect((answer.after or 0) > 0, "the refusal doesn't say when to come back")
    await asyncio.sleep(answer.after / 1000 + 0.05)
    again = await ann.try_once(wire.Send, room, nonce, wire.Draft("x"))
    expect(isinstance(again, wire.SendOk), f"after the pause the write is refused: {again}")


@case("limits")
async def typing_has_an_interval(stage: Stage) -> None:
    """Of what comes too soon after the last typing, nothing is told."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    for _ in range(3):
        await bo.tell(wire.Typing(room, True))
    await ann.hear(wire.Ephemeral, lambda frame: frame.k == "typing")
    await bo.settle()
    more = [it for it in await ann.settle() if isinstance(it, wire.Ephemeral) and it.k == "typing"]
    same(more, [], "after the first typing there came")


@case("limits")
async def pages_have_an_end(stage: Stage) -> None:
    """However much is asked for, a page has no more than 256 KiB; the rest is in the next one."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    sent = [(await ann.send(room, "好" * 16_000)).q for _ in range(6)]
    page = await ann.do(wire.Hist, room, after=0, limit=2**40)
    expect(page.more, "a page of 288,000 bytes doesn't say that there is more")
    rest = await ann.do(wire.Hist, room, after=page.msgs[-1].q, limit=100)
    same([it.q for it in (*page.msgs, *rest.msgs)], sent, "the messages on both pages")


@case("closing")
async def hello_comes_first(stage: Stage) -> None:
    """What isn't a hello closes a connection that has had none, by 4400."""
    for frame in (wire.ClientPing(), "x", '{"t":"hello"}', '{"t":"dance","id":1}'):
        peer = await stage.dial("nobody")
        await peer.tell(frame)
        await parted(peer, 4400)


@case("closing")
async def token_has_to_be_right(stage: Stage) -> None:
    """No token and a wrong one close the connection by 4401."""
    for token in (None, "", "x" * 43):
        peer = await stage.dial("nobody")
        await peer.tell(wire.Hello(CLIENT, token=token))
        await parted(peer, 4401)


@case("closing")
async def text_is_utf8(stage: Stage) -> None:
    """Text that isn't UTF-8 closes the connection by 1007."""
    peer = await stage.enter("ann")
    await peer.connection.send(b"\xff\xfe", text=True)
    await parted(peer, 1007, bye=False)


@case("closing")
async def revoked_is_closed(stage: Stage) -> None:
    """A session that is revoked is closed at once, on every connection, by 4101, and lets nobody in."""
    dee, other = await stage.enter("dee"), await stage.enter("dee")
    listed = (await dee.call(wire.ListSessions())).sessions
    [own] = [session.id for session in listed if session.own]
    request = wire.make_call(dee.number(), wire.RevokeSession(own))
    await dee.tell(request)
    for peer in (dee, other):
        await parted(peer, 4101)
    late = await stage.dial("dee")
    await late.tell(wire.Hello(CLIENT, token=await stage.token("dee")))
    await parted(late, 4401)


@case("closing", patient=True)
async def hello_comes_in_time(stage: Stage) -> None:
    """Who says nothing is cut off by 4006."""
    await parted(await stage.dial("nobody"), 4006, _HELLO_TIMEOUT + _GRACE)


@case("closing", patient=True)
async def silent_is_closed(stage: Stage) -> None:
    """Who doesn't answer ping is cut off by 4002; who does isn't."""
    silent = await stage.enter("ann")
    hb = silent.welcome.hb
    await parted(silent, 4002, hb + _SILENCE + _GRACE)
