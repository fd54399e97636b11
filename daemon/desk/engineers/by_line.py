"""A mail that belongs to no one ticket: each line's tags go to the ticket that the line names.

That is how the morning's digest is answered, and the receipt of such an answer. Nothing of it ever
reaches a customer.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from daemon.desk.engineers import actions, news
from daemon.desk.engineers.work import Numbered, Work
from daemon.desk.hours import worklog
from daemon.domain.ticket import Ticket
from daemon.store.money import ledger
from daemon.store.tickets import holds, tickets
from parsers.tags import cut_tags, read_tags

DIGEST = "digest"
_NAMED = re.compile(r"(?<![\w#&/])#([1-9][0-9]{0,17})(?!\w)")
# As a line of the digest begins, or as people begin a line of a list.
_FIRST = re.compile(
    r"[\s>*•·–-]{0,20}(?:(?:ärende|ticket)\s{1,5})?([1-9][0-9]{0,17})(?![\w.,]*\d|\w)",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_BETWEEN = re.compile(r"^[\s>*•·:,;.()\[\]–-]+|[\s:,;()\[\]–-]+$")


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of the new text: where it stands, and the tickets that it names, by their place."""

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


@dataclass(slots=True)
class _Part:
    """What a mail says on one ticket."""

    ticket: Ticket
    tags: list[Numbered]
    text: list[str]


def is_one(work: Work) -> bool:
    """Whether a mail is read line by line: a reply to what lists tickets, or one that names some.

    An engineer's other mail that belongs to no ticket asks for its customer (D6).
    """
    answered = work.answered
    if answered is not None and answered.kind == DIGEST:
        return True
    if work.found is not None or work.has("for"):
        return False
    if answered is not None and answered.kind == "receipt" and _of_receipt(work):
        return True
    lines = _lines(work.turn.mail.body.new, ())
    return any(_number(lines, tag.span[0]) for _, tag in work.tags)


def take(work: Work) -> None:
    """Carry out the tags on the tickets that they belong to; what has none is told back (C14)."""
    parts = _parts(work)
    for part in parts:
        _carry_out(work, part)
    if parts:
        work.found = parts[0].ticket if len(parts) == 1 else None
    work.not_relayed = _unsent(work)


def _unsent(work: Work) -> str | None:
    """Why its words went to nobody, where their writer may have meant them for somebody."""
    shown = work.turn.mail.body.shown
    if not cut_tags(shown, read_tags(shown)).strip():
        return None
    if work.answered is None or work.answered.kind not in {DIGEST, "receipt"}:
        return "only_tags"
    return None if work.tags else "not_conversation"


# --- which ticket a tag belongs to ------------------------------------------------------------


def _parts(work: Work) -> list[_Part]:
    listed = _listed(work)
    text = work.turn.mail.body.new
    lines = _lines(text, listed)
    alone = _alone(work, listed)
    found: dict[int, _Part] = {}
    for tag in work.tags:
        if tag[1].kind == "wrong":
            continue  # told already
        number = _number(lines, tag[1].span[0])
        ticket = _named(work, alone if number is None else number)
        if ticket is None:
            _without_ticket(work, tag, named=bool(number), listed=listed)
            continue
        part = found.setdefault(ticket.id, _Part(ticket, [], []))
        part.tags.append(tag)
        _note(part, text, lines, tag)
    return list(found.values())


def _lines(text: str, listed: Iterable[int]) -> list[_Line]:
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
        lines.append(_Line(at, at + len(line), _named_in(line, at, known)))
        at += len(line) + 1
    return lines


def _named_in(line: str, at: int, listed: frozenset[int]) -> tuple[tuple[int, int], ...]:
    named = [(at + found.start(), int(found[1])) for found in _NAMED.finditer(line)]
    first = _FIRST.match(line)
    if first is not None and int(first[1]) in listed:
        named.insert(0, (at + first.start(1), int(first[1])))
    return tuple(named)


def _number(lines: Sequence[_Line], at: int) -> int | None:
    """The ticket that a tag's own line names, else the nearest line above; 0: in doubt."""
    own = next(n for n, line in enumerate(lines) if at <= line.end)
    for line in lines[own::-1]:
        number = line.number_for(at)
        if number is not None:
            return number
    return None


def _listed(work: Work) -> Mapping[int, frozenset[int]]:
    """The tickets that the answered mail asks about, each with whose time it lacks."""
    answered = work.answered
    if answered is None:
        return {}
    if answered.kind == DIGEST:
        return listed_in(answered.about or "")
    return dict.fromkeys(_of_receipt(work), frozenset((work.person.id,)))


