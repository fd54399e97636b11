"""Texts of ours in an answer to a customer: notices, internal notes, other customers' addresses.

The parser cuts a quotation if it is certain of one (C2), and keeps any other passage as text. An
answer with a passage of ours stays behind until its writer confirms it (C9, D8).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from daemon.desk.context import By
from daemon.domain.ticket import Ticket
from daemon.store.mail.outbox import Sent
from daemon.store.money import register
from daemon.store.tickets import tickets
from parsers.message import read
from parsers.tags import Tag, cut_tags, read_tags

_WORD = re.compile(r"[^\W_]+")
_ADDRESS = re.compile(r"[^\s<>()\[\]\"',;:@]{1,64}@[^\s<>()\[\]\"',;:@]{1,255}")
_INTERN = r"(?<!\w)intern(?:t|al)?(?!\w)"
_OPEN, _SHUT = r"\[［【", r"\]］】"  # some keyboards write wide brackets
_MARK = r"[()<>{}»«*_/|~\"'=-]"
_NEARLY = re.compile(
    "|".join(
        (
            # in a bracket, perhaps beside other words, or with one half of the bracket missing
            rf"[{_OPEN}][^\n{_OPEN}{_SHUT}]{{0,60}}{_INTERN}[^{_OPEN}{_SHUT}]{{0,60}}[{_SHUT}](?!\()",
            rf"[{_OPEN}]\s{{0,9}}{_INTERN}(?![^\n{_OPEN}{_SHUT}]{{0,60}}\]\()",
            rf"{_INTERN}\s{{0,9}}[{_SHUT}](?!\()",
            # a line of nothing else, or one with the word as its heading
            rf"^[^\w\n]{{0,20}}{_INTERN}[^\w\n]{{0,20}}$",
            rf"^[^\w\n]{{0,20}}{_INTERN}(?:[ \t]\w{{1,20}}){{0,2}}[ \t]?:",
            # between other marks where a line begins
            rf"^[ \t]{{0,20}}(?:{_MARK}{{1,3}}[ \t]?{_INTERN}[ \t]?{_MARK}|#{_INTERN})",
        )
    ),
    re.IGNORECASE | re.MULTILINE,
)
_LAST_WORD = re.compile(r"[,;:|/\s]intern(?:t|al)?\s{0,9}\]\Z", re.IGNORECASE)
_RUN = 5  # words in a row that nobody writes twice by chance
_SHORT_LINE = 3  # the fewest words to know a line of ours again
_MOST_OF_A_LINE = 8
_MOST_READ = 128 * 1024  # of a mail of ours: its text comes before its files
_MAILS = 12  # the ticket's last mails of ours to look at, beside the answered one
_INSIDE = (
    "notice",
    "notices",
    "receipt",
    "warning",
    "digest",
    "proof",
    "card",
    "alarm",
    "close",
    "approval",
    "tried",
)


@dataclass(frozen=True, slots=True)
class Inside:
    """The inside texts of a ticket, and those known to its customer."""

    notes: tuple[str, ...] = ()  # internal notes
    lines: tuple[str, ...] = ()  # of mails between the desk and its people
    public: tuple[str, ...] = ()
    names_others: bool = False  # the answer names somebody of another customer


def inside(by: By, ticket: Ticket, answered: Sent | None, text: str) -> Inside:
    """Load the texts for the comparison with an answer to a ticket."""
    said = [each for each in tickets.said(by.tx, ticket.id) if each.inbox_id != by.inbox_id]
    return Inside(
        tuple(each.text for each in said if each.internal),
        tuple(_lines_of_ours(by, ticket, answered)),
        tuple(each.text for each in said if not each.internal),
        _names_others(by, ticket, text),
    )


def says_internal(text: str) -> bool:
    """Tell if a text says [intern] in no tag: in broken or other brackets, or on a line's own."""
    return _NEARLY.search(text) is not None


def ends_in_internal(tag: Tag) -> bool:
    """Tell if another tag says intern as its last word: `[tid: 1h; intern]` (C9)."""
    return tag.name != "internal" and _LAST_WORD.search(tag.raw) is not None


def leak(text: str, held: Inside) -> str | None:
    """The reason an engineer's text must not go to the customer unasked; None if it may.

    `quotes_internal`: it holds an internal note of the ticket, or a line of a mail between the
    desk and its people. `other_address`: it names somebody of another customer.
    """
    said = f" {' '.join(_words(text))} "
    if any(f" {piece} " in said for piece in _secrets(held)):
        return "quotes_internal"
    return "other_address" if held.names_others else None


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _runs(words: list[str]) -> Iterator[str]:
    for at in range(len(words) - _RUN + 1):
        yield " ".join(words[at : at + _RUN])


def _secrets(held: Inside) -> Iterator[str]:
    """The runs of words of inside texts, less those known to the customer."""
    public = {run for text in held.public for run in _runs(_words(text))}
    for note in held.notes:
        yield from _of_note(note, public)
    for line in held.lines:
        words = _words(line)[:_MOST_OF_A_LINE]
        if len(words) >= _SHORT_LINE:
            yield " ".join(words)


def _of_note(text: str, public: set[str]) -> Iterator[str]:
    """A short note whole, a longer one by every run of its words."""
    words = _words(cut_tags(text, read_tags(text)))
    if len(words) >= _RUN:
        yield from (run for run in _runs(words) if run not in public)
    elif len(" ".join(words)) >= 2 * _RUN:
        yield " ".join(words)


def _lines_of_ours(by: By, ticket: Ticket, answered: Sent | None) -> Iterator[str]:
    """The lines of the answered mail and of the ticket's last, of mails to our own people only."""
    ids = tickets.latest_mails(by.tx, ticket.id, _INSIDE, _MAILS)
    if answered is not None and answered.kind in _INSIDE:
        ids = [*ids, answered.id]
    for raw in tickets.beginnings(by.tx, ids, _MOST_READ):
        for line in (read(raw).text or "").split("\n"):
            if not line.startswith(">"):
                yield line


def _names_others(by: By, ticket: Ticket, text: str) -> bool:
    side = {each.address for each in tickets.participants_of(by.tx, ticket.id)}
    return any(
        owner[0].id != ticket.customer_id
        for address in _addresses(text)
        if address not in side
        and (owner := register.customer_of_address(by.tx, address)) is not None
    )


def _addresses(text: str) -> Iterable[str]:
    return dict.fromkeys(each.strip(".").lower() for each in _ADDRESS.findall(text)[:50])
