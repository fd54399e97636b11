"""The hash chain over ledger and statements: each link proves its row and the link before."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import JSON, Boolean, Column, Table, func, select, type_coerce
from sqlalchemy.types import NullType

from daemon.store.keeping.proofs.cells import CHUNK, Cells, read_rows
from daemon.store.keeping.proofs.faults import UNREADABLE, Counted, Fault
from daemon.store.money import chain as chained
from daemon.store.money.chain import Sealed
from daemon.store.money.ledger import SEALED
from daemon.store.schema.tables import chain, ledger, statement_rows, statements
from daemon.store.seals import START
from daemon.store.session import Tx

_KINDS: Final[Mapping[str, tuple[Table, Sequence[Column[Any]]]]] = {
    "ledger": (ledger, SEALED),
    "statement": (statements, [c for c in statements.c if c.name != "id"]),
    "row": (statement_rows, [c for c in statement_rows.c if c.name != "id"]),
}


@dataclass(slots=True)
class _Walk:
    """The state of the proof: the last link as stored, and as it should have been."""

    seq: int = 0
    stored: str | None = START  # None: nobody knows what the next link follows
    computed: str | None = None  # where the last link did not prove its row
    suspect: Fault | None = None


def chain_faults(tx: Tx, counted: Counted) -> Iterator[Fault]:
    """Every link against its row and the link before; rows without a link, links without a row."""
    walk = _Walk()
    while links := read_rows(tx, chain, list(chain.c), chain.c.seq > walk.seq, CHUNK):
        if _is_whole(tx, walk, links):
            counted.add("link", len(links))
            continue
        rows = _sealed_rows(tx, [cells for _, cells in links if not isinstance(cells, str)])
        for seq, cells in links:
            yield from _prove(walk, seq, cells, rows)
        counted.add("link", len(links))
    if walk.suspect:
        yield walk.suspect
    for kind in _KINDS:
        yield from _unlinked(tx, kind, counted)


def _is_whole(tx: Tx, walk: _Walk, links: Sequence[tuple[int, Cells | str]]) -> bool:
    """True if every link proves its row at once; the walk has gone on behind them then.

    On SQLite a date is hashed as its text: text with the right hash is right.
    """
    if tx.dialect.name != "sqlite" or walk.suspect or walk.stored is None:
        return False
    known = [cells for _, cells in links if not isinstance(cells, str)]
    seqs = range(walk.seq + 1, walk.seq + 1 + len(links))
    if [cells["seq"] for cells in known] != list(seqs):
        return False
    try:
        rows = _stored_rows(tx, known)
        previous = walk.stored
        for cells in known:
            sealed = Sealed(cells["kind"], cells["row_id"], rows[cells["kind"], cells["row_id"]])
            previous = chained.link(previous, sealed)
            if previous != cells["hash"]:
                return False
    except (*UNREADABLE, KeyError):
        return False
    walk.seq, walk.stored, walk.computed = seqs[-1], previous, None
    return True


def _stored_rows(tx: Tx, links: Sequence[Cells]) -> dict[tuple[str, int], dict[str, Any]]:
    """The rows as SQLite gives them; truth and JSON alone are read, for text has other forms."""
    stored: dict[tuple[str, int], dict[str, Any]] = {}
    for kind in {cells["kind"] for cells in links}:
        table, columns = _KINDS[kind]
        ids = [cells["row_id"] for cells in links if cells["kind"] == kind]
        names = ["id", *(column.name for column in columns)]
        raw = [type_coerce(table.c[name], NullType()) for name in names]
        readers = [(c.name, _READERS[type(c.type)]) for c in columns if type(c.type) in _READERS]
        for row in tx.execute(select(*raw).where(table.c.id.in_(ids))):
            content = dict(zip(names, row, strict=True))
            for name, read in readers:
                content[name] = read(content[name])
            stored[kind, content.pop("id")] = content
    return stored


_READERS: Final[Mapping[type, Callable[[Any], Any]]] = {
    Boolean: {0: False, 1: True, None: None}.__getitem__,
    JSON: lambda text: None if text is None else json.loads(text),
}


def _sealed_rows(tx: Tx, links: Iterable[Cells]) -> dict[tuple[str, int], Cells | str]:
    wanted: dict[str, list[int]] = {}
    for link in links:
        wanted.setdefault(link["kind"], []).append(link["row_id"])
    sealed: dict[tuple[str, int], Cells | str] = {}
    for kind, ids in wanted.items():
        if kind in _KINDS:
            table, columns = _KINDS[kind]
            rows = read_rows(tx, table, columns, table.c.id.in_(ids))
            sealed |= {(kind, row_id): cells for row_id, cells in rows}
    return sealed


def _prove(
    walk: _Walk, seq: int, link: Cells | str, rows: Mapping[tuple[str, int], Cells | str]
) -> Iterator[Fault]:
    if seq != walk.seq + 1:
        yield Fault("link", walk.seq + 1, "gap", str(seq))
        walk.stored, walk.computed = None, None
    walk.seq = seq
    if isinstance(link, str):
        yield from _settle(walk)
        yield Fault("link", seq, "unreadable", link)
        walk.stored = None
        return
    kind, row_id = link["kind"], link["row_id"]
    row = rows.get((kind, row_id), "")
    if isinstance(row, str):
        yield from _settle(walk)
        yield Fault(kind, row_id, "unreadable", row) if row else Fault("link", seq, "no_row", kind)
    elif walk.stored is not None:
        yield from _compare(walk, link, Sealed(kind, row_id, row))
    walk.stored = link["hash"]


def _settle(walk: _Walk) -> Iterator[Fault]:
    if walk.suspect:
        yield walk.suspect
    walk.suspect = walk.computed = None


def _compare(walk: _Walk, link: Cells, sealed: Sealed) -> Iterator[Fault]:
    """Tell an altered row (its link does not prove it) from an altered link (the next one does)."""
    right = chained.link(walk.stored or "", sealed)
    if right == link["hash"]:
        yield from _settle(walk)
    elif walk.computed and chained.link(walk.computed, sealed) == link["hash"]:
        yield Fault("link", link["seq"] - 1, "altered_link")
        walk.suspect = walk.computed = None
    else:
        yield from _settle(walk)
        walk.suspect = Fault(sealed.kind, sealed.row_id, "altered", str(link["seq"]))
        walk.computed = right


def _unlinked(tx: Tx, kind: str, counted: Counted) -> Iterator[Fault]:
    table, _ = _KINDS[kind]
    counted.add(kind, tx.scalar(select(func.count()).select_from(table)) or 0)
    mine = select(chain.c.row_id).where(chain.c.kind == kind)
    query = select(table.c.id).where(table.c.id.not_in(mine)).order_by(table.c.id)
    yield from (Fault(kind, row_id, "unlinked") for row_id in tx.scalars(query))
