"""Reading an engineer's message: its tags, its new text, and the ticket it is about (C2, C12)."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from daemon.desk.context import By
from daemon.desk.letters.to_engineers import Refused
from daemon.desk.tickets.conversation import engineers_ticket
from daemon.desk.tickets.turn import Incoming, Turn, stored
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.mail import inbox
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.html import all_text
from parsers.protection import without_armour
from parsers.tags import Tag, cut_tags, read_tags

Numbered = tuple[int, Tag]  # a tag and its place among all tags of the message (C12)


@dataclass(frozen=True, slots=True)
class Written:
    """An engineer's message as it was read."""

    mail: Incoming
    text: str  # C13: as a customer may see it
    answered: Sent | None = None  # the mail of ours that it replies to
    ticket: Ticket | None = None
    tags: tuple[Numbered, ...] = ()
    of_subject: tuple[Tag, ...] = ()  # C13: cut, and never carried out
    quoted: tuple[str, ...] = ()  # C2: tags that count nothing
    refused: tuple[Refused, ...] = ()  # the wrong tags, and those of the subject
    receipt_for: Incoming | None = None  # the reply that completed the message (D6)

    @property
    def receipt_of(self) -> int | None:
        """The message of the answered receipt."""
        answered = self.answered
        return answered.inbox_id if answered is not None and answered.kind == "receipt" else None

    def right_tags(self, *names: str) -> list[Numbered]:
        """The right tags of these names, in order."""
        return [(n, tag) for n, tag in self.tags if tag.kind == "tag" and tag.name in names]

    def has(self, *names: str) -> bool:
        """Tell if a right tag of one of these names stands in the message."""
        return bool(self.right_tags(*names))


def text_of(mail: Incoming) -> str:
    """C13: a message's new text without signature; every tag is cut, right or wrong."""
    shown = without_armour(mail.body.shown)
    return cut_tags(shown, read_tags(shown)).strip()


def read_answer(turn: Turn, person: Person, answered: Sent | None) -> Written:
    """Read an engineer's message; a reply with `[för: …]` completes the message before it (D6)."""
    written = _read(turn, answered)
    asked = written.receipt_of
    if answered is None or answered.ticket_id is not None or asked is None:
        return written
    return _completed(turn.by(), person, written, asked) if written.has("for") else written


def _read(turn: Turn, answered: Sent | None) -> Written:
    ticket = engineers_ticket(turn, answered)
    stood = _stood_before(turn.by(), ticket) if turn.mail.body.uncertain else frozenset()
    return written_in(turn.mail, answered, ticket, stood)


def written_in(
    mail: Incoming,
    answered: Sent | None = None,
    ticket: Ticket | None = None,
    stood: Collection[str] = (),
) -> Written:
    """C2, C12: the tags of the new text in order; those of the subject are only cut (C13).

    In uncertain text a tag of the conversation (`stood`) is quoted.
    """
    written = read_tags(mail.body.new)
    known = [tag for tag in written if tag.raw in stood and _is_in(tag, mail.body.uncertain)]
    tags = [tag for tag in written if tag not in known]
    of_subject = _of_subject(mail, ticket)
    refused = [Refused(tag.raw, tag.error or "bad_value") for tag in tags if tag.kind == "wrong"]
    return Written(
        mail,
        text_of(mail),
        answered,
        ticket,
        tuple(enumerate(tags, start=1)),
        of_subject,
        (*(tag.raw for tag in known), *(_out_of_place(mail) if answered is not None else ())),
        (*refused, *(Refused(tag.raw, "in_subject") for tag in of_subject)),
    )


def _stood_before(by: By, ticket: Ticket | None) -> frozenset[str]:
    """The tags in the conversation so far."""
    said = tickets.said(by.tx, ticket.id, last=20) if ticket is not None else ()
    return frozenset(tag.raw for tag in read_tags("\n".join(each.text for each in said)))


def _is_in(tag: Tag, spans: Sequence[tuple[int, int]]) -> bool:
    return any(start < tag.span[1] and tag.span[0] < end for start, end in spans)


def _out_of_place(mail: Incoming) -> tuple[str, ...]:
    """C2, C9: tags in quoted, forwarded or hidden text count nothing.

    No mail of ours holds any: in a reply to one, somebody has written them there, and is told.
    """
    body, html = mail.body, mail.message.html
    quoted = [tag.raw for tag in read_tags(f"{body.quoted}\n{body.forwarded}")]
    if body.source != "html" or html is None:
        return tuple(quoted)
    seen = Counter((*quoted, *(tag.raw for tag in read_tags(body.new))))
    everywhere = Counter(tag.raw for tag in read_tags(all_text(html)))
    return (*quoted, *(everywhere - seen))


def _of_subject(mail: Incoming, ticket: Ticket | None) -> tuple[Tag, ...]:
    """The tags of the subject, less those of the ticket's own."""
    known = {tag.raw for tag in read_tags(ticket.subject)} if ticket else set()
    return tuple(tag for tag in read_tags(mail.message.subject) if tag.raw not in known)


def _completed(by: By, person: Person, reply: Written, asked: int) -> Written:
    """D6: the message without a customer, with the tags of the reply.

    Only its own writer completes it, for the time in it is hers, and only while none of its tags
    has been carried out. A message completed before has a ticket: the reply is about that one.
    """
    mail = stored(by, asked)
    writer = register.person_by_address(by.tx, mail.sender)
    if writer is None or writer.id != person.id or inbox.outcome(by.tx, asked) != "no-ticket":
        return reply
    known = tickets.of_inbox(by.tx, asked)
    if known is not None:
        return replace(reply, ticket=tickets.living(by.tx, known))
    message = _read(Turn(by.tx, by.desk, mail, by.now), None)
    kept = [(n, tag) for n, tag in message.tags if tag.name != "for" or tag.kind != "tag"]
    start = len(message.tags) + 1
    return replace(
        message,
        tags=(*kept, *enumerate((tag for _, tag in reply.tags), start=start)),
        of_subject=(*message.of_subject, *reply.of_subject),
        refused=message.refused + reply.refused,
        receipt_for=reply.mail,
    )
