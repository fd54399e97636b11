"""The marks of quoted mail: header blocks, separators, markers and footers."""

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from parsers import dates, wording
from parsers.lexicon import lower, one_of

_KINDS = {word: kind for kind, words in wording.LABELS.items() for word in words.split("|")}
_LABEL = re.compile(r"^\W{0,3}([^\W\d_][\w -]{0,20}?)\s?_?\s?[:：]")
_INSIDE = "|".join(
    word for word, kind in _KINDS.items() if kind not in {"other", "cc"} and len(word) > 2
)
_INNER_LABEL = re.compile(rf"({one_of(_INSIDE)})\s?:")
_RAW_FIELD = re.compile(
    r"^(?:received|return-path|message-id|mime-version|content-type|dkim-signature|x-[a-z-]{1,40})"
    r"\s?:",
    re.IGNORECASE,
)
_LONGEST_LABEL = 60
_BLOCK_LINES = 14
_NO_BEGINNING = frozenset({None, "other", "cc", "raw"})
_LOOKED_AT = 1000  # characters of a line

_RULE_MARKS = r"[-–—_=*]"
_SEPARATOR = re.compile(
    rf"^[\s>]{{0,6}}+{_RULE_MARKS}{{2,80}}+\s{{0,4}}+"
    rf"(?:(?P<original>{wording.ORIGINAL})|(?P<forward>{wording.FORWARDED}))"
    rf"\s{{0,3}}:?\s{{0,3}}{_RULE_MARKS}{{2}}",
    re.IGNORECASE,
)
_INTRO = re.compile(
    rf"^[\s>*]{{0,6}}+(?:(?P<original>{wording.ORIGINAL})"
    rf"|(?P<forward>{wording.FORWARDED}|{wording.FORWARD_INTRO}))\s{{0,3}}:?[\s*]{{0,4}}$",
    re.IGNORECASE,
)
_MARKER = re.compile(
    r"^(?:(?:vänligen|please)\s)?(?:skriv|svara|besvara|reply|write|type|respond|svar|antworten)\b"
    r".{0,60}?\b(?:ovanför|över|ovan|above|over|oberhalb)\b"
    r".{0,30}?\b(?:rad|raden|line|linje|linjen|linien|zeile)\b.{0,30}$",
    re.IGNORECASE,
)
_FOOTER = re.compile(
    r"^[<(*\s]{0,4}(?:"
    rf"(?:{wording.SENT_FROM})\s(?:{wording.FROM_WHAT})\s(?:(?:{wording.MY})\s(?:\S{{1,20}}\s){{0,3}}?"
    rf"|\S{{1,20}}\s)?\[?(?:{wording.DEVICES})\b.{{0,90}}"
    rf"|sent from my\s\S{{1,20}}(?:\s\S{{1,20}}){{0,2}}|lähetetty\s(?:\S{{1,20}}\s){{0,2}}"
    rf"(?:{wording.DEVICES})\b.{{0,30}}|from my (?:{wording.DEVICES})\b.{{0,20}}"
    rf"|(?:{wording.GET_APP})\s\W?(?:outlook|gmail|yahoo mail|bluemail|spark|boxer)\s"
    rf"(?:{wording.APP_FOR})\b.{{0,90}}"
    r"|(?:diese nachricht|this message|detta (?:meddelande|mejl|mail))\b.{0,40}?"
    r"\b(?:gesendet|sent from|skickades från|skickat från)\b.{0,60}"
    r"|(?:diese nachricht|von meine[mr])\s.{0,80}\sgesendet|someone from mobile|.{0,12}傳送"
    r")[>)*\s.]{0,4}$",
    re.IGNORECASE,
)
_SAYS_MORE = re.compile(r"[,?!]\s|\b(?:is|är)\b", re.IGNORECASE)
_EXCUSE = re.compile(r"[,.]\s{1,2}(?:please\s)?(?:excuse|ursäkta|förlåt|pardon)", re.IGNORECASE)
_RULE = re.compile(r"^(?:[-–—_=*~#+ ᐧ.]{2,}|ᐧ)$")


class Cut(Enum):
    """The kind of a cut-off part."""

    QUOTED = "quoted"
    FORWARDED = "forwarded"


def label(content: str) -> str | None:
    """Give the kind of the header label at a line's start: from, sent, date, to …

    `raw` is the kind of a field outside the view of mail programs: `Received: …`.
    """
    return _label(content[:_LONGEST_LABEL]) if ":" in content or "：" in content else None


