"""Talks of certain people, rooms that are archived or have rules, and who wants nothing of whom.

Members who are there have been since before the first event: what they could read stays theirs.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0005"


def upgrade() -> None:
    """Add the columns and the table."""
    for name, usual in (("kind", "room"), ("posting", "all"), ("history", "all")):
        op.add_column("rooms", sa.Column(name, sa.String(16), nullable=False, server_default=usual))
    op.add_column("rooms", sa.Column("archived", sa.BigInteger))
    op.add_column("rooms", sa.Column("pair", sa.String(160)))
    op.create_index("ix_rooms_pair", "rooms", ["pair"], unique=True)
    op.add_column(
        "memberships", sa.Column("since", sa.BigInteger, nullable=False, server_default=sa.text("0"))
    )
    op.create_table(
        "blocks",
        sa.Column("user", sa.String(64), nullable=False),
        sa.Column("other", sa.String(64), nullable=False),
        sa.Column("ts", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("user", "other", name="pk_blocks"),
        sa.ForeignKeyConstraint(["user"], ["users.id"], name="fk_blocks_user"),
        sa.ForeignKeyConstraint(["other"], ["users.id"], name="fk_blocks_other"),
    )
    op.create_index("ix_blocks_other", "blocks", ["other"])
