"""Closing a month: statements are frozen, what stands in the way is told, finance is mailed (H)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace

from daemon.desk import finance_mail, worklog
from daemon.desk.context import Desk
from daemon.desk.sentences import sentence
from daemon.desk.turn import Turn
from daemon.domain.billing import StatementDraft, draw_statement, first_month
from daemon.domain.periods import Period, month_of
from daemon.domain.register import Customer
from daemon.store import events, holds, inbox, leases, ledger, register, statements, tickets
from daemon.store.outbox import Sent
from daemon.store.session import Tx

_PATIENCE = dt.timedelta(minutes=30)  # for pushes, before finance is mailed without their outcome


@dataclass(frozen=True, slots=True)
class Hindrance:
    """Why a customer's statement waits (H6): a whole sentence that says how to mend it."""

    code: str
    text: str


def cut_of(desk: Desk, month: Period) -> dt.datetime:
    """H1: the end of the month in the desk's zone."""
    midnight = dt.datetime.combine(month.end, dt.time(), tzinfo=desk.zone)
    return midnight.astimezone(dt.UTC)


def reference_of(customer: Customer, month: Period) -> str:
    """I1: the key that makes one statement one invoice."""
    return f"AVT-{customer.key}-{month!s}"


def invoice_language(desk: Desk, customer: Customer) -> str:
    """What a customer's statements and invoices are written in."""
    return customer.invoice_language or customer.language or desk.settings.desk.language


def step(desk: Desk, now: dt.datetime, *, needs_number: bool) -> bool:
    """Close the next month that is due, or release what was held; True where something was done."""
    with desk.store.writing() as tx:
        if not leases.take(tx, "closing"):
            return False
        month = _next_month(tx, desk, now)
    try:
        if month is not None:
            return _close(desk, month, now, needs_number=needs_number)
        return _release_held(desk, now, needs_number=needs_number)
    finally:
        with desk.store.writing() as tx:
            leases.give_back(tx, "closing")


def _next_month(tx: Tx, desk: Desk, now: dt.datetime) -> Period | None:
    """The next month to close, if its end and the delay have passed; months close in order (H1)."""
    last = statements.last_closed(tx)
    month = Period.parse(last).following() if last else earliest_month(tx, desk)
    if month is None or cut_of(desk, month) + desk.settings.accounting.close_delay > now:
        return None
    return month


def earliest_month(tx: Tx, desk: Desk) -> Period | None:
    """H1: the first month that any customer is billed for."""
    found = [first_month_of(tx, desk, customer) for customer in register.customers(tx, ended=True)]
    return min((month for month in found if month is not None), default=None)


def first_month_of(tx: Tx, desk: Desk, customer: Customer) -> Period | None:
    """H1: the first month that a customer is billed for; None where there is nothing to bill."""
    versions = register.versions_of(tx, customer.id)
    worked = ledger.earliest(tx, [customer.id]).get(customer.id)
    if not versions and worked is None:
        return None
    setting, go_live = desk.settings.accounting.first_month, desk.settings.desk.go_live
    day = desk.calendar.day_of(go_live) if go_live else None
    if setting is not None or day is not None:
        return first_month(setting, day, versions, ())
    days = [v.starts for v in versions if not v.withdrawn] + ([worked] if worked else [])
    return month_of(min(days)) if days else None


# --- one customer's month ---------------------------------------------------------------------


def draft(
    tx: Tx, desk: Desk, customer: Customer, month: Period, before: dt.datetime
) -> StatementDraft:
    """The statement of a month from what was received before an instant; also a preview (H2–H5)."""
    reckoned = worklog.reckoning(tx, desk, customer.id, before)
    numbers = tickets.numbers(tx, {draw.entry.ticket for draw in reckoned.draws})
    named = tuple(
        replace(draw, entry=replace(draw.entry, ticket=numbers[draw.entry.ticket]))
        for draw in reckoned.draws
    )
    return draw_statement(
        month,
        register.versions_of(tx, customer.id),
        replace(reckoned, draws=named),
        statements.billed(tx, customer.id),
        overage=desk.settings.accounting.overage,
        first=first_month_of(tx, desk, customer),
    )


def hindrances(
    tx: Tx, desk: Desk, customer: Customer, month: Period, drawn: StatementDraft, *,
    needs_number: bool,
) -> list[Hindrance]:  # fmt: skip
    """H6: what stops this customer's statement, and how to mend it."""
    language = desk.settings.desk.language
    found = []
    for row in holds.held_time(tx, month.end):
        if row.customer_id == customer.id:
            ticket = tickets.by_id(tx, row.ticket_id)
            minutes, person = row.data["minutes"], register.person(tx, row.person_id)
            text = sentence(
                "held_time", language, minutes=minutes, day=row.worked_on, ticket=ticket.number,
                name=person.name if person else "?", reason=row.reason,
            )  # fmt: skip
            found.append(Hindrance("held_time", text))
    if needs_number and drawn.net and not customer.accounting_number:
        found.append(Hindrance("no_number", sentence("no_number", language, key=customer.key)))
    return found


