"""Every frame, as text; and whatever else may come."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hubbub import wire

from .strategies import FEW, JSON, MANY, broken_frames, values_of


def refusal(read: Callable[[], object]) -> wire.BadFrameError | None:
    """Return how reading something is refused, if it is."""
    try:
        read()
    except wire.BadFrameError as error:
        return error
    return None


CLIENT = {"name": "web", "ver": "1"}
WRITE = {"id": 1, "s": "r_x", "n": "nonce-01"}


@pytest.mark.parametrize(
    "frame,request_",
    [
        ({"t": "hello", "client": CLIENT}, wire.Hello(wire.Client("web", "1"))),
        (
            {
                "t": "hello",
                "client": CLIENT | {"device": "d"},
                "feat": ["x"],
                "at": {"me": [1, 2]},
                "token": "t",
            },
            wire.Hello(wire.Client("web", "1", "d"), ["x"], {"me": (1, 2)}, "t"),
        ),
        ({"t": "sub", "id": 1, "s": "r_x"}, wire.Sub(1, "r_x")),
        ({"t": "sub", "id": 1, "s": "me", "at": [7, 9]}, wire.Sub(1, "me", (7, 9))),
        ({"t": "sub", "id": 1, "s": "r_x", "lvl": "badge"}, wire.Sub(1, "r_x", lvl="badge")),
        ({"t": "unsub", "id": 1, "s": "r_x"}, wire.Unsub(1, "r_x")),
        (
            {"t": "send", **WRITE, "d": {"text": "好"}},
            wire.Send(1, "r_x", "nonce-01", wire.Draft("好")),
        ),
        (
            {"t": "send", **WRITE, "d": {"text": "a", "re": 4, "th": 3}},
            wire.Send(1, "r_x", "nonce-01", wire.Draft("a", 4, 3)),
        ),
        (
            {"t": "edit", **WRITE, "m": 3, "d": {"text": "b"}},
            wire.Edit(1, "r_x", "nonce-01", 3, wire.NewText("b")),
        ),
        (
            {"t": "edit", **WRITE, "m": 3, "d": {"text": "b"}, "base": 5},
            wire.Edit(1, "r_x", "nonce-01", 3, wire.NewText("b"), 5),
        ),
        ({"t": "del", **WRITE, "m": 3}, wire.Delete(1, "r_x", "nonce-01", 3)),
        (
            {"t": "react", **WRITE, "m": 3, "e": "👍", "on": True},
            wire.React(1, "r_x", "nonce-01", 3, "👍", True),
        ),
        ({"t": "pin", **WRITE, "m": 3, "on": False}, wire.Pin(1, "r_x", "nonce-01", 3, False)),
        ({"t": "read", "s": "r_x", "q": 9}, wire.Read("r_x", 9)),
        ({"t": "read", "s": "r_x", "q": 9, "back": True}, wire.Read("r_x", 9, True)),
        ({"t": "skip", **WRITE}, wire.Skip(1, "r_x", "nonce-01")),
        ({"t": "hist", "id": 1, "s": "r_x", "before": 9, "limit": 5}, wire.Hist(1, "r_x", before=9, limit=5)),
        ({"t": "log", "id": 1, "s": "r_x", "after": 0}, wire.Log(1, "r_x", 0)),
        (
            {"t": "call", "id": 1, "m": "session.list", "p": {}},
            wire.Call(1, "session.list", msgspec.Raw(b"{}")),
        ),
        ({"t": "typing", "s": "r_x", "on": True}, wire.Typing("r_x", True)),
        ({"t": "pres", "state": "idle"}, wire.Pres("idle")),
        ({"t": "pres", "state": "dnd", "text": "☕"}, wire.Pres("dnd", "☕")),
        ({"t": "ping"}, wire.ClientPing()),
        ({"t": "pong"}, wire.Pong()),
    ],
    ids=lambda value: value["t"] if isinstance(value, dict) else "",
)
def test_request_is_read(frame: dict[str, Any], request_: wire.Request) -> None:
    """Every frame of a client is read, whatever else is in it, and written so."""
    assert wire.decode(json.dumps(frame)) == request_
    assert wire.decode(json.dumps(frame | {"is_admin": True, "later": {"deep": [1, 2]}})) == request_
    assert json.loads(wire.encode(request_).text) == frame


@pytest.mark.parametrize(
    "frame,code,request_id",
    [
        ("", "bad_frame", None),
        ("{", "bad_frame", None),
        ("null", "bad_frame", None),
        ('["t","ping"]', "bad_frame", None),
        ('[{"t":"ping"}]', "bad_frame", None),
        ('{"id":1}', "bad_frame", 1),
        ('{"t":7,"id":1}', "bad_frame", 1),
        ('{"t":"ping"} x', "bad_frame", None),
        ('{"t":"vote","id":1}', "unknown_op", 1),
        ('{"t":"welcome"}', "unknown_op", None),
        ('{"t":"sub","id":1}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":null}', "bad_frame", 1),
        ('{"t":"sub","id":"1","s":"me"}', "bad_frame", None),
        ('{"t":"sub","id":-1,"s":"me"}', "bad_frame", None),
        ('{"t":"sub","id":true,"s":"me"}', "bad_frame", None),
        ('{"t":"sub","id":1,"s":"me","at":[1]}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"me","at":[1,-2]}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"me","at":[1,9007199254740992]}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"me","lvl":"loud"}', "bad_frame", 1),
        ('{"t":"sub","id":1,"s":"' + "x" * 65 + '"}', "bad_frame", 1),
        ('{"t":"send","id":1,"s":"r_x","n":"nonce-01","d":{"text":{"$ne":1}}}', "bad_frame", 1),
        ('{"t":"send","id":1,"s":"r_x","n":"nonce-01","d":{"text":"\\ud800"}}', "bad_frame", 1),
        ('{"t":"send","id":1,"s":"r_x","n":"nonce-01","d":{"text":"\ud800"}}', "bad_frame", 1),
        ('{"t":"hist","id":1,"s":"r_x","before":1,"limit":0}', "bad_frame", 1),
        ('{"t":"pres","state":"away"}', "bad_frame", None),
        ('{"t":"sub","id":1' + "0" * 5000 + ',"s":"me"}', "bad_frame", None),
        ('{"t":"ping","x":' + "[" * 100_000, "bad_frame", None),
        ('{"t":"ping","x":' + "[" * 100_000 + "]" * 100_000 + "}", "bad_frame", None),
        (b'{"t":"ping"}', "bad_frame", None),
    ],
    ids=range(29),
)
def test_bad_frame_is_told(frame: str | bytes, code: str, request_id: int | None) -> None:
    """What isn't a frame is told apart from a request that isn't known, with its id if it can be found."""
    with pytest.raises(wire.BadFrameError) as caught:
        wire.decode(frame)

    assert (caught.value.code, caught.value.request) == (code, request_id)
    assert str(caught.value)


@given(values_of(wire.Request))
@MANY
def test_request_is_read_back(request_: wire.Request) -> None:
    """What a client writes is what a server reads."""
    frame = wire.encode(request_)

    assert wire.decode(frame.text) == request_
    assert frame.size == len(frame.text.encode())


@given(st.text(st.characters()) | st.binary() | JSON.map(json.dumps))
@MANY
def test_nothing_breaks_the_reader(frame: str | bytes) -> None:
    """Whatever comes is read, or refused."""
    for read in (wire.decode, wire.decode_reply, wire.split):
        with suppress(wire.BadFrameError):
            read(frame)


@given(broken_frames(wire.Request), st.booleans())
@MANY
def test_broken_frame_keeps_its_id(broken: tuple[dict[str, Any], Any], as_ascii: bool) -> None:
    """A frame with something wrong in it is refused by its id, so that whoever sent it isn't left waiting."""
    frame, request_id = broken
    refused = refusal(lambda: wire.decode(json.dumps(frame, ensure_ascii=as_ascii)))

    assert refused is None or refused.request == request_id


