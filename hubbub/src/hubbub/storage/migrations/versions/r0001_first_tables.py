"""The first tables: users, sessions, rooms, memberships, streams, events, messages."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
    )
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_sessions"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_sessions_user"),
    )
    op.create_index("ix_sessions_user", "sessions", ["user"])
    op.create_index("ix_sessions_expires", "sessions", ["expires"])
    op.create_table(
        "rooms",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("topic", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rooms"),
    )
    op.create_table(
        "memberships",
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("joined", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room", "user", name="pk_memberships"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_memberships_room"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_memberships_user"),
    )
    op.create_index("ix_memberships_user", "memberships", ["user"])
    op.create_table(
        "streams",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("head", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_streams"),
    )
    op.create_table(
        "events",
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("q", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64)),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body_hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("stream", "q", name="pk_events"),
        sa.ForeignKeyConstraint(["stream"], ["streams.id"], name="fk_events_stream"),
        sa.ForeignKeyConstraint(["author"], ["users.id"], name="fk_events_author"),
        sa.UniqueConstraint("author", "nonce", name="uq_events_author"),
    )
    op.create_table(
        "messages",
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("q", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("author", sa.String(64), nullable=False),
        sa.Column("nonce", sa.String(64), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reply_to", sa.BigInteger),
        sa.PrimaryKeyConstraint("stream", "q", name="pk_messages"),
        sa.ForeignKeyConstraint(["stream", "q"], ["events.stream", "events.q"], name="fk_messages_stream"),
    )
