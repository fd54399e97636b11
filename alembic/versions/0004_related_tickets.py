"""Indexes of merged and following tickets: related tickets are found without reading all."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_COLUMNS = ("merged_into_id", "follows_id")  # D7, D5: few tickets have either


def upgrade() -> None:
    for column in _COLUMNS:
        few = sa.text(f"{column} IS NOT NULL")
        op.create_index(
            f"ix_tickets_{column}", "tickets", [column], sqlite_where=few, postgresql_where=few
        )


def downgrade() -> None:
    for column in _COLUMNS:
        op.drop_index(f"ix_tickets_{column}", table_name="tickets")
