"""The description of the HTTP endpoints, as OpenAPI 3.1, made of the operations and their structures."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from msgspec import Struct

from hubbub import wire
from hubbub.endpoints import cookies
from hubbub.endpoints.operations import OPERATIONS, Operation
from hubbub.endpoints.query import NONCE
from hubbub.wire import http
from hubbub.wire.schema import Schema, describe, make_schema

FILE: Final = Path("docs", "protocol", "openapi.json")

_COMPONENTS: Final = "#/components/schemas/"
_PATH_PARAMETERS: Final[dict[str, Schema]] = {
    "s": {"description": "A room's id, or `me`", "schema": {"type": "string"}},
    "q": {"description": "The number of a message", "schema": {"type": "integer"}},
    "e": {"description": "An emoji", "schema": {"type": "string"}},
    "id": {"description": "The id of a session or a file", "schema": {"type": "string"}},
    "name": {"description": "What a file is called", "schema": {"type": "string"}},
}
_RETRY_AFTER: Final = {
    "Retry-After": {"description": "In how many seconds to try again", "schema": {"type": "integer"}}
}


def make_document() -> Schema:
    """Return the description."""
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    document: Schema = {
        "openapi": "3.1.0",
        "info": {
            "title": "hubbub by HTTP",
            "version": f"{wire.VERSION}.{wire.LEVEL}",
            "description": f"What {wire.SUBPROTOCOL} does, for who has no WebSocket.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "cookie": {"type": "apiKey", "in": "cookie", "name": cookies.NAME},
            },
        },
    }
    document["components"]["schemas"] = _reached(document)
    return document


def make_text() -> str:
    """Return the description as it is kept in a checkout."""
    return json.dumps(make_document(), indent=2, ensure_ascii=False) + "\n"


def _describe(operation: Operation) -> Schema:
    described: Schema = {
        "summary": operation.summary,
        "security": [{}] if operation.open else [{"token": []}, {"cookie": []}],
        "parameters": list(_parameters(operation)),
        "responses": {str(status): _success(operation) for status in operation.statuses},
    }
    error = {"description": "It isn't done", "content": _content(http.ErrorResult)}
    described["responses"] |= {"4XX": error | {"headers": _RETRY_AFTER}, "5XX": error}
    if operation.body is not None:
        described["requestBody"] = {"required": True, "content": _content(operation.body)}
    if operation.binary:
        described["requestBody"] = {"required": True, "content": {"application/octet-stream": {}}}
    return described


def _parameters(operation: Operation) -> Iterator[Schema]:
    for name in re.findall(r"{(\w+)}", operation.path):
        yield {"name": name, "in": "path", "required": True} | _PATH_PARAMETERS[name]
    if operation.writes:
        schema = {"type": "string", "pattern": "^[A-Za-z0-9_-]{8,64}$"}
        told = "The nonce: the same request with the same nonce takes effect once"
        yield {"name": NONCE, "in": "header", "required": True, "description": told, "schema": schema}
    if operation.query is not None:
        query = describe([operation.query])[operation.query.__name__]
        for name, schema in query["properties"].items():
            yield {"name": name, "in": "query", "required": name in query["required"], "schema": schema}


def _success(operation: Operation) -> Schema:
    if operation.media_type != "application/json":
        return {"description": "It begins", "content": {operation.media_type: {"schema": {"type": "string"}}}}
    done = {"description": "It is done"}
    return done if operation.result is None else done | {"content": _content(operation.result)}


def _content(kind: type[Struct]) -> Schema:
    return {"application/json": {"schema": {"$ref": f"{_COMPONENTS}{kind.__name__}"}}}


def _reached(document: Schema) -> Schema:
    """Return the definitions that a document refers to, and those that they do."""
    kinds = [kind for each in OPERATIONS for kind in (each.body, each.result) if kind is not None]
    # What the frames have too is there with all its rules.
    known = describe([*kinds, http.ErrorResult, http.Reset]) | make_schema()["$defs"]
    text = json.dumps(known).replace("#/$defs/", _COMPONENTS)
    definitions: Schema = json.loads(text)
    reached: Schema = {}
    waiting = [*_references(document), http.Reset.__name__]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached[name] = definitions[name]
            waiting += _references(definitions[name])
    return dict(sorted(reached.items()))


def _references(schema: Schema) -> list[str]:
    return re.findall(rf'"\$ref": "{_COMPONENTS}(\w+)"', json.dumps(schema))