def listing(found: Mapping[int, Iterable[int]]) -> str:
    """What a digest notes of the answers without time: `1042/3,1047/3/4`, by ticket number."""
    return ",".join(
        "/".join(map(str, (number, *sorted(people)))) for number, people in found.items()
    )


def listed_in(noted: str) -> dict[int, frozenset[int]]:
    """Ticket numbers, each with the ids of who answered there without time."""
    entries = (entry.split("/") for entry in noted.split(",") if entry)
    return {int(number): frozenset(map(int, people)) for number, *people in entries}


def _of_receipt(work: Work) -> list[int]:
    """The tickets on which the answered receipt's message booked, or has something waiting."""
    answered = work.answered
    if answered is None or answered.inbox_id is None or answered.kind != "receipt":
        return []
    booked = [each.entry.ticket for each in ledger.of_message(work.tx, answered.inbox_id)]
    waiting = [row.ticket_id for row in holds.of_message(work.tx, answered.inbox_id)]
    found = dict.fromkeys(each for each in (*booked, *waiting) if each is not None)
    living = (tickets.living(work.tx, tickets.by_id(work.tx, each)) for each in found)
    return list(dict.fromkeys(ticket.number for ticket in living))


def _alone(work: Work, listed: Mapping[int, frozenset[int]]) -> int | None:
    """The ticket of a tag that names none: the subject's, the writer's only one, the only one."""
    if work.found is not None:
        return work.found.number
    mine = [number for number, people in listed.items() if work.person.id in people]
    only = next((each for each in (mine, list(listed)) if len(each) == 1), None)
    return only[0] if only else None


def _named(work: Work, number: int | None) -> Ticket | None:
    ticket = tickets.by_number(work.tx, number) if number else None
    return tickets.living(work.tx, ticket) if ticket else None


def _without_ticket(
    work: Work, numbered: Numbered, *, named: bool, listed: Mapping[int, frozenset[int]]
) -> None:
    _, tag = numbered
    if tag.kind != "tag":
        return
    if tag.name == "help":
        news.tag_card(work)
    elif tag.name == "undo" and listed and work.source.receipt_of is not None:
        work.found = _named(work, next(iter(listed)))
        refusal = actions.undo(work, tag)
        if refusal is not None:
            work.refuse(tag, refusal)
    elif tag.name == "for":
        work.refuse(tag, "new_mail")
    else:
        work.refuse(tag, "unknown_ticket" if named else "which_ticket")


# --- what it does there -----------------------------------------------------------------------


def _note(part: _Part, text: str, lines: Sequence[_Line], numbered: Numbered) -> None:
    """What the tag's line says beside it is a note on its ticket."""
    at = numbered[1].span[0]
    line = next(line for line in lines if at <= line.end)
    said = text[line.start : max(line.end, numbered[1].span[1])]
    said = cut_tags(said, read_tags(said))
    for number in {number for _, number in line.named}:
        said = re.sub(rf"#?\b{number}\b", " ", said)
    said = _BETWEEN.sub("", " ".join(said.split()))
    repeated = said.casefold() in part.ticket.subject.casefold()
    if _LETTER.search(said) and not repeated and said not in part.text:
        part.text.append(said)


def _carry_out(work: Work, part: _Part) -> None:
    """The same as on a ticket's own mail, but that nothing goes to its customer (D8)."""
    on = replace(
        work,
        found=part.ticket,
        tags=part.tags,
        booked=[],
        refused=[],
        done=[],
        given_back=[],
        not_relayed="internal",
    )
    actions.carry_out(on, before_answer=True)
    text = "\n".join(part.text)
    if text:
        on.turn.say(on.ticket, "engineer", text, internal=True)
        on.did("kept_inside")
    booked, refused = worklog.book(on.source, on.ticket, on.right_tags("time"))
    on.booked += booked
    on.refused += refused
    actions.carry_out(on, before_answer=False)
    news.of_work(on, text)
    part.ticket = on.ticket
    _gather(work, on)


def _gather(work: Work, on: Work) -> None:
    """One receipt tells of all."""
    work.booked += on.booked
    work.refused += on.refused
    work.given_back += on.given_back
    work.done += [f"#{on.ticket.number}: {sentence}" for sentence in on.done]
    work.confirm = work.confirm or any(each.held for each in on.booked)
