"""What one message of an engineer has come to so far, as tags are carried out one by one."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from daemon.desk.hours.balances import Drawn
from daemon.desk.hours.worklog import Source
from daemon.desk.letters.records import Booked, Refused
from daemon.desk.tickets.turn import Incoming, Turn
from daemon.domain.clock import EventKind
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.mail.outbox import Sent
from daemon.store.session import Tx
from daemon.store.tickets import tickets
from parsers.tags import Tag

Numbered = tuple[int, Tag]  # a tag and its place among all tags of the message (C12)

# Whose messages are answers to customers, and whose time counts (D6, D8).
ENGINEERS = frozenset({"engineer", "manager"})
# Why an answer waits for its writer's OK (C9).
STOPS = frozenset({"near_internal", "quotes_internal", "other_address"})


@dataclass(slots=True)
class Work:
    """The message, its writer, its tags; and what a receipt will say of them (C14)."""

    turn: Turn
    person: Person
    answered: Sent | None  # the mail of ours that it replies to
    tags: Sequence[Numbered] = ()
    of_subject: tuple[Tag, ...] = ()  # C13: cut, and never carried out
    found: Ticket | None = None
    booked: list[Booked] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    given_back: list[Drawn] = field(default_factory=list)  # to banks, by undoing
    quoted: tuple[str, ...] = ()
    relayed_to: tuple[str, ...] = ()
    not_relayed: str | None = None
    confirm: bool = False
    asks_for_customer: bool = False
    opened: bool = False  # D6: the confirmation carries the text
    reopened: bool = False
    placed: bool = False  # with a customer, or with another one (D2, D7)
    level_before: Ticket | None = None  # a new level, to be told once it is known what it means
    told: int | None = None  # who has been given the ticket, and has a mail of its own
    misdirected: bool = False  # it names somebody of another customer: meant for them
    receipt_for: Incoming | None = None  # whose receipt it is, where not the message's own (D6)

    @property
    def tx(self) -> Tx:
        """The message's one transaction."""
        return self.turn.tx

    @property
    def ticket(self) -> Ticket:
        """The ticket that it works on; a LookupError while there is none."""
        if self.found is None:
            raise LookupError("the message has no ticket")
        return self.found

    @property
    def source(self) -> Source:
        """The message as the worklog names it."""
        mail = self.turn.mail
        receipt_of = None
        if self.answered is not None and self.answered.kind == "receipt":
            receipt_of = self.answered.inbox_id
        return Source(
            self.tx, self.turn.desk, self.person, mail.inbox_id, mail.received_at, receipt_of
        )

    def right_tags(self, *names: str) -> list[Numbered]:
        """The right tags of these names, in order."""
        return [(n, tag) for n, tag in self.tags if tag.kind == "tag" and tag.name in names]

    def has(self, *names: str) -> bool:
        """Whether a right tag of one of these names stands in the message."""
        return bool(self.right_tags(*names))

    def did(self, code: str, **facts: object) -> None:
        """Note for the receipt what was done."""
        self.done.append(self.turn.sentence(code, **facts))

    def refuse(self, tag: Tag, why: str) -> None:
        """Note for the receipt what was not done, and why."""
        self.refused.append(Refused(tag.raw, why))

    def change(self, **values: object) -> None:
        """Set columns of the ticket."""
        self.found = tickets.change(self.tx, self.ticket.id, **values)

    def record(self, kind: str, **data: object) -> None:
        """Note a change of the ticket (K1)."""
        self.turn.record(self.ticket, kind, self.person.email, **data)

    def happened(self, kind: EventKind, *, answer: int | None = None) -> None:
        """What the message does to the ticket's clocks."""
        self.turn.happened(self.ticket, kind, actor=self.person.email, answer=answer)

    def take_over(self) -> None:
        """D8: the first engineer who answers or starts becomes the assignee."""
        if self.ticket.assignee_id is None and "engineer" in self.person.roles:
            self.change(assignee_id=self.person.id)
            self.record("assigned", to=self.person.email)
