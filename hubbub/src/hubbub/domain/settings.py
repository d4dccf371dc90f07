"""What administrators decide in the page, as opposed to what whoever runs the server says in its files.

A setting is known by the name of its field.  It has a default, so that a database that says nothing of it is
complete; its type is what a value is read as.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SignUp(StrEnum):
    """Who may make an account: anybody, who has an invitation, or nobody."""

    OPEN = "open"
    INVITE = "invite"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """Everything that administrators decide.

    `guests` says whether a name alone lets people in; `members_invite` whether everybody who has an account
    may make invitations, or administrators alone.
    """

    sign_up: SignUp = SignUp.OPEN
    guests: bool = True
    members_invite: bool = False
