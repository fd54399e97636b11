"""A mail about several tickets: the tags of a line go to the ticket named on it.

It answers the morning's digest, gathered notices (J2), or the receipt of such an answer. Nothing of
it ever reaches a customer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from daemon.desk.context import By, Refusal
from daemon.desk.engineers import deciding, news
from daemon.desk.engineers.acting import Acted, Carried, carry_out, noted
from daemon.desk.engineers.reading import Numbered, Written
from daemon.desk.hours import worklog
from daemon.desk.tickets.turn import Turn
from daemon.domain.register import Person
from daemon.domain.ticket import Ticket
from daemon.store.money import ledger
from daemon.store.tickets import holds, tickets
from parsers.tags import Tag, cut_tags, read_tags

LISTS = frozenset({"digest", "notices"})  # kinds of mail about several tickets
_NAMED = re.compile(r"(?<![\w#&/])#([1-9][0-9]{0,17})(?!\w)")
# As a line of the digest begins, or as people begin a line of a list.
_FIRST = re.compile(
    r"[\s>*•·–-]{0,20}(?:(?:ärende|ticket)\s{1,5})?([1-9][0-9]{0,17})(?![\w.,]*\d|\w)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN = re.compile(r"^[\s>*•·:,;.()\[\]–-]+|[\s:,;()\[\]–-]+$")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the new text: its place, and the tickets named on it, by their place."""

    start: int
    end: int
    named: tuple[tuple[int, int], ...]  # (place, ticket number)

    def number_for(self, at: int) -> int | None:
        """The ticket of a tag on this line: the one before it, or the only one; 0: in doubt."""
        before = [number for place, number in self.named if place < at]
        if len({number for _, number in self.named}) == 1:
            return self.named[0][1]
        if not self.named:
            return None
        return before[-1] if before else 0


@dataclass(frozen=True, slots=True)
class Part:
    """The tags and the words of a mail for one ticket."""

    ticket: Ticket
    tags: tuple[Numbered, ...]
    text: str


def is_one(by: By, written: Written) -> bool:
    """Tell if a mail is read line by line: it answers a list of tickets, or names some.

    The receipt of any other mail without a ticket asks for its customer (D6).
    """
    if written.answered is not None and written.answered.kind in LISTS:
        return True
    if written.ticket is not None:
        return False
    if written.has("for"):  # a receipt of several tickets has no message to complete
        return written.receipt_of is not None
    if _of_receipt(by, written):
        return True
    lines = lines_of(written.mail.body.new, ())
    return any(number_for(lines, tag) for _, tag in written.tags)


def act(turn: Turn, person: Person, written: Written) -> tuple[Acted, tuple[Acted, ...]]:
    """Carry out the tags on their tickets; gives the results of the rest, and those by ticket."""
    by = turn.by(person)
    listed = _listed(by, person, written)
    lines = lines_of(written.mail.body.new, listed)
    alone = _alone(person, written, listed)
    tags = [numbered for numbered in written.tags if numbered[1].kind != "wrong"]  # told already
    placed = [(numbered, number_for(lines, numbered[1])) for numbered in tags]
    wanted = dict.fromkeys(alone if number is None else number for _, number in placed)
    known = {number: ticket for number in wanted if (ticket := _named(by, number))}
    owned = [(tag, known.get(alone if number is None else number)) for tag, number in placed]
    parts = parts_of(written.mail.body.new, lines, [(t, on) for t, on in owned if on is not None])
    rest = Acted(why=_unsent(written))
    for ((_, tag), number), (_, ticket) in zip(placed, owned, strict=True):
        if ticket is None and tag.kind == "tag":
            rest = _without_ticket(by, written, rest, tag, named=bool(number), listed=listed)
    acted = tuple(_on_ticket(turn, person, part, written.receipt_of) for part in parts)
    if acted:
        rest = rest.then(acted[0].ticket if len(acted) == 1 else None)
    return rest, acted


def _unsent(written: Written) -> str | None:
    """The reason its words went to nobody, if their writer may have meant them for somebody."""
    shown = written.mail.body.shown
    if not cut_tags(shown, read_tags(shown)).strip():
        return None
    if written.answered is None or written.answered.kind not in {*LISTS, "receipt"}:
        return "only_tags"
    return None if written.tags else "not_conversation"


# --- the ticket of a tag ----------------------------------------------------------------------


def lines_of(text: str, listed: Iterable[int]) -> list[Line]:
    """The lines of a text, the tags on each blanked out: a number inside of one names nothing."""
    bare = text
    for tag in read_tags(text):
        start, end = tag.span
        blank = re.sub(r"[^\n]", " ", bare[start:end])
        bare = bare[:start] + blank + bare[end:]
    known = frozenset(listed)
    lines = []
    at = 0
    for line in bare.split("\n"):
        lines.append(Line(at, at + len(line), _named_in(line, at, known)))
        at += len(line) + 1
    return lines


def _named_in(line: str, at: int, listed: frozenset[int]) -> tuple[tuple[int, int], ...]:
    named = [(at + hit.start(), int(hit[1])) for hit in _NAMED.finditer(line)]
    first = _FIRST.match(line)
    if first is not None and int(first[1]) in listed:
        named.insert(0, (at + first.start(1), int(first[1])))
    return tuple(named)


