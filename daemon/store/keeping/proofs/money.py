"""Ledger and statements: their sums, references and hashes (G1, H5)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import and_, case, func, select

from daemon.domain.billing import Row, row_from_json, row_to_json, statement_hash
from daemon.domain.invoice import reference_of
from daemon.store.keeping.proofs.cells import CHUNK, Cells, read_rows
from daemon.store.keeping.proofs.faults import Fault
from daemon.store.schema.tables import customers, invoices, ledger, statement_rows, statements
from daemon.store.session import Tx

_INCREMENTS: Final = (1, 15, 30, 60)


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
    reversed_use = select(use.c.id).where(use.c.id == ledger.c.reverses_id, right).exists()
    return (
        select(ledger.c.id).where(ledger.c.kind == "reversal", ~reversed_use).order_by(ledger.c.id)
    )


# --- statements -------------------------------------------------------------------------------


def statement_faults(tx: Tx) -> Iterator[Fault]:
    """Hashes, sums and references of statements, row by row and over all months."""
    after = 0
    columns = [each for each in statements.c if each.name != "id"]
    while chunk := read_rows(tx, statements, columns, statements.c.id > after, CHUNK):
        after = chunk[-1][0]
        readable = {each: cells for each, cells in chunk if not isinstance(cells, str)}
        yield from _in_chunk(tx, readable)
    yield from _billed_below_zero(tx)


def _in_chunk(tx: Tx, chunk: Mapping[int, Cells]) -> Iterator[Fault]:
    table = statement_rows
    columns = [each for each in table.c if each.name != "id"]
    rows: dict[int, list[tuple[int, Cells | str]]] = {}
    for row_id, cells in read_rows(tx, table, columns, table.c.statement_id.in_(chunk)):
        owner = None if isinstance(cells, str) else cells["statement_id"]
        for statement_id in [owner] if owner is not None else chunk:
            rows.setdefault(statement_id, []).append((row_id, cells))
    known = _references(tx, chunk)
    uses = _uses(tx, rows.values())
    for statement_id, cells in chunk.items():
        yield from _of_statement(statement_id, cells, known.get(statement_id))
        mine = rows.get(statement_id, [])
        if not any(isinstance(each, str) for _, each in mine):
            yield from _of_rows(statement_id, cells, mine, uses)


def _references(tx: Tx, chunk: Mapping[int, Cells]) -> dict[int, tuple[str, str | None]]:
    query = (
        select(statements.c.id, customers.c.key, invoices.c.reference)
        .join(customers, customers.c.id == statements.c.customer_id)
        .outerjoin(invoices, invoices.c.statement_id == statements.c.id)
        .where(statements.c.id.in_(chunk))
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
    """Tell if a row's columns agree with its data, and its amount is quantity x price."""
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
