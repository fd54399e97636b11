"""Booking the time that engineers write: entries, corrections, what is held, what is undone."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

from daemon.desk.context import Desk
from daemon.desk.hours import balances
from daemon.desk.hours.balances import Bank, Drawn
from daemon.desk.letters.records import Booked, Refused
from daemon.desk.letters.sentences import sentence
from daemon.domain import time_bank
from daemon.domain.agreement import in_force
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.money import ledger, register
from daemon.store.money.ledger import Booking
from daemon.store.session import Tx
from daemon.store.tickets import events, holds
from parsers.tags import Tag, WorkedTime


@dataclass(frozen=True, slots=True)
class Source:
    """The message whose tags are booked: who wrote it, when it came, what it answers."""

    tx: Tx
    desk: Desk
    person: Person
    inbox_id: int
    received_at: dt.datetime
    receipt_of: int | None = None  # it replies to the receipt of this message

    @property
    def day(self) -> dt.date:
        """The receipt date in the desk's zone (C11)."""
        return self.desk.calendar.day_of(self.received_at)

    @property
    def cause(self) -> str:
        """What ledger rows name as their cause."""
        return f"inbox:{self.inbox_id}"


@dataclass(frozen=True, slots=True)
class _Entry:
    """A time tag that was read, with its place among the message's tags and its worked date."""

    ordinal: int
    tag: Tag
    work: WorkedTime
    worked_on: dt.date


def book(
    source: Source, ticket: Ticket, tags: Sequence[tuple[int, Tag]]
) -> tuple[list[Booked], list[Refused]]:
    """Book the time tags of one message on a ticket, in their order (C9–C12, G1, G4, G5)."""
    booked: list[Booked] = []
    refused: list[Refused] = []
    for ordinal, tag in tags:
        outcome = _book_one(source, ticket, ordinal, tag)
        if isinstance(outcome, Booked):
            booked.append(outcome)
        else:
            refused.append(outcome)
    return booked, refused


def _book_one(source: Source, ticket: Ticket, ordinal: int, tag: Tag) -> Booked | Refused:
    work = tag.time
    if work is None or work.minutes == 0:
        return Refused(tag.raw, tag.error or "bad_amount")
    entry = _Entry(ordinal, tag, work, _worked_date(source, work))
    if entry.worked_on > source.day:
        return Refused(tag.raw, "future_date")
    if work.minutes < 0:
        return _correct(source, ticket, entry)
    doubt = _doubt(source, entry)
    if doubt is not None:
        return _hold(source, ticket, entry, doubt)
    return _enter(source, ticket, entry.ordinal, work, entry.worked_on)


def _worked_date(source: Source, work: WorkedTime) -> dt.date:
    """C11: the date written, else the receipt date in the desk's zone (less `igår`)."""
    return work.date or source.day - dt.timedelta(days=work.days_back or 0)


def _doubt(source: Source, entry: _Entry) -> str | None:
    """C11: why an entry waits for the engineer's OK; None where it is booked at once."""
    limits, language = source.desk.settings.worklog, source.desk.language
    if entry.work.minutes > limits.tag_hours * 60:
        return sentence("held_long", language, hours=limits.tag_hours)
    booked = ledger.minutes_of_day(source.tx, source.person.id, entry.worked_on)
    booked += holds.minutes_of_day(source.tx, source.person.id, entry.worked_on)
    if booked + entry.work.minutes > limits.day_hours * 60:
        return sentence("held_day", language, hours=limits.day_hours)
    if (source.day - entry.worked_on).days > limits.days_back:
        return sentence("held_old", language, days=limits.days_back)
    return None


def _hold(source: Source, ticket: Ticket, entry: _Entry, doubt: str) -> Booked:
    work = entry.work
    holds.hold(
        source.tx,
        kind="entry",
        token=secrets.token_hex(16),
        inbox_id=source.inbox_id,
        person_id=source.person.id,
        ticket_id=ticket.id,
        customer_id=ticket.customer_id,
        worked_on=entry.worked_on,
        created_at=source.received_at,
        reason=doubt,
        data={
            "ordinal": entry.ordinal,
            "minutes": work.minutes,
            "billable": work.billable,
            "outside": work.outside,
            "note": work.note,
        },
    )
    return Booked(
        ticket.number,
        customer_name(source.tx, ticket),
        entry.worked_on,
        work.minutes,
        0,
        work.billable,
        0,
        0,
        work.note,
        held=doubt,
    )


