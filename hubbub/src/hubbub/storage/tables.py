"""The tables, once for every engine.

A stream is a room's log or a user's inbox; `streams.head` is the number of its last event, and is raised in
the transaction that stores the event.  `messages`, `reactions` and `mentions` are what the events of a room
add up to.  Times are in milliseconds since 1970.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

users = Table(
    "users",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    # What accounts sign in by, folded; guests have none.
    Column("username", String(64)),
    Column("password", Text),
    Column("disabled", BigInteger),
    Column("role", String(16), nullable=False, server_default="member"),
    Index(None, "username", unique=True),
)

# What administrators have decided otherwise than by default: JSON, by the names of settings.
settings = Table(
    "settings",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# Of a link only the digest is kept, as of a session's token.
invites = Table(
    "invites",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("by", String(64), ForeignKey("users.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # How many it may let in, and has let in.
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False),
    Column("room", String(64), ForeignKey("rooms.id")),
    Index(None, "digest", unique=True),
    Index(None, "by"),
    Index(None, "expires"),
)

# Each user has at most one link by which to choose another password.
resets = Table(
    "resets",
    metadata,
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("digest", LargeBinary, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Index(None, "digest", unique=True),
)

# What a user's programs keep for each other: JSON, by keys of their own.
own = Table(
    "own",
    metadata,
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("value", Text, nullable=False),
    Column("size", Integer, nullable=False),
)

# Of a token only the digest is kept: who reads the database can't sign in with what it says.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    # What it is called where its user looks at their sessions.
    Column("id", String(64), nullable=False),
    Column("label", Text, nullable=False),
    Column("seen", BigInteger, nullable=False),
    Index(None, "id", unique=True),
    Index(None, "user"),
    Index(None, "expires"),
)

rooms = Table(
    "rooms",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("visibility", String(16), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("posting", String(16), nullable=False),
    Column("history", String(16), nullable=False),
    Column("archived", BigInteger),
    # Whose talk it is, where they have only one.
    Column("pair", String(160)),
    Index(None, "pair", unique=True),
    # The order of the directory.
    Index("ix_rooms_visibility", "visibility", "name", "id"),
)

memberships = Table(
    "memberships",
    metadata,
    Column("room", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("joined", BigInteger, nullable=False),
    Column("role", String(16), nullable=False),
    # The event by which they came.
    Column("since", BigInteger, nullable=False),
    # How far the member has read: up to this event, which so many messages that count came before.
    Column("read", BigInteger, nullable=False),
    Column("read_ord", BigInteger, nullable=False),
    Column("mentions", Integer, nullable=False),
    Index(None, "user"),
)

bans = Table(
    "bans",
    metadata,
    Column("room", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("by", String(64), ForeignKey("users.id"), nullable=False),
    Column("ts", BigInteger, nullable=False),
)

# What was done by those who administer and keep order; without an actor, by who runs the server.
audit = Table(
    "audit",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("ts", BigInteger, nullable=False),
    Column("actor", String(64), ForeignKey("users.id")),
    Column("verb", String(32), nullable=False),
    # To what it was done: its kind and what it is called; and in which room, if it was in one.
    Column("kind", String(16), nullable=False),
    Column("subject", String(64), nullable=False),
    Column("room", String(64), ForeignKey("rooms.id")),
    Column("detail", Text, nullable=False),
    Index(None, "ts"),
)

# Who wants nothing of whom.
blocks = Table(
    "blocks",
    metadata,
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("other", String(64), ForeignKey("users.id"), primary_key=True),
    Column("ts", BigInteger, nullable=False),
    Index(None, "other"),
)

streams = Table(
    "streams",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("head", BigInteger, nullable=False),
    # Messages that were ever posted and count as unread to who hasn't read them.
    Column("counted", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),
    Index(None, "changed"),
)

# An event that was nobody's single request (the join that comes with signing in) has no nonce.
events = Table(
    "events",
    metadata,
    Column("stream", String(64), ForeignKey("streams.id"), primary_key=True),
    Column("q", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", String(32), nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("author", String(64), ForeignKey("users.id"), nullable=False),
    Column("nonce", String(64)),
    Column("body", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("body_hash", LargeBinary, nullable=False),
    # The message that it changes.
    Column("target", BigInteger),
    UniqueConstraint("author", "nonce"),
)
Index(
    "ix_events_target",
    events.c.stream,
    events.c.target,
    sqlite_where=events.c.target.is_not(None),
    postgresql_where=events.c.target.is_not(None),
)

messages = Table(
    "messages",
    metadata,
    Column("stream", String(64), primary_key=True),
    Column("q", BigInteger, primary_key=True, autoincrement=False),
    Column("rev", BigInteger, nullable=False),
    Column("ts", BigInteger, nullable=False),
    Column("author", String(64), nullable=False),
    Column("nonce", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("reply_to", BigInteger),
    Column("thread", BigInteger),
    # The stream's `counted` after it.
    Column("ord", BigInteger, nullable=False),
    # The event that gave it its text.
    Column("said", BigInteger, nullable=False),
    Column("edited", BigInteger),
    Column("deleted", BigInteger),
    # The event that pinned it.
    Column("pinned", BigInteger),
    Column("replies", Integer, nullable=False),
    # As the event tells them: JSON, if there are any.
    Column("files", Text),
    ForeignKeyConstraint(["stream", "q"], ["events.stream", "events.q"]),
)
_deleted = messages.c.thread.is_(None) & messages.c.deleted.is_not(None)
Index(
    "ix_messages_deleted",
    messages.c.stream,
    messages.c.q,
    sqlite_where=_deleted,
    postgresql_where=_deleted,
)
Index(
    "ix_messages_thread",
    messages.c.stream,
    messages.c.thread,
    messages.c.q,
    sqlite_where=messages.c.thread.is_not(None),
    postgresql_where=messages.c.thread.is_not(None),
)
Index(
    "ix_messages_pinned",
    messages.c.stream,
    messages.c.pinned,
    sqlite_where=messages.c.pinned.is_not(None),
    postgresql_where=messages.c.pinned.is_not(None),
)

# Files that were uploaded, of which the disk has the content.  `state` is that of `storage.files.State`, and
# `q` is the message that has it.
files = Table(
    "files",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("owner", String(64), ForeignKey("users.id"), nullable=False),
    Column("room", String(64), ForeignKey("rooms.id"), nullable=False),
    Column("q", BigInteger),
    Column("state", String(16), nullable=False),
    Column("name", Text, nullable=False),
    Column("type", String(100), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("width", Integer),
    Column("height", Integer),
    Column("alt", Text, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("created", BigInteger, nullable=False),
    Index("ix_files_owner", "owner", "state"),
    Index("ix_files_room", "room", "q"),
    Index("ix_files_state", "state", "created"),
)

reactions = Table(
    "reactions",
    metadata,
    Column("stream", String(64), primary_key=True),
    Column("q", BigInteger, primary_key=True, autoincrement=False),
    Column("emoji", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    # The event that says so: the order in which they are shown.
    Column("rev", BigInteger, nullable=False),
    ForeignKeyConstraint(["stream", "q"], ["messages.stream", "messages.q"]),
)

mentions = Table(
    "mentions",
    metadata,
    Column("stream", String(64), primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("q", BigInteger, primary_key=True, autoincrement=False),
    ForeignKeyConstraint(["stream", "q"], ["messages.stream", "messages.q"]),
)
