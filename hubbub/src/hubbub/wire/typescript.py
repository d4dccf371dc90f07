"""The types of the web page, made of the JSON Schema.

Words that a later server may add to are of those of today: a type is no promise, and whoever reads a word
passes over one that it doesn't know.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator
from typing import Final

from hubbub.wire.schema import Schema

_HEADER: Final = """\
/*
 * Every frame of `{title}`, as types.  Made by `python -m hubbub.wire`: change the
 * structures there, and make it anew.
 */

export const SUBPROTOCOL = '{title}'
"""

# What an interface or a map has where the schema has rules: their name, and what they are about.
_RULES: Final = {
    "Event": ("EventBodies", "What the `d` of each kind of event is."),
    "Ephemeral": ("EphemeralBodies", "What the `d` of each kind of ephemeral is."),
    "Call": ("Methods", "What each method takes (`p`) and gives (`r`)."),
}


def make_types(schema: Schema) -> str:
    """Return the module with a type for each definition of the schema."""
    parts = [_HEADER.format(title=schema["title"])]
    for name, definition in schema["$defs"].items():
        parts.append(_comment(definition.get("description", "")) + _declaration(name, definition))
        if name in _RULES:
            rules, comment = _RULES[name]
            parts.append(_comment(comment) + _map(rules, definition["allOf"]))
    return "\n".join(parts)


def _declaration(name: str, schema: Schema) -> str:
    if not schema.get("properties"):
        return f"export type {name} = {_type(schema)}\n"
    lines = [
        f"  {field}{'' if field in schema['required'] else '?'}: {_type(each)}\n"
        for field, each in schema["properties"].items()
    ]
    return f"export interface {name} {{\n{''.join(lines)}}}\n"


def _map(name: str, rules: list[Schema]) -> str:
    return f"export interface {name} {{\n{''.join(map(_entry, rules))}}}\n"


def _entry(rule: Schema) -> str:
    [word] = rule["if"]["properties"].values()
    [value] = rule["then"]["properties"].values()
    kind = _type(value)
    if "x-result" in rule:
        kind = f"{{ p: {kind}; r: {_type(rule['x-result'])} }}"
    return f"  {_literal(word['const'])}: {kind}\n"


def _type(schema: Schema) -> str:
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " | ".join(map(_type, schema["anyOf"]))
    if words := schema.get("enum") or schema.get("x-known"):
        return " | ".join(map(_literal, words))
    if "prefixItems" in schema:
        return f"readonly [{', '.join(map(_type, schema['prefixItems']))}]"
    return _plain(schema)


def _plain(schema: Schema) -> str:
    # What may be anything has none.
    kind = schema.get("type", "unknown")
    match kind:
        case "object":
            others = schema.get("additionalProperties", {})
            return f"Record<string, {'never' if others is False else _type(others) if others else 'unknown'}>"
        case "array":
            item = _type(schema["items"])
            return f"({item})[]" if " | " in item else f"{item}[]"
        case "integer":
            return "number"
    return str(kind)


def _literal(word: str) -> str:
    return "'" + json.dumps(word, ensure_ascii=False)[1:-1].replace("'", "\\'") + "'"


def _comment(text: str) -> str:
    if not text:
        return ""
    lines = list(_wrapped(text))
    if len(lines) == 1:
        return f"/** {lines[0]} */\n"
    return "/**\n" + "".join(f" * {line}".rstrip() + "\n" for line in lines) + " */\n"


def _wrapped(text: str) -> Iterator[str]:
    for number, paragraph in enumerate(text.split("\n\n")):
        if number:
            yield ""
        yield from textwrap.wrap(paragraph, 96)