def _enter(
    source: Source, ticket: Ticket, ordinal: int, work: WorkedTime, worked_on: dt.date
) -> Booked:
    """G1, G5: the minutes and what they bill, stored once."""
    before = balances.bank(source.tx, source.desk, ticket.customer_id, worked_on)
    increment = _increment(source, ticket.customer_id, worked_on)
    billable = time_bank.billable(work.minutes, increment) if work.billable else 0
    ledger.book(
        source.tx,
        customer_id=ticket.customer_id,
        ticket_id=ticket.id,
        ordinal=ordinal,
        person_id=source.person.id,
        inbox_id=source.inbox_id,
        worked_on=worked_on,
        received_at=source.received_at,
        visible_at=source.received_at,
        actual=work.minutes,
        billable=billable,
        increment=increment,
        counts=work.billable,
        outside=work.outside,
        cause=source.cause,
        note=work.note,
    )
    _record(source, ticket, "time-booked", work.minutes, worked_on)
    return _booked(source, ticket, work, billable, before=before, day=worked_on)


def _increment(source: Source, customer_id: int | None, day: dt.date) -> int:
    """G5: the increment of the terms in force that day."""
    versions = register.versions_of(source.tx, customer_id) if customer_id is not None else ()
    version = in_force(versions, day)
    terms = version.terms if version else source.desk.none_terms(day)
    return terms.increment


def _booked(
    source: Source, ticket: Ticket, work: WorkedTime, billable: int, *, before: Bank, day: dt.date
) -> Booked:
    after = balances.bank(source.tx, source.desk, ticket.customer_id, day)
    return Booked(
        ticket.number,
        customer_name(source.tx, ticket),
        day,
        work.minutes,
        billable,
        work.billable,
        before.left - after.left,
        after.overage - before.overage,
        work.note,
    )


# --- corrections, undoing, moving -------------------------------------------------------------


def _correct(source: Source, ticket: Ticket, entry: _Entry) -> Booked | Refused:
    """G4: a correction lowers what it names, latest first; more than that holds is refused."""
    work = entry.work
    named = {each.entry.id: each for each in _named(source, ticket, work)}
    taken = time_bank.correct(
        [each.entry for each in named.values()], -work.minutes, counts=work.billable
    )
    if isinstance(taken, time_bank.Refused):
        return Refused(entry.tag.raw, "more_than_booked")
    day = named[taken[0].entry].entry.worked_on
    before = balances.bank(source.tx, source.desk, ticket.customer_id, day)
    for each in taken:
        ledger.reverse(
            source.tx,
            named[each.entry],
            actual=each.actual,
            billable=each.billable,
            inbox_id=source.inbox_id,
            ordinal=entry.ordinal,
            visible_at=source.received_at,
            cause=source.cause,
        )
    _record(source, ticket, "time-corrected", work.minutes, day)
    billable = sum(each.billable for each in taken)
    return _booked(source, ticket, work, billable, before=before, day=day)


def _named(source: Source, ticket: Ticket, work: WorkedTime) -> list[Booking]:
    """What a correction names: a date, a receipt's entries, else the engineer's own latest."""
    found = [
        each
        for each in ledger.on_ticket(source.tx, ticket.id)
        if each.customer_id == ticket.customer_id  # not what was booked on an earlier customer (D7)
    ]
    if work.date is not None or work.days_back is not None:
        day = _worked_date(source, work)
        return [each for each in found if each.entry.worked_on == day]
    if source.receipt_of is not None:
        return [each for each in found if each.inbox_id == source.receipt_of]
    return [each for each in found if each.entry.engineer == source.person.id]


def undo(source: Source, ticket: Ticket, inbox_id: int) -> tuple[int, list[Drawn]]:
    """Take back all that one message booked and corrected; gives the net minutes taken back.

    And what that drew anew from each bank, below 0 where it was given back. Once: a second time
    finds nothing left. A correction of time that has itself been undone stays.
    """
    tx, cause = source.tx, f"{source.cause}{ledger.UNDOES}{inbox_id}"
    minutes = 0
    drawn: list[Drawn] = []
    for booking in ledger.of_message(tx, inbox_id):
        entry = booking.entry
        minutes += entry.actual
        drawn += _changed(source, booking, -entry.actual, -entry.billable, cause)
        if not entry.actual and not ledger.is_undone(tx, booking):
            _mark_undone(source, booking, cause)
    for entry_id, taken in ledger.corrections_of_message(tx, inbox_id).items():
        booking = ledger.latest(tx, entry_id)
        if ledger.is_undone(tx, booking):
            continue
        minutes += taken
        if booking.customer_id == ticket.customer_id or booking.entry.actual:
            drawn += _changed(source, booking, -taken, _billable_change(booking, -taken), cause)
        else:  # the ticket has moved, and there was nothing left to move with it (D7)
            drawn += _moved(source, ticket, booking, -taken, cause)
    return minutes, drawn


