"""Proving stored rows against their hashes, as they lie there: chain, ledger, statements, raw mail.

Nothing is taken for granted: a cell may hold what no program of ours would have written, and then
its row is named instead of ending the proof.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Column, Dialect, Integer, LargeBinary, Table, and_, case, cast, func, select
from sqlalchemy import type_coerce as as_type
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import NullType

from daemon.domain.billing import Row, row_from_json, row_to_json, statement_hash
from daemon.domain.invoice import reference_of
from daemon.store.keeping.erasures import under_way
from daemon.store.keeping.fault import Fault
from daemon.store.money import chain as chained
from daemon.store.money.chain import Sealed
from daemon.store.money.ledger import SEALED
from daemon.store.schema.tables import (
    chain,
    customers,
    inbox,
    inbox_raw,
    invoices,
    ledger,
    outgoing,
    statement_rows,
    statements,
)
from daemon.store.session import Tx

_CHUNK = 500
_KINDS: Final[Mapping[str, tuple[Table, Sequence[Column[Any]]]]] = {
    "ledger": (ledger, SEALED),
    "statement": (statements, [c for c in statements.c if c.name != "id"]),
    "row": (statement_rows, [c for c in statement_rows.c if c.name != "id"]),
}
_INCREMENTS: Final = (1, 15, 30, 60)

Cells = dict[str, Any]


@dataclass(slots=True)
class Counted:
    """How much has been proven, for whoever reads the result."""

    rows: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, count: int) -> None:
        """Count so many more of a kind."""
        self.rows[kind] = self.rows.get(kind, 0) + count


# --- cells ------------------------------------------------------------------------------------


def _read(
    tx: Tx,
    table: Table,
    columns: Sequence[Column[Any]],
    where: ColumnElement[bool],
    limit: int | None = None,
) -> list[tuple[int, Cells | str]]:
    """Rows in order of their key: their cells, or the name of a cell that cannot be read."""
    (order,) = table.primary_key
    query = select(as_type(order, NullType()), *(_bare(tx, each) for each in columns))
    query = query.select_from(table).where(where).order_by(order).limit(limit)
    return [(raw[0], _cells(tx.dialect, columns, raw[1:])) for raw in tx.execute(query)]


def _bare(tx: Tx, column: Column[Any]) -> ColumnElement[Any]:
    """A cell as it lies there: on SQLite text may be any bytes, and a number may be text."""
    if tx.dialect.name != "sqlite":
        return column
    if isinstance(column.type, Integer):
        return as_type(column, NullType())
    kept = func.typeof(column).in_(["integer", "real", "null"])
    return case((kept, as_type(column, NullType())), else_=cast(column, LargeBinary))


def _cells(dialect: Dialect, columns: Sequence[Column[Any]], raw: Sequence[Any]) -> Cells | str:
    if dialect.name != "sqlite":
        return {each.name: value for each, value in zip(columns, raw, strict=True)}
    found: Cells = {}
    for column, value in zip(columns, raw, strict=True):
        try:
            found[column.name] = _cell(dialect, column, value)
        except (ValueError, TypeError, AttributeError):
            return column.name
    return found


def _cell(dialect: Dialect, column: Column[Any], value: Any) -> Any:
    """A cell's value; a ValueError for one that would not be written like this."""
    if value is None:
        return None
    if isinstance(column.type, Integer):
        return _checked(value, value if isinstance(value, int) else None)
    stored = value.decode("utf-8") if isinstance(value, bytes) else value
    read, write = _processors(dialect, column)
    found = read(stored) if read else stored
    again = write(found) if write else found
    return _checked(found, found if again == stored and type(again) is type(stored) else None)


def _processors(dialect: Dialect, column: Column[Any]) -> tuple[Any, Any]:
    kind = column.type.dialect_impl(dialect)
    return kind.result_processor(dialect, None), kind.bind_processor(dialect)


def _checked(value: Any, right: Any) -> Any:
    if right is None:
        raise ValueError(f"{value!r} is not written like this")
    return value


# --- the chain --------------------------------------------------------------------------------


@dataclass(slots=True)
class _Walk:
    """Where the proof of the chain is: the last link as stored, and as it should have been."""

    seq: int = 0
    stored: str | None = chained.START  # None: nobody knows what the next link follows
    computed: str | None = None  # where the last link did not prove its row
    suspect: Fault | None = None


def chain_faults(tx: Tx, counted: Counted) -> Iterator[Fault]:
    """Every link against its row and the link before; rows without a link, links without a row."""
    walk = _Walk()
    while links := _read(tx, chain, list(chain.c), chain.c.seq > walk.seq, _CHUNK):
        rows = _sealed_rows(tx, [cells for _, cells in links if not isinstance(cells, str)])
        for seq, cells in links:
            yield from _prove(walk, seq, cells, rows)
        counted.add("link", len(links))
    if walk.suspect:
        yield walk.suspect
    for kind in _KINDS:
        yield from _unlinked(tx, kind, counted)


