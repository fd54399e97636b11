"""A message from an engineer: tags are carried out and cut, the rest goes on (C9–C14, D6, D8)."""

import secrets
from collections.abc import Sequence
from dataclasses import replace

from daemon.desk import actions, inquiry, receipts, relay, worklog
from daemon.desk.confirm import confirm
from daemon.desk.conversation import joined_ticket
from daemon.desk.letters import Refused, Said
from daemon.desk.turn import Incoming, Outcome, Turn
from daemon.desk.work import Work
from daemon.domain.clock import EventKind
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Person
from daemon.store import holds, inbox, register, tickets
from daemon.store.outbox import Sent
from parsers.body import read_body
from parsers.message import read
from parsers.priority import read_priority
from parsers.protection import protection
from parsers.tags import Tag, cut_tags, read_tags

# Mail of ours that carries the conversation; the rest (receipts, alarms, requests) is between the
# desk and its people, and nothing that answers it ever reaches a customer.
_CONVERSATION = frozenset({"notice", "relay", "confirmation", "priority", "warning", "digest"})


def take(turn: Turn, person: Person, answered: Sent | None) -> Outcome:
    """Act on a message that proves to be an engineer's."""
    work = Work(turn, person, answered)
    _read_tags(work)
    if work.has("for") and answered is not None and _asked_for_customer(answered):
        return _resume(work, answered)
    return _carry_out(work)


def _carry_out(work: Work) -> Outcome:
    _find_ticket(work)
    if work.found is None:
        _open_for_customer(work)
    if work.found is not None:
        _on_ticket(work)
    receipts.send(work)
    if work.found is None:
        return Outcome("no-ticket")
    return Outcome("opened" if work.opened else "answered", work.ticket.id)


def _find_ticket(work: Work) -> None:
    joined = joined_ticket(work.turn, customer_id=None, engineer=True)
    if joined is not None:
        work.found = joined[0]
    elif work.answered is not None and work.answered.ticket_id is not None:
        work.found = tickets.living(work.tx, tickets.by_id(work.tx, work.answered.ticket_id))


# --- tags -------------------------------------------------------------------------------------


def _read_tags(work: Work) -> None:
    """C2, C12: the tags of the new text in order; those of the subject are only cut (C13)."""
    body = work.turn.mail.body
    found: Sequence[Tag] = read_tags(body.new)
    if body.uncertain:
        found, work.quoted = _without_quoted(work, found, body.uncertain)
    work.tags = list(enumerate(found, start=1))
    for tag in found:
        if tag.kind == "wrong":
            work.refuse(tag, tag.error or "bad_value")
    for tag in read_tags(work.turn.mail.message.subject):
        work.refuse(tag, "in_subject")


def _without_quoted(
    work: Work, found: Sequence[Tag], uncertain: Sequence[tuple[int, int]]
) -> tuple[list[Tag], tuple[str, ...]]:
    """C2: in uncertain text, a tag that stands in the message being answered is quoted."""
    earlier = ""
    if work.answered is not None and work.answered.ticket_id is not None:
        said = tickets.said(work.tx, work.answered.ticket_id, last=20)
        earlier = "\n".join(message.text for message in said)
    stood = {tag.raw for tag in read_tags(earlier)}
    quoted = [
        tag
        for tag in found
        if tag.raw in stood and any(a < tag.span[1] and tag.span[0] < b for a, b in uncertain)
    ]
    return [tag for tag in found if tag not in quoted], tuple(tag.raw for tag in quoted)


# --- D6: a ticket for a customer --------------------------------------------------------------


def _open_for_customer(work: Work) -> None:
    """D6: a phone call or a forwarded mail becomes a ticket, if the engineer says for whom."""
    wanted = next((tag for _, tag in work.right_tags("for")), None)
    requester = actions.mailbox(wanted.value) if wanted else None
    found = register.customer_of_address(work.tx, requester[1]) if requester else None
    if requester is None or found is None:
        _ask_for_customer(work, wanted)
        return
    customer, contact = found
    name = requester[0] or (contact.name if contact else "")
    work.found = inquiry.open_for(
        work.turn, customer, level=_level(work), spam=False, requester=(name, requester[1])
    )
    work.opened = True
    work.did("opened", number=work.ticket.number, customer=customer.name)


def _asked_for_customer(answered: Sent) -> bool:
    return answered.kind == "receipt" and answered.ticket_id is None


def _resume(work: Work, answered: Sent) -> Outcome:
    """D6: the reply names the customer; the message that lacked it is acted on now."""
    if answered.inbox_id is None:
        return _carry_out(work)
    original = inbox.received(work.tx, answered.inbox_id)
    message = read(inbox.raw(work.tx, answered.inbox_id))
    body = read_body(message, own_markers=work.turn.desk.markers)
    mail = Incoming(answered.inbox_id, original, message, body)
    resumed = Work(replace(work.turn, mail=mail), work.person, None)
    _read_tags(resumed)
    named = [tag for _, tag in work.right_tags("for")]
    resumed.tags = [*resumed.tags, *enumerate(named, start=len(resumed.tags) + 1)]
    resumed.receipt_for = work.turn.mail
    outcome = _carry_out(resumed)
    if resumed.found is not None:
        inbox.note_ticket(work.tx, answered.inbox_id, resumed.ticket.id)
    return outcome


