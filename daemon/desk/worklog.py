"""Booking the time that engineers write: entries, corrections, what is held, what is undone."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from daemon.desk.context import Desk
from daemon.desk.letters import Booked, Refused
from daemon.desk.sentences import sentence
from daemon.domain import time_bank
from daemon.domain.agreement import in_force
from daemon.domain.periods import Period
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store import events, holds, ledger, register
from daemon.store.ledger import Booking
from daemon.store.session import Tx
from parsers.tags import Tag, WorkedTime


@dataclass(frozen=True, slots=True)
class Source:
    """The message whose tags are booked: who wrote it, when it came, what it answers."""

    inbox_id: int
    received_at: dt.datetime
    person: Person
    receipt_of: int | None = None  # it replies to the receipt of this message
    confirmed: bool = False  # an OK with proof: what was held is booked (C11)


@dataclass(frozen=True, slots=True)
class Bank:
    """A bank as a receipt shows it: before, after, which period (C14)."""

    period: Period | None
    left: int
    overage: int


def book(
    tx: Tx, desk: Desk, source: Source, ticket: Ticket, tags: Sequence[tuple[int, Tag]]
) -> tuple[list[Booked], list[Refused]]:
    """Book the time tags of one message on a ticket, in their order; (C9–C12, G1, G4, G5)."""
    booked: list[Booked] = []
    refused: list[Refused] = []
    for ordinal, tag in tags:
        outcome = _book_one(tx, desk, source, ticket, ordinal, tag)
        (booked if isinstance(outcome, Booked) else refused).append(outcome)  # type: ignore[arg-type]
    return booked, refused


def _book_one(
    tx: Tx, desk: Desk, source: Source, ticket: Ticket, ordinal: int, tag: Tag
) -> Booked | Refused:
    work = tag.time
    if work is None or work.minutes == 0:
        return Refused(tag.raw, tag.error or "bad_amount")
    worked_on = worked_date(desk, source.received_at, work)
    if worked_on > desk.calendar.day_of(source.received_at):
        return Refused(tag.raw, "future_date")
    if work.minutes < 0:
        return _correct(tx, desk, source, ticket, ordinal, tag)
    doubt = None if source.confirmed else _doubt(tx, desk, source, worked_on, work.minutes)
    if doubt is not None:
        return _hold(tx, desk, source, ticket, ordinal, tag, worked_on, doubt)
    return _enter(tx, desk, source, ticket, ordinal, work, worked_on)


def worked_date(desk: Desk, received_at: dt.datetime, work: WorkedTime) -> dt.date:
    """C11: the date written, else the receipt date in the desk's zone (less `igår`)."""
    if work.date is not None:
        return work.date
    return desk.calendar.day_of(received_at) - dt.timedelta(days=work.days_back or 0)


def _doubt(tx: Tx, desk: Desk, source: Source, worked_on: dt.date, minutes: int) -> str | None:
    """C11: why an entry waits for the engineer's OK; None where it is booked at once."""
    limits, language = desk.settings.worklog, desk.settings.desk.language
    if minutes > limits.tag_hours * 60:
        return sentence("held_long", language, hours=limits.tag_hours)
    day = ledger.minutes_of_day(tx, source.person.id, worked_on) + minutes
    if day > limits.day_hours * 60:
        return sentence("held_day", language, hours=limits.day_hours)
    if (desk.calendar.day_of(source.received_at) - worked_on).days > limits.days_back:
        return sentence("held_old", language, days=limits.days_back)
    return None


def _hold(
    tx: Tx, desk: Desk, source: Source, ticket: Ticket, ordinal: int, tag: Tag,
    worked_on: dt.date, doubt: str,
) -> Booked:  # fmt: skip
    work = tag.time
    assert work is not None  # noqa: S101  the caller has read it
    holds.hold(
        tx, kind="entry", token=secrets.token_hex(16), inbox_id=source.inbox_id,
        person_id=source.person.id, ticket_id=ticket.id, customer_id=ticket.customer_id,
        worked_on=worked_on, created_at=source.received_at, reason=doubt,
        data={
            "ordinal": ordinal, "minutes": work.minutes, "billable": work.billable,
            "outside": work.outside, "note": work.note,
        },
    )  # fmt: skip
    return Booked(
        ticket.number, customer_name(tx, ticket), worked_on, work.minutes, 0, work.billable, 0, 0,
        work.note, held=doubt,
    )  # fmt: skip


