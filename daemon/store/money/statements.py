"""Closed months: frozen statements with their rows, and their invoices to come."""

import datetime as dt
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row as SqlRow
from sqlalchemy import and_, func, or_, select, update

from daemon.domain.billing import (
    Billed,
    Row,
    StatementDraft,
    Work,
    as_billed,
    describe_row,
    row_from_json,
    row_to_json,
    stored_hash,
)
from daemon.domain.money import Money, total
from daemon.store import seals
from daemon.store.money.chain import Sealed, seal
from daemon.store.money.invoices import OPEN
from daemon.store.rows import add_all, fact, grouped, insert, keep_fact, pieces, record
from daemon.store.schema.tables import (
    closings,
    customers,
    events,
    invoices,
    statement_rows,
    statements,
    tickets,
)
from daemon.store.session import Tx

Stored = Mapping[str, Any]  # a row as `row_to_json` wrote it


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen statement (H5), with the state of its invoice (I1)."""

    id: int
    customer_id: int
    customer_key: str
    month: str
    reference: str
    frozen_at: dt.datetime
    net: Money
    left_out: Money  # credits still due, for the net would be negative (H5)
    hash: str
    state: str
    number: str | None
    link: str | None
    fault: str | None
    remedy: str | None
    condition: Mapping[str, Any] | None = None  # of the invoice, at the last look (I4)
    before_first: int = 0  # minutes of overage worked before the first month: never billed (H1)
    stray: int = 0  # minutes of adjustments on a date without a bank


# --- statements -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Freezing:
    """A statement to be frozen, with minutes told to finance and billed to nobody."""

    customer_id: int
    reference: str
    language: str
    drawn: StatementDraft
    state: str  # of the invoice to come
    stray: int = 0


def freeze(
    tx: Tx, asked: Sequence[Freezing], *, at: dt.datetime, cut: dt.datetime
) -> list[Freezing]:
    """Freeze months of customers, with their invoices to come; gives the newly frozen.

    A statement that another process froze first stays as it is (H5).
    """
    if not asked:
        return []
    stored = {one.customer_id: [row_to_json(row) for row in one.drawn.rows] for one in asked}
    values = {one.customer_id: _statement(one, stored[one.customer_id], at, cut) for one in asked}
    new = insert(tx, statements).on_conflict_do_nothing()  # by its month, or by its reference
    new = new.returning(statements.c.id, statements.c.customer_id)
    ids = {row.customer_id: row.id for row in tx.execute(new, list(values.values()))}
    frozen = [one for one in asked if one.customer_id in ids]
    sealed = [Sealed("statement", ids[c], values[c]) for c in (f.customer_id for f in frozen)]
    seal(tx, [*sealed, *_add_rows(tx, ids, frozen, stored)])
    if frozen:
        tx.execute(invoices.insert(), [_invoice(one, ids[one.customer_id]) for one in frozen])
    for some in pieces(ids.values()):
        mine = select(invoices.c.id).where(invoices.c.statement_id.in_(some))
        seals.changed(tx, "invoice", tx.scalars(mine).all())
    return frozen


def _invoice(frozen: Freezing, statement_id: int) -> dict[str, Any]:
    return {"statement_id": statement_id, "reference": frozen.reference, "state": frozen.state}


def _statement(
    asked: Freezing, stored: Sequence[Stored], at: dt.datetime, cut: dt.datetime
) -> dict[str, Any]:
    drawn = asked.drawn
    return {
        "customer_id": asked.customer_id,
        "month": str(drawn.month),
        "reference": asked.reference,
        "frozen_at": at,
        "cut_at": cut,
        "net_ore": drawn.net.ore,
        "hash": stored_hash(stored, asked.reference),
        "left_out_ore": total(row.amount for row in drawn.left_out if row.amount).ore,
        "before_first": drawn.before_first,
        "stray": asked.stray,
    }


def _add_rows(
    tx: Tx,
    ids: Mapping[int, int],
    frozen: Sequence[Freezing],
    stored: Mapping[int, Sequence[Stored]],
) -> list[Sealed]:
    rows = [
        {"statement_id": ids[one.customer_id], "ordinal": ordinal} | _row(row, data, one.language)
        for one in frozen
        for ordinal, (row, data) in enumerate(
            zip(one.drawn.rows, stored[one.customer_id], strict=True), start=1
        )
    ]
    if not rows:
        return []
    numbers = _row_ids(tx, len(rows))
    sealed = [Sealed("row", number, row) for number, row in zip(numbers, rows, strict=True)]
    add_all(tx, statement_rows, [{"id": row.row_id, **row.content} for row in sealed])
    return sealed


def _row_ids(tx: Tx, count: int) -> list[int]:
    """Ids for new rows, taken beforehand: a close writes many, and RETURNING is slow for many."""
    table = statement_rows
    if tx.dialect.name == "postgresql":
        sequence = func.nextval(func.pg_get_serial_sequence(table.name, "id"))
        query = select(sequence).select_from(func.generate_series(1, count).alias("number"))
        return list(tx.scalars(query))
    last = tx.scalar(select(func.coalesce(func.max(table.c.id), 0))) or 0  # under the write lock
    return list(range(last + 1, last + 1 + count))


def _row(row: Row, data: Stored, language: str) -> dict[str, Any]:
    amount = row.amount
    return {
        "kind": row.kind,
        "period": row.period,
        "version_id": row.version,
        "rate_ore": row.rate.ore if row.rate else None,
        "quantity": None if row.quantity is None else int(row.quantity * 100),
        "price_ore": row.price.ore if row.price is not None else None,
        "amount_ore": amount.ore if amount is not None else None,
        "data": data,
        "description": describe_row(row, language),
    }


def printed_rows(tx: Tx, statement_id: int) -> list[tuple[Row, str]]:
    """A statement's frozen rows with their texts (H5)."""
    return printed(tx, [statement_id]).get(statement_id, [])


