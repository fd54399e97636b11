"""How mail programs announce what they quote: header blocks, attributions, separators, footers."""

import re
from collections.abc import Sequence
from enum import Enum
from functools import lru_cache

from parsers import wording

_KINDS = {word: kind for kind, words in wording.LABELS.items() for word in words.split("|")}
_LABEL = re.compile(r"^\W{0,3}([^\W\d_][\w -]{0,20}?)\s?_?\s?[:：]")
_INNER_LABEL = re.compile(
    "("
    + "|".join(
        sorted(
            (
                word
                for word, kind in _KINDS.items()
                if kind not in {"other", "cc"} and len(word) > 2
            ),
            key=len,
            reverse=True,
        )
    )
    + r")\s?:",
    re.IGNORECASE,
)
_RAW_FIELD = re.compile(
    r"^(?:received|return-path|message-id|mime-version|content-type|dkim-signature|x-[a-z-]{1,40})"
    r"\s?:",
    re.IGNORECASE,
)
_BLOCK_LINES = 14

# Dates, times and addresses, in any language
_MONTH = r"[^\W\d_]{3,12}\.?"
DATE = re.compile(
    r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{4}/\d{1,2}/\d{1,2}"
    r"|\d{1,2}[./-]\d{1,2}[./-](?:\d{4}|\d{2})(?!\d)"
    rf"|\d{{1,2}}(?:st|nd|rd|th)?\.?,?\s(?:de\s)?{_MONTH},?\s(?:de\s)?\d{{4}}(?!\d)"
    r"|\d{4}年\d{1,2}月\d{1,2}日)"
    rf"|(?<![^\W\d_]){_MONTH},?\s\d{{1,2}}(?:st|nd|rd|th)?,?\s\d{{4}}(?!\d)"
)
_DAY = re.compile(rf"(?<!\d)\d{{1,2}}\.?\s{_MONTH}|(?<![^\W\d_]){_MONTH}\s\d{{1,2}}(?!\d)")
_TIME = re.compile(r"(?<!\d)\d{1,2}[:.]\d{2}(?!\d\d)")
_PART = r"[^\s<>()\[\]\"',;:@]"
ADDRESS = re.compile(rf"(?<!{_PART}){_PART}{{1,64}}@{_PART}{{1,255}}")
_ANGLE = re.compile(rf"[<\[(]\s?(?:mailto:\s?)?{_PART}{{1,64}}@[^\s<>]{{1,255}}")

# Attributions: Den … skrev Namn <adr>:
_VERB = re.compile(rf"(?<![^\W\d_])(?:{wording.WROTE})(?![^\W\d_])", re.IGNORECASE)
_VERB_LAST = re.compile(
    rf"(?<![^\W\d_])(?:{wording.WROTE})(?:\s(?:{wording.FOLLOWING}))?\s?[:：]?$", re.IGNORECASE
)
_TOLD = re.compile(
    rf"(?<![^\W\d_])(?:(?:{wording.WROTE})\s(?:{wording.SENTENCE})"
    rf"|(?:{wording.SPEAKER})\s(?:{wording.WROTE}))(?![^\W\d_])",
    re.IGNORECASE,
)
_GMT = re.compile(
    r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}\s\d{1,2}:\d{2}\sGMT[+-]\d{1,2}:\d{2}\s(\S.{0,200})$"
)
_DATED_NAME = re.compile(
    r"^\d{4}[-/]\d{1,2}[-/]\d{1,2}\s(?:\d{1,2}:\d{2}\s)?\S.{0,200}<[^<>\s]{3,300}>$"
)
_BETWEEN_ARROWS = re.compile(r"^>>>\s\S.{0,300}\S\s>>>$")  # GroupWise
_GLUED = re.compile(rf"^(?:{wording.WROTE})(?=[A-ZÅÄÖÉÜ])")  # Gmail: `skrevBo Ek`
_SENTENCE_BEFORE = re.compile(r"[.!?]\s{1,3}\w{1,40}\s\w{1,40}\s\w{1,40}\s\w")
_PARTICLES = frozenset(
    {"von", "van", "de", "der", "den", "af", "av", "la", "le", "di", "da", "via"}
)
_DASHES = " -–—_*"
_LONGEST = 500

