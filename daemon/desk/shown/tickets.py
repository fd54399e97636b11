"""Tickets as commands show them (contract 4): a list, one whole, and its clocks explained (E9)."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters.to_customers import ClockLine, Explanation
from daemon.desk.outgoing import mailing
from daemon.desk.tickets import clocks
from daemon.domain import wording
from daemon.domain.clock import Clock, urgency
from daemon.domain.clock_explain import Segment
from daemon.domain.opening_hours import minutes_up
from daemon.domain.ticket import Status, Ticket
from daemon.store.money import ledger, register
from daemon.store.session import Tx
from daemon.store.tickets import tickets

_LIVING = (Status.OPEN, Status.WAITING, Status.UNPLACED)
_NO_CLOCK = {"target_minutes": None, "due_at": None, "ended_at": None, "met": None}


def listing(tx: Tx, *, only_open: bool) -> list[dict[str, Any]]:
    """Every ticket, or the living ones; by deadline, then by priority (E2)."""
    found = tickets.listing(tx, statuses=_LIVING if only_open else None)
    return _shapes(tx, found, tickets.clock_rows(tx, [ticket.id for ticket in found]))


def _shapes(tx: Tx, found: list[Ticket], clock_rows: Sequence[Any]) -> list[dict[str, Any]]:
    responses = {row.ticket_id: row for row in clock_rows if row.kind == "response"}
    minutes = tickets.time_on(tx, [ticket.id for ticket in found])
    keys = {customer.id: customer.key for customer in register.customers(tx, ended=True)}
    people = {person.id: person.email for person in register.people(tx, ended=True)}
    found.sort(key=lambda ticket: _urgency(ticket, responses.get(ticket.id)))
    return [
        _shape(ticket, responses.get(ticket.id), minutes.get(ticket.id, (0, 0)), keys, people)
        for ticket in found
    ]


def _urgency(ticket: Ticket, response: Any) -> tuple[bool, float, int, int]:
    runs = response is not None and response.result == "running"
    return *urgency(response.due_at if runs else None, ticket.priority), ticket.number


def _shape(
    ticket: Ticket,
    response: Any,
    minutes: tuple[int, int],
    keys: dict[int, str],
    people: dict[int, str],
) -> dict[str, Any]:
    return {
        "number": ticket.number,
        "subject": ticket.subject,
        "customer": keys.get(ticket.customer_id) if ticket.customer_id else None,
        "requester": ticket.requester,
        "priority": ticket.priority,
        "status": ticket.status.value,
        "opened_at": ticket.opened_at,
        "assignee": people.get(ticket.assignee_id) if ticket.assignee_id else None,
        "response": _NO_CLOCK if response is None else _clock(response),
        "minutes": {"actual": minutes[0], "billable": minutes[1]},
    }


def _clock(row: Any) -> dict[str, Any]:
    return {
        "target_minutes": row.target_minutes,
        "due_at": row.due_at,
        "ended_at": row.ended_at,
        "met": {"met": True, "missed": False}.get(row.result),
    }


def whole(tx: Tx, ticket: Ticket) -> dict[str, Any]:
    """One ticket with its participants, messages, clocks and the whole of its story (K1)."""
    clock_rows = tickets.clock_rows(tx, [ticket.id])
    (shape,) = _shapes(tx, [ticket], clock_rows)
    merged = tickets.by_id(tx, ticket.merged_into_id).number if ticket.merged_into_id else None
    follows, followed_by = tickets.linked(tx, ticket.id)
    return shape | {
        "closed_at": ticket.closed_at,
        "merged_into": merged,
        "follows": follows,
        "followed_by": followed_by,
        "participants": [each.address for each in tickets.participants_of(tx, ticket.id)],
        "messages": [
            {
                "at": each.at,
                "author": each.author,
                "from": each.address,
                "name": each.name,
                "internal": each.internal,
                "text": each.text,
                "inbox": each.inbox_id,
            }
            for each in tickets.said(tx, ticket.id)
        ],
        "clocks": [
            {"kind": row.kind, "started_at": row.started_at, "paused": row.paused} | _clock(row)
            for row in clock_rows
        ],
        "events": [
            {
                "at": row.at,
                "kind": row.kind,
                "actor": row.actor,
                "cause": row.cause,
                "data": row.data or {},
            }
            for row in tickets.events_of(tx, ticket.id)
        ],
        "time": _time(tx, ticket),
        "mails": [
            {
                "at": row.created_at,
                "kind": row.kind,
                "to": row.recipient,
                "state": row.state,
                "sent_at": row.sent_at,
                "reply": row.reply,
            }
            for row in tickets.mails_of(tx, ticket.id)
        ],
    }


def _time(tx: Tx, ticket: Ticket) -> list[dict[str, Any]]:
    """What was booked on a ticket, and what is left of it after corrections (G1)."""
    people = {person.id: person.email for person in register.people(tx, ended=True)}
    return [
        {
            "worked_on": booking.entry.worked_on,
            "engineer": people.get(booking.entry.engineer),
            "actual": booking.entry.actual,
            "billable": booking.entry.billable,
            "note": booking.note,
            "inbox": booking.inbox_id,
        }
        for booking in ledger.on_ticket(tx, ticket.id)
    ]


_WHY = {
    "sv": {
        "open": "öppet, klockan går",
        "closed": "stängt",
        "paused": "väntar på er, klockan står",
        "frozen": "räknat när klockan stannade",
    },
    "en": {
        "open": "open, the clock runs",
        "closed": "closed",
        "paused": "waiting, it stands",
        "frozen": "as counted when the clock ended",
    },
}


def explanation(tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime) -> tuple[Explanation, ...]:
    """E9: a ticket's clocks as letters that may be sent to the customer."""
    return tuple(
        _letter(desk, ticket, clock, segments)
        for clock, segments in clocks.explained(tx, desk, ticket, now)
        if clock.target is not None
    )


