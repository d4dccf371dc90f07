"""The description of the endpoints; that answers are as described, every test of an endpoint sees to."""

from __future__ import annotations

from pathlib import Path

from jsonschema import Draft202012Validator

from hubbub import wire
from hubbub.endpoints.openapi import FILE, make_document, make_text
from hubbub.wire import http

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = make_document()


def test_file_is_fresh() -> None:
    """The file isn't that of other endpoints: `python -m hubbub.endpoints`."""
    assert ROOT.joinpath(FILE).read_text("utf-8") == make_text()


def test_definitions_are_schemas() -> None:
    """Every definition is a schema, and one is there for whatever is referred to."""
    schemas = DOCUMENT["components"]["schemas"]
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)

    assert {"WriteResult", "MessageInfo", "Event", "Reset", "ErrorResult"} <= schemas.keys()
    assert "#/$defs" not in make_text()


def test_bodies_and_queries_are_described() -> None:
    """What a request must and may say is what the structures have."""
    post = DOCUMENT["paths"]["/v1/s/{s}/messages"]["post"]
    listing = DOCUMENT["paths"]["/v1/s/{s}/events"]["get"]

    assert post["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("/Draft")
    assert [each["name"] for each in post["parameters"]] == ["s", "Idempotency-Key"]
    assert DOCUMENT["components"]["schemas"]["Draft"]["required"] == ["text"]
    assert {each["name"]: each["required"] for each in listing["parameters"]} == {
        "s": True, "after": True, "limit": False, "wait": False
    }  # fmt: skip


def test_events_are_described_by_kind() -> None:
    """An event that isn't of its kind is none, here as in frames."""
    schema = {"$ref": "#/components/schemas/Event", "components": DOCUMENT["components"]}
    event = {"t": "ev", "s": "me", "q": 1, "k": "read", "ts": 1, "by": "u_ann", "d": {"s": "r_a"}}

    assert not Draft202012Validator(schema).is_valid(event)
    assert Draft202012Validator(schema).is_valid(event | {"k": "new.kind"})


def test_level_is_told() -> None:
    """The description is that of the protocol's level."""
    assert DOCUMENT["info"]["version"] == f"{wire.VERSION}.{wire.LEVEL}"
    assert http.Reset.__doc__ in DOCUMENT["components"]["schemas"]["Reset"]["description"]
