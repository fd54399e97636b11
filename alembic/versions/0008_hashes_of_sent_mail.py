"""Each mail of ours has the hash of its bytes, as each received one has (B1)."""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outgoing", sa.Column("raw_sha256", sa.Text(), nullable=True))
    bind = op.get_bind()
    if bind.dialect.name == "postgresql":
        hashed = "encode(sha256(raw), 'hex')"
    else:
        hashed = "avtald_sha256(raw)"
        driver = bind.connection.driver_connection
        driver.create_function("avtald_sha256", 1, lambda raw: hashlib.sha256(raw).hexdigest())
    op.execute(f"UPDATE outgoing SET raw_sha256 = {hashed} WHERE raw IS NOT NULL")  # noqa: S608


def downgrade() -> None:
    op.drop_column("outgoing", "raw_sha256")