def printed(
    tx: Tx, statement_ids: Sequence[int], kinds: Sequence[str] = ("fee", "overage", "text")
) -> dict[int, list[tuple[Row, str]]]:
    """The same of many statements, by statement; of some kinds of rows if they are named."""
    of = statement_rows.c
    rows: dict[int, list[tuple[Row, str]]] = {}
    for ids in pieces(statement_ids):
        query = (
            select(of.statement_id, of.data, of.description)
            .where(of.statement_id.in_(ids), of.kind.in_(kinds))
            .order_by(of.statement_id, of.ordinal)
        )
        rows |= grouped(
            (row.statement_id, (row_from_json(row.data), row.description))
            for row in tx.execute(query)
        )
    return rows


def subjects(tx: Tx, numbers: Iterable[int]) -> dict[int, str]:
    """The subjects of tickets by number, for a specification."""
    by_number: dict[int, str] = {}
    for some in pieces(numbers):
        query = select(tickets.c.number, tickets.c.subject).where(tickets.c.number.in_(some))
        by_number |= {row.number: row.subject for row in tx.execute(query)}
    return by_number


def listed_before(tx: Tx, customer_id: int, month: str) -> dict[int, Work]:
    """The entries listed by a customer's statements before a month, in their last form."""
    of = statement_rows.c
    query = (
        select(of.data)
        .join_from(statement_rows, statements)
        .where(
            statements.c.customer_id == customer_id, statements.c.month < month, of.kind == "text"
        )
        .order_by(statements.c.month, of.ordinal)
    )
    works = (row_from_json(data).work for data in tx.scalars(query))
    return {work.entry: work for work in works if work is not None}


def told_before(tx: Tx, month: str) -> dict[int, tuple[int, int]]:
    """By customer: the unbilled minutes told by the last statement before a month."""
    of = statements.c
    query = select(of.customer_id, of.before_first, of.stray).where(of.month < month)
    rows = tx.execute(query.order_by(of.month))
    return {row.customer_id: (row.before_first, row.stray) for row in rows}


def rows_of(tx: Tx, statement_id: int) -> tuple[Row, ...]:
    """A statement's frozen rows."""
    return tuple(row for row, _ in printed_rows(tx, statement_id))


def billed(tx: Tx, customer_ids: Sequence[int]) -> dict[int, list[Billed]]:
    """The rows of earlier statements, by customer (H3)."""
    query = (
        select(statements.c.customer_id, statement_rows.c.data)
        .join(statements)
        .where(statements.c.customer_id.in_(customer_ids))
        .order_by(statements.c.month, statement_rows.c.ordinal)
    )
    rows = tx.execute(query)
    return grouped((customer_id, as_billed(row_from_json(data))) for customer_id, data in rows)


def listing(tx: Tx, *, month: str | None = None, customer_id: int | None = None) -> list[Frozen]:
    """Frozen statements, by month and customer."""
    query = _query()
    if month is not None:
        query = query.where(statements.c.month == month)
    if customer_id is not None:
        query = query.where(statements.c.customer_id == customer_id)
    return [_frozen(row) for row in tx.execute(query)]


def by_id(tx: Tx, statement_id: int) -> Frozen:
    """The statement with this id; it must exist."""
    return _frozen(tx.execute(_query().where(statements.c.id == statement_id)).one())


def news_since(tx: Tx, month: str, since: dt.datetime) -> list[Frozen]:
    """Statements of a month with an invoice in a fault, or pushed after an instant."""
    news = or_(invoices.c.pushed_at > since, invoices.c.state == "fault")
    rows = tx.execute(_query().where(statements.c.month == month, news))
    return [_frozen(row) for row in rows]


_OF_INVOICE = ("state", "number", "link", "fault", "remedy", "condition")


def _query() -> Any:
    return (
        select(
            statements,
            customers.c.key.label("customer_key"),
            *(invoices.c[name] for name in _OF_INVOICE),
        )
        .join(customers, customers.c.id == statements.c.customer_id)
        .join(invoices, invoices.c.statement_id == statements.c.id)
        .order_by(statements.c.month, customers.c.key)
    )


