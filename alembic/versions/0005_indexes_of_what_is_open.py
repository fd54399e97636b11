"""Indexes of open work only, and of three look-ups that read all rows before.

An index over every state of every message is written three times a mail, and hardly ever read for
the state of all but a few rows. It misleads SQLite's planner, too: after an ANALYZE a state looks
like half of the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_WHOLE = {  # as they were
    "ix_inbox_state_received_at_id": ("inbox", ["state", "received_at", "id"]),
    "ix_outbox_state_next_at_id": ("outbox", ["state", "next_at", "id"]),
    "ix_clocks_result_due_at": ("clocks", ["result", "due_at"]),
    "ix_clocks_tell_at": ("clocks", ["tell_at"]),
    "ix_ledger_reverses_id": ("ledger", ["reverses_id"]),
    "ix_tickets_status_id": ("tickets", ["status", "id"]),
}
_PARTIAL = {
    "ix_inbox_open": ("inbox", ["state", "received_at", "id"], "state <> 'done'"),
    "ix_outbox_open": ("outbox", ["state", "next_at", "id"], "state <> 'sent'"),
    "ix_clocks_running": ("clocks", ["ticket_id"], "result = 'running'"),
    "ix_clocks_to_tell": ("clocks", ["tell_at"], "tell_at IS NOT NULL"),
    "ix_tickets_living": ("tickets", ["number"], "status <> 'closed' AND status <> 'merged'"),
    "ix_ledger_reversed": ("ledger", ["reverses_id"], "reverses_id IS NOT NULL"),
    "ix_ledger_reversals": ("ledger", ["customer_id", "id"], "kind = 'reversal'"),
}
_LOOKED_UP = {
    "ix_ledger_person_id_worked_on": ("ledger", ["person_id", "worked_on"]),
    "ix_outgoing_inbox_id": ("outgoing", ["inbox_id"]),
    "ix_ticket_messages_inbox_id": ("ticket_messages", ["inbox_id"]),
}


def upgrade() -> None:
    for name, (table, _) in _WHOLE.items():
        op.drop_index(name, table_name=table)
    for name, (table, columns, which) in _PARTIAL.items():
        few = sa.text(which)
        op.create_index(name, table, columns, sqlite_where=few, postgresql_where=few)
    for name, (table, columns) in _LOOKED_UP.items():
        op.create_index(name, table, columns)


def downgrade() -> None:
    for name, (table, *_) in (_LOOKED_UP | _PARTIAL).items():
        op.drop_index(name, table_name=table)
    for name, (table, columns) in _WHOLE.items():
        op.create_index(name, table, columns)
