"""Tickets: a list, one whole, and its clocks explained (E9, contract 4)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.to_customers import ClockLine, Explanation
from daemon.desk.outgoing import mailing
from daemon.desk.shown import asked, words
from daemon.desk.tickets import clocks
from daemon.domain import wording
from daemon.domain.clock import Clock, urgency
from daemon.domain.clock_explain import Segment
from daemon.domain.opening_hours import minutes_up
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import ledger, register
from daemon.store.rows import record
from daemon.store.session import Tx
from daemon.store.tickets import tickets

_LIVING = (Status.OPEN, Status.WAITING, Status.UNPLACED)


@dataclass(frozen=True, slots=True)
class Response:
    """A ticket's response clock; without a clock every field is None."""

    target_minutes: int | None = None
    due_at: dt.datetime | None = None
    ended_at: dt.datetime | None = None
    met: bool | None = None  # None: it runs, or the ticket was never answered


@dataclass(frozen=True, slots=True)
class Minutes:
    """Time booked on a ticket."""

    actual: int
    billable: int


@dataclass(frozen=True, slots=True)
class ListedTicket:
    """A ticket as a list shows it."""

    number: int
    subject: str
    customer: str | None
    requester: str
    priority: int
    status: str
    opened_at: dt.datetime
    assignee: str | None
    response: Response
    minutes: Minutes


@dataclass(frozen=True, slots=True)
class Message:
    """A message of the conversation."""

    at: dt.datetime
    author: str
    from_: str
    name: str
    internal: bool
    text: str
    inbox: int | None


@dataclass(frozen=True, slots=True)
class StoredClock:
    """A clock of a ticket as it stands."""

    kind: str
    started_at: dt.datetime
    paused: bool
    target_minutes: int | None
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    met: bool | None