def _frozen(row: Any) -> Frozen:
    return record(Frozen, row, net=Money(row.net_ore), left_out=Money(row.left_out_ore))


def months_of(tx: Tx, customer_ids: Sequence[int]) -> dict[int, set[str]]:
    """The frozen months, by customer."""
    query = select(statements.c.customer_id, statements.c.month)
    months = grouped(tx.execute(query.where(statements.c.customer_id.in_(customer_ids))))
    return {customer_id: set(theirs) for customer_id, theirs in months.items()}


# --- closings ---------------------------------------------------------------------------------


def last_closed(tx: Tx) -> str | None:
    """The latest closed month."""
    latest: str | None = tx.scalar(select(func.max(closings.c.month)))
    return latest


def close(tx: Tx, month: str, at: dt.datetime, held: Iterable[int]) -> bool:
    """Note a month as closed, with the customers whose statement waits (H6); False if it was."""
    values = {"month": month, "closed_at": at, "held": sorted(held)}
    new = insert(tx, closings).values(values).on_conflict_do_nothing()
    return tx.scalar(new.returning(closings.c.month)) is not None


def closing_rows(tx: Tx) -> Sequence[SqlRow[Any]]:
    """Every closed month, in order."""
    return tx.execute(select(closings).order_by(closings.c.month)).all()


def note_held(tx: Tx, month: str, held: Iterable[int]) -> None:
    """Note the customers whose statements of a closed month still wait."""
    tx.execute(update(closings).where(closings.c.month == month).values(held=sorted(held)))


def note_mailed(tx: Tx, month: str, at: dt.datetime) -> bool:
    """Note finance's mail about a close; False if it was noted before."""
    mine = and_(closings.c.month == month, closings.c.mailed_at.is_(None))
    return bool(tx.execute(update(closings).where(mine).values(mailed_at=at)).rowcount)


_RELEASED = "released"  # by month, the customers with a statement after finance's mail


def released(tx: Tx) -> dict[str, list[int]]:
    """By month, the customers with a statement frozen late, while finance has not been told."""
    by_month: dict[str, list[int]] = json.loads(fact(tx, _RELEASED) or "{}")
    return by_month


def note_released(tx: Tx, month: str, customer_ids: Iterable[int]) -> None:
    """Remember to tell finance of customers whose statement of a month waits no more."""
    before = released(tx)
    before[month] = sorted({*before.get(month, ()), *customer_ids})
    keep_fact(tx, _RELEASED, json.dumps(before))


def note_told(tx: Tx, month: str, customer_ids: Iterable[int]) -> bool:
    """Forget these customers: finance is told; False if another process has told it."""
    before = released(tx)
    told = set(customer_ids) & set(before.get(month, ()))
    left = set(before.pop(month, ())) - told
    if told:
        keep_fact(tx, _RELEASED, json.dumps(before | ({month: sorted(left)} if left else {})))
    return bool(told)


# --- their invoices (the rest is in invoices.py) -----------------------------------------------


def approve(tx: Tx, statement_ids: Iterable[int]) -> set[int]:
    """Let invoices go that wait for finance's word (H7); gives the statements of those let go."""
    let_go: set[int] = set()
    for ids in pieces(statement_ids):
        waiting = and_(invoices.c.state == "approval", invoices.c.statement_id.in_(ids))
        going = update(invoices).where(waiting).values(state="waiting")
        rows = tx.execute(going.returning(invoices.c.statement_id, invoices.c.id)).all()
        let_go.update(row.statement_id for row in rows)
        seals.changed(tx, "invoice", [row.id for row in rows])
    return let_go


APPROVED = "invoice-approved"  # K1: an event for each draft


@dataclass(frozen=True, slots=True)
class Approver:
    """The person or program behind an approval, and its time."""

    actor: str
    at: dt.datetime


def approvers(tx: Tx, frozen: Sequence[Frozen]) -> dict[str, Approver]:
    """Who approved the drafts of statements (H7), by reference."""
    wanted = {each.reference for each in frozen}
    by_reference: dict[str, Approver] = {}
    for ids in pieces(each.customer_id for each in frozen):
        query = select(events.c.actor, events.c.at, events.c.data).where(
            events.c.customer_id.in_(ids), events.c.ticket_id.is_(None), events.c.kind == APPROVED
        )
        for row in tx.execute(query.order_by(events.c.id)):
            if row.data["reference"] in wanted:
                by_reference[row.data["reference"]] = Approver(row.actor, row.at)
    return by_reference


def unsettled(tx: Tx, month: str) -> int:
    """The number of a month's invoices that may still be pushed without a person's act."""
    query = (
        select(func.count())
        .select_from(invoices)
        .join(statements)
        .where(statements.c.month == month, invoices.c.state.in_(OPEN))
    )
    return tx.scalar(query) or 0
