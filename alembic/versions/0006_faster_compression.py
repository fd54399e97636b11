"""Mail is compressed by lz4 if the server can: a fifth of the work, and hardly more room."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_MAIL = (("inbox_raw", "raw"), ("outgoing", "raw"), ("ticket_messages", "text"))
# Nothing before PostgreSQL 14; the methods on offer depend on the server's build.
_OFFERED = "SELECT enumvals FROM pg_settings WHERE name = 'default_toast_compression'"


def upgrade() -> None:
    _compress("lz4")


def downgrade() -> None:
    _compress("default")


def _compress(method: str) -> None:
    """Set the method for new mail; stored mail stays as it is, and is read as before."""
    server = op.get_bind()
    if server.dialect.name == "postgresql" and "lz4" in (server.scalar(sa.text(_OFFERED)) or ()):
        for table, column in _MAIL:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET COMPRESSION {method}")