@dataclass(frozen=True, slots=True)
class Event:
    """An event in the story of a ticket (K1)."""

    at: dt.datetime
    kind: str
    actor: str
    cause: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Booking:
    """Time booked on a ticket; after a correction, the rest of it (G1)."""

    worked_on: dt.date
    engineer: str | None
    actual: int
    billable: int
    note: str
    inbox: int | None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail on a ticket to one recipient."""

    at: dt.datetime
    kind: str
    to: str
    state: str
    sent_at: dt.datetime | None
    reply: str | None  # of the outgoing server


@dataclass(frozen=True, slots=True)
class WholeTicket(ListedTicket):
    """A ticket with its participants, its conversation and the whole of its story (K1)."""

    closed_at: dt.datetime | None
    merged_into: int | None
    follows: int | None
    followed_by: Sequence[int]
    participants: Sequence[str]
    messages: Sequence[Message]
    clocks: Sequence[StoredClock]
    events: Sequence[Event]
    time: Sequence[Booking]
    mails: Sequence[Mail]


def listing(desk: Desk, *, only_open: bool) -> list[ListedTicket]:
    """Every ticket, or the living ones; by deadline, then by priority (E2)."""
    with desk.store.reading() as tx:
        kept = tickets.listing(tx, statuses=_LIVING if only_open else None)
        rows = tickets.clock_rows(tx, [ticket.id for ticket in kept])
        responses = {row.ticket_id: row for row in rows if row.kind == "response"}
        kept.sort(key=lambda ticket: _urgency(ticket, responses.get(ticket.id)))
        return _listed(tx, kept, responses, _addresses(tx))


def whole(desk: Desk, number: int) -> WholeTicket:
    """The ticket with a number, whole."""
    with desk.store.reading() as tx:
        ticket, people = asked.ticket(tx, desk, number), _addresses(tx)
        rows = tickets.clock_rows(tx, [ticket.id])
        responses = {row.ticket_id: row for row in rows if row.kind == "response"}
        (listed,) = _listed(tx, [ticket], responses, people)
        follows, followed_by = tickets.linked(tx, ticket.id)
        merged = ticket.merged_into_id
        said, booked = tickets.said(tx, ticket.id), ledger.on_ticket(tx, ticket.id)
        return record(
            WholeTicket,
            listed,
            closed_at=ticket.closed_at,
            merged_into=tickets.by_id(tx, merged).number if merged else None,
            follows=follows,
            followed_by=followed_by,
            participants=[each.address for each in tickets.participants_of(tx, ticket.id)],
            messages=[
                record(Message, message, from_=message.address, inbox=message.inbox_id)
                for message in said
            ],
            clocks=[record(StoredClock, row, met=_met(row)) for row in rows],
            events=[
                record(Event, row, data=row.data or {}) for row in tickets.events_of(tx, ticket.id)
            ],
            time=[_booking(each, people) for each in booked],
            mails=[
                record(Mail, row, at=row.created_at, to=row.recipient)
                for row in tickets.mails_of(tx, ticket.id)
            ],
        )


def _listed(
    tx: Tx, some: Sequence[Ticket], responses: Mapping[int, Any], people: Mapping[int, str]
) -> list[ListedTicket]:
    minutes = tickets.time_on(tx, [ticket.id for ticket in some])
    keys = {customer.id: customer.key for customer in register.customers(tx, ended=True)}
    return [
        record(
            ListedTicket,
            ticket,
            customer=keys.get(ticket.customer_id or 0),
            assignee=people.get(ticket.assignee_id or 0),
            response=_response(responses.get(ticket.id)),
            minutes=Minutes(*minutes.get(ticket.id, (0, 0))),
        )
        for ticket in some
    ]


def _urgency(ticket: Ticket, response: Any) -> tuple[bool, float, int, int]:
    runs = response is not None and response.result == "running"
    return *urgency(response.due_at if runs else None, ticket.priority), ticket.number


def _response(row: Any) -> Response:
    return Response() if row is None else record(Response, row, met=_met(row))


def _met(row: Any) -> bool | None:
    return {"met": True, "missed": False}.get(row.result)


def _addresses(tx: Tx) -> dict[int, str]:
    """The address of every person of the desk, by id."""
    return {person.id: person.email for person in register.people(tx, ended=True)}


def _booking(booked: ledger.Booking, people: Mapping[int, str]) -> Booking:
    engineer = people.get(booked.entry.engineer)
    return record(Booking, booked.entry, engineer=engineer, note=booked.note, inbox=booked.inbox_id)


# --- clocks explained (E9) ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ExplainedSegment:
    """A stretch of a clock, running or at rest, with the rule for it."""

    start: dt.datetime
    end: dt.datetime | None
    minutes: int
    running: bool
    rule: str
    why: str  # a key of words.WHY


@dataclass(frozen=True, slots=True)
class ExplainedClock:
    """A clock with all its segments."""

    kind: str
    started_at: dt.datetime
    target_minutes: int | None
    due_at: dt.datetime | None
    ended_at: dt.datetime | None
    result: str
    segments: Sequence[ExplainedSegment]


def explained(desk: Desk, number: int, now: dt.datetime) -> list[ExplainedClock]:
    """E9: every clock of a ticket, explained."""
    with desk.store.reading() as tx:
        kept = clocks.explained(tx, desk, asked.ticket(tx, desk, number), now)
    return [
        record(
            ExplainedClock,
            clock,
            target_minutes=None if clock.target is None else minutes_up(clock.target),
            segments=[record(ExplainedSegment, segment) for segment in segments],
        )
        for clock, segments in kept
    ]


def send_explanation(desk: Desk, number: int, now: dt.datetime) -> int:
    """E9: mail the requester an account of the ticket's clocks; gives the number of mails."""
    with desk.store.writing() as tx:
        ticket = asked.ticket(tx, desk, number)
        letters = [
            _letter(desk, ticket, clock, segments)
            for clock, segments in clocks.explained(tx, desk, ticket, now)
            if clock.target is not None
        ]
        for letter in letters:
            post = mailing.Post(
                key=f"explanation:{ticket.id}:{letter.clock}:{letter.started_at}:{now}",
                kind="explanation",
                to=((ticket.requester_name, ticket.requester),),
                language=ticket.language,
                ticket=ticket,
                automatic=False,
            )
            mailing.post(tx, desk, letter, post, now)
    return len(letters)


def _letter(desk: Desk, ticket: Ticket, clock: Clock, segments: Sequence[Segment]) -> Explanation:
    say = wording.speaker(ticket.language)
    lines = tuple(
        ClockLine(
            _between(desk, segment.start, segment.end, say("sv", "en")),
            wording.hours(segment.minutes) if segment.running else "",
            say(*words.WHY_TO_CUSTOMER[segment.why]),
            segment.rule,
        )
        for segment in segments
    )
    return Explanation(
        desk_name=desk.settings.desk.name,
        number=ticket.number,
        subject=ticket.subject,
        clock=clock.kind.value.replace("-", "_"),
        level=ticket.priority,
        target_minutes=minutes_up(clock.target or dt.timedelta()),
        started_at=clock.started_at,
        due_at=desk.calendar.promise(clock.due_at) if clock.due_at else None,
        ended_at=clock.ended_at,
        used_minutes=minutes_up(clock.used),
        result=clock.result.value,
        lines=lines,
    )


def _between(desk: Desk, start: dt.datetime, end: dt.datetime | None, language: str) -> str:
    """A stretch of time as people write it; a day is named once."""
    first = wording.moment(start, desk.zone, language)
    if end is None:
        return f"{first} –"
    local = desk.calendar.local(end)
    if desk.calendar.day_of(start) == local.date():
        return f"{first}–{local:%H:%M}"
    return f"{first} – {wording.moment(end, desk.zone, language)}"
