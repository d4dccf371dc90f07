"""Signing someone in who may be."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from hubbub.actions.authenticate import digest_token
from hubbub.domain.models import Login, User, new_session_id
from hubbub.domain.names import clean_label
from hubbub.domain.policies import SESSION_LIFETIME
from hubbub.storage import sessions
from hubbub.storage.writer import Transaction


class SignedIn(NamedTuple):
    """A user, and the token by which they are known from now on; it is stored nowhere."""

    user: User
    token: str


async def begin_session(transaction: Transaction, user: User, label: str) -> SignedIn:
    """Make a session; `label` is what its program says of itself."""
    token, now = secrets.token_urlsafe(32), transaction.now
    login = Login(new_session_id(), clean_label(label), now, now, now + SESSION_LIFETIME * 1000)
    await sessions.add(transaction.connection, digest_token(token), user.id, login)
    return SignedIn(user, token)