def _line_of(lines: Sequence[Line], tag: Tag) -> int:
    return next(n for n, line in enumerate(lines) if tag.span[0] <= line.end)


def number_for(lines: Sequence[Line], tag: Tag) -> int | None:
    """The ticket named on a tag's own line, else on the nearest line above; 0: in doubt."""
    for line in lines[_line_of(lines, tag) :: -1]:
        number = line.number_for(tag.span[0])
        if number is not None:
            return number
    return None


def parts_of(
    text: str, lines: Sequence[Line], placed: Sequence[tuple[Numbered, Ticket]]
) -> tuple[Part, ...]:
    """The tags of each ticket, with the words beside them as a note."""
    named = {ticket.id: ticket for _, ticket in placed}
    parts = []
    for ticket in named.values():
        tags = tuple(numbered for numbered, on in placed if on.id == ticket.id)
        notes = (_note(text, lines[_line_of(lines, tag)], tag) for _, tag in tags)
        kept = [each for each in notes if _LETTER.search(each)]
        kept = [each for each in kept if each.casefold() not in ticket.subject.casefold()]
        parts.append(Part(ticket, tags, "\n".join(dict.fromkeys(kept))))
    return tuple(parts)


def _note(text: str, line: Line, tag: Tag) -> str:
    """The words of a tag's line beside it."""
    said = text[line.start : max(line.end, tag.span[1])]
    said = cut_tags(said, read_tags(said))
    for number in {number for _, number in line.named}:
        said = re.sub(rf"#?\b{number}\b", " ", said)
    return _BETWEEN.sub("", " ".join(said.split()))


def listing(people_by_ticket: Mapping[int, Iterable[int]]) -> str:
    """A list's note of the people to book time: `1042/3,1047/3/4`, by ticket number."""
    return ",".join(
        "/".join(map(str, (number, *sorted(people)))) for number, people in people_by_ticket.items()
    )


def listed_in(noted: str) -> dict[int, frozenset[int]]:
    """Ticket numbers, each with the ids of the people to book time there."""
    entries = (entry.split("/") for entry in noted.split(",") if entry)
    return {int(number): frozenset(map(int, people)) for number, *people in entries}


def _listed(by: By, person: Person, written: Written) -> Mapping[int, frozenset[int]]:
    """The tickets of the answered list, each with the ids of the people to book time there."""
    if written.answered is not None and written.answered.kind in LISTS:
        return listed_in(written.answered.about or "")
    return dict.fromkeys(_of_receipt(by, written), frozenset((person.id,)))


def _of_receipt(by: By, written: Written) -> list[int]:
    """The tickets of the answered receipt: its message booked or holds time on them."""
    message = written.receipt_of
    if message is None:
        return []
    booked = [each.entry.ticket for each in ledger.of_message(by.tx, message)]
    waiting = [row.ticket_id for row in holds.of_message(by.tx, message)]
    ids = dict.fromkeys(each for each in (*booked, *waiting) if each is not None)
    living = (tickets.living(by.tx, tickets.by_id(by.tx, each)) for each in ids)
    return list(dict.fromkeys(ticket.number for ticket in living))


def _alone(person: Person, written: Written, listed: Mapping[int, frozenset[int]]) -> int | None:
    """The ticket of a tag without a number: the subject's, the writer's only one, the only one."""
    if written.ticket is not None:
        return written.ticket.number
    mine = [number for number, people in listed.items() if person.id in people]
    only = next((each for each in (mine, list(listed)) if len(each) == 1), None)
    return only[0] if only else None


def _named(by: By, number: int | None) -> Ticket | None:
    ticket = tickets.by_number(by.tx, number) if number else None
    return tickets.living(by.tx, ticket) if ticket else None


# --- carrying them out ------------------------------------------------------------------------


def _without_ticket(
    by: By, written: Written, rest: Acted, tag: Tag, *, named: bool, listed: Iterable[int]
) -> Acted:
    """Undo the answered receipt by a bare `[ångra]`; refuse any other tag without a ticket."""
    receipt_of, first = written.receipt_of, next(iter(listed), None)
    if tag.name == "help":
        return rest
    if tag.name == "undo" and receipt_of is not None and (ticket := _named(by, first)):
        return rest.then(ticket, Carried(worklog.undo(by, ticket, receipt_of), tag))
    why = "unknown_ticket" if named else "which_ticket"
    return rest.then(rest.ticket, Carried(Refusal("new_mail" if tag.name == "for" else why), tag))


def _on_ticket(turn: Turn, person: Person, part: Part, receipt_of: int | None) -> Acted:
    """Act on one ticket; its customer gets nothing (D8)."""
    by = turn.by(person)
    before, after = deciding.plan(person, part.tags, receipt_of)
    ticket, carried = carry_out(by, part.ticket, before)
    acted = Acted(ticket, carried, why="internal")
    if part.text:
        turn.say(ticket, "engineer", part.text, internal=True)
        acted = acted.then(ticket, noted(ticket, "kept_inside"))
    ticket, carried = carry_out(by, ticket, after)
    acted = acted.then(ticket, *carried)
    news.of_answer(turn, person, acted, part.text)
    return acted