def _moved(
    source: Source, ticket: Ticket, booking: Booking, minutes: int, cause: str
) -> list[Drawn]:
    """Book minutes of an entry on the ticket's customer of now; what that draws from its bank."""
    day = booking.entry.worked_on
    before = balances.bank(source.tx, source.desk, ticket.customer_id, day)
    _book_anew(source, ticket, booking, minutes, cause)
    after = balances.bank(source.tx, source.desk, ticket.customer_id, day)
    return [(ticket.customer_id, day, before.left - after.left)]


def _mark_undone(source: Source, booking: Booking, cause: str) -> None:
    """A row of no minutes: what took an entry's time away may be undone itself, later."""
    ledger.reverse(
        source.tx,
        booking,
        actual=0,
        billable=0,
        inbox_id=source.inbox_id,
        ordinal=0,
        visible_at=source.received_at,
        cause=cause,
    )


def _changed(
    source: Source, booking: Booking, actual: int, billable: int, cause: str
) -> list[Drawn]:
    """Take back, and tell what its bank makes of it."""
    if not actual and not billable:
        return []
    customer_id, day = booking.customer_id, booking.entry.worked_on
    before = balances.bank(source.tx, source.desk, customer_id, day)
    _take_back(source, booking, actual, billable, cause)
    after = balances.bank(source.tx, source.desk, customer_id, day)
    return [(customer_id, day, before.left - after.left)]


def _billable_change(booking: Booking, minutes: int) -> int:
    """G5: so that billable left is again what is left of the actual minutes, rounded up."""
    entry = booking.entry
    left = time_bank.billable(entry.actual + minutes, entry.increment) if entry.counts else 0
    return left - entry.billable


def _take_back(
    source: Source, booking: Booking, actual: int, billable: int, cause: str | None = None
) -> None:
    if actual or billable:
        ledger.reverse(
            source.tx,
            booking,
            actual=actual,
            billable=billable,
            inbox_id=source.inbox_id,
            ordinal=0,
            visible_at=source.received_at,
            cause=cause or source.cause,
        )


def release(source: Source, ticket: Ticket, held: Sequence[int]) -> list[Booked]:
    """C11: book held entries after the engineer's OK, as received when they were written."""
    booked = []
    for hold_id in held:
        row = holds.open_by_id(source.tx, hold_id)
        if row is None or not holds.settle(
            source.tx, hold_id, at=source.received_at, by=source.inbox_id, outcome="released"
        ):
            continue
        written = replace(source, inbox_id=row.inbox_id, received_at=row.created_at)
        work = WorkedTime(
            minutes=row.data["minutes"],
            date=row.worked_on,
            days_back=None,
            billable=row.data["billable"],
            outside=row.data["outside"],
            note=row.data["note"],
        )
        booked.append(_enter(written, ticket, row.data["ordinal"], work, row.worked_on))
    return booked


def rebook(source: Source, ticket: Ticket, customer_id: int) -> None:
    """D7: move a ticket's time to another customer, same worked dates (`[kund: …]`)."""
    for booking in ledger.on_ticket(source.tx, ticket.id):
        entry = booking.entry
        if booking.customer_id == customer_id or not (entry.actual or entry.billable):
            continue
        _take_back(source, booking, -entry.actual, -entry.billable)
        _book_anew(source, replace(ticket, customer_id=customer_id), booking, entry.actual)


def _book_anew(
    source: Source, ticket: Ticket, booking: Booking, minutes: int, cause: str | None = None
) -> None:
    """The same entry on the ticket's customer, same worked date, by that one's terms (G5)."""
    entry = booking.entry
    increment = _increment(source, ticket.customer_id, entry.worked_on)
    ledger.book(
        source.tx,
        customer_id=ticket.customer_id,
        ticket_id=ticket.id,
        person_id=entry.engineer,
        inbox_id=booking.inbox_id,
        ordinal=entry.ordinal,
        booking=booking.booking + 1,
        worked_on=entry.worked_on,
        received_at=entry.received_at,
        visible_at=source.received_at,
        actual=minutes,
        billable=time_bank.billable(minutes, increment) if entry.counts else 0,
        increment=increment,
        counts=entry.counts,
        outside=entry.outside,
        cause=cause or source.cause,
        note=booking.note,
    )


# --- what it comes to -------------------------------------------------------------------------


def customer_name(tx: Tx, ticket: Ticket) -> str | None:
    """The name of a ticket's customer."""
    return None if ticket.customer_id is None else register.customer(tx, ticket.customer_id).name


def _record(source: Source, ticket: Ticket, kind: str, minutes: int, worked_on: dt.date) -> None:
    data = {"minutes": minutes, "worked_on": worked_on.isoformat()}
    at, who = source.received_at, source.person.email
    event = events.Event(kind, at, who, source.cause, ticket.customer_id, ticket.id, data)
    events.record(source.tx, event)
