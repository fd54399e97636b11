"""An engineer's own out-of-office notes her absence: new mail goes to all others (D8)."""

import datetime as dt
from dataclasses import replace

from daemon.desk.tickets import relay
from daemon.desk.tickets.turn import Turn
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store import rows
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.tickets import tickets

# Many programs answer each sender once in a whole absence: one answer must last. It ends with the
# engineer's own next mail.
_LASTS = dt.timedelta(days=14)
_TO_ENGINEERS = frozenset({"notice", "notices", "warning", "digest", "receipt"})


def tells(turn: Turn, person: Person, answered: Sent) -> Ticket | None:
    """Note the absence in an engineer's automatic answer; gives her ticket, if it answers a notice.

    The notice has reached nobody: all engineers get it. An answer to a mail that customers got too
    proves nothing, for anybody can write it (D1).
    """
    if answered.kind not in _TO_ENGINEERS:
        return None
    if not person.is_absent(turn.day):  # the register may know of more
        until = turn.day + _LASTS
        register.keep_person(turn.tx, replace(person, absent_until=until))
        rows.keep_fact(turn.tx, _fact(person), until.isoformat())
        turn.by(person).record(None, "absent", until=until.isoformat())
    if answered.kind != "notice" or answered.ticket_id is None:
        return None
    ticket = tickets.living(turn.tx, tickets.by_id(turn.tx, answered.ticket_id))
    if ticket.assignee_id != person.id:
        return None
    if _somebody_is_there(turn):
        remark = turn.sentence("absent", name=person.name)
        relay.tell_engineers(turn, ticket, new=False, remarks=(remark,))
    return ticket


def _somebody_is_there(turn: Turn) -> bool:
    """Tell if an engineer is present: a mail to absent ones makes their programs answer (J2)."""
    engineers = register.people_with_role(turn.tx, "engineer")
    return any(not each.is_absent(turn.day) for each in engineers)


def ends(turn: Turn, person: Person) -> Person:
    """End the absence of an engineer who writes, unless the register has its last day."""
    until = person.absent_until
    if until is None or not person.is_absent(turn.day):
        return person
    if rows.fact(turn.tx, _fact(person)) != until.isoformat():
        return person
    back = replace(person, absent_until=None)
    register.keep_person(turn.tx, back)
    turn.by(person).record(None, "present")
    return back


def _fact(person: Person) -> str:
    return f"away:{person.id}"
