"""Runs the migrations inside the one transaction handed over by `daemon.store.migrations`."""

from alembic import context

from daemon.store.schema.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=False,
)
with context.begin_transaction():
    context.run_migrations()
