"""The words and numbers that frames are made of: the protocol's name, its limits, and the types of fields.

Where a field may have only certain values when a client sends it, it is a `Literal`.  What a server sends is
open: a later one may say more, so its clients take any word, and `known` tells tools which there are today.

Durations are in seconds, sizes in bytes.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from msgspec import Meta

SUBPROTOCOL: Final = "hubbub.v1"
VERSION: Final = 1
LEVEL: Final = 3
"""Rises with every addition to the protocol."""

ME: Final = "me"
"""What a connection calls its user's inbox."""

BATCH: Final = "batch"
BADGE: Final = "badge"
FEATURES: Final = (BATCH, BADGE)
"""What a client may ask for in its hello, and a server grant in its welcome."""

FRAME_BYTES: Final = 256 * 1024
BATCH_FRAMES: Final = 128
"""How many frames may come as one."""
REQUESTS: Final = 32
STREAMS: Final = 1_000
FILES: Final = 10
"""How many files a message may have."""
WRITE_BURST: Final = 20
WRITES_PER_SECOND: Final = 5
TYPING_INTERVAL: Final = 3
"""How far two words that someone types in a room must be apart."""
TYPING_TTL: Final = 6

# What JavaScript can count to.
_MOST = 2**53 - 1
Number = Annotated[int, Meta(ge=0, le=_MOST)]
Amount = Annotated[int, Meta(ge=1, le=_MOST)]
NAME_LENGTH: Final = 64
Name = Annotated[str, Meta(max_length=NAME_LENGTH)]
# What may be looked up: there are characters that some database can't even be asked for.
Id = Annotated[str, Meta(pattern=f"^[A-Za-z0-9_-]{{0,{NAME_LENGTH}}}$")]
"""What a stream, a user or a session is called."""
# One that is too short, or of other characters, can be read all the same: the answer to it is `invalid`.
Nonce = Annotated[str, Meta(max_length=64, extra_json_schema={"pattern": "^[A-Za-z0-9_-]{8,64}$"})]
Status = Annotated[str, Meta(max_length=128)]
At = tuple[Number, Number]
"""Where a reader stands in a stream: the epoch of its numbers, and the last number it has."""

Retry = Literal["resume", "reauth", "never"]
"""What a client does that was parted from its server: come back, sign in again first, or stay away."""

Presence = Literal["on", "idle", "dnd", "off"]
Visibility = Literal["public", "private"]
Role = Literal["member", "moderator", "owner"]
ServerRole = Literal["member", "administrator"]
SignUp = Literal["open", "invite", "closed"]
"""Who may make an account."""
Posting = Literal["all", "moderators"]
History = Literal["all", "joined"]


def _known(*values: str) -> Meta:
    return Meta(extra_json_schema={"x-known": list(values)})


UserKind = Annotated[str, _known("guest", "account", "bot")]
SomePresence = Annotated[str, _known(*get_args(Presence))]
SomeVisibility = Annotated[str, _known(*get_args(Visibility))]
SomeServerRole = Annotated[str, _known(*get_args(ServerRole))]
SomeSignUp = Annotated[str, _known(*get_args(SignUp))]
SomeKind = Annotated[str, _known("room", "direct", "group", "notes")]
SomePosting = Annotated[str, _known(*get_args(Posting))]
SomeHistory = Annotated[str, _known(*get_args(History))]
SomeRole = Annotated[str, _known(*get_args(Role))]
Change = Annotated[str, _known("join", "leave", "kick", "ban", "unban", "role", "rename")]
Removal = Annotated[str, _known("leave", "kick", "ban")]
