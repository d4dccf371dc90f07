"""Hashing passwords."""

from __future__ import annotations

import asyncio

import pytest

from hubbub.actions.passwords import AT_ONCE, PAUSE, WAITING
from hubbub.domain.errors import ChatError, Code


async def test_password_is_verified(passwords) -> None:
    """A password fits what was stored of it, and no other does; the same is stored differently each time."""
    stored = [await passwords.hash("pässword") for _ in range(2)]

    assert stored[0] != stored[1]
    assert stored[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert await passwords.verify("pässword", stored[1])
    assert await passwords.verify("pa\u0308ssword", stored[1])
    assert not await passwords.verify("passward", stored[1])


@pytest.mark.parametrize("stored", [None, "", "#junk"])
async def test_nothing_is_nobodys(passwords, stored) -> None:
    """Where nothing is stored, no password fits, not even the one that stands in for it."""
    for password in ("", "secret-1", "x" * 300):
        assert not await passwords.verify(password, stored)


async def test_long_password_is_wrong(passwords) -> None:
    """What is too long to be a password isn't one, whatever it begins with."""
    stored = await passwords.hash("x" * 256)

    assert await passwords.verify("x" * 256, stored)
    assert not await passwords.verify("x" * 257, stored)


async def test_nobody_costs_as_much(passwords, monkeypatch) -> None:
    """Verifying does the same work for an account, for nobody, and for what is too long."""
    verified = []
    stored = await passwords.hash("secret-1")
    monkeypatch.setattr(passwords, "_verify", lambda _password, stored: verified.append(stored) or False)

    for password, known in (("secret-1", stored), ("secret-1", None), ("x" * 300, stored)):
        await passwords.verify(password, known)

    assert [each.split("$")[1:4] for each in verified] == [stored.split("$")[1:4]] * 3


async def test_few_are_hashed_at_once(passwords, monkeypatch, loop_clock) -> None:
    """However many wait, so many are hashed at a time, and not in the loop's thread."""
    begun: list[str] = []
    gate = asyncio.Event()

    async def wait_in_thread(_work: object, password: str, _stored: str) -> bool:
        begun.append(password)
        await gate.wait()
        return True

    monkeypatch.setattr("hubbub.actions.passwords.asyncio.to_thread", wait_in_thread)
    waiting = [asyncio.create_task(passwords.verify(f"secret-{n}", "#")) for n in range(AT_ONCE + 3)]
    await loop_clock.settle()
    at_once = len(begun)
    gate.set()

    assert at_once == AT_ONCE
    assert await asyncio.gather(*waiting) == [True] * len(waiting)
    assert len(begun) == len(waiting)


async def test_crowd_is_turned_away(passwords, monkeypatch, loop_clock) -> None:
    """Who would have to wait for too many others is told to come back, and keeps nobody from their turn."""
    gate = asyncio.Event()

    async def wait_in_thread(*_: object) -> bool:
        await gate.wait()
        return True

    monkeypatch.setattr("hubbub.actions.passwords.asyncio.to_thread", wait_in_thread)
    waiting = [asyncio.create_task(passwords.verify("secret-1", "#")) for _ in range(AT_ONCE + WAITING)]
    await loop_clock.settle()
    for work in (passwords.verify("secret-1", None), passwords.hash("secret-1")):
        with pytest.raises(ChatError) as caught:
            await work
        assert (caught.value.code, caught.value.after) == (Code.TOO_MANY_REQUESTS, PAUSE)
    gate.set()

    assert await asyncio.gather(*waiting) == [True] * len(waiting)
    assert await passwords.verify("secret-1", "#")
