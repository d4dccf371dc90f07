"""What the whole protocol needs: accounts, roles, bans, marks, threads, edits, pins, reactions and mentions.

Columns are added with a default where SQLite asks for one; rows that are there get what they would have had.
"""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def _add(table: str, *columns: sa.Column[object]) -> None:
    for column in columns:
        op.add_column(table, column)


def upgrade() -> None:
    """Add the columns and the tables."""
    number, zero = sa.BigInteger, sa.text("0")
    _add(
        "users",
        sa.Column("username", sa.String(64)),
        sa.Column("password", sa.Text),
        sa.Column("disabled", number),
    )
    op.create_index("ix_users_username", "users", ["username"], unique=True)
    _upgrade_sessions()
    _add("rooms", sa.Column("visibility", sa.String(16), nullable=False, server_default="public"))
    op.create_index("ix_rooms_visibility", "rooms", ["visibility", "name", "id"])
    _add(
        "streams",
        sa.Column("counted", number, nullable=False, server_default=zero),
        sa.Column("changed", number, nullable=False, server_default=zero),
    )
    op.create_index("ix_streams_changed", "streams", ["changed"])
    _add("events", sa.Column("target", number))
    target = sa.text("target IS NOT NULL")
    op.create_index(
        "ix_events_target", "events", ["stream", "target"], sqlite_where=target, postgresql_where=target
    )
    _upgrade_messages()
    _add(
        "memberships",
        sa.Column("role", sa.String(16), nullable=False, server_default="member"),
        sa.Column("read", number, nullable=False, server_default=zero),
        sa.Column("read_ord", number, nullable=False, server_default=zero),
        sa.Column("mentions", sa.Integer, nullable=False, server_default=zero),
    )
    # Nobody's marks were kept so far: everything counts as read.
    for column, source in (("read", "head"), ("read_ord", "counted")):
        op.execute(
            f"UPDATE memberships SET {column} = (SELECT {source} FROM streams WHERE id = memberships.room)"
        )
    _make_tables()


def _upgrade_sessions() -> None:
    _add(
        "sessions",
        sa.Column("id", sa.String(64), nullable=False, server_default=""),
        sa.Column("label", sa.Text, nullable=False, server_default=""),
        sa.Column("seen", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    )
    connection = op.get_bind()
    for (digest,) in connection.execute(sa.text("SELECT digest FROM sessions")).all():
        connection.execute(
            sa.text("UPDATE sessions SET id = :id, seen = created WHERE digest = :digest"),
            {"id": secrets.token_urlsafe(12), "digest": digest},
        )
    op.create_index("ix_sessions_id", "sessions", ["id"], unique=True)


def _upgrade_messages() -> None:
    number, zero = sa.BigInteger, sa.text("0")
    _add(
        "messages",
        sa.Column("thread", number),
        sa.Column("ord", number, nullable=False, server_default=zero),
        sa.Column("said", number, nullable=False, server_default=zero),
        sa.Column("edited", number),
        sa.Column("deleted", number),
        sa.Column("pinned", number),
        sa.Column("replies", sa.Integer, nullable=False, server_default=zero),
    )
    op.execute(
        "UPDATE messages SET said = messages.q, ord = counted.ord FROM "
        "(SELECT stream, q, row_number() OVER (PARTITION BY stream ORDER BY q) AS ord FROM messages)"
        " AS counted"
        " WHERE counted.stream = messages.stream AND counted.q = messages.q"
    )
    op.execute("UPDATE streams SET counted = (SELECT count(*) FROM messages WHERE stream = streams.id)")
    for name, columns, condition in (
        ("ix_messages_deleted", ["stream", "q"], "thread IS NULL AND deleted IS NOT NULL"),
        ("ix_messages_thread", ["stream", "thread", "q"], "thread IS NOT NULL"),
        ("ix_messages_pinned", ["stream", "pinned"], "pinned IS NOT NULL"),
    ):
        where = sa.text(condition)
        op.create_index(name, "messages", columns, sqlite_where=where, postgresql_where=where)


def _make_tables() -> None:
    op.create_table(
        "bans",
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("room", "user", name="pk_bans"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_bans_room"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_bans_user"),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name="fk_bans_by"),
    )
    op.create_table(
        "reactions",
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("q", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("emoji", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("rev", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("stream", "q", "emoji", "user", name="pk_reactions"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_reactions_user"),
        sa.ForeignKeyConstraint(
            ["stream", "q"], ["messages.stream", "messages.q"], name="fk_reactions_stream"
        ),
    )
    op.create_table(
        "mentions",
        sa.Column("stream", sa.String(64), nullable=False),
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("q", sa.BigInteger, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("stream", "user", "q", name="pk_mentions"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_mentions_user"),
        sa.ForeignKeyConstraint(
            ["stream", "q"], ["messages.stream", "messages.q"], name="fk_mentions_stream"
        ),
    )
