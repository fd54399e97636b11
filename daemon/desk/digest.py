"""Each working morning the engineers read what is open, what waits, what lacks its time."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

from daemon.desk.context import Desk
from daemon.desk.letters import Digest, TicketLine
from daemon.desk.mailing import Post, people, post
from daemon.domain.ticket import Status, Ticket
from daemon.store import register, rows, tickets
from daemon.store.session import Tx

_MOST = 100  # tickets that one list names


def step(desk: Desk, now: dt.datetime) -> bool:
    """Send the morning's digest once, when the desk has opened; nothing to say, nothing sent."""
    day = desk.calendar.day_of(now)
    opening = desk.calendar.opening_on(day)
    if opening is None or not opening[0] <= now < opening[1]:
        return False
    with desk.store.reading() as tx:
        before = rows.fact(tx, "digest")
    if before is not None and before >= day.isoformat():
        return False
    with desk.store.writing() as tx:
        since = _opened(desk, dt.date.fromisoformat(before) if before else None, day)
        _send(tx, desk, _digest(tx, desk, day, since, opening[0]), now)
        rows.keep_fact(tx, "digest", day.isoformat())
    return True


def _opened(desk: Desk, last: dt.date | None, day: dt.date) -> dt.datetime:
    """When the day of the last digest opened, or the last working day: what came after is new."""
    if last is None:
        last = day - dt.timedelta(days=1)
        while desk.calendar.opening_on(last) is None:
            last -= dt.timedelta(days=1)
    opening = desk.calendar.opening_on(last)
    return opening[0] if opening else dt.datetime.combine(last, dt.time(), tzinfo=desk.zone)


def _digest(tx: Tx, desk: Desk, day: dt.date, since: dt.datetime, until: dt.datetime) -> Digest:
    living = tickets.listing(tx, statuses=(Status.OPEN, Status.WAITING, Status.UNPLACED))
    lines = _Lines(tx, desk, living)
    opened = [ticket for ticket in living if ticket.status != Status.WAITING and not ticket.spam]
    return Digest(
        day,
        open=lines.of(sorted(opened, key=lines.urgency)),
        waiting=lines.of(ticket for ticket in living if ticket.status == Status.WAITING),
        untimed=lines.of(_tickets(tx, tickets.untimed_answers(tx, since, until))),
        thanks=lines.of(_tickets(tx, tickets.with_outcome(tx, "thanks", since, until))),
    )


def _tickets(tx: Tx, ids: Iterable[int]) -> list[Ticket]:
    return [tickets.living(tx, tickets.by_id(tx, each)) for each in ids]


class _Lines:
    """Tickets as lines of a list, with what is looked up once for all of them."""

    def __init__(self, tx: Tx, desk: Desk, living: Iterable[Ticket]) -> None:
        self._desk = desk
        self._customers = {each.id: each.name for each in register.customers(tx, ended=True)}
        self._people = {each.id: each.name for each in register.people(tx, ended=True)}
        found: list[Any] = list(tickets.clock_rows(tx, [ticket.id for ticket in living]))
        self._due: dict[int, dt.datetime] = {}
        for row in found:
            if row.result == "running" and row.due_at:
                earliest = self._due.get(row.ticket_id, row.due_at)
                self._due[row.ticket_id] = min(row.due_at, earliest)

    def urgency(self, ticket: Ticket) -> tuple[bool, float, int, int]:
        """By deadline, then by priority (E2)."""
        due = self._due.get(ticket.id)
        return due is None, due.timestamp() if due else 0.0, ticket.priority, ticket.number

    def of(self, found: Iterable[Ticket]) -> tuple[TicketLine, ...]:
        """The lines of these tickets."""
        return tuple(self._line(ticket) for ticket in list(found)[:_MOST])

    def _line(self, ticket: Ticket) -> TicketLine:
        due = self._due.get(ticket.id)
        return TicketLine(
            ticket.number,
            ticket.subject,
            customer=self._customers.get(ticket.customer_id) if ticket.customer_id else None,
            level=ticket.priority,
            due_at=self._desk.calendar.promise(due) if due else None,
            assignee=self._people.get(ticket.assignee_id) if ticket.assignee_id else None,
        )


def _send(tx: Tx, desk: Desk, digest: Digest, now: dt.datetime) -> None:
    if not (digest.open or digest.waiting or digest.untimed or digest.thanks):
        return
    post(
        tx, desk, digest,
        Post(
            key=f"digest:{digest.day}", kind="digest",
            to=people(register.people_with_role(tx, "engineer")),
            language=desk.settings.desk.language,
        ),
        now,
    )  # fmt: skip
