"""The rules of the chat: what a text, a password and a nonce may be, and how much is too much.

What names and emoji may be, `names` and `emoji` know.

Sizes are in bytes, durations in seconds, lengths of texts in code points.
"""

from __future__ import annotations

import re
from typing import Final

from hubbub.domain.errors import ChatError, Code

NAME_LENGTH: Final = 40
ROOM_NAME_LENGTH: Final = 80
TOPIC_LENGTH: Final = 500
LABEL_LENGTH: Final = 100
STATUS_LENGTH: Final = 128
TEXT_LENGTH: Final = 16_000
NONCE_MIN: Final = 8
NONCE_MAX: Final = 64
USERNAME_MIN: Final = 3
USERNAME_MAX: Final = 32
PASSWORD_MIN: Final = 8
PASSWORD_MAX: Final = 256

EMOJI_LENGTH: Final = 32
REACTIONS: Final = 50
"""Kinds of reactions that a message may have."""
PINS: Final = 100
"""Messages that may be pinned to a room."""

FILES: Final = 10
"""Files that a message may have."""
FILE_NAME_LENGTH: Final = 200
ALT_LENGTH: Final = 1_000
# Of one file, and of all that are one user's; settings can say otherwise.
FILE_BYTES: Final = 100 * 1024 * 1024
USER_FILE_BYTES: Final = 2 * 1024 * 1024 * 1024
PICTURE_PIXELS: Final = 50_000_000
"""How large a picture may be: four bytes for each are needed while it is looked at."""
ANIMATION_BYTES: Final = 20 * 1024 * 1024
ANIMATION_FRAMES: Final = 1_000
ANIMATION_PIXELS: Final = 1_000_000_000
"""How large and how long a picture may be that moves: all its frames together have so many pixels."""
PICTURES_WAITING: Final = 32
"""How many pictures may wait to be looked at, one after the other."""
THUMBNAILS: Final = (96, 480)
"""Within which squares pictures are kept small, too."""
UPLOAD_BURST: Final = 30
UPLOADS_PER_SECOND: Final = 0.5
UPLOADS_AT_ONCE: Final = 6
UPLOAD_PATIENCE: Final = 30.0
"""How long nothing may come of a file that is under way."""
UNSENT_LIFE: Final = 24 * 3600
"""How long a file is kept that no message has."""

HISTORY_PAGE: Final = 100
HISTORY_BYTES: Final = 256 * 1024
LOG_PAGE: Final = 1_000
LOG_BYTES: Final = 256 * 1024
MEMBERS_PAGE: Final = 200
ROOMS_PAGE: Final = 100
USERS_PAGE: Final = 100
VERSIONS: Final = 100
SNAPSHOT_MESSAGES: Final = 50
DELTA_EVENTS: Final = 1_000
DELTA_BYTES: Final = 256 * 1024

ROOMS: Final = 999
"""Rooms that a user may belong to: with their own stream, as many as a connection may hear."""

GROUP_PEOPLE: Final = 9
"""People in a talk that isn't a room."""
BLOCKS: Final = 1_000
"""People whom one may have blocked."""
FOUND_PEOPLE: Final = 20
"""People who are found at once by their names."""

INBOX_EVENTS: Final = 10_000
INBOX_AGE: Final = 90 * 24 * 3600
"""How many events of an inbox are kept, and how long those that no delta can have."""

OWN_KEY_LENGTH: Final = 160
OWN_VALUE_BYTES: Final = 96 * 1024
OWN_DEPTH: Final = 16
OWN_KEYS: Final = 2_000
OWN_BYTES: Final = 512 * 1024
"""How much a user may keep of their own: of one key, and in all."""

# Each guest is an event in the lobby for good; a class that comes at once is no flood.
GUEST_BURST: Final = 60
GUESTS_PER_SECOND: Final = 1 / 6

# Guessing a password is slow for everyone together, and soon over for one sender.
LOGIN_BURST: Final = 10
LOGINS_PER_SECOND: Final = 1 / 10
SENDER_LOGIN_BURST: Final = 30
SENDER_LOGINS_PER_SECOND: Final = 1 / 2

