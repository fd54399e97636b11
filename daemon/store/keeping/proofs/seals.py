"""Rows that may change against their newest seal, and the chain of the seals."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import and_, func, select

from daemon.store import seals as sealing
from daemon.store.keeping.proofs.cells import CHUNK, Cells, read_rows
from daemon.store.keeping.proofs.faults import Counted, Fault
from daemon.store.schema.tables import seals
from daemon.store.seals import START
from daemon.store.session import Tx

_LINKED = ("seq", "kind", "key", "form", "digest")


def seal_faults(tx: Tx, counted: Counted) -> Iterator[Fault]:
    """Each seal against the one before, and each row of the register, hold and invoice."""
    yield from _links(tx, counted)
    for kind in sealing.KINDS:
        yield from _rows(tx, kind, counted)
        yield from _gone(tx, kind)


def _links(tx: Tx, counted: Counted) -> Iterator[Fault]:
    last, previous = 0, START
    columns = [column for column in seals.c if column.name != "salt"]
    while chunk := read_rows(tx, seals, columns, seals.c.seq > last, CHUNK):
        for seq, cells in chunk:
            if seq != last + 1:
                yield Fault("seal", last + 1, "gap", str(seq))
            last = seq
            if isinstance(cells, str):
                yield Fault("seal", seq, "unreadable", cells)
                continue
            right = sealing.link(previous, {name: cells[name] for name in _LINKED})
            if right != cells["hash"]:
                yield Fault("seal", seq, "altered")
            previous = cells["hash"]
        counted.add("seal", len(chunk))


def _rows(tx: Tx, kind: str, counted: Counted) -> Iterator[Fault]:
    sealed, last = sealing.KINDS[kind], 0
    while chunk := read_rows(
        tx, sealed.table, list(sealed.columns), sealed.table.c.id > last, CHUNK
    ):
        last = chunk[-1][0]
        keys = [key for key, _ in chunk]
        known, parts = sealing.newest(tx, kind, keys), sealing.parts_of(tx, sealed, keys)
        for key, cells in chunk:
            part = parts.get(key, parts[None])
            yield from _row(kind, key, cells, part, known.get(key))
        counted.add(kind, len(chunk))


def _row(
    kind: str, key: int, cells: Cells | str, part: dict[str, Any], seal: sealing.Seal | None
) -> Iterator[Fault]:
    if isinstance(cells, str):
        yield Fault(kind, key, "unreadable", cells)
    elif seal is None:
        yield Fault(kind, key, "unsealed")
    else:
        content = cells | part
        names = [name for name in seal.form.split(",") if name in content]
        if seal.digest != sealing.digest(seal.salt or "", {n: content[n] for n in names}):
            yield Fault(kind, key, "not_sealed_so")


def _gone(tx: Tx, kind: str) -> Iterator[Fault]:
    """Rows of these kinds are never deleted."""
    table = sealing.KINDS[kind].table
    missing = and_(seals.c.kind == kind, seals.c.key.not_in(select(table.c.id)))
    query = select(func.min(seals.c.key)).where(missing).group_by(seals.c.key)
    yield from (Fault(kind, key, "gone") for key in tx.scalars(query))