# Batches


@given(st.lists(values_of(wire.Request), max_size=5))
@MANY
def test_batch_is_split(requests: list[wire.Request]) -> None:
    """Frames that were joined are found again, each by itself."""
    batch = wire.join(map(wire.encode, requests))

    assert [wire.decode(frame) for frame in wire.split(batch.text)] == requests
    assert batch.size == len(batch.text.encode())


def test_single_frame_is_no_batch() -> None:
    """What is no array is left as it is, be it a frame or not."""
    assert wire.split('{"t":"ping"}') == ['{"t":"ping"}']
    assert wire.split("nonsense") == ["nonsense"]


def test_bad_frame_spoils_no_batch() -> None:
    """What is wrong with one frame of a batch is the concern of that one."""
    frames = wire.split(' [{"t":"ping"},7,{"t":"sub","id":4,"s":"\\ud800"},{"t":"pong"}]')

    assert wire.decode(frames[0]) == wire.ClientPing()
    assert wire.decode(frames[3]) == wire.Pong()
    for frame, request_id in zip(frames[1:3], [None, 4], strict=True):
        with pytest.raises(wire.BadFrameError) as caught:
            wire.decode(frame)
        assert caught.value.request == request_id


@pytest.mark.parametrize(
    "batch",
    ['[{"t":"ping"}', "[", "[" * 100_000, "[{}]x", b"[]", json.dumps([{"t": "ping"}] * 129)],
    ids=range(6),
)
def test_bad_batch_is_refused(batch: str | bytes) -> None:
    """An array that isn't whole, or has too many frames, is refused as one."""
    with pytest.raises(wire.BadFrameError):
        wire.split(batch)


