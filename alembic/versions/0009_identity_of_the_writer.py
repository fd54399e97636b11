"""The identity of a message is its writer's work alone, and a copy is a message of its own (B3).

Each kept mail is read once more for its new identity. Mails that were two before, and are copies of
one by now, keep what they did; the later one points at the first.
"""

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

from parsers.identity import marks

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_BYTES = 8 * 1024**2  # of raw mail in memory at once; a larger mail comes alone
_ROWS = 500
_INDEXES = {
    "uq_inbox_identity": ("identity", "copy_of IS NULL"),
    "ix_inbox_copied": ("identity", "copy_of IS NOT NULL"),
    "ix_inbox_copies": ("copy_of", "copy_of IS NOT NULL"),
    "ix_inbox_hint": ("hint", "hint IS NOT NULL"),
    "ix_inbox_seal": ("seal", "seal IS NOT NULL"),
}
_NEXT = sa.text(
    "SELECT inbox.id, inbox.size, inbox.identity FROM inbox"
    " JOIN inbox_raw ON inbox_raw.inbox_id = inbox.id AND inbox_raw.raw IS NOT NULL"
    " WHERE inbox.id > :last ORDER BY inbox.id LIMIT :rows"
)
_FETCHED = sa.text(  # by IMAP, where a message without Date and Message-ID is known by its place
    "SELECT inbox_id, mailbox, uidvalidity, uid FROM inbox_deliveries"
    " WHERE mailbox IS NOT NULL AND inbox_id BETWEEN :first AND :last ORDER BY id DESC"
)
_RAW = sa.text("SELECT inbox_id, raw FROM inbox_raw WHERE inbox_id BETWEEN :first AND :last")
_KEEP = sa.text("UPDATE inbox SET identity = :identity, hint = :hint WHERE id = :id")
_POINT = """
    UPDATE inbox SET copy_of =
        (SELECT min(one.id) FROM inbox AS one WHERE one.identity = inbox.identity)
    WHERE identity IN (SELECT identity FROM inbox GROUP BY identity HAVING count(*) > 1)
"""
_FIRST_POINTS_NOWHERE = "UPDATE inbox SET copy_of = NULL WHERE copy_of = id"


def upgrade() -> None:
    with op.batch_alter_table("inbox") as inbox:
        inbox.drop_constraint("uq_inbox_identity", type_="unique")
        inbox.add_column(sa.Column("hint", sa.Text(), nullable=True))
        inbox.add_column(sa.Column("seal", sa.Text(), nullable=True))
        inbox.add_column(sa.Column("copy_of", sa.BigInteger(), nullable=True))
        inbox.create_foreign_key("fk_inbox_copy_of", "inbox", ["copy_of"], ["id"])
    connection = op.get_bind()
    for group in _groups(connection):
        connection.execute(_KEEP, _computed(connection, group))
    op.create_index("ix_inbox_all_identities", "inbox", ["identity"])
    op.execute(_POINT)
    op.execute(_FIRST_POINTS_NOWHERE)
    op.drop_index("ix_inbox_all_identities", table_name="inbox")
    for name, (column, condition) in _INDEXES.items():
        few = sa.text(condition)
        op.create_index(
            name,
            "inbox",
            [column],
            unique=name.startswith("uq"),
            sqlite_where=few,
            postgresql_where=few,
        )


def _groups(connection: sa.Connection) -> Iterator[list[Any]]:
    """Give the kept messages by number, in groups that fit into memory."""
    last = 0
    while True:
        rows = connection.execute(_NEXT, {"last": last, "rows": _ROWS}).all()
        if not rows:
            return
        size = 0
        group: list[Any] = []
        for row in rows:
            size += row.size
            if group and size > _BYTES:
                break
            group.append(row)
        last = group[-1].id
        yield group


def _computed(connection: sa.Connection, group: list[Any]) -> list[dict[str, Any]]:
    """Give the new marks of messages."""
    span = {"first": group[0].id, "last": group[-1].id}
    places = {
        row.inbox_id: f"{row.mailbox} {row.uidvalidity} {row.uid}"
        for row in connection.execute(_FETCHED, span)
    }
    raws = {row.inbox_id: row.raw for row in connection.execute(_RAW, span)}
    out = []
    for row in group:
        # By another door a delivery had a number that nobody kept: the old identity is as good.
        found = marks(bytes(raws[row.id]), delivery=places.get(row.id, row.identity))
        out.append({"id": row.id, "identity": found.identity, "hint": found.hint})
    return out


def downgrade() -> None:
    for name in _INDEXES:
        op.drop_index(name, table_name="inbox")
    op.execute("UPDATE inbox SET identity = identity || '-' || id WHERE copy_of IS NOT NULL")
    with op.batch_alter_table("inbox") as inbox:
        inbox.drop_constraint("fk_inbox_copy_of", type_="foreignkey")
        inbox.drop_column("copy_of")
        inbox.drop_column("seal")
        inbox.drop_column("hint")
        inbox.create_unique_constraint("uq_inbox_identity", ["identity"])
