"""Rule 10, the frames, and the errors: what is understood, passed over and refused."""

from __future__ import annotations

import json

from rules import UnseenError, case, expect, same
from stage import Peer, Stage, new_nonce, refused

from hubbub import wire


def raw(**fields: object) -> str:
    """Write a frame that need not be one."""
    return json.dumps(fields)


async def refusal(peer: Peer, frame: str | bytes, request: int | None) -> str:
    """Send what need not be a frame, and return the code of the error that answers it."""
    await peer.tell(frame)
    return (await peer.hear(wire.Err, lambda error: error.id == request)).code


@case("R10")
async def unknown_fields_are_passed_over(stage: Stage) -> None:
    """Fields and features that a server doesn't know make no difference."""
    ann = await stage.dial("ann")
    token = await stage.token("ann")
    client = {"name": "conformance", "ver": "1", "colour": "red"}
    await ann.tell(raw(t="hello", client=client, token=token, feat=["telepathy"], x=[{}]))
    ann.welcome = await ann.hear(wire.Welcome)
    same(ann.welcome.feat, [], "the features that are on")
    room = await stage.room(ann)
    await ann.rest(1)
    [request] = ann.drafts(room, 1)
    frame = json.loads(wire.encode(request).text) | {"x": None}
    frame["d"]["y"] = {"z": 1}
    await ann.tell(json.dumps(frame))
    answer = await ann.answer(request)
    expect(isinstance(answer, wire.SendOk), f"with unknown fields it is refused: {answer}")


@case("R10")
async def unknown_requests_are_refused(stage: Stage) -> None:
    """An unknown `t` or method is refused by unknown_op; the connection goes on."""
    ann = await stage.enter("ann")
    same(await refusal(ann, raw(t="dance", id=901, s=wire.ME), 901), "unknown_op", "an unknown t")
    same(await refusal(ann, raw(t="dance"), None), "unknown_op", "an unknown t without an id")
    call = raw(t="call", id=902, m="room.dance", p={})
    same(await refusal(ann, call, 902), "unknown_op", "an unknown method")
    await ann.settle()


@case("errors")
async def bad_frames_do_no_harm(stage: Stage) -> None:
    """What isn't a frame is refused by bad_frame, with its id if it has one; nothing else suffers."""
    ann = await stage.enter("ann")
    room = await stage.room(ann)
    bad: list[tuple[str | bytes, int | None]] = [
        ("", None),
        ("{", None),
        ("null", None),
        ("7", None),
        ("[" * 5_000, None),
        (b"\x00\x01", None),
        (raw(id=911), 911),
        (raw(t="sub", id=912), 912),
        (raw(t="sub", id=913, s=7), 913),
        (raw(t="sub", id=914, s=room, at=[1]), 914),
        (raw(t="hist", id=915, s=room, before=-1), 915),
        (raw(t="log", id=916, s=room, after=2**53), 916),
        (raw(t="send", id=917, s=room, n=new_nonce(), d=None), 917),
        ('{"t":"send","id":918,"s":"r_x","n":"abcdefgh","d":{"text":"\\ud800"}}', 918),
        (raw(t="call", id=919, m="room.create", p={}, n=new_nonce()), 919),
        (raw(t="call", id=920, m="room.create", p={"name": "x"}), 920),
        (raw(t="hello", client={"name": "x", "ver": "1"}), None),
        ("x" * 1_000, None),
    ]
    for frame, request in bad:
        code = await refusal(ann, frame, request)
        same(code, "bad_frame", f"{frame[:60]!r} is answered by")
    sent = await ann.send(room)
    same((await ann.log(room))[-1].q, sent.q, "what is written after all that")


@case("errors")
async def not_for_one_is_not_there(stage: Stage) -> None:
    """What isn't there, and what one may not know of, are both not_found."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    secret = await stage.room(ann, visibility="private")
    for room in ("r_nowhere", secret, "x"):
        for answer in (
            await bo.ask(wire.Sub, room),
            await bo.ask(wire.Hist, room, after=0),
            await bo.ask(wire.Log, room, 0),
            await bo.ask(wire.Send, room, new_nonce(), wire.Draft("hi")),
        ):
            refused(answer, "not_found", f"in {room} one is answered by")
    for room in ("r_nowhere", secret):
        answer = await bo.call(wire.JoinRoom(room))
        refused(answer, "not_found", "who may not join is answered by")


@case("errors")
async def who_may_join_is_told_so(stage: Stage) -> None:
    """In a public room that one isn't in, everything is not_member until one joins."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann)
    for answer in (
        await bo.ask(wire.Sub, room),
        await bo.ask(wire.Hist, room, after=0),
        await bo.ask(wire.Log, room, 0),
        await bo.ask(wire.Send, room, new_nonce(), wire.Draft("hi")),
        await bo.call(wire.ListMembers(room)),
    ):
        refused(answer, "not_member", "who would have to join is answered by")
    joined = await bo.call(wire.JoinRoom(room))
    expect(isinstance(joined, wire.RoomResult), f"one may not join a public room: {joined}")
    await bo.send(room)