def test_full_batch_is_split() -> None:
    """As many frames as are allowed may come as one."""
    assert len(wire.split(json.dumps([{"t": "ping"}] * wire.BATCH_FRAMES))) == wire.BATCH_FRAMES


# Calls


def called(frame: str) -> wire.Params:
    """Read a call, and what it calls with."""
    call = wire.decode(frame)
    assert isinstance(call, wire.Call)
    return wire.params_of(call)


@given(values_of(wire.Params), st.from_regex(r"[A-Za-z0-9_-]{8,64}", fullmatch=True))
@MANY
def test_call_is_read_back(params: wire.Params, nonce: str) -> None:
    """What a method is called with is what it is called with."""
    call = wire.decode(wire.encode(wire.make_call(3, params, nonce)).text)

    assert isinstance(call, wire.Call)
    assert (call.id, call.n, wire.params_of(call)) == (3, nonce, params)


@pytest.mark.parametrize(
    "call,code",
    [
        ('{"t":"call","id":4,"m":"room.paint","p":{}}', "unknown_op"),
        ('{"t":"call","id":4,"m":"room.join","n":"nonce-01","p":{}}', "bad_frame"),
        ('{"t":"call","id":4,"m":"room.join","n":"nonce-01","p":[]}', "bad_frame"),
        ('{"t":"call","id":4,"m":"room.join","n":"nonce-01","p":{"s":"\\ud800"}}', "bad_frame"),
        ('{"t":"call","id":4,"m":"room.join","p":{"s":"r_x"}}', "bad_frame"),
        ('{"t":"call","id":4,"m":"room.join","n":"nonce-01","p":{"s":{"s":"r_x"}}}', "bad_frame"),
    ],
    ids=range(6),
)
def test_bad_call_is_told(call: str, code: str) -> None:
    """A method that isn't known, other parameters than it has, or no nonce where it writes: all by its id."""
    refused = refusal(lambda: called(call))

    assert refused is not None
    assert (refused.code, refused.request) == (code, 4)


@given(st.sampled_from(sorted(wire.METHODS)), JSON)
@MANY
def test_no_call_breaks_the_reader(method: str, params: object) -> None:
    """Whatever a method is called with is read, or refused by the call's id."""
    call = json.dumps({"t": "call", "id": 4, "n": "nonce-01", "m": method, "p": params})
    refused = refusal(lambda: called(call))

    assert refused is None or refused.request == 4


# What a client reads

ME = wire.Sub(1, wire.ME)
ROOM = wire.Sub(1, "r_x")
ANSWERS: list[tuple[type[wire.Answer], wire.Request]] = [
    (wire.Ok, wire.Unsub(1, "r_x")),
    (wire.Ok, wire.Skip(1, "r_x", "nonce-01")),
    (wire.DeltaOk, ROOM),
    (wire.DeltaOk, ME),
    (wire.RoomResetOk, ROOM),
    (wire.InboxResetOk, ME),
    (wire.BadgeOk, wire.Sub(1, "r_x", lvl="badge")),
    (wire.SendOk, wire.Send(1, "r_x", "nonce-01", wire.Draft("hi"))),
    (wire.SendOk, wire.Delete(1, "r_x", "nonce-01", 3)),
    (wire.HistOk, wire.Hist(1, "r_x", before=9)),
    (wire.LogOk, wire.Log(1, "r_x", 0)),
]


@given(st.data())
@FEW
@pytest.mark.parametrize("kind,request_", ANSWERS, ids=lambda value: getattr(value, "__name__", ""))
def test_answer_is_read_back(kind: type[wire.Answer], request_: wire.Request, data: st.DataObject) -> None:
    """What a server answers is what who asked reads."""
    answer = data.draw(values_of(kind))
    answered = wire.decode_reply(wire.encode(answer).text)

    assert isinstance(answered, wire.Answered)
    assert answered.id == answer.id
    assert wire.decode_answer(request_, answered) == answer


