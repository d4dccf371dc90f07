"""The one error that a chat answers with, and every code it can have.

Knows which codes may succeed when the very same request is sent again.  Doesn't know HTTP statuses, nor how
an error is written to a connection.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple


class Code(StrEnum):
    """Why something wasn't done."""

    BAD_FRAME = "bad_frame"
    UNKNOWN_OP = "unknown_op"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    NOT_MEMBER = "not_member"
    BANNED = "banned"
    MUTED = "muted"
    SLOW_MODE = "slow_mode"
    READ_ONLY = "read_only"
    ARCHIVED = "archived"
    INVALID = "invalid"
    TOO_LONG = "too_long"
    EDIT_CONFLICT = "edit_conflict"
    EDIT_EXPIRED = "edit_expired"
    NONCE_REUSE = "nonce_reuse"
    TOO_MANY_REQUESTS = "too_many_requests"
    TOO_MANY_STREAMS = "too_many_streams"
    UPLOAD_MISSING = "upload_missing"
    STORAGE_FULL = "storage_full"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


class Facts(NamedTuple):
    """What is always true of a code."""

    retry: bool
    sentence: str


FACTS: Final[dict[Code, Facts]] = {
    Code.BAD_FRAME: Facts(False, "The frame is not one of this protocol."),
    Code.UNKNOWN_OP: Facts(False, "This server knows no such request."),
    Code.UNAUTHORIZED: Facts(False, "Sign in first."),
    Code.FORBIDDEN: Facts(False, "You may not do this."),
    Code.NOT_FOUND: Facts(False, "There is no such thing here."),
    Code.NOT_MEMBER: Facts(False, "Join the room first."),
    Code.BANNED: Facts(False, "You are banned from here."),
    Code.MUTED: Facts(False, "You may not write here for a while."),
    Code.SLOW_MODE: Facts(True, "This room is in slow mode."),
    Code.READ_ONLY: Facts(False, "This room is read-only."),
    Code.ARCHIVED: Facts(False, "This room is archived."),
    Code.INVALID: Facts(False, "The request makes no sense."),
    Code.TOO_LONG: Facts(False, "The text is too long."),
    Code.EDIT_CONFLICT: Facts(False, "The message has been changed meanwhile."),
    Code.EDIT_EXPIRED: Facts(False, "The message can no longer be changed."),
    Code.NONCE_REUSE: Facts(False, "The nonce was used for something else."),
    Code.TOO_MANY_REQUESTS: Facts(True, "Too many requests; slow down."),
    Code.TOO_MANY_STREAMS: Facts(False, "Too many streams on one connection."),
    Code.UPLOAD_MISSING: Facts(False, "The upload is not there."),
    Code.STORAGE_FULL: Facts(True, "The server's disk is full."),
    Code.UNAVAILABLE: Facts(True, "The server can't reach its database."),
    Code.INTERNAL: Facts(True, "Something went wrong on the server."),
}


class ChatError(Exception):
    """A request that was not done.

    `after` is how many seconds to wait before trying again, where that is known.
    """

    def __init__(self, code: Code, detail: str = "", *, after: float | None = None) -> None:
        super().__init__(code, detail, after)
        self.code = code
        self.detail = detail
        self.after = after

    @property
    def retry(self) -> bool:
        """Whether the same request, with the same nonce, may succeed later."""
        return FACTS[self.code].retry

    def __str__(self) -> str:
        return self.detail or FACTS[self.code].sentence
