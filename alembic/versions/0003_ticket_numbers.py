"""Ticket numbers without a lock: a sequence on PostgreSQL, the highest number on SQLite."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE SEQUENCE ticket_numbers AS integer")
        op.execute(
            "SELECT setval('ticket_numbers', (SELECT coalesce(max(number), 1000) FROM tickets))"
        )


def downgrade() -> None:
    op.execute("DELETE FROM facts WHERE name = 'ticket_number'")
    op.execute(
        "INSERT INTO facts (name, value) "
        "SELECT 'ticket_number', CAST(max(number) AS text) FROM tickets HAVING count(*) > 0"
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP SEQUENCE ticket_numbers")
