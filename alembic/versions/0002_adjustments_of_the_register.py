"""Adjustments of a time bank in the register: each is known by its key (G1)."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_COUNTS = (
    "id, kind, customer_id, ticket_id, person_id, inbox_id, ordinal, booking, reverses_id, "
    "worked_on, received_at, visible_at, actual, billable, increment, counts, outside, cause"
)


def _guard(columns: str) -> None:
    """Refuse changes of these columns of the ledger, in place of the earlier trigger."""
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER ledger_no_update ON ledger")
        body = "FOR EACH ROW EXECUTE FUNCTION avtald_append_only()"
    else:
        op.execute("DROP TRIGGER ledger_no_update")
        body = "BEGIN SELECT RAISE(ABORT, 'ledger is append-only'); END"
    op.execute(f"CREATE TRIGGER ledger_no_update BEFORE UPDATE OF {columns} ON ledger {body}")


def upgrade() -> None:
    op.add_column("ledger", sa.Column("key", sa.Text(), nullable=True))
    op.create_index(
        "uq_ledger_adjustment",
        "ledger",
        ["customer_id", "key"],
        unique=True,
        sqlite_where=sa.text("key IS NOT NULL"),
        postgresql_where=sa.text("key IS NOT NULL"),
    )
    _guard(f"{_COUNTS}, key")


def downgrade() -> None:
    _guard(_COUNTS)
    op.drop_index("uq_ledger_adjustment", table_name="ledger")
    op.drop_column("ledger", "key")
