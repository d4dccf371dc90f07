"""Every code by which a server says no, and every one by which it closes; what a client does then.

A code that isn't here is one of a later level: what its frame says of trying again is right.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from hubbub.wire.values import Retry

ERRORS: Final[dict[str, bool]] = {
    "bad_frame": False,
    "unknown_op": False,
    "unauthorized": False,
    "forbidden": False,
    "not_found": False,
    "not_member": False,
    "banned": False,
    "muted": False,
    "slow_mode": True,
    "read_only": False,
    "archived": False,
    "invalid": False,
    "too_long": False,
    "edit_conflict": False,
    "edit_expired": False,
    "nonce_reuse": False,
    "too_many_requests": True,
    "too_many_streams": False,
    "upload_missing": False,
    "storage_full": True,
    "unavailable": True,
    "internal": True,
}
"""Whether the very same request may succeed later."""


class Closing(NamedTuple):
    """Why a connection was closed, and what its client does."""

    why: str
    retry: Retry


CLOSINGS: Final[dict[int, Closing]] = {
    1001: Closing("the server stops", "resume"),
    1002: Closing("WebSocket's rules were broken", "never"),
    1007: Closing("text that isn't UTF-8", "never"),
    1009: Closing("a frame that is too large", "never"),
    1012: Closing("the server restarts", "resume"),
    4000: Closing("something went wrong on the server", "resume"),
    4001: Closing("the server is drained", "resume"),
    4002: Closing("the client was silent", "resume"),
    4003: Closing("the client took nothing for too long", "resume"),
    4004: Closing("the same device has a newer connection", "resume"),
    4005: Closing("the server has too much to do", "resume"),
    4006: Closing("no hello in time", "resume"),
    4100: Closing("the token has expired", "reauth"),
    4101: Closing("the session was signed out", "reauth"),
    4400: Closing("not this protocol, or not this version of it", "never"),
    4401: Closing("no token, or a wrong one", "never"),
    4403: Closing("the user is banned or disabled", "never"),
    4429: Closing("repeated abuse", "never"),
}


def retry_after(code: int | None) -> Retry:
    """Return what a client does after a close code that came without a goodbye; None if not even that came.

    A code that isn't known is as the others of its hundred; beyond those, a connection is tried again.
    """
    if code is None:
        return "resume"
    if code in CLOSINGS:
        return CLOSINGS[code].retry
    hundreds: dict[int, Retry] = {41: "reauth", 44: "never"}
    return hundreds.get(code // 100, "resume")