# Pages that someone asks for, be it by HTTP or on all WebSockets together, where most comes unasked.
READ_BURST: Final = 100
READS_PER_SECOND: Final = 20
# Whoever comes back asks for each of their rooms, on as many connections as they have.
SUBSCRIPTION_BURST: Final = 2_000
SUBSCRIPTIONS_PER_SECOND: Final = 100.0
LONGEST_WAIT: Final = 25.0
"""How long someone may ask to wait for an event."""
# Of one user, and of one address, behind which there may be a school; settings can say otherwise.
USER_WRITE_BURST: Final = 40
USER_WRITES_PER_SECOND: Final = 10.0
USER_CONNECTIONS: Final = 50
ADDRESS_WRITE_BURST: Final = 400
ADDRESS_WRITES_PER_SECOND: Final = 100.0
ADDRESS_CONNECTIONS: Final = 4_000
HELLO_BURST: Final = 2_000
HELLOS_PER_SECOND: Final = 200.0

# How far someone has read is stored, too, but nobody waits for it: what is too much is stored later.
MARK_BURST: Final = 50
MARKS_PER_SECOND: Final = 10.0

# Everybody in a room is told that somebody types there, and nobody types in many.
TYPING_BURST: Final = 10
TYPINGS_PER_SECOND: Final = 2.0

MISTAKE_BURST: Final = 100
MISTAKES_PER_SECOND: Final = 1.0
"""Frames that can't be read, of one connection: whoever sends more hears nothing of what they are told."""

INVITE_LIFETIME: Final = 365 * 24 * 3600
INVITE_USES: Final = 1_000
INVITES: Final = 100
"""How long an invitation may be one, for how many, and how many a user may have at a time."""
RESET_LIFETIME: Final = 24 * 3600
"""How long a link is good by which someone chooses another password."""

AUDIT_AGE: Final = 2 * 365 * 24 * 3600
"""How long it is known who administered and kept order in which way."""

SESSION_LIFETIME: Final = 365 * 24 * 3600
SESSIONS: Final = 50
"""In how many places a user may be signed in."""
SEEN_INTERVAL: Final = 3600
"""How long it may be untrue when a session was last used."""

_SURROGATE = re.compile("[\ud800-\udfff]")
_OWN_KEY = re.compile(r"[a-z]+(\.[A-Za-z0-9_-]+)+")
_NONCE = re.compile(rf"[A-Za-z0-9_-]{{{NONCE_MIN},{NONCE_MAX}}}")


def check_text(text: str, *, may_be_blank: bool = False) -> None:
    """Refuse a text that can't be a message's; one that has files may be blank.

    Raises:
        ChatError: `too_long`, or `invalid` for one that is blank, or that databases can't store.
    """
    if len(text) > TEXT_LENGTH:
        raise ChatError(Code.TOO_LONG, f"A message has at most {TEXT_LENGTH} characters.")
    if not may_be_blank and not text.strip():
        raise ChatError(Code.INVALID, "A message has a text.")
    if "\0" in text or _SURROGATE.search(text):
        raise ChatError(Code.INVALID, "A message has no NUL characters, and no halves of characters.")


def check_own_key(key: str) -> None:
    """Refuse what can't be a key of one's own.

    Raises:
        ChatError: `invalid`.
    """
    if len(key) > OWN_KEY_LENGTH or not _OWN_KEY.fullmatch(key):
        raise ChatError(
            Code.INVALID, f"A key is like pref.theme, and has at most {OWN_KEY_LENGTH} characters."
        )


def limit_page(limit: int, most: int) -> int:
    """Return how long a page may be for which so much was asked: at least one, at most what is allowed."""
    return max(1, min(limit, most))


def check_nonce(nonce: str) -> None:
    """Refuse what can't be a nonce.

    Raises:
        ChatError: `invalid`.
    """
    if not _NONCE.fullmatch(nonce):
        raise ChatError(Code.INVALID, f"A nonce is {NONCE_MIN} to {NONCE_MAX} of A-Z a-z 0-9 _ and -.")


def check_password(password: str) -> None:
    """Refuse what is too easily guessed for a password, or takes too long to read.

    Raises:
        ChatError: `invalid`.
    """
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX or _SURROGATE.search(password):
        raise ChatError(Code.INVALID, f"A password has {PASSWORD_MIN} to {PASSWORD_MAX} characters.")
