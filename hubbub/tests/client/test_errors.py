"""What goes wrong for a program."""

from __future__ import annotations

from hubbub import wire
from hubbub.client.errors import ClientError, RequestRefused, SessionEnded


def test_refusal_says_why_and_when() -> None:
    """What the server said is in the fields, and in words; durations are in seconds."""
    refused = RequestRefused(wire.Err("slow_mode", "Too soon.", retry=True, after=1_500))

    assert isinstance(refused, ClientError)
    assert (refused.code, refused.retry, refused.after) == ("slow_mode", True, 1.5)
    assert str(refused) == "Too soon. (slow_mode)"


def test_end_says_what_to_do() -> None:
    """Whether another token helps is in the fields; a code is shown where there is one."""
    assert str(SessionEnded("reauth", 4101, "signed out")) == "signed out (4101)"
    assert str(SessionEnded("never", None, "no chat")) == "no chat"
