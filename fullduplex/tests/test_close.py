"""Close codes and reasons."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fullduplex.close import EXPLANATIONS, Close, CloseCode, may_be_sent

# 7.4.1, 7.4.2 and the IANA registry.
SENDABLE = [*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)]


def test_only_these_codes_may_be_sent() -> None:
    """Registered and private codes may stand in a frame, and of 16 bits no others (7.4)."""
    assert [code for code in range(65_536) if may_be_sent(code)] == SENDABLE


def test_every_registered_code_is_explained() -> None:
    """Each code of the registry has its words."""
    assert set(EXPLANATIONS) == set(CloseCode)


@pytest.mark.parametrize(
    "payload, close",
    [
        (b"", Close(1005)),
        (b"\x03\xe8", Close(1000)),
        (b"\x03\xe8bye", Close(1000, "bye")),
        (b"\x03\xe9" + "再见".encode(), Close(1001, "再见")),
        (b"\x0b\xb8", Close(3000)),
        (b"\x13\x87" + b"x" * 123, Close(4999, "x" * 123)),
    ],
)
def test_payload_round_trip(payload: bytes, close: Close) -> None:
    """A payload says code and reason, and is made of them again (5.5.1)."""
    assert Close.parse(payload) == close
    assert close.serialize() == payload


@pytest.mark.parametrize("code", [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535])
def test_forbidden_codes_are_refused(code: int) -> None:
    """A payload with a code that may not be sent is malformed (7.4)."""
    with pytest.raises(ValueError, match="may not be sent"):
        Close.parse(code.to_bytes(2, "big"))


def test_one_byte_is_refused() -> None:
    """A payload of one byte has no code (5.5.1)."""
    with pytest.raises(ValueError, match="one byte"):
        Close.parse(b"\x03")


@pytest.mark.parametrize("reason", [b"\xff", b"\xe4\xbd", b"ok \xc0\x80", b"\xed\xa0\x80"])
def test_reason_must_be_utf8(reason: bytes) -> None:
    """A reason that isn't UTF-8 is told apart from a bad code (8.1)."""
    with pytest.raises(UnicodeDecodeError):
        Close.parse(b"\x03\xe8" + reason)


@pytest.mark.parametrize(
    "close",
    [
        Close(1004),
        Close(1006),
        Close(1015),
        Close(999),
        Close(2999),
        Close(5000),
        Close(70_000),
        Close(-1),
        Close(1005, "a reason"),
        Close(1000, "x" * 124),
        Close(1000, "啊" * 42),
        Close(1000, "\ud800"),
    ],
)
def test_unsendable_close_is_refused(close: Close) -> None:
    """Codes that are words for an API, and reasons that don't fit, aren't written."""
    with pytest.raises(ValueError):
        close.serialize()


@given(code=st.sampled_from(SENDABLE), reason=st.text(max_size=41))
def test_any_close_round_trips(code: int, reason: str) -> None:
    """Whatever is written is read back."""
    reason = reason.encode()[:123].decode(errors="ignore")

    assert Close.parse(Close(code, reason).serialize()) == Close(code, reason)


@pytest.mark.parametrize(
    "close, words",
    [
        (Close(1000), "1000 (OK)"),
        (Close(1001, "bye"), "1001 (going away) bye"),
        (Close(1005), "1005 (no status code)"),
        (Close(3000), "3000 (unauthorized)"),
        (Close(3008, "too late"), "3008 (timeout) too late"),
        (Close(3001), "3001 (registered)"),
        (Close(3999), "3999 (registered)"),
        (Close(4000), "4000 (private use)"),
        (Close(4999, "x"), "4999 (private use) x"),
        (Close(2000), "2000 (unknown)"),
    ],
)
def test_close_says_what_it_means(close: Close, words: str) -> None:
    """The code comes with its meaning, and the reason after it."""
    assert str(close) == words


@pytest.mark.parametrize("reason", [None, b"bytes", 1])
def test_reason_must_be_text(reason: object) -> None:
    """What isn't text is refused by its type."""
    with pytest.raises(TypeError, match="a close reason is str"):
        Close(1000, reason).serialize()  # type: ignore[arg-type]
