"""Attributions: the announcement of a quote by a mail program (`Bo Ek skrev:`).

A hostile text may hold nothing but lines like these. So the last line of one attribution is part of
no other one, and each pattern passes over the joined lines only once.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import lru_cache

from parsers import dates, wording
from parsers.dates import Find, Match
from parsers.lexicon import lower, one_of

_SPOKEN = one_of(wording.WROTE, whole=True)
_VERB = re.compile(_SPOKEN)
_VERB_LAST = re.compile(rf"{_SPOKEN}(?:\s{one_of(wording.FOLLOWING)})?\s?[:：]?\Z")
_SENTENCE_AFTER = re.compile(rf"\s{one_of(wording.SENTENCE, whole=True)}")
_SPEAKER_BEFORE = re.compile(rf"{one_of(wording.SPEAKER, whole=True)}\s\Z")
_GMT = re.compile(
    r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}\s\d{1,2}:\d{2}\sGMT[+-]\d{1,2}:\d{2}\s(\S.{0,200})$"
)
_DATED_NAME = re.compile(
    r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}\s(?:\d{1,2}:\d{2}\s)?\S.{0,200}<[^<>\s]{3,300}>$"
)
_BETWEEN_ARROWS = re.compile(r"^>>>\s\S.{0,300}\S\s>>>$")  # GroupWise
_GLUED = re.compile(rf"{one_of(wording.WROTE)}(?=[A-ZÅÄÖÉÜ])")  # Gmail: `skrevBo Ek`
_SENTENCE_BEFORE = re.compile(r"[.!?]\s{1,3}\w{1,40}\s\w{1,40}\s\w{1,40}\s\w")
_PARTICLES = frozenset(
    {"von", "van", "de", "der", "den", "af", "av", "la", "le", "di", "da", "via"}
)
_DASHES = " -–—_*"
_BEGINNING = re.compile(r"[ \-–—_*]*")
_COLONS = (":", "：")
_LONGEST = 500
_LONGEST_SPEAKER = 6  # with the blank after it
_LONGEST_VERB = 30  # with the words that may follow it
_MOST_LINES = 6


class Evidence(Enum):
    """The strength of an attribution: a weak one needs quoted lines after it."""

    WEAK = 1
    STRONG = 2


_verb: Find = _VERB.search


def _told(text: str, start: int, end: int) -> Match | None:
    """Find a verb in a sentence of the writer's own: `skrev jag`, `we wrote`."""
    for verb in _VERB.finditer(text, start, end):
        at = verb.start()
        speaker = _SPEAKER_BEFORE.search(text, max(start, at - _LONGEST_SPEAKER), at)
        if speaker or _SENTENCE_AFTER.match(text, verb.end(), end):
            return speaker or verb
    return None


# The characters by which a match may reach into the line below the one on which it starts
_REACH: dict[Find, int] = {
    _verb: 20,
    _told: 40,
    dates.date: 50,
    dates.day: 20,
    dates.time: 1,
    dates.address: 1,
    dates.bracketed_address: 100,
}


@dataclass(slots=True)
class _Joined:
    """Lines joined to one text, to be read from ever earlier starts."""

    text: str
    lowered: str
    ends_with_verb: bool
    is_spoken: bool  # ends as an attribution with a verb does, or a name with a colon
    known: dict[Find, tuple[int, Match | None]] = field(default_factory=dict)

    def first(self, find: Find, start: int) -> Match | None:
        """Give the first match at or after `start`; only the new part of the text is searched."""
        known = self.known.get(find)
        if known is None:
            match = find(self.lowered, start, dates.EVERYTHING)
        elif start == known[0]:
            return known[1]
        else:
            match = find(self.lowered, start, known[0] + _REACH[find])
            match = match if match and match.start() < known[0] else known[1]
        self.known[find] = (start, match)
        return match

    @property
    def is_told(self) -> bool:
        """Tell if the verb stood in a sentence of the writer's own, as it then does from above."""
        return self.known.get(_told, (0, None))[1] is not None


def _joined(lines: Sequence[str]) -> _Joined:
    text = " ".join(lines).rstrip(_DASHES)
    lowered = lower(text)
    last = _VERB_LAST.search(lowered, max(0, len(lowered) - _LONGEST_VERB))
    return _Joined(text, lowered, last is not None, last is not None or text.endswith(_COLONS))


def may_end(line: str) -> bool:
    """Tell at a glance if an attribution may end with this line."""
    last = line[-1:]
    if last in _COLONS:
        return True
    if last == ">":
        return line[0].isdigit() or line.endswith(">>>")
    return (last in "-—" and _VERB.search(lower(line[-40:])) is not None) or "GMT" in line


def is_end(line: str) -> bool:
    """Tell if an attribution ends here, as no line inside one does."""
    if line[-1:] in _COLONS:
        return not line.endswith("mailto:")
    if line[-1:] not in "-—" and "GMT" not in line:
        return False
    bare = lower(line[-_LONGEST_VERB:]).rstrip(_DASHES)
    return bare.endswith(_COLONS) or _VERB_LAST.search(bare) is not None