def _close(desk: Desk, month: Period, now: dt.datetime, *, needs_number: bool) -> bool:
    """Freeze every customer's statement of a month, then note the month as closed."""
    cut = cut_of(desk, month)
    with desk.store.reading() as tx:
        if inbox.unprocessed_before(tx, cut):
            return False  # H1: it waits until all that was received before is acted on
        customers = register.customers(tx, ended=True)
        frozen = statements.frozen_in(tx, str(month))
        waiting = {i for row in statements.closing_rows(tx) for i in row.held}
    held = set()
    for customer in customers:
        if customer.id not in frozen and not _settle(
            desk, customer, month, now, needs_number=needs_number, blocked=customer.id in waiting
        ):
            held.add(customer.id)
    with desk.store.writing() as tx:
        statements.close(tx, str(month), now, held)
        events.record(
            tx, at=now, kind="month-closed", actor="avtald", cause="clock",
            data={"month": str(month), "held": sorted(held)},
        )  # fmt: skip
    return True


def _settle(
    desk: Desk, customer: Customer, month: Period, now: dt.datetime, *,
    needs_number: bool, blocked: bool,
) -> bool:  # fmt: skip
    """Freeze one customer's statement; False where something stops it (H6)."""
    with desk.store.writing() as tx:
        first = first_month_of(tx, desk, customer)
        if first is None or month < first:
            return True
        if blocked:
            return False  # an earlier month of this customer waits: months close in order (H1)
        drawn = draft(tx, desk, customer, month, cut_of(desk, month))
        if hindrances(tx, desk, customer, month, drawn, needs_number=needs_number):
            return False
        _freeze(tx, desk, customer, drawn, now)
    return True


def _freeze(
    tx: Tx, desk: Desk, customer: Customer, drawn: StatementDraft, now: dt.datetime
) -> None:
    reference = reference_of(customer, drawn.month)
    state = "approval" if desk.settings.accounting.approval == "finance" else "waiting"
    state = state if drawn.net else "nothing"  # H5: a net of 0.00 makes no invoice
    frozen = statements.freeze(
        tx, drawn, customer_id=customer.id, reference=reference, at=now, state=state,
        cut=cut_of(desk, drawn.month), language=invoice_language(desk, customer),
    )  # fmt: skip
    if frozen is not None:
        events.record(
            tx, at=now, kind="statement-frozen", actor="avtald", cause="clock",
            customer_id=customer.id, data={"reference": reference, "net": str(drawn.net)},
        )  # fmt: skip


def _release_held(desk: Desk, now: dt.datetime, *, needs_number: bool) -> bool:
    """Freeze what was held once nothing stops it, oldest month first; finance is told."""
    with desk.store.reading() as tx:
        rows = [row for row in statements.closing_rows(tx) if row.held]
        customers = {customer.id: customer for customer in register.customers(tx, ended=True)}
    blocked: set[int] = set()
    released = False
    for row in rows:
        month = Period.parse(row.month)
        free: list[int] = []
        for customer_id in row.held:
            done = _settle(
                desk, customers[customer_id], month, now, needs_number=needs_number,
                blocked=customer_id in blocked,
            )  # fmt: skip
            if done:
                free.append(customer_id)
            else:
                blocked.add(customer_id)
        if free:
            released = True
            _note_released(desk, month, row.held, free, now)
    return released


def _note_released(
    desk: Desk, month: Period, held: Sequence[int], free: Sequence[int], now: dt.datetime
) -> None:
    with desk.store.writing() as tx:
        statements.note_held(tx, str(month), set(held) - set(free))
        if desk.settings.accounting.approval == "finance":
            # Their OK is waited for; without approval the push itself is told (`pushed_late`).
            finance_mail.released(tx, desk, month, free, now)


# --- finance ----------------------------------------------------------------------------------


def mail_step(desk: Desk, now: dt.datetime, *, needs_number: bool) -> bool:
    """H7: mail finance once a close, when its drafts are in accounting (or cannot be, yet)."""
    with desk.store.reading() as tx:
        rows = [row for row in statements.closing_rows(tx) if row.mailed_at is None]
        ready = [
            row
            for row in rows
            if not statements.unsettled(tx, row.month) or now >= row.closed_at + _PATIENCE
        ]
    for row in ready[:1]:
        month = Period.parse(row.month)
        with desk.store.writing() as tx:
            held = held_customers(tx, desk, month, row.held, needs_number=needs_number)
            if statements.note_mailed(tx, row.month, now):
                finance_mail.closed(tx, desk, month, held, now)
    return bool(ready)


def held_customers(
    tx: Tx, desk: Desk, month: Period, held: Sequence[int], *, needs_number: bool
) -> list[tuple[Customer, list[Hindrance]]]:
    """H6: whose statement of a month waits, and why."""
    found = []
    for customer_id in held:
        customer = register.customer(tx, customer_id)
        drawn = draft(tx, desk, customer, month, cut_of(desk, month))
        why = hindrances(tx, desk, customer, month, drawn, needs_number=needs_number)
        earlier = Hindrance("earlier", sentence("earlier_month", desk.settings.desk.language))
        found.append((customer, why or [earlier]))
    return found


def approve(turn: Turn, answered: Sent) -> bool:
    """H7: finance's OK lets the drafts go that the answered mail told of."""
    month = (answered.about or "").partition(":")[2]
    approved = statements.approve(turn.tx, month, answered.created_at)
    turn.record(None, "month-approved", month=month, invoices=approved)
    return True