def send_explanation(tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime) -> int:
    """E9: mail the requester how the ticket's clocks were counted; gives how many mails."""
    letters = explanation(tx, desk, ticket, now)
    for letter in letters:
        mailing.post(
            tx,
            desk,
            letter,
            mailing.Post(
                key=f"explanation:{ticket.id}:{letter.clock}:{letter.started_at}:{now}",
                kind="explanation",
                to=((ticket.requester_name, ticket.requester),),
                language=ticket.language,
                ticket=ticket,
                automatic=False,
            ),
            now,
        )
    return len(letters)


def _letter(desk: Desk, ticket: Ticket, clock: Clock, segments: Sequence[Segment]) -> Explanation:
    language = "en" if ticket.language == "en" else "sv"
    lines = tuple(
        ClockLine(
            _between(desk, segment.start, segment.end, language),
            wording.hours(segment.minutes) if segment.running else "",
            _WHY[language].get(segment.why.value, segment.why.value),
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
    """When a stretch was, as people write it; a day is named once."""
    first = wording.moment(start, desk.zone, language)
    if end is None:
        return f"{first} –"
    local = desk.calendar.local(end)
    same = desk.calendar.day_of(start) == local.date()
    return (
        f"{first}–{local:%H:%M}"
        if same
        else f"{first} – {wording.moment(end, desk.zone, language)}"
    )


def explained(tx: Tx, desk: Desk, ticket: Ticket, now: dt.datetime) -> list[dict[str, Any]]:
    """E9: every segment of every clock that ran or stood still, and the rule for each."""
    return [
        {
            "kind": clock.kind.value,
            "started_at": clock.started_at,
            "target_minutes": None if clock.target is None else minutes_up(clock.target),
            "due_at": clock.due_at,
            "ended_at": clock.ended_at,
            "result": clock.result.value,
            "segments": [
                {
                    "start": segment.start,
                    "end": segment.end,
                    "minutes": segment.minutes,
                    "running": segment.running,
                    "rule": segment.rule,
                    "why": segment.why,
                }
                for segment in segments
            ],
        }
        for clock, segments in clocks.explained(tx, desk, ticket, now)
    ]
