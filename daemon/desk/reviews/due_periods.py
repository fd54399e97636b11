"""Due periods: the reports and meetings promised by now, done once and some at a time (J3, J4)."""

import datetime as dt
from collections.abc import Callable, Iterable

import structlog

from daemon.desk.context import Desk
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_office import Alarm
from daemon.desk.outgoing import alarms
from daemon.domain.agreement import Coverage, timeline
from daemon.domain.periods import Period
from daemon.domain.register import Agreement, Customer
from daemon.domain.report_facts import promised_periods
from daemon.store import leases
from daemon.store.mail import inbox
from daemon.store.money import register
from daemon.store.session import StoreError, Tx
from daemon.store.tickets import reports

log = structlog.get_logger("avtald.reports")

_AT_A_TIME = 20
_LATEST = dt.timedelta(days=45)  # an agreement imported late sends no heap of old reports
Done = Callable[[Tx], set[tuple[int, str]]]  # the customers and periods that are done
Act = Callable[[Customer, Period], bool]


def act_on_due(desk: Desk, now: dt.datetime, term: str, done: Done, act: Act) -> bool:
    """Act on every due period of a term; a fault of one customer is told once, and stops no other.

    `term` is the field of the terms that promises it. True where anything was done.
    """
    with desk.store.reading() as tx:
        due = due_periods(tx, desk, now, term, done(tx))
    acted = 0
    for customer, period in due:
        with desk.store.writing() as tx:
            if not leases.take(tx, f"due {term}"):
                break  # another process is at it
        acted += _attempt(desk, now, term, (customer, period), act)
        if acted >= _AT_A_TIME:
            break
    if due:
        with desk.store.writing() as tx:
            leases.give_back(tx, f"due {term}")
    return acted > 0


def due_periods(
    tx: Tx, desk: Desk, now: dt.datetime, term: str, done: set[tuple[int, str]]
) -> list[tuple[Customer, Period]]:
    """The customers and periods due by now, the oldest period first.

    Due when the desk opens for the first time after the period (J3, J4), and when all mail received
    in it has been acted on (H1). Periods that ended before go-live, before the first month, before
    the desk's first event, or long ago are never due.
    """
    today = desk.calendar.day_of(now)
    since = max(_since(tx, desk), today - _LATEST)
    agreements = register.agreements(tx)
    open_ones = [
        (customer, period)
        for customer in register.customers(tx)
        for period in promised_periods(_spans(agreements.get(customer.id, ())), term, since, today)
        if (customer.id, str(period)) not in done
    ]
    ready = {period for period in {each for _, each in open_ones} if _is_due(tx, desk, period, now)}
    due = [(customer, period) for customer, period in open_ones if period in ready]
    return sorted(due, key=lambda each: (each[1].end, each[1].months, each[0].key))


def _spans(agreements: Iterable[Agreement]) -> tuple[Coverage, ...]:
    return timeline([each.version for each in agreements])


def _since(tx: Tx, desk: Desk) -> dt.date:
    first, go_live = desk.settings.accounting.first_month, desk.settings.desk.go_live
    began = reports.first_event(tx)
    days = [first.start] if first else []
    days += [desk.calendar.day_of(each) for each in (go_live, began) if each is not None]
    return max(days, default=dt.date.max - 2 * _LATEST)


def _is_due(tx: Tx, desk: Desk, period: Period, now: dt.datetime) -> bool:
    cut = desk.calendar.midnight(period.end)
    return now >= desk.calendar.next_opening(cut) and not inbox.unprocessed_before(tx, cut)


def _attempt(
    desk: Desk, now: dt.datetime, term: str, wanted: tuple[Customer, Period], act: Act
) -> bool:
    customer, period = wanted
    try:
        return act(customer, period)
    except StoreError:
        raise
    except Exception as error:
        log.exception("failed", term=term, customer=customer.key, period=str(period))
        says = sentence("report_fault", desk.language, customer=customer.key, period=period)
        remedy = sentence("report_fault_remedy", desk.language)
        details = (("", f"{type(error).__name__}: {error}"[:300]),)
        with desk.store.writing() as tx:
            key = f"{term}:{customer.key}:{period}"
            alarms.raise_alarm(tx, desk, key, Alarm(says, remedy, details), now)
        return False