_RULE_MARKS = r"[-–—_=*]"
_SEPARATOR = re.compile(
    rf"^[\s>]{{0,6}}{_RULE_MARKS}{{2,80}}\s{{0,4}}"
    rf"(?:(?P<original>{wording.ORIGINAL})|(?P<forward>{wording.FORWARDED}))"
    rf"\s{{0,3}}:?\s{{0,3}}{_RULE_MARKS}{{2}}",
    re.IGNORECASE,
)
_INTRO = re.compile(
    rf"^[\s>*]{{0,6}}(?:(?P<original>{wording.ORIGINAL})"
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
    """What a cut-off part is."""

    QUOTED = "quoted"
    FORWARDED = "forwarded"


class Evidence(Enum):
    """How sure an attribution is: a weak one needs quoted lines after it."""

    WEAK = 1
    STRONG = 2


@lru_cache(maxsize=1024)
def label(content: str) -> str | None:
    """Give the kind of the header label that a line starts with: from, sent, date, to …"""
    found = _LABEL.match(content)
    return _KINDS.get(found[1].strip().lower()) if found else None


def header_block(contents: Sequence[str], start: int) -> int | None:
    """Give where the header block ends that starts at line `start`, or None.

    It needs a sender, a date, and an address or a subject: lists that people write (`Från: Malmö`,
    `Till: Lund`) have them not. Raw headers that somebody pasted (`Received: …`) are no block.
    """
    first = label(contents[start])
    if first is None or first in {"other", "cc"}:
        return None
    if one_line_block(contents[start]):
        return start + 1
    kinds: list[str] = []
    end = start
    gap = 0
    if start and _RAW_FIELD.match(contents[start - 1]):
        return None
    for at in range(start, min(len(contents), start + _BLOCK_LINES)):
        kind = label(contents[at])
        if _RAW_FIELD.match(contents[at]):
            return None
        if kind:
            kinds.append(kind)
            end, gap = at + 1, 0
        else:
            gap += 1
            if gap > 2 or (len(kinds) > 3 and not contents[at]):
                break
    return end if _is_block(kinds, contents[start:end]) else None


def _is_block(kinds: list[str], lines: Sequence[str]) -> bool:
    if "from" not in kinds or not {"sent", "date"} & set(kinds):
        return False
    text = " ".join(lines)[:3000]
    if not (DATE.search(text) or _TIME.search(text) or _DAY.search(text)):
        return False
    return bool(ADDRESS.search(text)) or ("subject" in kinds and len(kinds) > 2)


def one_line_block(content: str) -> bool:
    """Tell if a line holds a whole header block, as where HTML lost its line breaks."""
    if len(content) > 2000:
        return False
    kinds = {_KINDS[word.lower()] for word in _INNER_LABEL.findall(content)} | {label(content)}
    if "from" not in kinds or len(kinds - {None}) < 3:
        return False
    return bool(ADDRESS.search(content) or DATE.search(content))


def _kind(found: re.Match[str] | None) -> Cut | None:
    if not found:
        return None
    return Cut.QUOTED if found["original"] else Cut.FORWARDED


def separator(content: str) -> Cut | None:
    """Tell if a line says `-----Ursprungligt meddelande-----` or the like, and which kind it is."""
    return _kind(_SEPARATOR.match(content[:400])) if content[:1] in "-–—_=*" else None


def intro(content: str) -> Cut | None:
    """Tell if a line announces a mail without dashes: `Vidarebefordrat mejl:`."""
    return _kind(_INTRO.match(content)) if len(content) < 120 else None


def may_end_attribution(content: str) -> bool:
    """Tell at a glance if an attribution may end with this line."""
    last = content[-1:]
    if last in ":：":
        return True
    if last == ">":
        return content[0].isdigit() or content.endswith(">>>")
    return (last in "-—" and _VERB.search(content[-40:]) is not None) or "GMT" in content


def between_arrows(content: str) -> bool:
    """Tell if a line is an attribution of GroupWise: `>>> Bo Ek <bo@kund.se> 2024-12-04 >>>`."""
    return (
        content.startswith(">>> ")
        and _BETWEEN_ARROWS.match(content[:400]) is not None
        and (ADDRESS.search(content) or DATE.search(content)) is not None
    )


def evidence(joined: str) -> Evidence | None:
    """Weigh one or more lines, joined, as an attribution."""
    text = joined.strip(_DASHES)
    if not 4 < len(text) < _LONGEST:
        return None
    if between_arrows(text):
        return Evidence.STRONG
    gmt = _GMT.match(text)
    if gmt and _is_name(gmt[1].partition("<")[0]):
        return Evidence.STRONG
    if _DATED_NAME.match(text):
        return Evidence.WEAK
    if not text.endswith((":", "：")) and not _VERB_LAST.search(text):
        return None
    verb = _VERB.search(text)
    return _with_verb(text, verb) if verb else _without_verb(text)


def _without_verb(text: str) -> Evidence | None:
    date = DATE.search(text)
    angle = _ANGLE.search(text)
    time = _TIME.search(text, date.end()) if date else None
    if date and angle and time:
        between = text[time.end() : angle.start()].strip(" ,")
        if date.start() < 12 and _GLUED.match(between):
            return Evidence.STRONG
        if date.start() < 6:
            return Evidence.STRONG if not between or _is_name(between) else Evidence.WEAK
    return Evidence.WEAK if angle and text.endswith((">:", "]:", "> :")) else None


def _with_verb(text: str, verb: re.Match[str]) -> Evidence | None:
    if _TOLD.search(text):
        return None
    angle = _ANGLE.search(text)
    if angle and not _SENTENCE_BEFORE.search(text[: min(angle.start(), verb.start())]):
        return Evidence.STRONG
    time = _TIME.search(text)
    when = DATE.search(text) or (_DAY.search(text) if time else None)
    last = _VERB_LAST.search(text) is not None
    if when and time and (when.start() < 40 or verb.start() < when.start()):
        first = verb.start() < when.start() and _is_name(text[: verb.start()])
        named = last or first or _is_name(text[verb.end() :])
        return Evidence.STRONG if named else Evidence.WEAK
    if when or ADDRESS.search(text) or (last and _is_author(text[: verb.start()])):
        return Evidence.WEAK
    return None


def _is_name(text: str) -> bool:
    words = text.strip(" ,:：\"'").split()
    if len(words) == 1:
        return True
    return 0 < len(words) <= 6 and all(
        word[:1].isupper() or not word[:1].isalpha() or word.lower() in _PARTICLES for word in words
    )


def _is_author(text: str) -> bool:
    """Tell if text is a name, as in `Bo Ek skrev:`, and not how a sentence starts."""
    words = text.split()
    if not words or len(words) > 6 or words[0].lower() == "den":
        return False
    return words[0][:1].isupper() or words[0][:1] in "\"'«" or words[-1].lower() in {"you", "du"}


def continues_upwards(content: str) -> bool:
    """Tell if a line is the first half of an attribution whose verb stands on the next."""
    if len(content) > 200 or content.endswith((".", "!", "?", ":")):
        return False
    date = DATE.search(content)
    return date is not None and date.start() < 20 and _TIME.search(content) is not None


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
    """Tell if a line is what a phone or a mail program adds: `Skickat från min iPhone`."""
    if len(content) > 160 or not _FOOTER.match(content):
        return False
    excused = _EXCUSE.search(content) is not None
    return excused or (len(content.split()) <= 12 and not _SAYS_MORE.search(content))


def rule(content: str) -> bool:
    """Tell if a line is nothing but a drawn rule."""
    return bool(_RULE.match(content))