@lru_cache(maxsize=256)
def find(lines: tuple[str, ...]) -> tuple[int, Evidence] | None:
    """Find the attribution on the last of the lines: the index of its first line, and its strength.

    The nearest start with the strongest evidence counts.
    """
    joined = _joined(lines)
    if not joined.is_spoken:
        return _find_form(lines)
    start = sum(map(len, lines)) + len(lines)
    best: tuple[int, Evidence] | None = None
    for number in range(len(lines) - 1, -1, -1):
        start -= len(lines[number]) + 1
        sure = _evidence(joined, start)
        if sure and (best is None or sure.value > best[1].value):
            best = (number, sure)
        if sure is Evidence.STRONG or joined.is_told:
            break
    return best


def _find_form(lines: Sequence[str]) -> tuple[int, Evidence] | None:
    """Find a fixed form: the nearest possible first line decides."""
    for number in range(len(lines) - 1, -1, -1):
        line = lines[number].lstrip(_DASHES)
        if line[:4].isdigit() or line[:4] == ">>> ":
            text = " ".join(lines[number:]).strip(_DASHES)
            sure = _by_form(text) if 4 < len(text) < _LONGEST else None
            return (number, sure) if sure else None
    return None


def _evidence(joined: _Joined, start: int) -> Evidence | None:
    """Weigh the joined lines from `start` on as an attribution."""
    text = joined.text
    beginning = _BEGINNING.match(text, start)
    start = beginning.end() if beginning else start
    if not 4 < len(text) - start < _LONGEST:
        return None
    formed = _by_form(text[start:]) if text[start].isdigit() else None
    if formed:
        return formed
    verb = joined.first(_verb, start)
    return _with_verb(joined, start, verb) if verb else _without_verb(joined, start)


def _by_form(text: str) -> Evidence | None:
    """Weigh a text as one of the fixed forms without a verb."""
    if between_arrows(text):
        return Evidence.STRONG
    gmt = _GMT.match(text) if "GMT" in text else None
    if gmt and _is_name(gmt[1].partition("<")[0]):
        return Evidence.STRONG
    return Evidence.WEAK if text[-1] == ">" and _DATED_NAME.match(text) else None


def _without_verb(joined: _Joined, start: int) -> Evidence | None:
    angle = joined.first(dates.bracketed_address, start)
    if not angle:
        return None
    date = joined.first(dates.date, start)
    time = dates.time(joined.text, date.end()) if date else None
    if date and time:
        between = joined.text[time.end() : angle.start()].strip(" ,")
        if date.start() - start < 12 and _GLUED.match(between):
            return Evidence.STRONG
        if date.start() - start < 6:
            return Evidence.STRONG if not between or _is_name(between) else Evidence.WEAK
    return Evidence.WEAK if joined.text.endswith((">:", "]:", "> :")) else None


def _with_verb(joined: _Joined, start: int, verb: Match) -> Evidence | None:
    if joined.first(_told, max(start, verb.start() - _LONGEST_SPEAKER)):
        return None
    text = joined.text
    angle = joined.first(dates.bracketed_address, start)
    if angle and not _SENTENCE_BEFORE.search(text, start, min(angle.start(), verb.start())):
        return Evidence.STRONG
    time = joined.first(dates.time, start)
    when = joined.first(dates.date, start) or (joined.first(dates.day, start) if time else None)
    last = joined.ends_with_verb
    if when and time and (when.start() - start < 40 or verb.start() < when.start()):
        leads = verb.start() < when.start() and _is_name(text[start : verb.start()])
        return Evidence.STRONG if last or leads or _is_name(text[verb.end() :]) else Evidence.WEAK
    if when or joined.first(dates.address, start):
        return Evidence.WEAK
    return Evidence.WEAK if last and _is_author(text[start : verb.start()]) else None


def _is_name(text: str) -> bool:
    words = text.strip(" ,:：\"'").split(maxsplit=7)
    if len(words) == 1:
        return True
    return 0 < len(words) <= 6 and all(
        word[:1].isupper() or not word[:1].isalpha() or word.lower() in _PARTICLES for word in words
    )


def _is_author(text: str) -> bool:
    """Tell if text is a name, as in `Bo Ek skrev:`, and not the beginning of a sentence."""
    words = text.split(maxsplit=7)
    if not words or len(words) > 6 or words[0].lower() == "den":
        return False
    return words[0][:1].isupper() or words[0][:1] in "\"'«" or words[-1].lower() in {"you", "du"}


def between_arrows(line: str) -> bool:
    """Tell if a line is an attribution of GroupWise: `>>> Bo Ek <bo@kund.se> 2024-12-04 >>>`."""
    return (
        line.startswith(">>> ")
        and _BETWEEN_ARROWS.match(line[:400]) is not None
        and (dates.address(line) or dates.date(line)) is not None
    )


def continues_upwards(line: str) -> bool:
    """Tell if a line is the first half of an attribution with its verb on the next line."""
    if len(line) > 200 or line.endswith((".", "!", "?", ":")):
        return False
    date = dates.date(line)
    return date is not None and date.start() < 20 and dates.time(line) is not None
