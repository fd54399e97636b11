"""The hash chain over money rows: each link seals its row and every link before it."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from sqlalchemy import desc, select

from daemon.store.rows import add_all
from daemon.store.schema.tables import chain
from daemon.store.seals import START, canonical
from daemon.store.session import Tx

# A column of a later schema is sealed only if it holds a value: older rows keep their hashes, and a
# value slipped in, or taken out, breaks the link.
_YOUNGER: Final[Mapping[str, Sequence[str]]] = MappingProxyType({"ledger": ("key",)})
_LOCK = 7234


@dataclass(frozen=True, slots=True)
class Sealed:
    """A money row to be linked: its kind (ledger, statement, row), its id and its content."""

    kind: str
    row_id: int
    content: Mapping[str, Any]


def link(previous: str, row: Sealed) -> str:
    """The hash of a row, after the link with this hash."""
    content = {"kind": row.kind, "row": row.row_id, **row.content}
    for name in _YOUNGER.get(row.kind, ()):
        if content.get(name) is None:
            content.pop(name, None)
    return hashlib.sha256(previous.encode() + canonical(content)).hexdigest()


def seal(tx: Tx, rows: Sequence[Sealed]) -> None:
    """Add rows to the chain, in the transaction that writes them.

    Writers wait here for each other until they commit: there is one chain, without a gap.
    """
    if not rows:
        return
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    last, previous = head(tx)
    links = []
    for seq, row in enumerate(rows, start=last + 1):
        previous = link(previous, row)
        links.append({"seq": seq, "kind": row.kind, "row_id": row.row_id, "hash": previous})
    add_all(tx, chain, links)


def head(tx: Tx) -> tuple[int, str]:
    """Number and hash of the last link: with a copy of them elsewhere, no row is lost unseen."""
    last = tx.execute(select(chain).order_by(desc(chain.c.seq)).limit(1)).first()
    return (last.seq, last.hash) if last else (0, START)
