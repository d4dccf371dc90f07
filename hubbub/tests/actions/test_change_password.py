"""Choosing other passwords."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.authenticate import authenticate, digest_token
from hubbub.actions.change_password import change_password
from hubbub.actions.log_in import log_in
from hubbub.domain.errors import ChatError
from hubbub.domain.events import SessionRevoked


async def test_new_password_takes_its_place(database, bus, passwords, ann, code_of) -> None:
    """From then on the new one is right, and the old one wrong."""
    await change_password(database, bus, passwords, ann.user, ann.token, "correct horse", "battery staple")

    assert await code_of(log_in(database, bus, passwords, "ann", "correct horse")) == "unauthorized"
    assert (await log_in(database, bus, passwords, "ann", "battery staple")).user == ann.user


async def test_other_sessions_end(database, bus, passwords, ann, guest, heard) -> None:
    """Whoever else is in by the old password is out at once; who changed it stays, as do others."""
    bob = await guest("Bob")
    others = [await log_in(database, bus, passwords, "ann", "correct horse") for _ in range(2)]
    heard.clear()

    await change_password(database, bus, passwords, ann.user, ann.token, "correct horse", "battery staple")

    assert {notice.session for notice in heard} == {digest_token(each.token).hex() for each in others}
    assert all(isinstance(notice, SessionRevoked) for notice in heard)
    assert [await authenticate(database, each.token) for each in others] == [None, None]
    assert await authenticate(database, ann.token) == ann.user
    assert await authenticate(database, bob.token) == bob.user


@pytest.mark.parametrize(
    "old,new,code", [("wrong horse", "battery staple", "forbidden"), ("correct horse", "short", "invalid")]
)
async def test_refused_change_changes_nothing(
    database, bus, passwords, ann, heard, code_of, old, new, code
) -> None:
    """Who doesn't know the old one, or wants what is none, keeps what they have."""
    heard.clear()
    changing = change_password(database, bus, passwords, ann.user, ann.token, old, new)

    assert await code_of(changing) == code
    assert heard == []
    await log_in(database, bus, passwords, "ann", "correct horse")


async def test_guest_has_no_password(database, bus, passwords, guest, code_of) -> None:
    """A guest can't choose one."""
    bob = await guest("Bob")
    changing = change_password(database, bus, passwords, bob.user, bob.token, "", "battery staple")

    assert await code_of(changing) == "forbidden"


async def test_one_of_two_changes_counts(database, bus, passwords, ann) -> None:
    """Of two changes at once, the second no longer knows the old password."""
    outcomes = await asyncio.gather(
        *(
            change_password(database, bus, passwords, ann.user, ann.token, "correct horse", new)
            for new in ("battery staple", "another staple")
        ),
        return_exceptions=True,
    )

    assert [each.code for each in outcomes if isinstance(each, ChatError)] == ["forbidden"]
