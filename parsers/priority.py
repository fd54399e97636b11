"""The priority in a customer's words, from subject and text (C4-C6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from parsers import levels
from parsers import subject as subjects

Source = Literal["subject_label", "text_label", "word"]

_GAP = r"[\s\-–—,/(=:.]{1,5}"
_LABEL = re.compile(
    # as in: prio 1, Prioritet: 2 - Hög, #prio4, nivå 3 …
    r"(?<![\w])(?:(?:prioritet|priority|prio|nivå)"
    rf"[\s:=.\-–—#]{{0,4}}(?:(?P<number>[1-4])(?![\w]|[.,:][0-9])|(?P<name>{levels.NAME})\b)"
    # … and as in: [P1], #P1, P2:
    r"|(?P<open>[\[(#])p(?P<boxed>[1-4])(?![\w])|p(?P<marked>[1-4]):)",
    re.IGNORECASE,
)
_NUMBER_AFTER = re.compile(
    rf"{_GAP}(?:p|prio\s?)?(?P<number>[1-4])(?![\w]|[.,:][0-9])", re.IGNORECASE
)
_NAME_AFTER = re.compile(rf"{_GAP}(?P<name>{levels.NAME})\b", re.IGNORECASE)
_MARKER = re.compile(
    rf"\s{{0,3}}(?:[\[(](?P<boxed>{levels.NAME})[\])]|(?P<name>{levels.NAME})\s?[:!])",
    re.IGNORECASE,
)
_LINE = re.compile(r"(?:p|prio|prioritet|priority|nivå)\W{0,9}([1-4])", re.IGNORECASE)
_EDGES = " \t\r.,;:!?*_#()[]{}<>\"'|~=-–—\u00a0"
_WORD = re.compile(r"\w+")
_NEGATIONS = frozenset({"ej", "inte", "icke", "not"})
WORDS: Mapping[str, int] = {"akut": 1, "brådskande": 2, "urgent": 2}
_LINES_READ = 10


@dataclass(frozen=True, slots=True)
class Statement:
    """The priority stated in a mail. `level` is None without a statement: then level 3 holds (C4).

    `conflict`: two different statements in one place, or a number and a different name; the more
    severe one is `level` (C6). The levels by place stand apart for replies: there the subject
    counts only if it differs from the ticket's (C5).
    """

    level: int | None
    source: Source | None
    conflict: bool
    subject_level: int | None
    text_level: int | None
    word_level: int | None


def _labels(text: str) -> list[int]:
    """Give every level of the labels in a text, by number and by name."""
    out: list[int] = []
    for label in _LABEL.finditer(text):
        number = label["number"] or label["boxed"] or label["marked"]
        after = _NAME_AFTER if number else _NUMBER_AFTER
        out.append(int(number) if number else levels.by_name(label["name"]))
        more = after.match(text, label.end())
        if more:
            value = more[1]
            out.append(int(value) if value.isdigit() else levels.by_name(value))
    return out


def _marker(text: str) -> list[int]:
    """Give the level of a name alone at the start, as a marker: `KRITISK: …`, `[Hög] …`."""
    marker = _MARKER.match(text)
    return [levels.by_name(marker["boxed"] or marker["name"])] if marker else []


def _words(text: str, words: Mapping[str, int]) -> list[int]:
    spoken = [word.casefold() for word in _WORD.findall(text)]
    return [
        words[word]
        for at, word in enumerate(spoken)
        if word in words and not _NEGATIONS & set(spoken[max(0, at - 2) : at])
    ]


def _line_level(line: str) -> list[int]:
    """Give the levels of a line with nothing but a label, its level's name and punctuation."""
    if len(line) > 80:
        return []
    label = _LABEL.search(line)
    bare = _LINE.fullmatch(line.strip(_EDGES))
    if bare:
        return [int(bare[1])]
    if not label or line[: label.start()].strip(_EDGES):
        return []
    number = label["number"] or label["boxed"] or label["marked"]
    more = (_NAME_AFTER if number else _NUMBER_AFTER).match(line, label.end())
    end = more.end() if more else label.end()
    return _labels(line) if not line[end:].strip(_EDGES) else []


def _text_levels(text: str) -> list[int]:
    out: list[int] = []
    seen = 0
    for line in text[:20000].split("\n"):
        if line.strip():
            seen += 1
            out += _line_level(line)
        if seen >= _LINES_READ:
            break
    return out


def read_priority(subject: str, new_text: str, words: Mapping[str, int] = WORDS) -> Statement:
    """Read the priority from a subject and the new text of its message (C5, C6).

    A label anywhere beats a word, and the subject beats the text. `words` are lower case.
    """
    base = subjects.base_subject(subject[:2000])
    in_subject = _labels(base) + _marker(base)
    in_text = _text_levels(new_text)
    by_word = _words(base, words)
    places: tuple[tuple[Source, list[int]], ...] = (
        ("subject_label", in_subject),
        ("text_label", in_text),
        ("word", by_word),
    )
    source, stated = next(((name, found) for name, found in places if found), (None, []))
    return Statement(
        level=min(stated, default=None),
        source=source,
        conflict=len(set(stated)) > 1,
        subject_level=min(in_subject, default=None),
        text_level=min(in_text, default=None),
        word_level=min(by_word, default=None),
    )
