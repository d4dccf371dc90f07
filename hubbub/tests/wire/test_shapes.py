"""What frames speak of, as JSON."""

from __future__ import annotations

import json

from hubbub.wire import shapes

from .strategies import encoded


def test_plain_message_is_short() -> None:
    """Of a message nobody did anything with, no more is said than what it says."""
    message = shapes.MessageInfo(3, 3, 5, "u_ann", "nonce-01", "hi", 3)

    assert json.loads(encoded(message)) == {
        "q": 3,
        "rev": 3,
        "ts": 5,
        "by": "u_ann",
        "n": "nonce-01",
        "text": "hi",
        "base": 3,
    }


def test_message_tells_what_became_of_it() -> None:
    """What was done with a message is said in the words of the protocol."""
    message = shapes.MessageInfo(
        3, 9, 5, "u_ann", "nonce-01", "", 3, re=1, th=2, ed=6, deleted=7, pin=8, rx={"👍": ["u_bo"]}, rc=4
    )
    shown = json.loads(encoded(message))

    assert {key: shown[key] for key in ("re", "th", "ed", "del", "pin", "rx", "rc")} == {
        "re": 1,
        "th": 2,
        "ed": 6,
        "del": 7,
        "pin": 8,
        "rx": {"👍": ["u_bo"]},
        "rc": 4,
    }


def test_marks_are_always_whole() -> None:
    """That nothing waits is said too."""
    assert json.loads(encoded(shapes.Marks(0, 0, 0))) == {"read": 0, "unread": 0, "mentions": 0}
