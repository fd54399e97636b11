"""Indexes for the morning's digest: answers, noted time and thanks since yesterday.

And one of customers' own events, which are few beside those of tickets.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ADDED = {
    "ix_ticket_messages_answers": ("ticket_messages", ["at"], "author = 'engineer'"),
    "ix_ledger_noted": ("ledger", ["received_at"], "kind = 'use'"),
    "ix_events_of_customers": ("events", ["customer_id"], "ticket_id IS NULL"),
    "ix_inbox_thanks": ("inbox", ["received_at"], "outcome = 'thanks'"),
}


def upgrade() -> None:
    for name, (table, columns, which) in _ADDED.items():
        few = sa.text(which)
        op.create_index(name, table, columns, sqlite_where=few, postgresql_where=few)


def downgrade() -> None:
    for name, (table, *_) in _ADDED.items():
        op.drop_index(name, table_name=table)
