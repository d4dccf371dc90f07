"""What goes wrong for a program.

ClientError
├── RequestRefused    the server doesn't do what was asked for
├── SessionEnded      there is no session any more, and won't be by this token
└── OutboxUnusable    the file of what isn't stored yet can't be read or written
"""

from __future__ import annotations

from hubbub import wire


class ClientError(Exception):
    """What a program that uses the client may have to handle."""


class RequestRefused(ClientError):
    """The server doesn't do it; `retry` says whether it might later, `after` in how many seconds."""

    def __init__(self, error: wire.Err) -> None:
        super().__init__(error.code, error.msg)
        self.code = error.code
        self.message = error.msg
        self.retry = error.retry
        self.after = None if error.after is None else error.after / 1000

    def __str__(self) -> str:
        return f"{self.message} ({self.code})"


class SessionEnded(ClientError):
    """The server won't have us again: `reauth` asks for another token, `never` for more than that."""

    def __init__(self, retry: wire.Retry, code: int | None, why: str) -> None:
        super().__init__(retry, code, why)
        self.retry = retry
        self.code = code
        self.why = why

    def __str__(self) -> str:
        return self.why if self.code is None else f"{self.why} ({self.code})"


class OutboxUnusable(ClientError):
    """The outbox's file can't be used; what was to be written isn't sent."""
