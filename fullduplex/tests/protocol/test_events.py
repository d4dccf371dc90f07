"""Events are values: what they hold, and nothing else."""

from __future__ import annotations

import pytest

from fullduplex.close import Close
from fullduplex.protocol.events import Binary, Broken, Chunk, CloseReceived, Event, HandOver, Ping, Pong, Text


@pytest.mark.parametrize(
    "event, content",
    [
        (Text("a"), "a"),
        (Binary(b"a"), b"a"),
        (Ping(b"a"), b"a"),
        (Pong(b"a"), b"a"),
        (CloseReceived(Close(1000)), Close(1000)),
        (HandOver(b"a"), b"a"),
    ],
)
def test_event_matches_by_position(event: Event, content: object) -> None:
    """A ``match`` statement takes the content out of an event."""
    match event:
        case Text(found) | Binary(found) | Ping(found) | Pong(found) | CloseReceived(found) | HandOver(found):
            assert found == content
        case _:
            pytest.fail("no pattern matched")


@pytest.mark.parametrize(
    "event, content",
    [(Chunk("a", False), ("a", False)), (Chunk(b"a", True), (b"a", True)), (Broken(1002, "a"), (1002, "a"))],
)
def test_pair_matches_by_position(event: Event, content: object) -> None:
    """Of a chunk the end is told as well, and of a broken rule the reason."""
    match event:
        case Chunk(first, second) | Broken(first, second):
            assert (first, second) == content
        case _:
            pytest.fail("no pattern matched")
