"""Runs the migrations inside the one transaction handed over by `daemon.store.migrations`."""

from alembic import context

from daemon.store import seals
from daemon.store.keeping.proofs import second_copies
from daemon.store.schema.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=False)
with context.begin_transaction():
    second_copies.drop(connection)  # a migration may change any table
    context.run_migrations()
    if context.get_context().get_current_revision() == context.script.get_current_head():
        seals.first(connection)
        second_copies.make(connection)
