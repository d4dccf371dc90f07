"""The JSON Schema of every frame, made of the structures.

What may be None is left out on the wire, and so it is optional here, never null.  Fields that are always
written are required.  Words that a later server may add to are strings, with those of today in `x-known`.
What a method gives is the `x-result` of the rule in `Call` that says what it takes.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from typing import Any, Final, get_args

import msgspec
from msgspec import NODEFAULT, Struct
from msgspec.structs import fields

from hubbub.wire.bodies import EPHEMERALS, EVENTS, FORGETTABLE, Forgotten
from hubbub.wire.calls import METHODS, Result
from hubbub.wire.replies import Answer, CallOk, Reply
from hubbub.wire.requests import Request
from hubbub.wire.values import LEVEL, SUBPROTOCOL

Schema = dict[str, Any]

_DEFINITIONS: Final = "#/$defs/{name}"
_OBJECT: Final = {"type": "object"}


def make_schema() -> Schema:
    """Return one schema that any frame of either side keeps to; each structure is a definition in it."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SUBPROTOCOL,
        "description": f"Every frame of {SUBPROTOCOL}, level {LEVEL}.",
        "anyOf": [_ref("ClientFrame"), _ref("ServerFrame"), _ref("Batch")],
        "$defs": dict(sorted(_definitions().items())),
    }


def _definitions() -> dict[str, Schema]:
    kinds = [*get_args(Request), *get_args(Reply), *EVENTS.values(), *EPHEMERALS.values(), Forgotten]
    kinds += [kind for method in METHODS.values() for kind in (method.params, method.result)]
    found = describe(kind for kind in kinds if kind is not CallOk)
    found["CallOk"] = _call_ok()
    found["Event"]["allOf"] = [_choice("k", kind, "d", _body(kind)) for kind in EVENTS]
    found["Ephemeral"]["allOf"] = [
        _choice("k", kind, "d", _ref(body.__name__)) for kind, body in EPHEMERALS.items()
    ]
    found["Call"]["allOf"] = [
        _choice("m", name, "p", _ref(method.params.__name__)) | {"x-result": _ref(method.result.__name__)}
        for name, method in METHODS.items()
    ]
    unions = {"ClientFrame": Request, "ServerFrame": Reply, "Answer": Answer, "Result": Result}
    return found | {name: _any_of(get_args(union)) for name, union in unions.items()} | {"Batch": _batch()}


def describe(kinds: Iterable[type[Struct]]) -> dict[str, Schema]:
    """Return a definition of each structure, and of those that they are made of."""
    found: dict[str, Schema] = {}
    by_name: dict[str, type[Struct]] = {}
    for kind in kinds:
        _, components = msgspec.json.schema_components([kind], ref_template=_DEFINITIONS)
        found |= components
        by_name |= _reached(kind)
    return {name: _tidy(by_name[name], schema) for name, schema in found.items()}


def _reached(kind: object) -> Mapping[str, type[Struct]]:
    """Return the structures that one is made of, itself among them, by their names."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        reached = {kind.__name__: kind}
        for field in fields(kind):
            reached |= _reached(field.type)
        return reached
    return {name: each for part in get_args(kind) for name, each in _reached(part).items()}


def _tidy(kind: type[Struct], schema: Schema) -> Schema:
    properties = {name: _without_none(each) for name, each in schema["properties"].items()}
    for field in fields(kind):
        if field.type is msgspec.Raw:
            properties[field.encode_name] = dict(_OBJECT)
    tidy = {"description": _description(kind), "type": "object", "properties": properties}
    tidy["required"] = [name for name in properties if name in _required(kind)]
    return tidy | {key: schema[key] for key in ("additionalProperties",) if key in schema}


def _description(kind: type[Struct]) -> str:
    paragraphs = inspect.cleandoc(kind.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _required(kind: type[Struct]) -> set[str]:
    config = kind.__struct_config__
    always = {
        field.encode_name
        for field in fields(kind)
        if not config.omit_defaults or (field.default is NODEFAULT and field.default_factory is NODEFAULT)
    }
    return always | ({config.tag_field} if config.tag_field else set())


def _without_none(schema: Schema) -> Schema:
    plain = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    for each in schema.get("anyOf", []):
        plain |= each if each != {"type": "null"} else {}
    return plain


def _call_ok() -> Schema:
    properties = {"t": {"enum": ["ok"]}, "id": {"type": "integer"}, "r": _ref("Result")}
    return {
        "description": _description(CallOk),
        "type": "object",
        "properties": properties,
        "required": list(properties),
    }


def _body(kind: str) -> Schema:
    body = _ref(EVENTS[kind].__name__)
    return {"anyOf": [body, _ref(Forgotten.__name__)]} if kind in FORGETTABLE else body


def _choice(word: str, value: str, field: str, schema: Schema) -> Schema:
    """Say what a field is where another has this value."""
    return {"if": {"properties": {word: {"const": value}}}, "then": {"properties": {field: schema}}}


def _batch() -> Schema:
    return {
        "description": "Several frames of one side as one, where both agreed to it.",
        "anyOf": [{"type": "array", "items": _ref(side)} for side in ("ClientFrame", "ServerFrame")],
    }


def _any_of(kinds: Iterable[type[Struct]]) -> Schema:
    return {"anyOf": [_ref(kind.__name__) for kind in kinds]}


def _ref(name: str) -> Schema:
    return {"$ref": _DEFINITIONS.format(name=name)}
