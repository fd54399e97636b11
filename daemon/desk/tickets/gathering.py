"""Notices to our own people: the first go at once, very many wait for one mail (J2)."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from daemon.desk.context import By
from daemon.desk.outgoing import answers
from daemon.desk.outgoing.mailing import Post, is_sendable, people
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.mail import notices
from daemon.store.mail.notices import Reader

_CRITICAL = 1


@dataclass(frozen=True, slots=True)
class News:
    """The facts of a notice that outlive its letter: the gathering mail is written later."""

    ticket: Ticket
    inbox_id: int | None  # the message it tells of; None: the last one of the ticket
    remarks: tuple[str, ...] = ()


def tell(by: By, readers: Sequence[Person], letter: Any, mail: Post, told: News) -> None:
    """Send a notice to these people, or let it wait for those with many in a short time.

    A notice about a critical ticket never waits.
    """
    able = [person for person in readers if is_sendable(person.email)]
    many = _with_many(by, able)
    late = many if told.ticket.priority != _CRITICAL else frozenset()
    early = [person for person in able if person.id not in late]
    if early:
        answers.post(by, letter, replace(mail, to=people(early)))
    notices.wait(
        by.tx,
        sorted(late),
        key=mail.key,
        ticket_id=told.ticket.id,
        inbox_id=told.inbox_id,
        at=by.now,
        remarks=list(told.remarks),
    )
    notices.count(by.tx, [person.id for person in able], _since(by))


def _with_many(by: By, readers: Sequence[Person]) -> frozenset[int]:
    """The people who have had their share of single notices."""
    most = by.desk.settings.desk.gather_from - 1
    reached = [Reader(person.id, person.email) for person in readers]
    told = notices.told_since(by.tx, reached, _since(by))
    return frozenset(person_id for person_id, count in told.items() if count >= most)


def _since(by: By) -> dt.datetime:
    return by.now - by.desk.settings.desk.gather_within
