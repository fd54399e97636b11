"""Notices to our own people that are gathered into one mail (J2)."""

import sqlalchemy as sa
from alembic import op

from daemon.store.schema.types import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_REFERENCES = {
    "person_id": "people",
    "ticket_id": "tickets",
    "inbox_id": "inbox",
    "outgoing_id": "outgoing",
}
_OPTIONAL = frozenset({"inbox_id", "outgoing_id"})


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "notices",
        sa.Column("id", number, autoincrement=True, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        *(sa.Column(each, number, nullable=each in _OPTIONAL) for each in _REFERENCES),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("remarks", sa.JSON(), nullable=False),
        *(
            sa.ForeignKeyConstraint([name], [f"{table}.id"], name=op.f(f"fk_notices_{name}"))
            for name, table in _REFERENCES.items()
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
        sa.UniqueConstraint("person_id", "key", name=op.f("uq_notices_person_id_key")),
    )
    op.create_index(op.f("ix_notices_person_id_at"), "notices", ["person_id", "at"])
    op.create_index(op.f("ix_notices_inbox_id"), "notices", ["inbox_id"])
    waits = sa.text("outgoing_id IS NULL")
    op.create_index(
        "ix_notices_waiting", "notices", ["at"], sqlite_where=waits, postgresql_where=waits
    )


def downgrade() -> None:
    op.drop_table("notices")
