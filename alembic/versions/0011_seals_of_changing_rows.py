"""Rows that bear money or authority and may change are sealed: the register, invoices, holds.

The rows of before are sealed at the end of the upgrade, as they are found (`env.py`).
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_FIXED = "seq, kind, key, form, digest, hash"  # a salt is forgotten with an erased person


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    op.create_table(
        "seals",
        sa.Column("seq", number, autoincrement=False, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", number, nullable=False),
        sa.Column("form", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_seals")),
    )
    op.create_index(op.f("ix_seals_kind_key_seq"), "seals", ["kind", "key", "seq"])
    for verb in ("DELETE", f"UPDATE OF {_FIXED}"):
        name = f"seals_no_{verb.split(maxsplit=1)[0].lower()}"
        if op.get_bind().dialect.name == "postgresql":
            body = "FOR EACH ROW EXECUTE FUNCTION avtald_append_only()"
        else:
            body = "BEGIN SELECT RAISE(ABORT, 'seals is append-only'); END"
        op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON seals {body}")


def downgrade() -> None:
    op.drop_table("seals")
