"""Who administers the chat, what they have decided and done, and how others are let in."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the tables; everybody who is there is a member."""
    op.add_column("users", sa.Column("role", sa.String(16), nullable=False, server_default="member"))
    op.create_table(
        "settings",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_settings"),
    )
    op.create_table(
        "audit",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), autoincrement=True),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(64)),
        sa.Column("verb", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("room", sa.String(64)),
        sa.Column("detail", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit"),
        sa.ForeignKeyConstraint(["actor"], ["users.id"], name="fk_audit_actor"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_audit_room"),
    )
    op.create_index("ix_audit_ts", "audit", ["ts"])
    op.create_table(
        "invites",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("by", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.Column("uses", sa.Integer, nullable=False),
        sa.Column("used", sa.Integer, nullable=False),
        sa.Column("room", sa.String(64)),
        sa.PrimaryKeyConstraint("id", name="pk_invites"),
        sa.ForeignKeyConstraint(["by"], ["users.id"], name="fk_invites_by"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_invites_room"),
    )
    op.create_index("ix_invites_digest", "invites", ["digest"], unique=True)
    op.create_index("ix_invites_by", "invites", ["by"])
    op.create_index("ix_invites_expires", "invites", ["expires"])
    op.create_table(
        "resets",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("expires", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user", name="pk_resets"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_resets_user"),
    )
    op.create_index("ix_resets_digest", "resets", ["digest"], unique=True)