def _sealed_rows(tx: Tx, links: Iterable[Cells]) -> dict[tuple[str, int], Cells | str]:
    wanted: dict[str, list[int]] = {}
    for each in links:
        wanted.setdefault(each["kind"], []).append(each["row_id"])
    found: dict[tuple[str, int], Cells | str] = {}
    for kind, ids in wanted.items():
        if kind in _KINDS:
            table, columns = _KINDS[kind]
            rows = _read(tx, table, columns, table.c.id.in_(ids))
            found |= {(kind, row_id): cells for row_id, cells in rows}
    return found


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
    """A row is altered where its link does not prove it; a link, where the next one says so."""
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


# --- the ledger -------------------------------------------------------------------------------


def ledger_faults(tx: Tx) -> Iterator[Fault]:
    """Sums and references: no entry below zero, billable as G5 says, each reversal of its entry."""
    key = func.coalesce(ledger.c.reverses_id, ledger.c.id)
    actual, billable = func.sum(ledger.c.actual), func.sum(ledger.c.billable)
    step, counts = func.min(ledger.c.increment), func.max(case((ledger.c.counts, 1), else_=0))
    rounded = (actual + step - 1) // step * step
    entries = select(key).where(ledger.c.kind != "adjustment").group_by(key).order_by(key)
    for code, wrong in (
        ("below_zero", (actual < 0) | (billable < 0)),
        ("increment", step.not_in(_INCREMENTS)),
        ("rounding", case((counts == 1, billable != rounded), else_=billable != 0)),
    ):
        query = entries.having(and_(step > 0, wrong) if code == "rounding" else wrong)
        yield from (Fault("ledger", row_id, code) for row_id in tx.scalars(query))
    yield from (Fault("ledger", row_id, "reference") for row_id in tx.scalars(_misdirected()))


def _misdirected() -> Any:
    use = ledger.alias("use")
    same = [
        func.coalesce(ledger.c[name], 0) == func.coalesce(use.c[name], 0)
        for name in ("customer_id", "ticket_id", "person_id", "increment")
    ]
    right = and_(use.c.kind == "use", ledger.c.worked_on == use.c.worked_on, *same)
    found = select(use.c.id).where(use.c.id == ledger.c.reverses_id, right).exists()
    return select(ledger.c.id).where(ledger.c.kind == "reversal", ~found).order_by(ledger.c.id)


# --- statements -------------------------------------------------------------------------------


def statement_faults(tx: Tx) -> Iterator[Fault]:
    """Hashes, sums and references of statements, row by row and over all months."""
    after = 0
    columns = [each for each in statements.c if each.name != "id"]
    while found := _read(tx, statements, columns, statements.c.id > after, _CHUNK):
        after = found[-1][0]
        readable = {each: cells for each, cells in found if not isinstance(cells, str)}
        yield from _in_chunk(tx, readable)
    yield from _billed_below_zero(tx)


def _in_chunk(tx: Tx, found: Mapping[int, Cells]) -> Iterator[Fault]:
    table = statement_rows
    columns = [each for each in table.c if each.name != "id"]
    rows: dict[int, list[tuple[int, Cells | str]]] = {}
    for row_id, cells in _read(tx, table, columns, table.c.statement_id.in_(found)):
        owner = None if isinstance(cells, str) else cells["statement_id"]
        for statement_id in [owner] if owner is not None else found:
            rows.setdefault(statement_id, []).append((row_id, cells))
    known = _references(tx, found)
    uses = _uses(tx, rows.values())
    for statement_id, cells in found.items():
        yield from _of_statement(statement_id, cells, known.get(statement_id))
        mine = rows.get(statement_id, [])
        if not any(isinstance(each, str) for _, each in mine):
            yield from _of_rows(statement_id, cells, mine, uses)


def _references(tx: Tx, found: Mapping[int, Cells]) -> dict[int, tuple[str, str | None]]:
    query = (
        select(statements.c.id, customers.c.key, invoices.c.reference)
        .join(customers, customers.c.id == statements.c.customer_id)
        .outerjoin(invoices, invoices.c.statement_id == statements.c.id)
        .where(statements.c.id.in_(found))
    )
    return {row.id: (row.key, row.reference) for row in tx.execute(query)}


def _uses(tx: Tx, rows: Iterable[Sequence[tuple[int, Cells | str]]]) -> dict[int, int | None]:
    """The customers of the entries that rows list."""
    listed = {
        work["entry"]
        for mine in rows
        for _, cells in mine
        if isinstance(cells, dict) and (work := _work(cells))
    }
    query = select(ledger.c.id, ledger.c.customer_id)
    query = query.where(ledger.c.id.in_(listed), ledger.c.kind == "use")
    return {row.id: row.customer_id for row in tx.execute(query)}


