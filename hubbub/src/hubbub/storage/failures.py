"""What the failures of a database mean.

Invariants:

1. What went wrong with one write is told apart from what went wrong with the database.
2. Nothing of what a database says gets to whom is answered: that is for the log.
"""

from __future__ import annotations

import logging
from typing import Final

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError, SQLAlchemyError

from hubbub.domain.errors import ChatError, Code

log = logging.getLogger(__name__)

# What a database says of a statement that is wrong in itself, and the classes of PostgreSQL's codes for it.
_MISTAKES: Final = (DataError, IntegrityError, ProgrammingError)
_MISTAKEN: Final = {"22", "23", "42"}
# Serialization failure, deadlock: the transaction was undone, and may succeed as it is.
_LOST_RACES: Final = {"40001", "40P01"}
# How SQLite and PostgreSQL say that there is no room left.
_FULL: Final = ("disk is full", "No space left on device")
_DISK_FULL: Final = "53100"
# PostgreSQL has no text with NUL in it, not even to look it up.
_NO_TEXT: Final = "22021"


class StorageUnusableError(Exception):
    """What is stored can't be used; the message says why, to the person who runs the server."""


def _state(error: Exception) -> str:
    """Return PostgreSQL's code of an error."""
    return str(getattr(getattr(error, "orig", None), "sqlstate", None) or "")


def is_fault_of_one(error: Exception) -> bool:
    """Say whether a failed transaction may succeed without one of the writes in it.

    It may not when the database itself can't go on: then trying again would only cost time.
    """
    if not isinstance(error, SQLAlchemyError):
        # A connection that couldn't be made fails by the system's own errors.
        return not isinstance(error, (OSError, StorageUnusableError))
    return isinstance(error, _MISTAKES) or _state(error)[:2] in _MISTAKEN or _is_no_value(error)


def _is_no_value(error: SQLAlchemyError) -> bool:
    # What asyncpg can't make a value of the column's type of, it says before the database hears of it.
    return isinstance(error, DBAPIError) and isinstance(getattr(error.orig, "__cause__", None), ValueError)


def is_lost_race(error: Exception) -> bool:
    """Say whether a transaction was undone for the sake of another, and may be tried again."""
    return _state(error) in _LOST_RACES


def as_chat_error(error: Exception) -> ChatError:
    """Return what to answer when a transaction failed so."""
    if isinstance(error, ChatError):
        return error
    if _state(error) == _NO_TEXT:
        return ChatError(Code.INVALID)
    log.error("a transaction failed: %s", error, exc_info=error)
    if is_fault_of_one(error):
        return ChatError(Code.INTERNAL)
    if _state(error) == _DISK_FULL or any(sign in str(error) for sign in _FULL):
        return ChatError(Code.STORAGE_FULL)
    return ChatError(Code.UNAVAILABLE)