@case("errors")
async def each_refusal_has_its_code(stage: Stage) -> None:
    """Each thing that one may not do is refused by the code that says why."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    q = (await ann.send(room)).q
    edited = (await ann.do(wire.Edit, room, new_nonce(), q, wire.NewText("new"))).q
    banned = await stage.room(ann, bo)
    await ann.call(wire.Ban(banned, bo.id))
    found = {
        "forbidden": await bo.ask(wire.Edit, room, new_nonce(), q, wire.NewText("mine")),
        "forbidden ": await bo.ask(wire.Pin, room, new_nonce(), q, True),
        "forbidden  ": await bo.call(wire.Kick(room, ann.id)),
        "not_found": await bo.ask(wire.React, room, new_nonce(), edited + 1_000, "👍", True),
        "banned": await bo.call(wire.JoinRoom(banned)),
        "invalid": await ann.ask(wire.Send, room, new_nonce(), wire.Draft(" ")),
        "invalid ": await ann.ask(wire.Hist, room),
        "invalid  ": await ann.ask(wire.Hist, room, before=1, after=1),
        "edit_conflict": await ann.ask(wire.Edit, room, new_nonce(), q, wire.NewText("x"), q),
    }
    for code, answer in found.items():
        refused(answer, code.strip(), "the answer")
    log = await ann.log(room)
    same(log[-1].q, edited, "the head after all that was refused")


@case("frames")
async def every_answer_is_readable(stage: Stage) -> None:
    """Every request and method is answered by what the schema has for it."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    same(ann.welcome.v, wire.VERSION, "the version")
    room = await stage.room(ann, bo)
    q = (await ann.send(room)).q
    await bo.send(room, "reply", th=q)
    await ann.do(wire.Pin, room, new_nonce(), q, True)
    copies = [await ann.sub(wire.ME), await ann.sub(room)]
    same([copy.mode for copy in copies], ["reset", "reset"], "the modes of copies")
    calls = (
        wire.ListRooms(),
        wire.ListMembers(room),
        wire.ListEdits(room, q),
        wire.ReadThread(room, q),
        wire.ListPinned(room),
        wire.ListSessions(),
        wire.UpdateRoom(room, topic="tea"),
        wire.GiveRole(room, bo.id, "moderator"),
    )
    for params in calls:
        answer = await ann.call(params)
        expect(not isinstance(answer, wire.Err), f"{type(params).__name__} is refused: {answer}")
    same([it.q for it in (await ann.call(wire.ListPinned(room))).msgs], [q], "the pinned messages")
    same(len((await ann.call(wire.ReadThread(room, q))).msgs), 1, "the messages of the thread")


@case("frames")
async def typing_is_told(stage: Stage) -> None:
    """That someone types is told to others, for a while, and isn't an event."""
    ann, bo = await stage.enter("ann"), await stage.enter("bo")
    room = await stage.room(ann, bo)
    for on in (True, False):
        await bo.tell(wire.Typing(room, on))
        told = await ann.hear(wire.Ephemeral, lambda frame: frame.k == "typing" and frame.s == room)
        body = wire.ephemeral_body_of(told)
        assert isinstance(body, wire.TypingInfo)
        same((body.user.id, body.on, (told.ttl or 0) > 0), (bo.id, on, True), "who types")


@case("frames")
async def batches_are_taken_apart(stage: Stage) -> None:
    """Where `batch` is on, each frame of an array is taken by itself, and in its order."""
    ann = await stage.enter("ann", feat=[wire.BATCH])
    if wire.BATCH not in ann.welcome.feat:
        raise UnseenError("this server has no batches")
    first, second = wire.ListRooms(), wire.ListSessions()
    calls = [wire.make_call(ann.number(), params) for params in (first, second)]
    good = [wire.encode(call).text for call in calls]
    await ann.tell(f'[{good[0]},{{"t":"sub","id":931}},7,{good[1]}]')
    for call in calls:
        answer = await ann.answer(call)
        expect(not isinstance(answer, wire.Err), f"beside a bad frame another is refused: {answer}")
    for request in (931, None):
        error = await ann.hear(wire.Err, lambda error: error.id == request)  # noqa: B023
        same(error.code, "bad_frame", "the bad frame in the array is answered by")
    most = ann.welcome.limits.batch
    await ann.tell(f"[{','.join([wire.encode(wire.ClientPing()).text] * (most + 1))}]")
    same((await ann.hear(wire.Err)).code, "bad_frame", "an array that is too long is answered by")
