"""The chat for programs: a session that keeps itself complete, in asyncio.

Stands on the protocol and on the library alone, so that it works with any server of `hubbub.v1`.  `sync` is
the engine, without I/O; `client` runs it.
"""

from hubbub.client.client import Client, connect, make_nonce
from hubbub.client.errors import ClientError, OutboxUnusable, RequestRefused, SessionEnded
from hubbub.client.guests import SignedIn, log_in, register, sign_in_guest, who_is
from hubbub.client.news import (
    Happened,
    Lost,
    Opened,
    Overheard,
    Posted,
    Refused,
    Reset,
    Stored,
    Waiting,
    Withheld,
)
from hubbub.client.rooms import Rooms
from hubbub.client.sync import Sync
from hubbub.client.view import RoomView

__all__ = [
    "Client",
    "ClientError",
    "Happened",
    "Lost",
    "Opened",
    "OutboxUnusable",
    "Overheard",
    "Posted",
    "Refused",
    "RequestRefused",
    "Reset",
    "RoomView",
    "Rooms",
    "SessionEnded",
    "SignedIn",
    "Stored",
    "Sync",
    "Waiting",
    "Withheld",
    "connect",
    "log_in",
    "make_nonce",
    "register",
    "sign_in_guest",
    "who_is",
]
