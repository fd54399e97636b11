"""A message from an engineer: tags are carried out and cut, the rest goes to the customer (C9–C14, D6, D8)."""

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field

from daemon.desk import actions, clocks, inquiry, relay, worklog
from daemon.desk.context import Desk
from daemon.desk.conversation import joined_ticket
from daemon.desk.inquiry import Outcome
from daemon.desk.letters import Booked, Receipt, Refused, Said
from daemon.desk.mailing import Post, post, thread_of
from daemon.desk.relay import Incoming
from daemon.desk.sentences import sentence
from daemon.desk.worklog import Source
from daemon.domain.clock import EventKind
from daemon.domain.priority import DEFAULT
from daemon.domain.register import Person
from daemon.domain.ticket import Status, Ticket
from daemon.store import events, holds, register, tickets
from daemon.store.outbox import Sent
from daemon.store.session import Tx
from parsers.priority import read_priority
from parsers.tags import Tag, cut_tags, read_tags

Numbered = tuple[int, Tag]  # a tag and its place among all tags of the message (C12)


@dataclass(slots=True)
class Work:
    """What one message of an engineer has come to so far."""

    tx: Tx
    desk: Desk
    person: Person
    mail: Incoming
    now: dt.datetime
    answered: Sent | None  # the mail of ours that it replies to
    tags: Sequence[Numbered]
    ticket: Ticket | None = None
    booked: list[Booked] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    quoted: tuple[str, ...] = ()
    relayed_to: tuple[str, ...] = ()
    not_relayed: str | None = None
    confirm: bool = False
    asks_for_customer: bool = False
    opened: bool = False  # D6: the confirmation carries the text

    def has(self, name: str) -> bool:
        """Whether a right tag of that name stands in the message."""
        return any(tag.kind == "tag" and tag.name == name for _, tag in self.tags)

    @property
    def source(self) -> Source:
        """The message as the worklog names it."""
        receipt_of = None
        if self.answered is not None and self.answered.kind == "receipt":
            receipt_of = self.answered.inbox_id
        return Source(self.mail.inbox_id, self.mail.received_at, self.person, receipt_of)


def take(
    tx: Tx, desk: Desk, person: Person, mail: Incoming, answered: Sent | None, now: dt.datetime
) -> Outcome:
    """Act on a message that proves to be an engineer's."""
    work = Work(tx, desk, person, mail, now, answered, ())
    _read_tags(work)
    joined = joined_ticket(tx, desk, mail, customer_id=None, engineer=True)
    if joined is not None:
        work.ticket = joined[0]
    elif answered is not None and answered.ticket_id is not None:
        work.ticket = tickets.living(tx, tickets.by_id(tx, answered.ticket_id))
    if work.ticket is None:
        _open_for_customer(work)
    if work.ticket is not None:
        _on_ticket(work)
    _send_receipt(work)
    if work.ticket is None:
        return Outcome("no-ticket")
    return Outcome("opened" if work.opened else "answered", work.ticket.id)


def _read_tags(work: Work) -> None:
    """C2, C12: the tags of the new text in order, then those of the subject, which only get cut."""
    found = read_tags(work.mail.body.new)
    if not work.mail.body.certain and work.answered is not None:
        found, work.quoted = _without_quoted(work, found)
    in_subject = read_tags(work.mail.message.subject)
    work.tags = list(enumerate(found, start=1))
    work.refused += [
        Refused(tag.raw, tag.error or "bad_value") for tag in found if tag.kind == "wrong"
    ]
    work.refused += [Refused(tag.raw, "in_subject") for tag in in_subject]


def _without_quoted(work: Work, found: Sequence[Tag]) -> tuple[tuple[Tag, ...], tuple[str, ...]]:
    """C2: in uncertain text, a tag that stands in the message being answered is quoted."""
    earlier = ""
    if work.answered is not None and work.answered.ticket_id is not None:
        earlier = "\n".join(m.text for m in tickets.said(work.tx, work.answered.ticket_id, last=20))
    stood = {tag.raw for tag in read_tags(earlier)}
    return (
        tuple(tag for tag in found if tag.raw not in stood),
        tuple(tag.raw for tag in found if tag.raw in stood),
    )


# --- D6: a ticket for a customer -------------------------------------------------------------------