@lru_cache(maxsize=1024)
def _label(beginning: str) -> str | None:
    if _RAW_FIELD.match(beginning):
        return "raw"
    match = _LABEL.match(beginning)
    return _KINDS.get(match[1].strip().lower()) if match else None


def header_block(
    contents: Sequence[str], labels: Sequence[str | None], start: int, stop: int
) -> int | None:
    """Give the end of the header block at line `start`, or None; it ends by line `stop`.

    A block needs a sender, a date, and an address or a subject. Ordinary lists (`Från: Malmö`,
    `Till: Lund`) have them not. Pasted raw headers (`Received: …`) are no block.
    """
    if labels[start] in _NO_BEGINNING:
        return None
    if _is_one_line_block(contents[start]):
        return start + 1
    window = labels[start : min(stop, start + _BLOCK_LINES)]
    if "from" not in window or not ("sent" in window or "date" in window):
        return None
    kinds, end = _block_labels(contents, window, start)
    return end if _is_block(kinds, contents[start:end]) else None


def _block_labels(
    contents: Sequence[str], window: Sequence[str | None], start: int
) -> tuple[list[str], int]:
    """Give the labels of a block, and the line after the last one; few lines lie between them."""
    kinds: list[str] = []
    end = start
    gap = 0
    for at, kind in enumerate(window, start):
        if kind == "raw":
            return [], start
        if kind:
            kinds.append(kind)
            end, gap = at + 1, 0
        else:
            gap += 1
            if gap > 2 or (len(kinds) > 3 and not contents[at]):
                break
    return kinds, end


def _is_block(kinds: list[str], lines: Sequence[str]) -> bool:
    if "from" not in kinds or not {"sent", "date"} & set(kinds):
        return False
    lines = [line[:_LOOKED_AT] for line in lines]
    if not any(map(_is_dated, lines, [*lines[1:], ""])):
        return False
    return ("subject" in kinds and len(kinds) > 2) or any(map(_has_address, lines))


@lru_cache(maxsize=1024)
def _is_dated(line: str, below: str) -> bool:
    """Tell if a date, a time or a day stands on a line, or is broken into the line below."""
    text = f"{line} {below[:20]}"
    return bool(dates.time(text) or dates.date(text) or dates.day(text))


@lru_cache(maxsize=1024)
def _has_address(line: str) -> bool:
    return dates.address(line) is not None


def _is_one_line_block(content: str) -> bool:
    """Tell if a line holds a whole header block, as in HTML without its line breaks."""
    if content.count(":") < 2 or len(content) > 2000:
        return False
    kinds = {_KINDS[word] for word in _INNER_LABEL.findall(lower(content))} | {label(content)}
    if "from" not in kinds or len(kinds - {None}) < 3:
        return False
    return bool(dates.address(content) or dates.date(content))


def _kind(match: re.Match[str] | None) -> Cut | None:
    if not match:
        return None
    return Cut.QUOTED if match["original"] else Cut.FORWARDED


def separator(content: str) -> Cut | None:
    """Give the kind of a separator such as `-----Ursprungligt meddelande-----`, or None."""
    return _kind(_SEPARATOR.match(content[:400])) if content[:1] in "-–—_=*" else None


def intro(content: str) -> Cut | None:
    """Give the kind of an announcement without dashes (`Vidarebefordrat mejl:`), or None."""
    return _kind(_INTRO.match(content)) if len(content) < 120 else None


def marker(content: str, own: Sequence[str]) -> bool:
    """Tell if a line is a `Svara ovanför den här raden` line; `own` are casefolded markers."""
    if not content or len(content) > 300:
        return False
    if own:
        folded = " ".join(content.split()).casefold()
        if any(mark in folded for mark in own):
            return True
    bare = content.strip("-–—_=*#>~")
    return bare != content and bool(_MARKER.match(bare.strip()))


def footer(content: str) -> bool:
    """Tell if a line was added by a phone or a mail program: `Skickat från min iPhone`."""
    if len(content) > 160 or not _FOOTER.match(content):
        return False
    excused = _EXCUSE.search(content) is not None
    return excused or (len(content.split()) <= 12 and not _SAYS_MORE.search(content))


def rule(content: str) -> bool:
    """Tell if a line is nothing but a drawn rule."""
    return bool(_RULE.match(content))
