"""An OK in reply to a receipt: what waited is booked, and what was stopped goes out (C9, C11)."""

from dataclasses import replace

from daemon.desk.engineers import answer, news, opening, receipts
from daemon.desk.engineers.work import Work
from daemon.desk.hours import worklog
from daemon.desk.tickets import relay
from daemon.desk.tickets.turn import Outcome, Turn
from daemon.domain.register import Person
from daemon.store.mail.outbox import Sent
from daemon.store.tickets import holds, tickets
from parsers.tags import read_tags


def take(turn: Turn, person: Person, answered: Sent) -> Outcome | None:
    """Act on an OK of the person whose message waits; anybody else's, and a second one, is noted.

    None where the reply holds more than the OK: its tags are then read as in any other.
    """
    waiting = []
    if answered.inbox_id is not None:
        found = holds.of_message(turn.tx, answered.inbox_id)
        waiting = [row for row in found if row.person_id == person.id and row.ticket_id]
    if waiting:
        _release(turn, person, answered, waiting)
    if read_tags(turn.mail.body.new):
        return None
    return Outcome("confirmed" if waiting else "noted", answered.ticket_id)


def _release(turn: Turn, person: Person, answered: Sent, waiting: list[holds.Hold]) -> None:
    work = Work(turn, person, answered)
    for row in waiting:
        work.found = tickets.living(work.tx, tickets.by_id(work.tx, row.ticket_id))
        if row.kind == "internal":
            _send_stopped(work, row)
        else:
            work.booked += worklog.release(work.source, work.ticket, [row.id])
    if answered.ticket_id is None:  # a receipt of several tickets: so is the one to come
        work.found = None
    work.did("confirmed")
    receipts.send_for_ok(work, answered.inbox_id or 0)


def _send_stopped(work: Work, row: holds.Hold) -> None:
    """C9: the engineer says that the answer was meant for the customer after all.

    It goes out as the message that it is: its files, its HTML, and its receipt for the clock (E1).
    """
    mail = work.turn.mail
    if not holds.settle(work.tx, row.id, at=mail.received_at, by=mail.inbox_id, outcome="released"):
        return
    original = work.turn.stored(row.inbox_id)
    stopped = Work(replace(work.turn, mail=original), work.person, None)
    stopped.found = work.ticket
    text = answer.answer_text(original)
    tickets.make_public(work.tx, row.inbox_id)
    if tickets.opened_by(work.tx, work.ticket.id) == row.inbox_id:
        opening.confirm_opened(stopped, text)
    else:
        stopped.relayed_to = relay.answer_customer(stopped.turn, work.ticket, work.person, text)
    stopped.take_over()
    news.to_colleagues(stopped, text)
    work.found = stopped.ticket
    work.relayed_to = stopped.relayed_to
    work.did("relayed_on_ok")
