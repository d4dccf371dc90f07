"""Keeping something of one's own, for all one's devices."""

from __future__ import annotations

import msgspec

from hubbub.actions.do_once import do_once
from hubbub.domain.errors import ChatError, Code
from hubbub.domain.events import OwnSet, StoredEvent
from hubbub.domain.models import Posted, User
from hubbub.domain.policies import OWN_BYTES, OWN_DEPTH, OWN_KEYS, OWN_VALUE_BYTES, check_own_key
from hubbub.storage import own
from hubbub.storage.database import Database
from hubbub.storage.streams import Asked
from hubbub.storage.writer import Transaction


async def set_own(database: Database, user: User, nonce: str, key: str, value: object) -> Posted:
    """Let a user keep a value, which is as JSON is, by a key of theirs; with None, keep it no longer.

    Raises:
        ChatError: `invalid` for what can't be a key, and for a value that is too deep; `too_long` for a value
            that is, or if the user keeps too much already; and those of `do_once`.
    """
    check_own_key(key)
    text = _encode(value)

    async def change(transaction: Transaction, asked: Asked) -> StoredEvent:
        if value is None:
            await own.drop(transaction.connection, user.id, key)
        else:
            await own.put(transaction.connection, user.id, key, text)
            _check_size(await own.measure(transaction.connection, user.id))
        return await transaction.append(user.id, user.id, OwnSet(key, value), asked)

    return (await do_once(database, user, nonce, ["me.set", key, text], change)).posted


def _encode(value: object) -> str:
    text = msgspec.json.encode(value)
    if len(text) > OWN_VALUE_BYTES:
        raise ChatError(Code.TOO_LONG, f"What is kept by a key has at most {OWN_VALUE_BYTES} bytes.")
    if _is_deep(value, OWN_DEPTH):
        raise ChatError(
            Code.INVALID, f"What is kept has at most {OWN_DEPTH} lists and objects in each other."
        )
    return text.decode()


def _is_deep(value: object, most: int) -> bool:
    """Say whether lists and objects are nested deeper: who can't read that can't read all the rest."""
    if not isinstance(value, list | dict):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return most == 0 or any(_is_deep(each, most - 1) for each in inner)


def _check_size(kept: own.KeptSize) -> None:
    if kept.keys > OWN_KEYS or kept.size > OWN_BYTES:
        raise ChatError(
            Code.TOO_LONG, f"One keeps at most {OWN_KEYS} things of one's own, {OWN_BYTES} bytes in all."
        )
