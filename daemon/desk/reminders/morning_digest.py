"""The engineers' mail of a working morning: open tickets, waiting ones, answers without time."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace

from daemon.desk.context import Desk
from daemon.desk.engineers import by_line
from daemon.desk.letters.records import TicketLine
from daemon.desk.letters.sentences import sentence
from daemon.desk.letters.to_engineers import Digest
from daemon.desk.outgoing.mailing import Post, people, post
from daemon.domain.clock import urgency
from daemon.domain.ticket import Status, Ticket
from daemon.domain.wording import day_and_month, listed
from daemon.store import rows
from daemon.store.money import register
from daemon.store.session import Tx
from daemon.store.tickets import mornings, tickets

_MOST = 100  # tickets that one list names
_Window = tuple[dt.datetime, dt.datetime]  # from one opening of the desk to the next


def send_digest(desk: Desk, now: dt.datetime) -> bool:
    """Send the digest once a morning, after the desk has opened; an empty one is not sent."""
    day = desk.calendar.day_of(now)
    opening = desk.calendar.opening_on(day)
    if opening is None or not opening[0] <= now < opening[1]:
        return False
    with desk.store.reading() as tx:
        before = rows.fact(tx, "digest")
    if before is not None and before >= day.isoformat():
        return False
    with desk.store.writing() as tx:
        window = _opened(desk, before, day), opening[0]
        untimed = _untimed(tx, *window)
        _send(tx, desk, _digest(tx, desk, day, untimed, window), untimed, now)
        rows.keep_fact(tx, "digest", day.isoformat())
    return True


def _opened(desk: Desk, before: str | None, day: dt.date) -> dt.datetime:
    """The opening on the day of the digest before, else on the last working day."""
    last = dt.date.fromisoformat(before) if before else day - dt.timedelta(days=1)
    while before is None and desk.calendar.opening_on(last) is None:
        last -= dt.timedelta(days=1)
    opening = desk.calendar.opening_on(last)
    return opening[0] if opening else desk.calendar.midnight(last)


@dataclass(slots=True)
class _Untimed:
    """A ticket answered without noted time: the writers, and the time of the last answer."""

    ticket: Ticket
    people: dict[int, str]
    at: dt.datetime


def _untimed(tx: Tx, since: dt.datetime, until: dt.datetime) -> dict[int, _Untimed]:
    """The answered tickets without time noted by their writers since, by ticket number."""
    noted = mornings.time_noted(tx, since)
    untimed: dict[int, _Untimed] = {}
    for ticket_id, address, at in mornings.answers(tx, since, until):
        ticket = tickets.living(tx, tickets.by_id(tx, ticket_id))
        person = register.person_by_address(tx, address)
        if person is None or ((booked := noted.get((ticket.id, person.id))) and booked >= at):
            continue
        entry = untimed.setdefault(ticket.number, _Untimed(ticket, {}, at))
        entry.people[person.id] = person.name
        entry.at = at
    return untimed


def _digest(
    tx: Tx, desk: Desk, day: dt.date, untimed: dict[int, _Untimed], window: _Window
) -> Digest:
    living = tickets.listing(tx, statuses=(Status.OPEN, Status.WAITING, Status.UNPLACED))
    lines = _Lines(tx, desk, living)
    opened = [ticket for ticket in living if ticket.status != Status.WAITING and not ticket.spam]
    return Digest(
        day,
        open=lines.of(sorted(opened, key=lines.urgency)),
        waiting=lines.waiting(ticket for ticket in living if ticket.status == Status.WAITING),
        untimed=tuple(lines.answered(each) for each in list(untimed.values())[:_MOST]),
        thanks=lines.of(_tickets(tx, mornings.thanked(tx, *window))),
    )


def _tickets(tx: Tx, ids: Iterable[int]) -> list[Ticket]:
    return [tickets.living(tx, tickets.by_id(tx, each)) for each in ids]


class _Lines:
    """Tickets as lines of a list; names and deadlines are looked up once for all."""

    def __init__(self, tx: Tx, desk: Desk, living: Iterable[Ticket]) -> None:
        self._tx = tx
        self._desk = desk
        self._customers = {each.id: each.name for each in register.customers(tx, ended=True)}
        self._people = {each.id: each.name for each in register.people(tx, ended=True)}
        self._due: dict[int, dt.datetime] = {}
        for row in tickets.clock_rows(tx, [ticket.id for ticket in living]):
            if row.result == "running" and row.due_at:
                earliest = self._due.get(row.ticket_id, row.due_at)
                self._due[row.ticket_id] = min(row.due_at, earliest)

    def urgency(self, ticket: Ticket) -> tuple[bool, float, int, int]:
        """A sort key: by deadline, then by priority (E2)."""
        return *urgency(self._due.get(ticket.id), ticket.priority), ticket.number

    def of(self, listed_tickets: Iterable[Ticket]) -> tuple[TicketLine, ...]:
        """The lines of these tickets."""
        return tuple(self._line(ticket) for ticket in list(listed_tickets)[:_MOST])

    def waiting(self, paused: Iterable[Ticket]) -> tuple[TicketLine, ...]:
        """The lines of tickets waiting for their customers, with the day when the wait began."""
        shown = list(paused)[:_MOST]
        since = mornings.waiting_since(self._tx, [ticket.id for ticket in shown])
        return tuple(
            replace(self._line(each), note=self._dated("waiting_since", since[each.id]))
            if each.id in since
            else self._line(each)
            for each in shown
        )

    def _dated(self, code: str, at: dt.datetime, **facts: str) -> str:
        day = day_and_month(self._desk.calendar.day_of(at), self._desk.language)
        return sentence(code, self._desk.language, day=day, **facts)

    def answered(self, untimed: _Untimed) -> TicketLine:
        """The line of an answer without time: its writers and its day."""
        names = listed(tuple(untimed.people.values()), self._desk.language)
        note = self._dated("answered_on", untimed.at, names=names)
        line = self._line(untimed.ticket)
        return replace(line, due_at=None, level=None, assignee=None, note=note)

    def _line(self, ticket: Ticket) -> TicketLine:
        due = self._due.get(ticket.id)
        return TicketLine(
            ticket.number,
            ticket.subject,
            customer=self._customers.get(ticket.customer_id) if ticket.customer_id else None,
            level=ticket.priority,
            due_at=self._desk.calendar.promise(due) if due else None,
            assignee=self._people.get(ticket.assignee_id) if ticket.assignee_id else None,
            note="" if ticket.customer_id else sentence("no_customer", self._desk.language),
        )


def _send(
    tx: Tx, desk: Desk, digest: Digest, untimed: dict[int, _Untimed], now: dt.datetime
) -> None:
    if not (digest.open or digest.waiting or digest.untimed or digest.thanks):
        return
    engineers = people(register.people_with_role(tx, "engineer"))
    about = by_line.listing({number: each.people for number, each in untimed.items()})
    post(tx, desk, digest, Post(f"digest:{digest.day}", "digest", engineers, about=about), now)