def _work(cells: Cells) -> dict[str, Any] | None:
    work = cells["data"].get("work") if isinstance(cells["data"], dict) else None
    return work if isinstance(work, dict) and isinstance(work.get("entry"), int) else None


def _of_statement(
    statement_id: int, cells: Cells, known: tuple[str, str | None] | None
) -> Iterator[Fault]:
    right = reference_of(known[0], cells["month"]) if known else None
    if cells["reference"] != right:
        yield Fault("statement", statement_id, "reference", str(right))
    elif known and known[1] != right:
        yield Fault("statement", statement_id, "no_invoice", right or "")


def _of_rows(
    statement_id: int,
    cells: Cells,
    mine: Sequence[tuple[int, Cells | str]],
    uses: Mapping[int, int | None],
) -> Iterator[Fault]:
    printed: list[Row] = []
    net = 0
    ordered = sorted(
        ((row_id, each) for row_id, each in mine if isinstance(each, dict)),
        key=lambda pair: pair[1]["ordinal"],
    )
    for ordinal, (row_id, each) in enumerate(ordered, start=1):
        try:
            row = row_from_json(each["data"])
        except (ValueError, TypeError, KeyError, AttributeError, ArithmeticError):
            yield Fault("row", row_id, "unreadable", "data")
            return
        printed.append(row)
        net += each["amount_ore"] or 0
        if each["ordinal"] != ordinal or not _agrees(row, each):
            yield Fault("row", row_id, "columns")
        if row.work and uses.get(row.work.entry) != cells["customer_id"]:
            yield Fault("row", row_id, "not_hers", str(row.work.entry))
    if statement_hash(printed, cells["reference"]) != cells["hash"]:
        yield Fault("statement", statement_id, "hash")
    if net != cells["net_ore"]:
        yield Fault("statement", statement_id, "net", str(net))


def _agrees(row: Row, cells: Cells) -> bool:
    """Whether a row's columns say what its data says, and its amount is quantity x price."""
    return row_to_json(row) == cells["data"] and (
        row.kind,
        row.period,
        row.version,
        row.rate.ore if row.rate else None,
        None if row.quantity is None else int(row.quantity * 100),
        None if row.price is None else row.price.ore,
        None if row.amount is None else row.amount.ore,
    ) == tuple(
        cells[name]
        for name in (
            "kind",
            "period",
            "version_id",
            "rate_ore",
            "quantity",
            "price_ore",
            "amount_ore",
        )
    )


def _billed_below_zero(tx: Tx) -> Iterator[Fault]:
    """H3: over all statements nobody has been credited more than was billed."""
    of = statement_rows.c
    for kind, what, amount in (
        ("fee", of.version_id, of.amount_ore),
        ("overage", of.rate_ore, of.quantity),
    ):
        query = (
            select(func.max(of.id))
            .select_from(statement_rows.join(statements))
            .where(of.kind == kind)
            .group_by(statements.c.customer_id, of.period, what)
            .having(func.sum(amount) < 0)
        )
        yield from (Fault("row", row_id, "credited") for row_id in tx.scalars(query))


# --- erasures ---------------------------------------------------------------------------------


def erasure_faults(tx: Tx) -> Iterator[Fault]:
    """K2: an erasure that is under way, or was killed, has left bytes of the person."""
    yield from (Fault("erasure", each.number, "unfinished") for each in under_way(tx))


# --- raw mail ---------------------------------------------------------------------------------


def mail_faults(tx: Tx, counted: Counted) -> Iterator[Fault]:
    """B1: every mail against the hash of its bytes; an erased one (K2) has none."""
    yield from _received(tx, counted)
    query = (
        select(outgoing.c.id, outgoing.c.raw_sha256, outgoing.c.raw)
        .where(outgoing.c.raw.is_not(None))
        .order_by(outgoing.c.id)
        .execution_options(yield_per=8)
    )
    for row in tx.execute(query):
        counted.add("sent", 1)
        if hashlib.sha256(row.raw).hexdigest() != row.raw_sha256:
            yield Fault("sent", row.id, "altered")


def _received(tx: Tx, counted: Counted) -> Iterator[Fault]:
    query = (
        select(inbox.c.id, inbox.c.raw_sha256, inbox_raw.c.inbox_id, inbox_raw.c.raw)
        .outerjoin(inbox_raw, inbox_raw.c.inbox_id == inbox.c.id)
        .order_by(inbox.c.id)
        .execution_options(yield_per=8)
    )
    for row in tx.execute(query):
        counted.add("mail", 1)
        if row.inbox_id is None:
            yield Fault("mail", row.id, "no_raw")
        elif row.raw is not None and hashlib.sha256(row.raw).hexdigest() != row.raw_sha256:
            yield Fault("mail", row.id, "altered")
