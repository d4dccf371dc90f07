"""Everything that can be asked for by HTTP, described: what each request says, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from msgspec import Struct

from hubbub import wire
from hubbub.endpoints import auth, calls, entry, events, files, health, messages, own, sessions
from hubbub.wire import http


@dataclass(frozen=True, slots=True)
class Operation:
    """What is done by a method at a path.

    `query`, `body` and `result` are what is behind the question mark, in the request and in the answer; one
    that is `binary` takes bytes of any kind.  `statuses` are those that come with the result, or with nothing
    if there is none.  One that `writes` needs a nonce, and one that is `open` nobody's token.
    """

    method: str
    path: str
    summary: str
    result: type[Struct] | None
    query: type[Struct] | None = None
    body: type[Struct] | None = None
    statuses: tuple[int, ...] = (200,)
    media_type: str = "application/json"
    writes: bool = False
    open: bool = False
    binary: bool = False


_COMING: Final = "; a browser gets a cookie, a program the token"

OPERATIONS: Final = (
    Operation(
        "GET", health.ALIVE, "Says that the server is alive", http.HealthResult, open=True,
    ),
    Operation(
        "GET", health.READY, "Says whether messages can be stored and read, or why not", http.HealthResult,
        statuses=(200, 503, 507), open=True,
    ),
    # Coming and going
    Operation(
        "POST", auth.GUESTS, f"Lets a guest in, or renames who is in{_COMING}", http.SignedInResult,
        body=http.NewGuest, statuses=(200, 201), open=True,
    ),
    Operation(
        "POST", auth.ACCOUNTS, f"Makes an account{_COMING}", http.SignedInResult,
        body=http.NewAccount, statuses=(201,), open=True,
    ),
    Operation(
        "POST", auth.SESSION, f"Lets in who has an account{_COMING}", http.SignedInResult,
        body=http.Credentials, open=True,
    ),
    Operation("GET", entry.ENTRY, "Tells how one comes in", http.EntryResult, open=True),
    Operation(
        "POST", entry.SETUP, f"Makes the first administrator{_COMING}", http.SignedInResult,
        body=http.FirstAccount, statuses=(201,), open=True,
    ),
    Operation(
        "POST", entry.INVITATION, "Tells what an invitation says", http.InvitationResult,
        body=http.Token, open=True,
    ),
    Operation(
        "POST", entry.RESET, f"Takes another password by a link, and ends all sessions{_COMING}",
        http.SignedInResult, body=http.ResetPassword, open=True,
    ),
    Operation("DELETE", auth.SESSION, "Signs out", None, statuses=(204,), open=True),
    Operation("GET", sessions.SESSIONS, "Tells where one is signed in", wire.SessionsResult),
    Operation("DELETE", sessions.ONE, "Signs a session out", None, statuses=(204,)),
    Operation(
        "PUT", sessions.PASSWORD, "Takes another password, and ends all other sessions", None,
        body=http.NewPassword, statuses=(204,),
    ),
    Operation(
        "POST", sessions.DEACTIVATION, "Gives up one's account, and ends all sessions", None,
        body=http.OwnPassword, statuses=(204,),
    ),
    # One's own
    Operation("GET", own.ME, "Tells who one is, one's rooms, and what waits there", http.MeResult),
    Operation(
        "PUT", own.READ, "Has read a room up to an event; tells what waits there", wire.Marks,
        body=http.ReadUpTo,
    ),
    # Messages
    Operation(
        "GET", messages.MESSAGES, "Gives the last messages, or those before, after or around one",
        wire.MessagesResult, query=http.MessagesQuery,
    ),
    Operation(
        "POST", messages.MESSAGES, "Posts a message; 200 if it was posted before", wire.WriteResult,
        body=wire.Draft, statuses=(200, 201), writes=True,
    ),
    Operation(
        "PATCH", messages.MESSAGE, "Gives one's own message another text", wire.WriteResult,
        body=http.Revision, writes=True,
    ),
    Operation("DELETE", messages.MESSAGE, "Takes a message back", wire.WriteResult, writes=True),
    Operation(
        "GET", messages.THREAD, "Gives the last messages of a thread", wire.MessagesResult,
        query=http.ThreadQuery,
    ),
    Operation("PUT", messages.REACTION, "Reacts to a message by an emoji", wire.WriteResult, writes=True),
    Operation("DELETE", messages.REACTION, "Takes a reaction back", wire.WriteResult, writes=True),
    Operation("PUT", messages.PIN, "Pins a message to its room", wire.WriteResult, writes=True),
    Operation("DELETE", messages.PIN, "Takes a pinned message down", wire.WriteResult, writes=True),
    # Files
    Operation(
        "POST", files.FILES, "Stores a file, which a message may have then", wire.FileInfo,
        query=http.UploadQuery, statuses=(201,), binary=True,
    ),
    Operation(
        "PATCH", files.FILE, "Says in words what a file shows that isn't sent yet", None,
        body=http.Description, statuses=(204,),
    ),
    Operation("DELETE", files.FILE, "Lets a file go that isn't sent", None, statuses=(204,)),
    Operation(
        "GET", files.CONTENT, "Gives out a file, whole or in part; the name may be any", None,
        query=http.FileQuery, statuses=(200, 206, 304, 416), media_type="*/*",
    ),
    # Events
    Operation(
        "GET", events.EVENTS, "Gives the events after a number, or waits for one", http.EventsResult,
        query=http.EventsQuery,
    ),
    Operation(
        "GET", events.STREAM, "Gives the events of all one's streams as they happen; `Last-Event-ID` goes on",
        None, media_type="text/event-stream",
    ),
    *(
        Operation(
            "POST", calls.CALL + name, f"Calls `{name}`", method.result,
            body=method.params, writes=method.writes,
        )
        for name, method in wire.METHODS.items()
    ),
)  # fmt: skip
