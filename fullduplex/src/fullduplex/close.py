"""Close codes and reasons: the words with which peers part (RFC 6455 7.4).

This module knows which codes may stand in a frame and how code and reason
are written in a Close frame's payload.  It doesn't know when a connection
closes: that is ``protocol.states``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["Close", "CloseCode"]


class CloseCode(enum.IntEnum):
    """The registered close codes (7.4.1 and the IANA registry)."""

    NORMAL_CLOSURE = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED_DATA = 1003
    NO_STATUS_RCVD = 1005
    ABNORMAL_CLOSURE = 1006
    INVALID_DATA = 1007
    POLICY_VIOLATION = 1008
    MESSAGE_TOO_BIG = 1009
    MANDATORY_EXTENSION = 1010
    INTERNAL_ERROR = 1011
    SERVICE_RESTART = 1012
    TRY_AGAIN_LATER = 1013
    BAD_GATEWAY = 1014
    TLS_HANDSHAKE = 1015
    UNAUTHORIZED = 3000
    FORBIDDEN = 3003
    TIMEOUT = 3008


EXPLANATIONS: dict[int, str] = {
    CloseCode.NORMAL_CLOSURE: "OK",
    CloseCode.GOING_AWAY: "going away",
    CloseCode.PROTOCOL_ERROR: "protocol error",
    CloseCode.UNSUPPORTED_DATA: "unsupported data",
    CloseCode.NO_STATUS_RCVD: "no status code",
    CloseCode.ABNORMAL_CLOSURE: "connection closed without a close frame",
    CloseCode.INVALID_DATA: "invalid data",
    CloseCode.POLICY_VIOLATION: "policy violation",
    CloseCode.MESSAGE_TOO_BIG: "message too big",
    CloseCode.MANDATORY_EXTENSION: "mandatory extension missing",
    CloseCode.INTERNAL_ERROR: "internal error",
    CloseCode.SERVICE_RESTART: "service restart",
    CloseCode.TRY_AGAIN_LATER: "try again later",
    CloseCode.BAD_GATEWAY: "bad gateway",
    CloseCode.TLS_HANDSHAKE: "TLS handshake failure",
    CloseCode.UNAUTHORIZED: "unauthorized",
    CloseCode.FORBIDDEN: "forbidden",
    CloseCode.TIMEOUT: "timeout",
}

#: 7.4.1: these are words for an API, never for the wire.
LOCAL_CODES = frozenset(
    {CloseCode.NO_STATUS_RCVD, CloseCode.ABNORMAL_CLOSURE, CloseCode.TLS_HANDSHAKE},
)
#: 5.5: a control frame carries 125 bytes; the code takes two of them.
MAX_REASON_BYTES = 123


def may_be_sent(code: int) -> bool:
    """Tell whether ``code`` may stand in a Close frame (7.4.2)."""
    if 3000 <= code <= 4999:
        return True
    return 1000 <= code <= 1014 and code != 1004 and code not in LOCAL_CODES


@dataclass(frozen=True, slots=True)
class Close:
    """A close code and a close reason, as sent or received in one Close frame."""

    code: int
    reason: str = ""

    def __str__(self) -> str:
        """Say the code, what it means, and the reason if there is one."""
        if 4000 <= self.code <= 4999:
            meaning = "private use"
        else:
            meaning = EXPLANATIONS.get(self.code, "unknown" if self.code < 3000 else "registered")
        words = f"{self.code} ({meaning})"
        return f"{words} {self.reason}" if self.reason else words

    @classmethod
    def parse(cls, payload: bytes) -> Close:
        """Read the payload of a Close frame; an empty one means 1005.

        Raises:
            UnicodeDecodeError: if the reason isn't UTF-8.
            ValueError: if the payload is one byte long or the code is forbidden.
        """
        if not payload:
            return cls(CloseCode.NO_STATUS_RCVD)
        if len(payload) < 2:
            raise ValueError("a close payload of one byte has no room for a code")
        code = int.from_bytes(payload[:2], "big")
        if not may_be_sent(code):
            raise ValueError(f"close code {code} may not be sent")
        return cls(code, payload[2:].decode())

    def serialize(self) -> bytes:
        """Return the payload of a Close frame; code 1005 gives an empty one.

        Raises:
            TypeError: if the reason isn't ``str``.
            ValueError: if the code may not be sent or the reason is over 123 bytes of UTF-8.
        """
        if not isinstance(self.reason, str):
            raise TypeError(f"a close reason is str, not {type(self.reason).__name__}")
        if self.code == CloseCode.NO_STATUS_RCVD:
            if self.reason:
                raise ValueError("a close reason needs a close code")
            return b""
        if not may_be_sent(self.code):
            raise ValueError(f"close code {self.code} may not be sent; use 1000 or 3000 to 4999")
        reason = self.reason.encode()
        if len(reason) > MAX_REASON_BYTES:
            raise ValueError(
                f"close reason takes {len(reason)} bytes of UTF-8; at most {MAX_REASON_BYTES} fit"
            )
        return self.code.to_bytes(2, "big") + reason
