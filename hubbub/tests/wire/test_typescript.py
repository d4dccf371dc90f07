"""What the web page's types are made like."""

from __future__ import annotations

from hubbub.wire.typescript import make_types


def types(**definitions: object) -> str:
    """Return the types of some definitions, without what stands before them."""
    made = make_types({"title": "test.v1", "$defs": definitions})
    assert "export const SUBPROTOCOL = 'test.v1'\n" in made
    return made.partition("'test.v1'\n\n")[2]


def thing(properties: dict[str, object], *required: str) -> dict[str, object]:
    """Return the schema of an object."""
    return {"description": "A thing.", "type": "object", "properties": properties, "required": [*required]}


def test_structure_is_an_interface() -> None:
    """A structure is an interface, where what may be left out has a question mark."""
    schema = thing({"q": {"type": "integer"}, "on": {"type": "boolean"}}, "q")

    assert (
        types(Thing=schema) == "/** A thing. */\nexport interface Thing {\n  q: number\n  on?: boolean\n}\n"
    )


def test_every_type_is_told() -> None:
    """Each type that a field may have has its own in TypeScript."""
    words = {"enum": ["a", "b'"]}
    number = {"type": "number"}
    properties = {
        "words": words,
        "known": {"type": "string", "x-known": ["a"]},
        "free": {"type": "object"},
        "map": {"type": "object", "additionalProperties": number},
        "list": {"type": "array", "items": {"$ref": "#/$defs/Other"}},
        "choices": {"type": "array", "items": words},
        "pair": {"type": "array", "prefixItems": [number, {"type": "string"}]},
    }

    assert [line.strip() for line in types(Thing=thing(properties, *properties)).splitlines()[2:-1]] == [
        r"words: 'a' | 'b\''",
        "known: 'a'",
        "free: Record<string, unknown>",
        "map: Record<string, number>",
        "list: Other[]",
        r"choices: ('a' | 'b\'')[]",
        "pair: readonly [number, string]",
    ]


def test_union_is_a_type() -> None:
    """What is one of several is a type of its own, as is what has no fields."""
    union = {"anyOf": [{"$ref": "#/$defs/A"}, {"$ref": "#/$defs/B"}]}

    assert types(Either=union) == "export type Either = A | B\n"
    assert types(Nothing=thing({}) | {"additionalProperties": False}).endswith(
        "export type Nothing = Record<string, never>\n"
    )


def test_rules_are_a_map() -> None:
    """What depends on the kind is looked up by it."""
    rule = {
        "if": {"properties": {"m": {"const": "thing.make"}}},
        "then": {"properties": {"p": {"$ref": "#/$defs/Make"}}},
        "x-result": {"$ref": "#/$defs/Made"},
    }

    assert "export interface Methods {\n  'thing.make': { p: Make; r: Made }\n}\n" in types(
        Call=thing({"m": {"type": "string"}}) | {"allOf": [rule]}
    )


def test_long_comment_is_wrapped() -> None:
    """A description that takes several lines, or several paragraphs, is a comment of several."""
    schema = thing({"q": {"type": "integer"}}) | {"description": f"{'word ' * 30}\n\nMore."}

    comment = types(Thing=schema).partition("export")[0].splitlines()

    assert (comment[0], comment[-3:]) == ("/**", [" *", " * More.", " */"])
    assert max(map(len, comment)) <= 100