def _open_for_customer(work: Work) -> None:
    """D6: a phone call or a forwarded mail becomes a ticket, if the engineer says for whom."""
    wanted = next((t for _, t in work.tags if t.kind == "tag" and t.name == "for"), None)
    if wanted is None:
        work.asks_for_customer = True
        work.not_relayed = "no_ticket"
        work.refused += [
            Refused(tag.raw, "no_ticket")
            for _, tag in work.tags
            if tag.kind == "tag" and tag.name != "help"
        ]
        return
    requester = actions.mailbox(wanted.value)
    found = register.customer_of_address(work.tx, requester[1]) if requester else None
    if requester is None or found is None:
        work.refused.append(Refused(wanted.raw, "unknown_customer"))
        work.asks_for_customer = True
        work.not_relayed = "no_ticket"
        return
    customer, contact = found
    name = requester[0] or (contact.name if contact else "")
    statement = read_priority(
        work.mail.message.subject, work.mail.body.new, work.desk.settings.priority.words
    )
    tagged = next((t.level for _, t in work.tags if t.kind == "tag" and t.name == "priority"), None)
    work.ticket = inquiry.open_for(
        work.tx, work.desk, work.mail, customer, level=tagged or statement.level or DEFAULT,
        spam=False, requester=(name, requester[1]),
    )  # fmt: skip
    work.opened = True
    work.done.append(
        sentence(
            "opened", work.desk.settings.desk.language, number=work.ticket.number,
            customer=customer.name,
        )
    )  # fmt: skip


# --- what a message does on its ticket ----------------------------------------------------------------


def _on_ticket(work: Work) -> None:
    actions.carry_out(work, before_answer=True)
    text = answer_text(work.mail)
    _say(work, text)
    _relay(work, text)
    assert work.ticket is not None  # noqa: S101  _on_ticket is called with one
    timed = [(n, tag) for n, tag in work.tags if tag.kind == "tag" and tag.name == "time"]
    booked, refused = _book(work, timed)
    work.booked += booked
    work.refused += refused
    actions.carry_out(work, before_answer=False)
    work.confirm = work.confirm or any(each.held for each in work.booked)


def _book(work: Work, timed: Sequence[Numbered]) -> tuple[list[Booked], list[Refused]]:
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    if timed and not {"engineer", "manager"} & set(work.person.roles):
        return [], [Refused(tag.raw, "not_allowed") for _, tag in timed]
    return worklog.book(work.tx, work.desk, work.source, work.ticket, timed)


def answer_text(mail: Incoming) -> str:
    """C13: what a customer may see: new text without signature, every tag cut, right or wrong."""
    shown = mail.body.shown
    return cut_tags(shown, read_tags(shown)).strip()


def _say(work: Work, text: str) -> None:
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    if not text:
        return
    tickets.say(
        work.tx, work.ticket.id, inbox_id=work.mail.inbox_id, at=work.mail.received_at,
        author="engineer", address=work.person.email, name=work.person.name,
        internal=work.has("internal"), text=text,
    )  # fmt: skip


def _relay(work: Work, text: str) -> None:
    """D8: send the answer on, unless something stands against it; the first to answer takes over."""
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    work.not_relayed = _obstacle(work, text)
    if work.not_relayed == "near_internal":
        _wait_for_confirmation(work)
    if work.not_relayed == "direct":
        _answered_directly(work)
    if work.not_relayed is not None:
        return
    if work.opened:
        _confirm_opened(work, text)
    else:
        work.relayed_to = relay.answer_customer(
            work.tx, work.desk, work.ticket, work.person, work.mail, text, work.now
        )
    take_over(work)


def _obstacle(work: Work, text: str) -> str | None:
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    if work.has("internal"):
        return "internal"
    if any(tag.kind == "near_internal" for _, tag in work.tags):
        return "near_internal"
    if read_tags(text):
        return "cutting_failed"
    if work.has("spam") or work.has("undo") or work.has("help") or not _talks_to_customer(work):
        return "internal"
    if not text:
        return "no_text"
    side = {each.address for each in relay.customer_side(work.tx, work.ticket)}
    if not side:
        return "no_recipient"
    written_to = {each.address for each in (*work.mail.message.to, *work.mail.message.cc)}
    return "direct" if side & written_to else None


# Mail of ours that carries the conversation; the rest (receipts, alarms, requests) is between the
# desk and its people, and nothing that answers it ever reaches a customer.
_CONVERSATION = frozenset({"notice", "relay", "confirmation", "priority", "warning", "digest"})


def _talks_to_customer(work: Work) -> bool:
    return work.answered is None or work.answered.kind in _CONVERSATION


def _answered_directly(work: Work) -> None:
    """D8: the engineer wrote to the customer, with the desk in Cc: known, and not sent twice."""
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    clocks.happened(
        work.tx, work.desk, work.ticket, EventKind.ANSWER, at=work.mail.received_at,
        actor=work.person.email, cause=work.mail.cause, answer=-work.mail.inbox_id,  # apart from the ids of our own mails
    )  # fmt: skip
    take_over(work)


def _confirm_opened(work: Work, text: str) -> None:
    """D6: the customer's confirmation carries the engineer's text."""
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    story = clocks.refresh(work.tx, work.desk, work.ticket, work.mail.received_at)
    inquiry.confirm(
        work.tx, work.desk, work.ticket, story, work.mail, None, work.now,
        engineer=Said(work.person.name, work.mail.received_at, text, work.mail.body.forwarded),
    )  # fmt: skip
    work.relayed_to = (work.ticket.requester,)


