"""The schema holds what is written, and refuses what isn't a frame."""

from __future__ import annotations

import functools
import json
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from hubbub import wire
from hubbub.wire.schema import make_schema

from .strategies import FEW, values_of

SCHEMA = make_schema()
STRUCTURES = {kind.__name__: kind for kind in (*get_args(wire.Request), *get_args(wire.Reply))}


def problems(definition: str, value: Any) -> list[str]:
    """Return how a value doesn't keep to a definition."""
    return [error.message for error in validator_of(definition).iter_errors(value)]


@functools.cache
def validator_of(definition: str) -> Draft202012Validator:
    """Return what holds values against a definition."""
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": SCHEMA["$defs"]})


def test_schema_is_one() -> None:
    """The schema is one, and everything that it refers to is in it."""
    Draft202012Validator.check_schema(SCHEMA)
    text = json.dumps(SCHEMA)

    assert {name for name in SCHEMA["$defs"] if f'"#/$defs/{name}"' not in text} == {"Answer"}
    for name in SCHEMA["$defs"]:
        assert problems(name, None)


@given(st.data())
@FEW
@pytest.mark.parametrize("name", sorted(STRUCTURES.keys() - {"Call", "CallOk", "Event", "Ephemeral"}))
def test_written_frame_keeps_to_it(name: str, data: st.DataObject) -> None:
    """Whatever is written keeps to the schema of its structure, and to that of its side."""
    frame = json.loads(wire.encode(data.draw(values_of(STRUCTURES[name]))).text)
    side = "ClientFrame" if STRUCTURES[name] in get_args(wire.Request) else "ServerFrame"

    assert problems(name, frame) == []
    assert problems(side, frame) == []


@given(st.data())
@FEW
@pytest.mark.parametrize("kind", wire.EVENTS)
def test_event_keeps_to_its_kind(kind: str, data: st.DataObject) -> None:
    """An event says what its kind has, and nothing else."""
    body = msgspec.to_builtins(data.draw(values_of(wire.EVENTS[kind])))
    event = {"t": "ev", "s": "r_x", "q": 1, "k": kind, "ts": 5, "by": "u_ann", "d": body}

    assert problems("Event", event) == []
    assert problems("Event", event | {"d": {"s": 7, "n": 7, "op": 7, "room": 7}})
    assert bool(problems("Event", event | {"d": {}})) == (kind not in wire.FORGETTABLE)


@given(st.data())
@FEW
@pytest.mark.parametrize("name", wire.METHODS)
def test_call_keeps_to_its_method(name: str, data: st.DataObject) -> None:
    """A call takes and gives what its method has."""
    method = wire.METHODS[name]
    params = data.draw(values_of(method.params))
    result = msgspec.to_builtins(data.draw(values_of(method.result)))
    call = json.loads(wire.encode(wire.make_call(1, params, "nonce-01")).text)

    assert problems("Call", call) == []
    assert problems("CallOk", {"t": "ok", "id": 1, "r": result}) == []
    assert problems(method.result.__name__, result) == []
    assert bool(problems("Call", call | {"p": {}})) == bool(
        SCHEMA["$defs"][method.params.__name__]["required"]
    )


def test_unknown_kind_is_allowed() -> None:
    """An event of a later level is one as well."""
    event = {"t": "ev", "s": "r_x", "q": 1, "k": "parade", "ts": 5, "by": "u_ann", "d": {"any": 1}}

    assert problems("Event", event | {"later": True}) == []


@pytest.mark.parametrize(
    "definition,frame",
    [
        ("ClientFrame", {"t": "sub", "id": -1, "s": "me"}),
        ("ClientFrame", {"t": "sub", "id": 1, "s": "me", "at": None}),
        ("ClientFrame", {"t": "sub", "id": 1, "s": "me", "lvl": "loud"}),
        ("ClientFrame", {"t": "skip", "id": 1, "s": "r_x", "n": "short"}),
        ("ClientFrame", {"t": "gap", "s": "me", "head": 1}),
        ("ServerFrame", {"t": "gap", "s": "me"}),
        ("ServerFrame", {"t": "err", "id": 1, "code": "invalid", "msg": "No."}),
        ("Batch", [{"t": "ping"}, {"t": "hello"}]),
    ],
    ids=range(8),
)
def test_bad_frame_is_refused(definition: str, frame: object) -> None:
    """What isn't a frame doesn't pass for one."""
    assert problems(definition, frame)
