"""A message from an engineer: tags are carried out and cut, the rest goes on (C9–C14, D8)."""

import secrets
from collections import Counter
from collections.abc import Sequence

from daemon.desk.engineers import actions, by_line, leaks, news, opening, receipts
from daemon.desk.engineers.work import ENGINEERS, STOPS, Work
from daemon.desk.hours import worklog
from daemon.desk.tickets import relay
from daemon.desk.tickets.conversation import engineers_ticket
from daemon.desk.tickets.turn import Incoming, Outcome, Turn
from daemon.domain.clock import EventKind
from daemon.domain.register import Person
from daemon.store.mail import inbox
from daemon.store.mail.outbox import Sent
from daemon.store.tickets import holds, tickets
from parsers.html import all_text
from parsers.protection import protection, without_armour
from parsers.subject import base_subject
from parsers.tags import Tag, cut_tags, read_tags

# Mail of ours that carries the conversation; the rest (receipts, alarms, requests) is between the
# desk and its people, and nothing that answers it ever reaches a customer.
_CONVERSATION = frozenset({"notice", "relay", "confirmation", "priority", "warning"})
_RECEIPT_SUBJECTS = ("kvitto:", "receipt:")
_SEALED = "-----BEGIN PGP MESSAGE-----"


def take(turn: Turn, person: Person, answered: Sent | None) -> Outcome:
    """Act on a message that proves to be an engineer's."""
    work = Work(turn, person, answered)
    read_message_tags(work)
    resumed = opening.resumed(work)
    if resumed is not None:
        read_message_tags(resumed)
        opening.add_reply(resumed, work)
        work = resumed
    outcome = _carry_out(work)
    if resumed is not None and outcome.ticket_id is not None:
        inbox.note_ticket(work.tx, work.turn.mail.inbox_id, outcome.ticket_id)
    return outcome


def _carry_out(work: Work) -> Outcome:
    if not ENGINEERS & set(work.person.roles):
        return _from_office(work)
    if work.found is None:
        work.found = engineers_ticket(work.turn, work.answered)
    if by_line.is_one(work):
        by_line.take(work)
    else:
        _on_its_ticket(work)
    receipts.send(work)
    if work.found is None:
        return Outcome("answered" if work.booked or work.done else "no-ticket")
    return Outcome("opened" if work.opened else "answered", work.ticket.id)


def _on_its_ticket(work: Work) -> None:
    if work.found is None:
        opening.open_for_customer(work)
    if work.found is not None:
        _on_ticket(work)


def _from_office(work: Work) -> Outcome:
    """Finance without an engineer's part: what they write on a ticket stays inside (D8)."""
    work.found = engineers_ticket(work.turn, work.answered)
    actions.refuse_all(work)
    text = answer_text(work.turn.mail)
    work.not_relayed = "not_engineer" if work.found is not None else "no_ticket"
    if work.found is not None and text:
        work.turn.say(work.ticket, "engineer", text, internal=True)
        news.to_colleagues(work, text)
    receipts.send(work)
    return Outcome("answered", work.found.id) if work.found else Outcome("no-ticket")


# --- tags -------------------------------------------------------------------------------------


def read_message_tags(work: Work) -> None:
    """C2, C12: the tags of the new text in order; those of the subject are only cut (C13)."""
    body = work.turn.mail.body
    found: Sequence[Tag] = read_tags(body.new)
    if body.uncertain:
        found, work.quoted = _without_quoted(work, found, body.uncertain)
    work.tags = list(enumerate(found, start=1))
    if work.answered is not None:
        work.quoted += _out_of_place(work.turn.mail)
    for tag in found:
        if tag.kind == "wrong":
            work.refuse(tag, tag.error or "bad_value")
    work.of_subject = _of_subject(work)
    for tag in work.of_subject:
        work.refuse(tag, "in_subject")


def _out_of_place(mail: Incoming) -> tuple[str, ...]:
    """C2, C9: tags in what is quoted, forwarded or hidden count nothing.

    No mail of ours holds any: in a reply to one, somebody has written them there, and is told.
    """
    body, html = mail.body, mail.message.html
    quoted = [tag.raw for tag in read_tags(f"{body.quoted}\n{body.forwarded}")]
    if body.source != "html" or html is None:
        return tuple(quoted)
    seen = Counter((*quoted, *(tag.raw for tag in read_tags(body.new))))
    everywhere = Counter(tag.raw for tag in read_tags(all_text(html)))
    return (*quoted, *(everywhere - seen))


def _of_subject(work: Work) -> tuple[Tag, ...]:
    """The tags of the subject, those left out that a customer wrote there."""
    ticket = engineers_ticket(work.turn, work.answered)
    known = {tag.raw for tag in read_tags(ticket.subject)} if ticket else set()
    found = read_tags(work.turn.mail.message.subject)
    return tuple(tag for tag in found if tag.raw not in known)