def _enter(
    tx: Tx, desk: Desk, source: Source, ticket: Ticket, ordinal: int, work: WorkedTime,
    worked_on: dt.date,
) -> Booked:  # fmt: skip
    before = bank(tx, desk, ticket.customer_id, worked_on)
    increment = _increment(tx, desk, ticket.customer_id, worked_on)
    billable = time_bank.billable(work.minutes, increment) if work.billable else 0
    ledger.book(
        tx, customer_id=ticket.customer_id, ticket_id=ticket.id, person_id=source.person.id,
        inbox_id=source.inbox_id, ordinal=ordinal, worked_on=worked_on,
        received_at=source.received_at, visible_at=source.received_at, actual=work.minutes,
        billable=billable, increment=increment, counts=work.billable, outside=work.outside,
        cause=f"inbox:{source.inbox_id}", note=work.note,
    )  # fmt: skip
    _record(tx, source, ticket, "time-booked", work.minutes, worked_on)
    return _booked(tx, desk, ticket, worked_on, (work.minutes, billable), before, work)


def _increment(tx: Tx, desk: Desk, customer_id: int | None, day: dt.date) -> int:
    """G5: the increment of the terms in force that day."""
    versions = register.versions_of(tx, customer_id) if customer_id is not None else ()
    version = in_force(versions, day)
    return version.terms.increment if version else desk.none_terms(day).increment


def _booked(
    tx: Tx, desk: Desk, ticket: Ticket, day: dt.date, minutes: tuple[int, int], before: Bank,
    work: WorkedTime,
) -> Booked:  # fmt: skip
    after = bank(tx, desk, ticket.customer_id, day)
    return Booked(
        ticket.number, customer_name(tx, ticket), day, minutes[0], minutes[1], work.billable,
        before.left - after.left, after.overage - before.overage, work.note,
    )  # fmt: skip


def _correct(
    tx: Tx, desk: Desk, source: Source, ticket: Ticket, ordinal: int, tag: Tag
) -> Booked | Refused:
    """G4: a correction lowers what it names, latest first; more than that holds is refused."""
    work = tag.time
    assert work is not None  # noqa: S101  the caller has read it
    named = {each.entry.id: each for each in _named(tx, source, ticket, desk, work)}
    taken = time_bank.correct(
        [each.entry for each in named.values()], -work.minutes, counts=work.billable
    )
    if isinstance(taken, time_bank.Refused):
        return Refused(tag.raw, "more_than_booked")
    days = [named[each.entry].entry.worked_on for each in taken]
    before = bank(tx, desk, ticket.customer_id, days[0])
    for each in taken:
        ledger.reverse(
            tx, named[each.entry], actual=each.actual, billable=each.billable,
            inbox_id=source.inbox_id, ordinal=ordinal, visible_at=source.received_at,
            cause=f"inbox:{source.inbox_id}",
        )  # fmt: skip
    _record(tx, source, ticket, "time-corrected", work.minutes, days[0])
    billable = sum(each.billable for each in taken)
    return _booked(tx, desk, ticket, days[0], (work.minutes, billable), before, work)


def _named(tx: Tx, source: Source, ticket: Ticket, desk: Desk, work: WorkedTime) -> list[Booking]:
    """What a correction names: a date, a receipt's entries, else the engineer's own latest."""
    found = [each for each in ledger.on_ticket(tx, ticket.id) if _is_current(each, ticket)]
    if work.date is not None or work.days_back is not None:
        day = worked_date(desk, source.received_at, work)
        return [each for each in found if each.entry.worked_on == day]
    if source.receipt_of is not None:
        return [each for each in found if each.inbox_id == source.receipt_of]
    return [each for each in found if each.entry.engineer == source.person.id]


def _is_current(booking: Booking, ticket: Ticket) -> bool:
    """Not what was booked for an earlier customer of the ticket (D7)."""
    return booking.customer_id == ticket.customer_id