def _level(work: Work) -> int:
    tagged = next((tag.level for _, tag in work.right_tags("priority") if tag.level), None)
    mail, words = work.turn.mail, work.turn.desk.settings.priority.words
    return tagged or read_priority(mail.message.subject, mail.body.new, words).level or DEFAULT


def _ask_for_customer(work: Work, wanted: Tag | None) -> None:
    work.asks_for_customer = True
    work.not_relayed = "no_ticket"
    for _, tag in work.tags:
        if tag is wanted:
            work.refuse(tag, "unknown_customer")
        elif tag.kind == "tag" and tag.name != "help":
            work.refuse(tag, "no_ticket")


# --- what a message does on its ticket --------------------------------------------------------


def _on_ticket(work: Work) -> None:
    actions.carry_out(work, before_answer=True)
    text = answer_text(work.turn.mail)
    if text:
        work.turn.say(work.ticket, "engineer", text, internal=work.has("internal"))
    _relay(work, text)
    _book(work)
    actions.carry_out(work, before_answer=False)


def _book(work: Work) -> None:
    timed = work.right_tags("time")
    if not {"engineer", "manager"} & set(work.person.roles):
        work.refused += [Refused(tag.raw, "not_allowed") for _, tag in timed]
        return
    booked, refused = worklog.book(work.source, work.ticket, timed)
    work.booked += booked
    work.refused += refused
    work.confirm = work.confirm or any(each.held for each in booked)


def answer_text(mail: Incoming) -> str:
    """C13: what a customer may see: new text without signature, every tag cut, right or wrong."""
    shown = mail.body.shown
    return cut_tags(shown, read_tags(shown)).strip()


def _relay(work: Work, text: str) -> None:
    """D8: send the answer on, unless something stands against it."""
    work.not_relayed = _obstacle(work, text)
    if work.not_relayed == "near_internal":
        _stop(work)
    elif work.not_relayed == "direct":
        # D8: written to the customer with the desk in Cc: known, and not sent twice. The id is
        # kept apart from those of our own mails.
        work.happened(EventKind.ANSWER, answer=-work.turn.mail.inbox_id)
        work.take_over()
    elif work.not_relayed is None:
        work.relayed_to = _send(work, text)
        work.take_over()


def _send(work: Work, text: str) -> tuple[str, ...]:
    if not work.opened:
        return relay.answer_customer(work.turn, work.ticket, work.person, text)
    mail = work.turn.mail
    said = Said(work.person.name, mail.received_at, text, mail.body.forwarded)
    confirm(work.turn, work.ticket, None, engineer=said)
    return (work.ticket.requester,)


def _obstacle(work: Work, text: str) -> str | None:
    """Why the text must not go to the customer; None where it may."""
    talks = work.answered is None or work.answered.kind in _CONVERSATION
    if work.has("internal", "spam", "undo", "help") or not talks:
        return "internal"
    if any(tag.kind == "near_internal" for _, tag in work.tags):
        return "near_internal"
    if protection(work.turn.mail.message) == "encrypted":
        return "encrypted"
    if read_tags(text):
        return "cutting_failed"
    if not text:
        return "no_text"
    side = {each.address for each in relay.customer_side(work.tx, work.ticket)}
    if not side:
        return "no_recipient"
    return "direct" if side & {address for _, address in work.turn.mail.written_to} else None


def _stop(work: Work) -> None:
    """C9: a bracket that is nearly [intern] stops the answer until the engineer says OK."""
    holds.hold(
        work.tx, kind="internal", token=secrets.token_hex(16),
        inbox_id=work.turn.mail.inbox_id, person_id=work.person.id, ticket_id=work.ticket.id,
        created_at=work.turn.mail.received_at, reason="near_internal",
    )  # fmt: skip
    work.confirm = True


# --- an OK to a receipt (C9, C11) -------------------------------------------------------------


def confirmed(turn: Turn, person: Person, answered: Sent) -> bool:
    """Book what a receipt held, and send what it stopped; False where nothing of it waits."""
    if answered.inbox_id is None or answered.ticket_id is None:
        return False
    waiting = [
        row for row in holds.of_message(turn.tx, answered.inbox_id) if row.person_id == person.id
    ]
    if not waiting:
        return False
    work = Work(turn, person, answered)
    work.found = tickets.living(turn.tx, tickets.by_id(turn.tx, answered.ticket_id))
    held = [row.id for row in waiting if row.kind == "entry"]
    work.booked += worklog.release(work.source, work.ticket, held)
    for row in waiting:
        if row.kind == "internal":
            _send_stopped(work, row.id, row.inbox_id)
    work.did("confirmed")
    receipts.send(work)
    return True


def _send_stopped(work: Work, hold_id: int, inbox_id: int) -> None:
    """C9: the engineer says that the answer was meant for the customer after all."""
    mail = work.turn.mail
    if not holds.settle(
        work.tx, hold_id, at=mail.received_at, by=mail.inbox_id, outcome="released"
    ):
        return
    said = tickets.said(work.tx, work.ticket.id)
    stopped = next((message for message in said if message.inbox_id == inbox_id), None)
    if stopped is not None:
        work.relayed_to = relay.answer_customer(work.turn, work.ticket, work.person, stopped.text)
        work.did("relayed_on_ok")
        work.take_over()
