"""Files, and what messages say of theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the table, and a column to messages."""
    op.create_table(
        "files",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("owner", sa.String(64), nullable=False),
        sa.Column("room", sa.String(64), nullable=False),
        sa.Column("q", sa.BigInteger),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("type", sa.String(100), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("width", sa.Integer),
        sa.Column("height", sa.Integer),
        sa.Column("alt", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_files"),
        sa.ForeignKeyConstraint(["owner"], ["users.id"], name="fk_files_owner"),
        sa.ForeignKeyConstraint(["room"], ["rooms.id"], name="fk_files_room"),
    )
    op.create_index("ix_files_owner", "files", ["owner", "state"])
    op.create_index("ix_files_room", "files", ["room", "q"])
    op.create_index("ix_files_state", "files", ["state", "created"])
    op.add_column("messages", sa.Column("files", sa.Text))