def take_over(work: Work) -> None:
    """D8: the first engineer who answers or starts becomes the assignee."""
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    if work.ticket.assignee_id is None and "engineer" in work.person.roles:
        work.ticket = tickets.change(work.tx, work.ticket.id, assignee_id=work.person.id)
        events.record(
            work.tx, at=work.mail.received_at, kind="assigned", actor=work.person.email,
            cause=work.mail.cause, ticket_id=work.ticket.id, data={"to": work.person.email},
        )  # fmt: skip


def _wait_for_confirmation(work: Work) -> None:
    """C9: a bracket that is nearly [intern] stops the answer until the engineer says OK."""
    assert work.ticket is not None  # noqa: S101  see _on_ticket
    holds.hold(
        work.tx, kind="internal", token=secrets.token_hex(16), inbox_id=work.mail.inbox_id,
        person_id=work.person.id, ticket_id=work.ticket.id, created_at=work.mail.received_at,
        reason="near_internal",
    )  # fmt: skip
    work.confirm = True


# --- the receipt (C14) -------------------------------------------------------------------------------


def _send_receipt(work: Work) -> None:
    if not (work.tags or work.refused or work.quoted or work.asks_for_customer or work.confirm):
        return
    ticket = work.ticket
    customer = worklog.customer_name(work.tx, ticket) if ticket else None
    before, after, period = _bank_change(work)
    post(
        work.tx, work.desk,
        Receipt(
            number=ticket.number if ticket else None,
            subject=ticket.subject if ticket else work.mail.message.subject,
            customer=customer,
            booked=tuple(work.booked),
            refused=tuple(work.refused),
            done=tuple(work.done),
            bank_before=before,
            bank_after=after,
            bank_period=period,
            relayed_to=work.relayed_to,
            not_relayed=work.not_relayed,
            quoted_tags=work.quoted,
            confirm=work.confirm,
            asks_for_customer=work.asks_for_customer,
        ),
        Post(
            key=f"receipt:{work.mail.inbox_id}", kind="receipt",
            to=((work.person.name, work.person.email),),
            language=work.desk.settings.desk.language, ticket=ticket, inbox_id=work.mail.inbox_id,
            about=f"receipt:{work.mail.inbox_id}", in_reply_to=work.mail.message.message_id,
            references=thread_of(work.mail.message.message_id, ()),
        ),
        work.now,
    )  # fmt: skip


def _bank_change(work: Work) -> tuple[int | None, int | None, str | None]:
    """C14: the bank before and after, of the period that the last booked entry drew on."""
    entered = [each for each in work.booked if not each.held]
    if work.ticket is None or not entered:
        return None, None, None
    bank = worklog.bank(work.tx, work.desk, work.ticket.customer_id, entered[-1].worked_on)
    if bank.period is None:
        return None, None, None
    drawn = sum(each.from_bank for each in entered)
    return bank.left + drawn, bank.left, str(bank.period)


# --- an OK to a receipt (C9, C11) ---------------------------------------------------------------------


def confirmed(
    tx: Tx, desk: Desk, person: Person, mail: Incoming, answered: Sent, now: dt.datetime
) -> bool:
    """Book what a receipt held, and send what it stopped; False where nothing of it waits."""
    if answered.inbox_id is None or answered.ticket_id is None:
        return False
    waiting = [row for row in holds.of_message(tx, answered.inbox_id) if row.person_id == person.id]
    if not waiting:
        return False
    work = Work(tx, desk, person, mail, now, answered, ())
    work.ticket = tickets.living(tx, tickets.by_id(tx, answered.ticket_id))
    work.booked += worklog.release(
        tx, desk, work.source, work.ticket, [row.id for row in waiting if row.kind == "entry"]
    )
    for row in waiting:
        if row.kind == "internal":
            _send_stopped(work, row.id, row.inbox_id)
    work.done.append(sentence("confirmed", desk.settings.desk.language))
    _send_receipt_of_ok(work)
    return True


def _send_receipt_of_ok(work: Work) -> None:
    work.confirm = True
    _send_receipt(work)


def _send_stopped(work: Work, hold_id: int, inbox_id: int) -> None:
    """C9: the engineer says that the answer was meant for the customer after all."""
    assert work.ticket is not None  # noqa: S101  see `confirmed`
    if not holds.settle(
        work.tx, hold_id, at=work.mail.received_at, by=work.mail.inbox_id, outcome="released"
    ):
        return
    stopped = next(
        (m for m in tickets.said(work.tx, work.ticket.id) if m.inbox_id == inbox_id), None
    )
    if stopped is None:
        return
    work.relayed_to = relay.answer_customer(
        work.tx, work.desk, work.ticket, work.person, work.mail, stopped.text, work.now
    )
    work.done.append(sentence("relayed_on_ok", work.desk.settings.desk.language))
    take_over(work)


def is_open(ticket: Ticket) -> bool:
    """Whether the ticket takes answers that move its status."""
    return ticket.status in (Status.OPEN, Status.WAITING, Status.UNPLACED)
