"""The bounds of what a client may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hubbub import wire

CLIENT = {"name": "web", "ver": "1"}


def hello(**fields: Any) -> str:
    """Write a hello."""
    return json.dumps({"t": "hello", "client": CLIENT} | fields)


def status(text: str) -> str:
    """Write what is said about oneself."""
    return json.dumps({"t": "pres", "state": "on", "text": text})


@pytest.mark.parametrize(
    "frame,one_more",
    [
        (hello(token="x" * 256), hello(token="x" * 257)),
        (hello(feat=["x"] * 32), hello(feat=["x"] * 33)),
        (
            hello(at={f"r_{n}": [1, 2] for n in range(1000)}),
            hello(at={f"r_{n}": [1, 2] for n in range(1001)}),
        ),
        (status("x" * 128), status("x" * 129)),
    ],
    ids=["token", "feat", "at", "status"],
)
def test_request_is_bounded(frame: str, one_more: str) -> None:
    """What goes exactly to the limit is read, and one more isn't."""
    wire.decode(frame)

    with pytest.raises(wire.BadFrameError):
        wire.decode(one_more)


def test_writes_have_a_nonce() -> None:
    """Whatever changes a stream by its own frame says to which, and by which nonce."""
    for kind in (wire.Send, wire.Edit, wire.Delete, wire.React, wire.Pin):
        assert issubclass(kind, wire.Write)
        assert kind.__struct_fields__[:3] == ("id", "s", "n")
