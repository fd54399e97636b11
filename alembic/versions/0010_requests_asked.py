"""The time when a held message was asked about: several are asked about in one request (D1)."""

import sqlalchemy as sa
from alembic import op

from daemon.store.schema.types import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("holds", sa.Column("asked_at", Instant()))
    # Until now each had a request of its own, at once.
    op.execute("UPDATE holds SET asked_at = created_at WHERE kind = 'proof'")


def downgrade() -> None:
    op.drop_column("holds", "asked_at")