def _without_quoted(
    work: Work, found: Sequence[Tag], uncertain: Sequence[tuple[int, int]]
) -> tuple[list[Tag], tuple[str, ...]]:
    """C2: in uncertain text, a tag that stands in the message being answered is quoted."""
    earlier = ""
    ticket = engineers_ticket(work.turn, work.answered)
    if ticket is not None:
        said = tickets.said(work.tx, ticket.id, last=20)
        earlier = "\n".join(message.text for message in said)
    stood = {tag.raw for tag in read_tags(earlier)}
    quoted = [
        tag
        for tag in found
        if tag.raw in stood and any(a < tag.span[1] and tag.span[0] < b for a, b in uncertain)
    ]
    return [tag for tag in found if tag not in quoted], tuple(tag.raw for tag in quoted)


# --- what a message does on its ticket --------------------------------------------------------


def _on_ticket(work: Work) -> None:
    actions.carry_out(work, before_answer=True)
    text = answer_text(work.turn.mail)
    work.not_relayed = _obstacle(work, text)
    if text:
        inside = work.not_relayed not in {None, "direct"}
        work.turn.say(work.ticket, "engineer", text, internal=inside)
    _relay(work, text)
    _book(work)
    actions.carry_out(work, before_answer=False)
    news.of_work(work, text)


def _book(work: Work) -> None:
    booked, refused = worklog.book(work.source, work.ticket, work.right_tags("time"))
    work.booked += booked
    work.refused += refused
    work.confirm = work.confirm or any(each.held for each in booked)


def answer_text(mail: Incoming) -> str:
    """C13: what a customer may see: new text without signature, every tag cut, right or wrong."""
    shown = without_armour(mail.body.shown)
    return cut_tags(shown, read_tags(shown)).strip()


def _relay(work: Work, text: str) -> None:
    """D8: send the answer on, unless something stands against it."""
    if work.not_relayed in STOPS:
        _stop(work)
    elif work.opened:
        opening.confirm_opened(work, text)
    elif work.not_relayed == "direct":
        # D8: written to the customer with the desk in Cc: known, and not sent twice. The id is
        # kept apart from those of our own mails.
        work.happened(EventKind.ANSWER, answer=-work.turn.mail.inbox_id)
        work.take_over()
    elif work.not_relayed is None:
        work.relayed_to = relay.answer_customer(work.turn, work.ticket, work.person, text)
        work.take_over()
        _, left_out = relay.carried(work.turn, relay.own_files(work.turn.mail))
        if left_out:
            work.did("left_out", names=", ".join(left_out))
    relay.join_copied(work.turn, work.ticket)


def _obstacle(work: Work, text: str) -> str | None:
    """Why the text must not go to the customer; None where it may."""
    if work.has("internal", "spam", "undo", "help"):
        return "internal"
    if not _talks(work):
        return "not_conversation"
    if _nearly_internal(work):
        return "near_internal"
    if work.misdirected:
        return "other_customer"
    if _encrypted(work.turn.mail):
        return "encrypted"
    if read_tags(text):
        return "cutting_failed"
    if not text and not _is_a_file(work):
        return "no_text"
    return leaks.leak(work.turn, work.ticket, work.answered, text) or _no_reader(work)


def _is_a_file(work: Work) -> bool:
    """Whether a mail without a word carries a file for the customer.

    Beside tags it may be a picture of the signature: then the receipt says that nothing went.
    """
    return not work.tags and any(not each.inline for each in relay.own_files(work.turn.mail))


def _talks(work: Work) -> bool:
    """Whether it answers a mail that carries the conversation, or none of ours.

    A client that strips headers leaves the subject: `Kvitto:` before the ticket's own.
    """
    if work.answered is not None:
        return work.answered.kind in _CONVERSATION
    subject = base_subject(work.turn.mail.message.subject).casefold()
    own = work.ticket.subject.casefold()
    return not subject.startswith(_RECEIPT_SUBJECTS) or own.startswith(_RECEIPT_SUBJECTS)


def _nearly_internal(work: Work) -> bool:
    """C9: a bracket that is nearly [intern], one that is wrong, or one that is in the subject."""
    return any(
        tag.kind == "near_internal" or tag.name == "internal"
        for tag in (*(tag for _, tag in work.tags), *work.of_subject)
    )


def _encrypted(mail: Incoming) -> bool:
    """Whether nobody here can read it; a quoted mail that was encrypted is another matter."""
    if protection(mail.message) != "encrypted":
        return False
    quoted = mail.message.content_type != "multipart/encrypted" and bool(mail.body.new.strip())
    return not quoted or _SEALED in mail.body.new


def _no_reader(work: Work) -> str | None:
    """Where there is nobody to send it to, or everybody has it already."""
    side = {each.address for each in relay.customer_side(work.tx, work.ticket)}
    if not side:
        return "no_recipient"
    written = {address for _, address in work.turn.mail.written_to}
    return "direct" if side <= written or work.ticket.requester in side & written else None


def _stop(work: Work) -> None:
    """C9: what may not be meant for the customer waits until the engineer says OK."""
    holds.hold(
        work.tx,
        kind="internal",
        token=secrets.token_hex(16),
        inbox_id=work.turn.mail.inbox_id,
        person_id=work.person.id,
        ticket_id=work.ticket.id,
        created_at=work.turn.mail.received_at,
        reason=work.not_relayed or "",
    )
    work.confirm = True
    work.record("answer-stopped", why=work.not_relayed)
