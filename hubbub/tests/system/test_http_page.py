"""The page about HTTP says what the endpoints do."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from hubbub import wire
from hubbub.domain import policies
from hubbub.endpoints import body, errors, events, health
from hubbub.endpoints.calls import CALL
from hubbub.endpoints.operations import OPERATIONS, Operation
from hubbub.realtime import feeds

PAGE: Final = Path(__file__).resolve().parents[3].joinpath("docs", "http.md").read_text("utf-8")


def rows(header: str) -> Iterator[list[str]]:
    """Yield the cells of each row of the table whose first line begins so."""
    [table] = re.findall(rf"^\| {header} \|.*\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
    for line in table.splitlines():
        yield [cell.strip() for cell in line.strip("|").split(" | ")]


def words(cell: str) -> list[str]:
    """Return the words that are said in a cell."""
    return re.findall(r"[\w?]*\w\??", " ".join(re.findall(r"`([^`]*)`", cell)))


def said(operation: Operation) -> list[str]:
    """Return what a request may say, as the page has it."""
    query = [] if operation.query is None else operation.query.__struct_fields__
    if operation.body is None:
        return [f"?{name}" for name in query]
    defaults = len(operation.body.__struct_defaults__)
    names = operation.body.__struct_fields__
    return [*names[: len(names) - defaults], *(f"{name}?" for name in names[len(names) - defaults :])]


def test_every_operation_is_on_the_page() -> None:
    """Each request is there, with what it says and what answers it."""
    told = {row[0].strip("`"): row[1:] for row in rows("request")}
    # What each method takes and gives, the page of the protocol says.
    called, others = [], []
    for operation in OPERATIONS:
        (called if operation.path.startswith(CALL) else others).append(operation)
    assert told.pop(f"POST {CALL}{{method}}")
    assert [operation.path.removeprefix(CALL) for operation in called] == list(wire.METHODS)
    assert told.keys() == {f"{operation.method} {operation.path}" for operation in others}

    for operation in others:
        says, brings = told[f"{operation.method} {operation.path}"]
        assert says.startswith("nonce") == operation.writes, operation
        if operation.path not in {*health.PATHS, events.STREAM}:
            fields = () if operation.result is None else operation.result.__struct_fields__
            assert words(says) == said(operation), operation
            assert words(brings) == list(fields), operation


def test_every_code_is_on_the_page() -> None:
    """Each code of an error has its status there."""
    told = {code: int(status) for status, codes in rows("status") for code in words(codes)}

    assert told == {code.value: status for code, status in errors.STATUS.items()}


@pytest.mark.parametrize(
    "sentence",
    [
        f"after so many seconds, {policies.LONGEST_WAIT:.0f} at most",
        f"at least every {events.HEARTBEAT:.0f} seconds",
        f"more than {policies.DELTA_EVENTS:,} events or {policies.DELTA_BYTES // 1024} KiB",
        f"At most {feeds.FEEDS} of a user's requests",
        f"{wire.WRITE_BURST} writes at once and then {wire.WRITES_PER_SECOND} a second",
        f"{policies.READ_BURST} reads at once and then {policies.READS_PER_SECOND} a second",
        f"{wire.FRAME_BYTES:,} bytes, any other {body.BODY:,}",
        f"no longer than {body.PATIENCE:.0f} seconds",
        f"{policies.NONCE_MIN} to {policies.NONCE_MAX} of",
    ],
)
def test_text_has_numbers_right(sentence: str) -> None:
    """What the text says in passing is so."""
    assert sentence in " ".join(PAGE.split())
