"""The tables, once for every engine.

A stream is a room's log or a user's inbox; `streams.head` is the number of its last event, and is raised in
the transaction that stores the event.  `messages` is what the events of a room add up to.
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
)

# Of a token only the digest is kept: who reads the database can't sign in with what it says.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
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
)

memberships = Table(
    "memberships",
    metadata,
    Column("room", String(64), ForeignKey("rooms.id"), primary_key=True),
    Column("user", String(64), ForeignKey("users.id"), primary_key=True),
    Column("joined", BigInteger, nullable=False),
    Index(None, "user"),
)

streams = Table(
    "streams",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("head", BigInteger, nullable=False),
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
    UniqueConstraint("author", "nonce"),
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
    ForeignKeyConstraint(["stream", "q"], ["events.stream", "events.q"]),
)