@given(st.data())
@FEW
@pytest.mark.parametrize("method", wire.METHODS)
def test_result_is_read_back(method: str, data: st.DataObject) -> None:
    """What a method gives is what who called it reads."""
    result = data.draw(values_of(wire.METHODS[method].result))
    answered = wire.decode_reply(wire.encode(wire.CallOk(4, result)).text)

    assert isinstance(answered, wire.Answered)
    assert wire.decode_answer(wire.Call(4, method, msgspec.Raw(b"{}")), answered) == result


@given(values_of(wire.Welcome | wire.Err | wire.Event | wire.Ephemeral | wire.Gap | wire.Ping | wire.Bye))
@MANY
def test_reply_is_read_back(reply: wire.Reply) -> None:
    """What a server says by itself is what a client reads."""
    assert wire.decode_reply(wire.encode(reply).text) == reply


@given(st.data())
@FEW
@pytest.mark.parametrize("kind", [wire.TypingNow, wire.PresenceChanged, wire.PresenceState, wire.Badge])
def test_ephemeral_is_read_back(kind: type[Any], data: st.DataObject) -> None:
    """What may be lost is read by its kind when it isn't."""
    said = data.draw(values_of(kind))
    heard = wire.decode_reply(wire.encode(said).text)

    assert isinstance(heard, wire.Ephemeral)
    assert (heard.s, heard.k, heard.ttl) == (said.s, said.k, getattr(said, "ttl", None))
    assert wire.ephemeral_body_of(heard) == said.d


def event(kind: str, body: str) -> wire.Event:
    """Make an event."""
    return wire.Event("r_x", 1, kind, 5, "u_ann", msgspec.Raw(body.encode()))


@given(st.data())
@FEW
@pytest.mark.parametrize("kind", wire.EVENTS)
def test_body_is_read_back(kind: str, data: st.DataObject) -> None:
    """What happened is read by its kind."""
    body = data.draw(values_of(wire.EVENTS[kind]))

    assert wire.body_of(event(kind, msgspec.json.encode(body).decode())) == body


def test_unknown_kinds_are_passed_over() -> None:
    """What a server of a later level says is no mistake."""
    assert wire.decode_reply('{"t":"parade","id":1}') is None
    assert wire.body_of(event("parade", "[]")) is None
    assert wire.ephemeral_body_of(wire.Ephemeral("parade", msgspec.Raw(b"7"))) is None


def test_deleted_text_is_forgotten() -> None:
    """The event of a message that was deleted has no text any more, and is an event all the same."""
    assert wire.body_of(event("msg.new", "{}")) == wire.Forgotten()
    assert wire.body_of(event("msg.edit", " { } ")) == wire.Forgotten()


@pytest.mark.parametrize(
    "kind,body",
    [("msg.new", '{"n":"nonce-01"}'), ("msg.del", "{}"), ("pin", '{"n":1}'), ("member", '"\\ud800"')],
)
def test_bad_body_is_refused(kind: str, body: str) -> None:
    """A body that isn't of its kind is refused."""
    with pytest.raises(wire.BadFrameError):
        wire.body_of(event(kind, body))


@pytest.mark.parametrize(
    "request_,answer",
    [
        (ROOM, '{"t":"ok","id":1}'),
        (ROOM, '{"t":"ok","id":1,"mode":"guess"}'),
        (ROOM, '{"t":"ok","id":1,"mode":"delta","epoch":1}'),
        (wire.Call(1, "room.paint", msgspec.Raw(b"{}")), '{"t":"ok","id":1,"r":{}}'),
        (wire.Call(1, "room.join", msgspec.Raw(b"{}")), '{"t":"ok","id":1,"r":"\\ud800"}'),
    ],
    ids=range(5),
)
def test_wrong_answer_is_refused(request_: wire.Request, answer: str) -> None:
    """An answer to something else than was asked is refused."""
    with pytest.raises(wire.BadFrameError) as caught:
        wire.decode_answer(request_, wire.Answered(1, answer))

    assert caught.value.request == 1


@given(broken_frames(wire.Welcome | wire.Err | wire.Event | wire.Gap | wire.Ping | wire.Bye))
@MANY
def test_broken_reply_is_refused(broken: tuple[dict[str, Any], Any]) -> None:
    """A server's frame with something wrong in it is refused, passed over, or was right all the same."""
    with suppress(wire.BadFrameError):
        reply = wire.decode_reply(json.dumps(broken[0]))
        assert reply is None or isinstance(reply, get_args(wire.Said))