def undo(tx: Tx, source: Source, inbox_id: int) -> int:
    """Take back all that one message booked and corrected; gives the net minutes taken back."""
    minutes = 0
    for booking in ledger.of_message(tx, inbox_id):
        entry = booking.entry
        if entry.actual or entry.billable:
            minutes += entry.actual
            _take_back(tx, source, booking, -entry.actual, -entry.billable)
    for row in ledger.reversals_of_message(tx, inbox_id):
        booking = ledger.bookings(tx, ledger.is_entry(row.reverses_id))[0]
        minutes += row.actual
        _take_back(tx, source, booking, -row.actual, -row.billable)
    return minutes


def _take_back(tx: Tx, source: Source, booking: Booking, actual: int, billable: int) -> None:
    ledger.reverse(
        tx, booking, actual=actual, billable=billable, inbox_id=source.inbox_id, ordinal=0,
        visible_at=source.received_at, cause=f"undo inbox:{source.inbox_id}",
    )  # fmt: skip


def release(
    tx: Tx, desk: Desk, source: Source, ticket: Ticket, held: Sequence[int]
) -> list[Booked]:
    """C11: book held entries after the engineer's OK, as received when they were written."""
    booked = []
    for hold_id in held:
        row = holds.open_by_id(tx, hold_id)
        if row is None or not holds.settle(
            tx, hold_id, at=source.received_at, by=source.inbox_id, outcome="released"
        ):
            continue
        work = WorkedTime(
            minutes=row.data["minutes"], date=row.worked_on, days_back=None,
            billable=row.data["billable"], outside=row.data["outside"], note=row.data["note"],
        )  # fmt: skip
        original = Source(row.inbox_id, row.created_at, source.person, confirmed=True)
        booked.append(_enter(tx, desk, original, ticket, row.data["ordinal"], work, row.worked_on))
    return booked


def rebook(tx: Tx, desk: Desk, source: Source, ticket: Ticket, customer_id: int) -> None:
    """D7: move a ticket's time to another customer, same worked dates (`[kund: …]`)."""
    for booking in ledger.on_ticket(tx, ticket.id):
        entry = booking.entry
        if booking.customer_id == customer_id or not (entry.actual or entry.billable):
            continue
        increment = _increment(tx, desk, customer_id, entry.worked_on)
        _take_back(tx, source, booking, -entry.actual, -entry.billable)
        ledger.book(
            tx, customer_id=customer_id, ticket_id=ticket.id, person_id=entry.engineer,
            inbox_id=booking.inbox_id, ordinal=entry.ordinal, booking=booking.booking + 1,
            worked_on=entry.worked_on, received_at=entry.received_at,
            visible_at=source.received_at, actual=entry.actual,
            billable=time_bank.billable(entry.actual, increment) if entry.counts else 0,
            increment=increment, counts=entry.counts, outside=entry.outside,
            cause=f"placed inbox:{source.inbox_id}", note=booking.note,
        )  # fmt: skip


def reckoning(
    tx: Tx, desk: Desk, customer_id: int, before: dt.datetime | None = None
) -> time_bank.Reckoning:
    """A customer's whole history, reckoned (G4); as seen before an instant where one is given."""
    return time_bank.reckon(
        register.versions_of(tx, customer_id),
        ledger.of_customer(tx, customer_id, before),
        ledger.adjustments_of(tx, customer_id, before),
        desk.none_terms,
    )


def bank(tx: Tx, desk: Desk, customer_id: int | None, day: dt.date) -> Bank:
    """What the bank of a date's period holds now; nothing for a ticket without customer."""
    if customer_id is None:
        return Bank(None, 0, 0)
    found = time_bank.balance(reckoning(tx, desk, customer_id), day)
    return Bank(found.period, found.remaining, found.overage)


def customer_name(tx: Tx, ticket: Ticket) -> str | None:
    """The name of a ticket's customer."""
    if ticket.customer_id is None:
        return None
    return register.customer(tx, ticket.customer_id).name


def _record(
    tx: Tx, source: Source, ticket: Ticket, kind: str, minutes: int, worked_on: dt.date
) -> None:
    events.record(
        tx, at=source.received_at, kind=kind, actor=source.person.email,
        cause=f"inbox:{source.inbox_id}", ticket_id=ticket.id, customer_id=ticket.customer_id,
        data={"minutes": minutes, "worked_on": worked_on.isoformat()},
    )  # fmt: skip
