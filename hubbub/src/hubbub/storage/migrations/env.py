"""What Alembic runs to reach the database: the connection that it is handed.

That one is in a transaction: a server that is killed while it migrates leaves the tables as they were.
"""

from alembic import context

from hubbub.storage.tables import metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True
)
with context.begin_transaction():
    context.run_migrations()
