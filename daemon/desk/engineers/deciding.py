"""The decisions on an engineer's message: the acts of its tags, the fate of its text (C9–C13, D8).

They are pure functions of the message and its ticket: no database, no clock.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from daemon.desk.context import Refusal
from daemon.desk.engineers.leaks import Inside, ends_in_internal, leak, says_internal
from daemon.desk.engineers.reading import Numbered, Written, text_of
from daemon.desk.hours import worklog
from daemon.desk.hours.worklog import Undone, Worked
from daemon.desk.letters.to_engineers import Booked
from daemon.desk.reviews import review_meetings
from daemon.desk.tickets import acts, relay
from daemon.desk.tickets.acts import Done
from daemon.desk.tickets.turn import Incoming
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from parsers.addresses import one_mailbox
from parsers.protection import protection
from parsers.subject import base_subject
from parsers.tags import Tag, read_tags

Result = Done | Refusal | Booked | Undone

# Whose messages are answers to customers, and whose time counts (D6, D8).
ENGINEERS = frozenset({"engineer", "manager"})
# Why an answer waits for its writer's OK (C9).
STOPS = frozenset({"near_internal", "quotes_internal", "other_address"})
# Customer and level decide the way of the answer and its promise, and come before it. Time is
# booked after it; the end or the pause of the work comes last.
_BEFORE = ("customer", "merge", "for", "priority", "assign", "start", "reopen")
_AFTER = ("waiting", "done", "spam", "reason", "meeting", "promise", "undo")
_ACTS: dict[str, Callable[..., Result]] = {
    "customer": acts.place,
    "merge": acts.merge,
    "for": acts.let_in,
    "priority": acts.set_level,
    "assign": acts.assign,
    "start": acts.start,
    "reopen": acts.reopen,
    "time": worklog.book,
    "waiting": acts.wait,
    "done": acts.close,
    "spam": acts.discard,
    "reason": acts.note,
    "meeting": review_meetings.change_by_tag,
    "promise": acts.note,
    "undo": worklog.undo,
}
# Mail of ours that carries the conversation; the rest (receipts, alarms, requests) is between the
# desk and its people, and nothing that answers it ever reaches a customer.
_CONVERSATION = frozenset({"notice", "relay", "confirmation", "priority", "warning"})
_RECEIPT_SUBJECTS = ("kvitto:", "receipt:")
_SEALED = "-----BEGIN PGP MESSAGE-----"


@dataclass(frozen=True, slots=True)
class Step:
    """The act of a tag: `act(by, ticket, *given)`."""

    tag: Tag
    act: Callable[..., Result]
    given: tuple[Any, ...] = ()


def plan(
    person: Person, tags: Collection[Numbered], receipt_of: int | None, opened: Ticket | None = None
) -> tuple[tuple[Step, ...], tuple[Step, ...]]:
    """Decide the acts before the answer leaves, and those after it, in the order of their tags.

    `opened` is the new ticket of the message itself (D6).
    """

    def steps(*names: str) -> tuple[Step, ...]:
        right = [(n, tag) for n, tag in tags if tag.kind == "tag" and tag.name in names]
        asked = (Step(tag, _ACTS[tag.name], _given(person, n, tag, receipt_of)) for n, tag in right)
        return tuple(step for step in asked if opened is None or not _is_done(step, opened))

    return steps(*_BEFORE), (*steps("time"), *steps(*_AFTER))


def _given(person: Person, ordinal: int, tag: Tag, receipt_of: int | None) -> tuple[Any, ...]:
    """The arguments of a tag's act."""
    match tag.name:
        case "time":
            return (Worked(person, ordinal, tag.time, receipt_of),)
        case "priority":
            return (tag.level,)
        case "for":
            return (mailbox(tag.value),)
        case "undo":
            return (receipt_of,)
        case "reason" | "promise":
            return (tag.name, tag.value)
        case "customer" | "merge" | "assign" | "meeting":
            return (tag.value,)
    return ()


def _is_done(step: Step, opened: Ticket) -> bool:
    """Tell if the ticket's opening has carried a tag out: its level, its requester."""
    (given,) = step.given[:1] or (None,)
    if step.tag.name == "for":
        return given is not None and given[1] == opened.requester
    return step.tag.name == "priority" and given is not None


def mailbox(value: str) -> tuple[str, str] | None:
    """The name and address in a tag."""
    box = one_mailbox(value)
    return None if box is None else (box.name, box.address)


# --- the fate of the text ---------------------------------------------------------------------


def obstacle(written: Written, ticket: Ticket, *, misdirected: bool) -> str | None:
    """The reason in the message itself why its text must not go to the customer; None if none."""
    text = written.text
    if written.has("internal", "spam", "undo", "help"):
        return "internal"
    if not _talks(written, ticket):
        return "not_conversation"
    if misdirected:
        return "other_customer"
    if _encrypted(written.mail):
        return "encrypted"
    if read_tags(text):
        return "cutting_failed"
    if not text and not _is_a_file(written):
        return "no_text"
    return "near_internal" if _nearly_internal(written) else None


def obstacle_around(
    written: Written, ticket: Ticket, inside: Inside, side: frozenset[str]
) -> str | None:
    """The reason in the ticket why a text must not go to the customer; None if it may.

    `side` are the addresses of the customer's side. `direct`: it has the text already.
    """
    leaked = leak(written.text, inside)
    if leaked is not None:
        return leaked
    if not side:
        return "no_recipient"
    has_it = side & {address for _, address in written.mail.written_to}
    return "direct" if has_it == side or ticket.requester in has_it else None


def _is_a_file(written: Written) -> bool:
    """Tell if a mail without a word carries a file for the customer.

    A file beside tags may be a picture of the signature, and stays behind.
    """
    return not written.tags and any(not each.inline for each in relay.own_files(written.mail))


def _talks(written: Written, ticket: Ticket) -> bool:
    """Tell if it answers the conversation: a mail to engineers about a ticket, or none of ours.

    Without reply headers the subject tells a receipt: `Kvitto:` before the ticket's own.
    """
    if written.answered is not None:
        return written.answered.kind in _CONVERSATION
    subject = base_subject(written.mail.message.subject).casefold()
    own = ticket.subject.casefold()
    return not subject.startswith(_RECEIPT_SUBJECTS) or own.startswith(_RECEIPT_SUBJECTS)


def _nearly_internal(written: Written) -> bool:
    """C9: tell if [intern] is misspelt, wrong, inside of another tag, or in the subject.

    The reply that names the customer may say it of the message that it completes (D6).
    """
    reply = written.receipt_for
    if says_internal(written.text) or (reply is not None and says_internal(text_of(reply))):
        return True
    return any(
        tag.kind == "near_internal" or tag.name == "internal" or ends_in_internal(tag)
        for tag in (*(tag for _, tag in written.tags), *written.of_subject)
    )


def _encrypted(mail: Incoming) -> bool:
    """Tell if nobody here can read the text; an encrypted mail in its quotation does no harm."""
    if protection(mail.message) != "encrypted":
        return False
    quoted = mail.message.content_type != "multipart/encrypted" and bool(mail.body.new.strip())
    return not quoted or _SEALED in mail.body.new
