"""Invoices: their pushing, their answers, and their state in accounting (I)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Row, and_, case, or_, select, update

from daemon.store import leases, seals
from daemon.store.rows import record
from daemon.store.schema.tables import closings, customers, invoices, statements
from daemon.store.session import Tx

OPEN = ("waiting", "intent", "unclear")  # on its way without a person's act
_TRIED = (*OPEN, "fault")  # a fault is tried again when its time comes

# Longer than the slowest creation: four attempts, each with its turn, its token and its time-out.
# A dead process of this machine is noticed at once; this is for dead machines.
INTENT_LEASE = dt.timedelta(minutes=30)
_A_WAIT = "a wait"  # no process: nobody works on it before the lease runs out


@dataclass(frozen=True, slots=True)
class Waiting:
    """An invoice for this process to push (I1)."""

    id: int
    statement_id: int
    customer_id: int
    month: str
    reference: str
    state: str  # waiting, intent, unclear, fault
    intent_at: dt.datetime | None  # of a request with an unknown outcome
    attempts: int
    lookups: int

    @property
    def is_unclear(self) -> bool:
        """True if the outcome of a request is unknown: nothing may be sent yet (I1)."""
        return self.intent_at is not None


# --- pushing ----------------------------------------------------------------------------------


def _is_due(now: dt.datetime) -> Any:
    in_time = or_(invoices.c.next_at.is_(None), invoices.c.next_at <= now)
    return and_(invoices.c.state.in_(_TRIED), in_time, leases.is_free(invoices))


def due(tx: Tx, now: dt.datetime) -> list[tuple[int, bool]]:
    """Statements with a due invoice and nobody at work on it, with True for an unclear one."""
    leases.free_dead(tx, invoices, invoices.c.state.in_(_TRIED))
    query = select(invoices.c.statement_id, invoices.c.intent_at).where(_is_due(now))
    rows = tx.execute(query.order_by(invoices.c.reference))
    return [(row.statement_id, row.intent_at is not None) for row in rows]


def claim(tx: Tx, now: dt.datetime) -> Waiting | None:
    """Take one due invoice; unclear ones come first, for their look-ups have fixed times."""
    unclear_first = case((invoices.c.intent_at.is_not(None), 0), else_=1)
    chosen = tx.scalar(
        select(invoices.c.id)
        .where(_is_due(now))
        .order_by(unclear_first, invoices.c.reference)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if chosen is None:
        return None
    tx.execute(update(invoices).where(invoices.c.id == chosen).values(leases.taken()))
    row = tx.execute(
        select(invoices, statements.c.customer_id, statements.c.month)
        .join(statements)
        .where(invoices.c.id == chosen)
    ).one()
    return record(Waiting, row)


def intend(tx: Tx, waiting: Waiting, now: dt.datetime) -> Waiting | None:
    """Note that a request is about to leave (I1); None if another process has taken over."""
    values: dict[str, Any] = {
        "state": "intent",
        "intent_at": now,
        "lookups": 0,
        "attempts": waiting.attempts + 1,
    }
    if not _change(tx, waiting, values | leases.taken(INTENT_LEASE)):
        return None
    return replace(waiting, **values)


def settle(
    tx: Tx, waiting: Waiting, *, quiet: dt.timedelta = dt.timedelta(0), **values: Any
) -> bool:
    """Note the new state of a claimed invoice; False if another process has taken it over.

    `quiet` keeps everybody away so long by the machine's own clock, even if time is played.
    """
    freed = dict(leases.FREED)
    if quiet:
        freed = {"lease_owner": _A_WAIT, "lease_until": leases.wall() + quiet}
    return _change(tx, waiting, values | freed)


def _change(tx: Tx, waiting: Waiting, values: Mapping[str, Any]) -> bool:
    """Change an invoice only as it was claimed: a later claim has another count of attempts."""
    mine = and_(
        invoices.c.id == waiting.id,
        invoices.c.lease_owner == leases.owner(),
        invoices.c.attempts == waiting.attempts,
        invoices.c.state == waiting.state,
        invoices.c.lookups == waiting.lookups,
    )
    seals.changed(tx, "invoice", [waiting.id])
    return bool(tx.execute(update(invoices).where(mine).values(**values)).rowcount)


def postpone(tx: Tx, until: dt.datetime) -> None:
    """I5: nothing new is tried before that instant; look-ups keep their own times."""
    waits = and_(invoices.c.state.in_(["waiting", "fault"]), invoices.c.intent_at.is_(None))
    sooner = or_(invoices.c.next_at.is_(None), invoices.c.next_at < until)
    tx.execute(update(invoices).where(waits, sooner).values(next_at=until))


def hurry(tx: Tx) -> int:
    """Let waiting and failed invoices be tried at once (`avtald invoices push`)."""
    waits = invoices.c.state.in_(["waiting", "fault"])
    return tx.execute(update(invoices).where(waits).values(next_at=None)).rowcount


# --- the specification beside the invoice -----------------------------------------------------


def claim_attaching(tx: Tx) -> tuple[int, str] | None:
    """One statement whose specification nobody tried to attach, with the invoice's number.

    It is noted as not attached before the attempt: a kill costs the attachment, and never doubles
    it.
    """
    row = tx.execute(
        select(invoices.c.id, invoices.c.statement_id, invoices.c.number)
        .where(_to_attach())
        .order_by(invoices.c.reference)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is None:
        return None
    tx.execute(update(invoices).where(invoices.c.id == row.id).values(attached=False))
    return row.statement_id, row.number


def _to_attach() -> Any:
    return and_(
        invoices.c.state == "pushed", invoices.c.attached.is_(None), invoices.c.number.is_not(None)
    )


def note_attached(tx: Tx, statement_id: int, *, attached: bool | None) -> None:
    """Note if the specification stands beside the invoice; None: to be tried again."""
    one = invoices.c.statement_id == statement_id
    tx.execute(update(invoices).where(one).values(attached=attached))


def attach_none(tx: Tx) -> None:
    """The system takes no attachments: the waiting ones go with the mail alone."""
    tx.execute(update(invoices).where(_to_attach()).values(attached=False))


# --- how they stand in accounting (I4) --------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Pushed:
    """An invoice in accounting: its state there at the last look, and the fault told to finance."""

    id: int
    statement_id: int
    customer_id: int
    reference: str
    number: str
    pushed_at: dt.datetime
    fault: str | None  # the differences at once (I3)
    condition: dict[str, Any] | None


def pushed(tx: Tx, before: dt.datetime) -> list[Pushed]:
    """Every invoice in accounting by that instant."""
    query = (
        select(invoices, statements.c.customer_id)
        .join(statements)
        .where(
            invoices.c.state == "pushed",
            invoices.c.number.is_not(None),
            invoices.c.pushed_at <= before,
        )
        .order_by(invoices.c.reference)
    )
    return [record(Pushed, row) for row in tx.execute(query)]


def note_condition(tx: Tx, invoice_id: int, condition: Mapping[str, Any]) -> None:
    """Keep the state of an invoice at the last look."""
    one = invoices.c.id == invoice_id
    tx.execute(update(invoices).where(one).values(condition=dict(condition)))


def listing(tx: Tx) -> Sequence[Row[Any]]:
    """Every invoice, made or to come; a statement of 0.00 has none (H5)."""
    query = (
        select(
            invoices,
            statements.c.month,
            statements.c.net_ore,
            customers.c.key.label("customer_key"),
        )
        .join(statements, statements.c.id == invoices.c.statement_id)
        .join(customers, customers.c.id == statements.c.customer_id)
        .where(invoices.c.state != "nothing")
        .order_by(statements.c.month, customers.c.key)
    )
    return tx.execute(query).all()


# --- news for finance -------------------------------------------------------------------------


def news(tx: Tx) -> dict[str, tuple[dt.datetime, list[str]]]:
    """Invoices pushed or failed after finance's mail about their month (H7), by month."""
    since = or_(invoices.c.pushed_at > closings.c.mailed_at, invoices.c.state == "fault")
    query = (
        select(
            closings.c.month,
            closings.c.mailed_at,
            invoices.c.reference,
            invoices.c.state,
            invoices.c.number,
        )
        .join(statements, statements.c.month == closings.c.month)
        .join(invoices, invoices.c.statement_id == statements.c.id)
        .where(closings.c.mailed_at.is_not(None), since)
        .order_by(closings.c.month, invoices.c.reference)
    )
    by_month: dict[str, tuple[dt.datetime, list[str]]] = {}
    for row in tx.execute(query):
        told = by_month.setdefault(row.month, (row.mailed_at, []))[1]
        told.append(f"{row.reference}:{row.state}:{row.number}")
    return by_month
