"""The page that describes the protocol says what the structures do, and what the server goes by."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, get_args

import pytest
from msgspec import Struct

from hubbub import wire
from hubbub.domain import mentions, policies
from hubbub.endpoints import realtime as door
from hubbub.realtime import badge, outbound, presence, session
from hubbub.wire.schema import make_schema

PAGE: Final = Path(__file__).resolve().parents[3].joinpath("docs", "protocol.md").read_text("utf-8")
DEFINITIONS: Final = make_schema()["$defs"]

# What the page calls the answers and the objects.
ANSWERS: Final = {
    "`sub`, to go on": wire.DeltaOk,
    "`sub`, to a room anew": wire.RoomResetOk,
    "`sub`, to `me` anew": wire.InboxResetOk,
    "`sub`, at the level `badge`": wire.BadgeOk,
    "`send`, `edit`, `del`, `react`, `pin`": wire.SendOk,
    "`hist`": wire.HistOk,
    "`log`": wire.LogOk,
    "`call`": wire.CallOk,
    "`unsub`, `skip`": wire.Ok,
}
OBJECTS: Final = {
    "user": wire.UserInfo,
    "oneself": wire.MeInfo,
    "member": wire.MemberInfo,
    "room": wire.RoomInfo,
    "marks": wire.Marks,
    "file": wire.FileInfo,
    "message": wire.MessageInfo,
}
LISTED: Final = {
    "room.list": wire.RoomEntry,
    "msg.edits": wire.EditInfo,
    "session.list": wire.SessionInfo,
}

Fields = Mapping[str, Any]


def tables(header: str) -> list[list[str]]:
    """Return the cells of each row of every table whose first line begins so."""
    found = re.findall(rf"^\| {re.escape(header)}.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    rows = [line for table in found for line in table.splitlines()]
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for row in rows]


def said(cell: str) -> Fields:
    """Read the fields that a cell begins with: the fields of each one's own, where they are told.

    A field that may be left out has its question mark.
    """
    span = re.match(r"`([^`]+)`", cell)
    return {} if span is None else parsed(span[1])


def parsed(text: str) -> Fields:
    """Read `a, b?, c{d, e?}`."""
    fields = re.findall(r"(\w+\??)(?:\{([^}]*)\})?", text)
    return {name: parsed(inner) if inner else None for name, inner in fields}


def fields_of(kind: type[Struct], told: Fields) -> Fields:
    """Return the fields that a structure has, in as much detail as was told."""
    return detailed(DEFINITIONS[kind.__name__], told)


def detailed(schema: Mapping[str, Any], told: Fields) -> Fields:
    """Return the fields of a definition, and theirs where those were told; ids only where they were."""
    found = {}
    for name, field in schema["properties"].items():
        if name in {"t", "id"} and told.keys().isdisjoint({name, f"{name}?"}):
            continue
        name = name if name in schema["required"] else f"{name}?"
        inner = told.get(name)
        target = DEFINITIONS.get(field.get("$ref", "").rpartition("/")[2])
        found[name] = None if inner is None or target is None else detailed(target, inner)
    return found


def word(cell: str) -> str:
    """Return the word that a cell is."""
    return cell.strip("`")


def check(rows: list[list[str]], kinds: Mapping[str, type[Struct]]) -> None:
    """See that there is a row for each structure, and that it has its fields."""
    assert {word(row[0]) for row in rows} == {word(name) for name in kinds}
    for name, cell, *_ in rows:
        kind = kinds.get(name) or kinds[word(name)]
        assert said(cell) == fields_of(kind, said(cell)), name


def test_frames_of_clients_are_described() -> None:
    """Every frame of a client is on the page, with its fields."""
    kinds = {str(kind.__struct_config__.tag): kind for kind in get_args(wire.Request)}

    check(tables("`t` | fields | what it asks for"), kinds)


def test_frames_of_servers_are_described() -> None:
    """Every frame of a server is on the page, with its fields; answers and ephemerals by what they share."""
    kinds = {str(kind.__struct_config__.tag): kind for kind in get_args(wire.Reply)}

    check(tables("`t` | fields | what it says"), kinds | {"ok": wire.Ok, "eph": wire.Ephemeral})


def test_answers_are_described() -> None:
    """What each request is answered by is on the page."""
    check(tables("answer to"), ANSWERS)
    assert set(ANSWERS.values()) == set(get_args(wire.Answer))


def test_objects_are_described() -> None:
    """What frames speak of is on the page."""
    check(tables("object"), OBJECTS)


def test_kinds_are_described() -> None:
    """Every kind of event and of ephemeral is on the page, with what it says."""
    check(tables("kind"), {**wire.EVENTS, **wire.EPHEMERALS})


def test_methods_are_described() -> None:
    """Every method is on the page: what it takes and gives, and whether it needs a nonce."""
    rows = tables("method")
    assert {word(row[0]) for row in rows} == wire.METHODS.keys()

    for name, params, result, nonce, what in rows:
        method = wire.METHODS[word(name)]
        assert said(params) == fields_of(method.params, said(params)), name
        assert said(result) == fields_of(method.result, said(result)), name
        assert (nonce == "yes") == method.writes, name
        if word(name) in LISTED:
            [each] = re.findall(r"`\{(.*)\}`", what)
            assert parsed(each) == fields_of(LISTED[word(name)], parsed(each)), name


def test_errors_are_described() -> None:
    """Every code of an error is on the page, and whether to try again."""
    assert {word(code): again == "yes" for code, again, _ in tables("code | again")} == wire.ERRORS


def test_closings_are_described() -> None:
    """Every code of a close is on the page, and what a client does then."""
    told = {int(code): retry for code, retry, _ in tables("code | then")}

    assert told == {code: closing.retry for code, closing in wire.CLOSINGS.items()}


def test_limits_are_described() -> None:
    """Every limit on the page is the one that the server goes by."""
    rows = [(word(name), int(value.replace(",", "")), what) for name, value, what, _ in tables("name |")]
    named = {name: value for name, value, _ in rows if name}
    others = [(value, what.partition(" ")[0]) for name, value, what in rows if not name]
    limits = wire.Limits(
        wire.FRAME_BYTES,
        policies.TEXT_LENGTH,
        policies.NONCE_MIN,
        policies.NONCE_MAX,
        file=policies.FILE_BYTES,
    )

    assert named == {name: getattr(limits, name) for name in limits.__struct_fields__}
    assert policies.DELTA_BYTES == policies.HISTORY_BYTES
    assert others == [
        (wire.NAME_LENGTH, "characters"),
        (policies.USER_WRITE_BURST, "writes"),
        (policies.ADDRESS_WRITE_BURST, "writes"),
        (policies.READ_BURST, "pages"),
        (policies.SUBSCRIPTION_BURST, "streams"),
        (policies.MARK_BURST, "rooms"),
        (policies.USER_CONNECTIONS, "connections"),
        (policies.ADDRESS_CONNECTIONS, "connections"),
        (policies.HELLO_BURST, "connections"),
        (policies.MISTAKE_BURST, "frames"),
        (policies.TYPING_BURST, "rooms"),
        (wire.TYPING_TTL, "seconds"),
        (badge.INTERVAL, "seconds"),
        (policies.HISTORY_PAGE, "messages"),
        (policies.DELTA_EVENTS, "events"),
        (policies.DELTA_BYTES, "bytes"),
        (policies.REACTIONS, "kinds"),
        (policies.PINS, "messages"),
        (policies.ROOMS, "rooms"),
        (policies.GROUP_PEOPLE, "people"),
        (policies.BLOCKS, "people"),
        (policies.FOUND_PEOPLE, "people"),
        (presence.SHOWN_USERS, "users"),
        (presence.OFFLINE_GRACE, "seconds"),
        (session.HELLO_TIMEOUT, "seconds"),
        (session.HEARTBEAT, "seconds"),
        (session.HEARTBEAT_GRACE, "seconds"),
        (outbound.QUEUE_FRAMES, "frames"),
        (outbound.QUEUE_BYTES, "bytes"),
        (outbound.STALL, "seconds"),
    ]


@pytest.mark.parametrize(
    "sentence",
    [
        f"`{door.PATH}`",
        f"`{wire.SUBPROTOCOL}`",
        f"within {session.HELLO_TIMEOUT:.0f} seconds",
        f"up to {mentions.MOST} of them",
        f"as one message, up to {wire.BATCH_FRAMES}",
        f"beyond {policies.DELTA_EVENTS:,} events or {policies.DELTA_BYTES // 1024} KiB",
    ],
)
def test_text_has_numbers_right(sentence: str) -> None:
    """What the text says in passing is so."""
    assert sentence in " ".join(PAGE.split())


def test_features_are_described() -> None:
    """Every feature that can be asked for is on the page."""
    assert tuple(word(name) for name, _ in tables("feature")) == wire.FEATURES


def test_examples_are_frames() -> None:
    """What a client says in an example is read by a server, and the other way round."""
    [example] = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    asked: dict[int, wire.Request] = {}
    for turn in json.loads(example):
        [(side, frame)] = turn.items()
        if side == "client":
            request = wire.decode(json.dumps(frame))
            asked[getattr(request, "id", 0)] = request
            continue
        reply = wire.decode_reply(json.dumps(frame))
        assert reply is not None
        if isinstance(reply, wire.Answered):
            assert wire.decode_answer(asked[reply.id], reply)
        elif isinstance(reply, wire.Event):
            assert wire.body_of(reply)
        elif isinstance(reply, wire.Welcome):
            assert (reply.v, reply.level) == (wire.VERSION, wire.LEVEL)
