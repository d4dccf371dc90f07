"""What the failures of a database mean."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from hubbub.domain.errors import ChatError, Code
from hubbub.storage.failures import StorageUnusableError, as_chat_error, is_fault_of_one, is_lost_race


class DriverError(Exception):
    sqlstate: str | None = None


def failure(kind: type[DBAPIError], sentence: str, state: str | None = None) -> DBAPIError:
    """Make an error as the drivers' errors arrive."""
    error = DriverError(sentence)
    error.sqlstate = state
    return kind("INSERT", {}, error)


@pytest.mark.parametrize(
    "error,one,code",
    [
        (failure(IntegrityError, "UNIQUE constraint failed"), True, Code.INTERNAL),
        (failure(OperationalError, "database or disk is full"), False, Code.STORAGE_FULL),
        (failure(OperationalError, "database is locked"), False, Code.UNAVAILABLE),
        (failure(OperationalError, "disk I/O error"), False, Code.UNAVAILABLE),
        (failure(DBAPIError, "could not extend file", "53100"), False, Code.STORAGE_FULL),
        (failure(DBAPIError, "invalid byte sequence", "22021"), True, Code.INVALID),
        (failure(DBAPIError, "out of range", "22003"), True, Code.INTERNAL),
        (failure(DBAPIError, "terminating connection", "57P01"), False, Code.UNAVAILABLE),
        (failure(DBAPIError, "deadlock detected", "40P01"), False, Code.UNAVAILABLE),
        (ConnectionResetError(), False, Code.UNAVAILABLE),
        (TimeoutError(), False, Code.UNAVAILABLE),
        (StorageUnusableError("another hubbub is using it"), False, Code.UNAVAILABLE),
        (PoolTimeoutError("no connection left"), False, Code.UNAVAILABLE),
        (LookupError("no such stream"), True, Code.INTERNAL),
        (ChatError(Code.NOT_FOUND), True, Code.NOT_FOUND),
    ],
)
def test_failures_are_told_apart(error: Exception, one: bool, code: Code) -> None:
    """A mistake in one write, a database in trouble and a full disk are answered differently."""
    assert is_fault_of_one(error) is one
    assert as_chat_error(error).code is code


@pytest.mark.parametrize("state,lost", [("40001", True), ("40P01", True), ("23505", False), (None, False)])
def test_lost_race_is_known(state: str | None, lost: bool) -> None:
    """A transaction that was undone for another's sake may be done again as it is."""
    assert is_lost_race(failure(DBAPIError, "undone", state)) is lost
