"""The facts behind a statement, loaded for many customers at once (H1–H3)."""

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import structlog

from daemon.desk.context import Desk
from daemon.domain import time_bank
from daemon.domain.agreement import Version
from daemon.domain.billing import Billed, StatementDraft, draw_statement, first_month
from daemon.domain.periods import Period
from daemon.domain.register import Customer
from daemon.domain.time_bank import Adjustment, Entry
from daemon.store.money import ledger, register, statements
from daemon.store.session import Tx
from daemon.store.tickets import events

log = structlog.get_logger("avtald.closing")


@dataclass(frozen=True, slots=True)
class StatementFacts:
    """One customer's history, as known at one instant."""

    customer: Customer
    first: Period | None  # the first month it is billed for (H1); None: there is nothing to bill
    versions: tuple[Version, ...]
    entries: tuple[Entry, ...]  # `ticket` is the number that people know
    adjustments: tuple[Adjustment, ...]
    billed: tuple[Billed, ...]
    frozen: frozenset[str]  # the months that are frozen


@dataclass(frozen=True, slots=True)
class DrawnStatement:
    """A statement as drawn, and the minutes that nobody is billed and finance hears of."""

    draft: StatementDraft
    stray: int  # minutes of adjustments whose date has no bank


def versions_of(
    tx: Tx, desk: Desk, customers: Sequence[Customer]
) -> Mapping[int, tuple[Version, ...]]:
    """Agreements as they hold: those of a customer that has ended run to the day it did (F2)."""
    agreed = register.versions_of_many(tx, [customer.id for customer in customers])
    gone = [customer.id for customer in customers if not customer.active]
    ended = events.latest(tx, "customer_ended", gone) if gone else {}
    return agreed | {
        customer_id: tuple(
            _ended(each, desk.calendar.day_of(ended[customer_id]) if customer_id in ended else None)
            for each in agreed.get(customer_id, ())
        )
        for customer_id in gone
    }


def _ended(version: Version, day: dt.date | None) -> Version:
    if day is None or version.starts > day:
        return replace(version, withdrawn=True)
    return replace(version, until=min(day, version.until or day))


def first_months(tx: Tx, desk: Desk, customers: Sequence[Customer]) -> Mapping[int, Period]:
    """H1: the first billed month of each customer; a customer without any is left out."""
    frozen = statements.months_of(tx, [customer.id for customer in customers])
    return _first_months(tx, desk, versions_of(tx, desk, customers), frozen, customers)


def first_month_of(tx: Tx, desk: Desk, customer: Customer) -> Period | None:
    """H1: the first billed month of a customer; None where there is nothing to bill."""
    return first_months(tx, desk, [customer]).get(customer.id)


def _first_months(
    tx: Tx,
    desk: Desk,
    versions: Mapping[int, tuple[Version, ...]],
    frozen: Mapping[int, Collection[str]],
    customers: Sequence[Customer],
) -> Mapping[int, Period]:
    setting, go_live = desk.settings.accounting.first_month, desk.settings.desk.go_live
    day = desk.calendar.day_of(go_live) if go_live else None
    worked = ledger.earliest(tx, [customer.id for customer in customers])
    months = {}
    for key in (customer.id for customer in customers):
        dates = [Period.parse(month).start for month in frozen.get(key, ())]
        dates += [worked[key]] if key in worked else []
        months[key] = first_month(setting, day, versions.get(key, ()), dates)
    return {key: month for key, month in months.items() if month}


def load_facts(
    tx: Tx, desk: Desk, customers: Sequence[Customer], before: dt.datetime
) -> dict[int, StatementFacts]:
    """The facts for these customers' statements, as seen before an instant (H1)."""
    ids = [customer.id for customer in customers]
    versions = versions_of(tx, desk, customers)
    frozen = statements.months_of(tx, ids)
    first = _first_months(tx, desk, versions, frozen, customers)
    histories = ledger.histories(tx, ids, before, numbered=True)
    billed = statements.billed(tx, ids)
    return {
        customer.id: StatementFacts(
            customer,
            first.get(customer.id),
            versions.get(customer.id, ()),
            tuple(histories[customer.id][0]),
            tuple(histories[customer.id][1]),
            tuple(billed.get(customer.id, ())),
            frozenset(frozen.get(customer.id, ())),
        )
        for customer in customers
    }


def _draw(desk: Desk, facts: StatementFacts, month: Period) -> DrawnStatement:
    """The statement of a month, drawn from the facts (H2–H5)."""
    reckoned = time_bank.reckon(facts.versions, facts.entries, facts.adjustments, desk.none_terms)
    draft = draw_statement(
        month,
        facts.versions,
        reckoned,
        facts.billed,
        overage=desk.settings.accounting.overage,
        first=facts.first or month,
    )
    return DrawnStatement(draft, sum(abs(each.minutes) for each in reckoned.stray))


def try_to_draw(desk: Desk, facts: StatementFacts, month: Period) -> DrawnStatement | None:
    """The statement of a month; None from bad data: one customer never stops the others."""
    try:
        return _draw(desk, facts, month)
    except Exception:
        log.exception("cannot draw", customer=facts.customer.key, month=str(month))
        return None


def draft_before(
    tx: Tx, desk: Desk, customer: Customer, month: Period, before: dt.datetime
) -> StatementDraft:
    """One customer's statement of a month, from all received before an instant (H2–H5)."""
    return _draw(desk, load_facts(tx, desk, [customer], before)[customer.id], month).draft


def cut_of(desk: Desk, month: Period) -> dt.datetime:
    """H1: the end of the month in the desk's zone."""
    return desk.calendar.midnight(month.end).astimezone(dt.UTC)


def invoice_language(desk: Desk, customer: Customer) -> str:
    """The language of a customer's statements and invoices."""
    return customer.invoice_language or customer.language or desk.language
