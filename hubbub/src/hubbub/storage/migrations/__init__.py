"""The revisions of the tables, for Alembic; `migrate` runs it."""
