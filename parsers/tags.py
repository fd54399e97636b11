"""Engineers' tags: reading them, and cutting them out without a trace (C9-C13)."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Literal

from parsers import html as markup
from parsers import levels, worked_time
from parsers.brackets import INVISIBLE, LINK, Openings, closings
from parsers.worked_time import WorkedTime

__all__ = ["Tag", "WorkedTime", "cut_tags", "cut_tags_html", "read_tags"]

_LONGEST = 1000  # characters between the brackets
_MOST = 1000  # tags in one text; more is no message, and a cut makes the rest unreadable
_NAMES = {
    "tid": "time",
    "time": "time",
    "prio": "priority",
    "prioritet": "priority",
    "priority": "priority",
    "start": "start",
    "påbörjad": "start",
    "started": "start",
    "klar": "done",
    "löst": "done",
    "done": "done",
    "solved": "done",
    "öppna": "reopen",
    "reopen": "reopen",
    "vänta": "waiting",
    "väntar": "waiting",
    "waiting": "waiting",
    "intern": "internal",
    "internal": "internal",
    "kund": "customer",
    "customer": "customer",
    "för": "for",
    "for": "for",
    "tilldela": "assign",
    "assign": "assign",
    "slå ihop": "merge",
    "merge": "merge",
    "skräp": "spam",
    "spam": "spam",
    "orsak": "reason",
    "reason": "reason",
    "möte": "meeting",
    "meeting": "meeting",
    "löfte": "promise",
    "promise": "promise",
    "ångra": "undo",
    "undo": "undo",
    "hjälp": "help",
    "help": "help",
}
_VALUED = frozenset({"time", "priority", "customer", "for", "assign", "merge", "reason"})
_NAME = re.compile(
    r"("
    + "|".join(
        re.escape(name).replace(r"\ ", " ") for name in sorted(_NAMES, key=len, reverse=True)
    )
    + r")(?![\w])",
    re.IGNORECASE,
)
_NUMBER_NEXT = re.compile(r"[\s;=,.]{0,5}[-+\u2212]?[0-9]")
_SAMPLE = frozenset({"…", "...", ".."})
_NO_TAG_FORM = frozenset({"colon_missing", "near_internal"})
_INTERNAL = ("intern", "internal")
_OPENINGS = Openings("|".join(_NAMES), "tid|time", _INTERNAL)
_BLANK = re.compile(r"[^\S\n]*+")
_BLANKS = re.compile(r"\n[^\S\n]*\n(?:[^\S\n]*\n)+")


@dataclass(frozen=True, slots=True)
class Tag:
    """One tag. `span` is its place in the text, brackets included.

    `kind`: "tag" is right; "wrong" is a tag with an `error`; "near_internal" is a bracket like a
    mistyped [intern] (then `name` is empty). `value` has single spaces.
    """

    kind: Literal["tag", "wrong", "near_internal"]
    name: str
    value: str
    raw: str
    span: tuple[int, int]
    error: str | None = None
    time: WorkedTime | None = None
    level: int | None = None


def _on_one_line(text: str) -> str:
    """Give text without line breaks, invisible marks, and Outlook's repeated link in <>."""
    bare = LINK.sub("", text) if "<" in text else text
    return unicodedata.normalize("NFC", " ".join(INVISIBLE.sub("", bare).split()))


def _one_letter_off(word: str, target: str) -> bool:
    """Tell if one letter more, less, other or swapped with its neighbour makes the target."""
    if word == target or abs(len(word) - len(target)) > 1:
        return False
    head = 0
    while head < min(len(word), len(target)) and word[head] == target[head]:
        head += 1
    left, right = word[head:], target[head:]
    if len(left) > len(right):
        return left[1:] == right
    if len(left) < len(right):
        return left == right[1:]
    return left[1:] == right[1:] or (left[2:] == right[2:] and left[:2] == right[1::-1])


def _near_internal(inner: str) -> bool:
    words = inner.casefold().partition(":")[0].strip()
    return any(_one_letter_off(words, target) for target in _INTERNAL)


@lru_cache(maxsize=1024)
def _read_bracket(raw: str) -> Tag | None:
    """Read a bracket as a tag, as if it stood alone; None if it is ordinary text."""
    if len(raw) - 2 > _LONGEST or raw.count("\n") > 1:
        return None
    inner = _on_one_line(raw[1:-1])
    match = _NAME.match(inner)
    name = _NAMES[match[1].casefold()] if match else ""
    rest = inner[match.end() :] if match else ""
    colon = rest.lstrip()[:1] == ":"
    value = rest.partition(":")[2].strip() if colon else ""
    span = (0, len(raw))
    if name and (colon or not rest.strip()):
        # the sample form is how our own mails show a tag (C2)
        return None if colon and value in _SAMPLE else _checked(name, value, raw, span)
    if name == "time" and _NUMBER_NEXT.match(rest):
        return Tag("wrong", name, rest.strip(), raw, span, "colon_missing")
    if _near_internal(inner):
        return Tag("near_internal", "", inner, raw, span, "near_internal")
    return None


def _checked(name: str, value: str, raw: str, span: tuple[int, int]) -> Tag:
    time: WorkedTime | None = None
    level: int | None = None
    error: str | None = None
    if name in _VALUED and not value:
        error = "no_value"
    elif name == "time":
        time, error = worked_time.read(value)
    elif name == "priority":
        level = levels.only_level(value)
        error = None if level else "bad_level"
    return Tag("wrong" if error else "tag", name, value, raw, span, error, time, level)


def _placed(tag: Tag, span: tuple[int, int], *, glued: bool) -> Tag:
    """Give a tag its place; right after another tag it is a wrong one."""
    if glued and tag.error not in _NO_TAG_FORM:
        return Tag("wrong", tag.name, tag.value, tag.raw, span, "glued", None, tag.level)
    return Tag(tag.kind, tag.name, tag.value, tag.raw, span, tag.error, tag.time, tag.level)


def read_tags(text: str) -> tuple[Tag, ...]:
    """Give the tags of a text in order, right and wrong alike: the index is the ordinal (C12).

    Ordinary text (C9) gives nothing: a bracket with another first word, a name followed by other
    words without a colon, a `[` right after a letter, digit or `)`, a `]` right before `(`, and
    the sample form `[tid: …]`. A `[` right after a `]` is ordinary too. Right after a tag it is a
    wrong tag (error "glued"): cutting the first would make a tag of the second.
    """
    out: list[Tag] = []
    openings = _OPENINGS.find(text)
    while len(out) < _MOST and (starts := list(islice(openings, _MOST))):
        ends = closings(text, starts, _LONGEST + 2)
        for start in starts:
            tag = _tag_at(text, start, ends.get(start, 0), out[-1].span[1] if out else 0)
            if tag:
                out.append(tag)
    return tuple(out[:_MOST])


def _tag_at(text: str, start: int, end: int, after: int) -> Tag | None:
    """Read the tag between two brackets; the one before it, if any, ends at `after`."""
    if start < after or not end or text[end : end + 1] == "(":
        return None
    glued = start > 0 and text[start - 1] == "]"
    if glued and start != after:
        return None
    tag = _read_bracket(text[start:end])
    return _placed(tag, (start, end), glued=glued) if tag else None


def _blank_before(text: str, at: int) -> int:
    """Give the start of the blanks right before a place, on its line."""
    while at and text[at - 1] != "\n" and text[at - 1].isspace():
        at -= 1
    return at


def _blank_after(text: str, at: int) -> int:
    blanks = _BLANK.match(text, at)
    return blanks.end() if blanks else at


def _cut_span(text: str, start: int, end: int) -> tuple[int, int]:
    """Widen a span by the white space around its tag."""
    left, right = _blank_before(text, start), _blank_after(text, end)
    opens = not left or text[left - 1] == "\n"
    after = text[end : end + 1]
    if right == len(text) or text[right] == "\n":
        return (left, min(right + 1, len(text))) if opens else (left, end)
    if opens:
        return start, right
    return (left, end) if after.isspace() or after in ".,;:!?)" else (start, end)


def _neighbours_joined(text: str, spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Make one span of those with nothing but white space between them on a line."""
    out: list[tuple[int, int]] = []
    for start, end in spans:
        between = text[out[-1][1] : start] if out else "x"
        if out and not between.strip() and "\n" not in between:
            out[-1] = (out[-1][0], end)
        else:
            out.append((start, end))
    return out


def _cut_once(text: str, spans: Iterable[tuple[int, int]]) -> str:
    out: list[str] = []
    at = 0
    for start, end in _neighbours_joined(text, spans):
        wide_start, wide_end = _cut_span(text, start, end)
        out.append(text[at : max(wide_start, at)])
        at = max(wide_end, at)
    out.append(text[at:])
    return "".join(out)


def cut_tags(text: str, tags: Iterable[Tag]) -> str:
    """Cut the tags out of their text, with the white space around them.

    A line of nothing but tags goes; two empty lines become one. If a cut makes a new tag, the new
    one goes too: reading the result finds no tag (C13).
    """
    spans = sorted(tag.span for tag in tags)
    return _BLANKS.sub("\n\n", _cut_all(text, spans)) if spans else text


def _cut_all(text: str, spans: list[tuple[int, int]]) -> str:
    """Cut the spans, and any tags made by the cut; of too many tags, all brackets go."""
    for _ in range(8):
        text = _cut_once(text, spans)
        if len(spans) >= _MOST:
            break
        spans = [tag.span for tag in read_tags(text)]
        if not spans:
            return text
    return text.replace("[", "(").replace("]", ")")


def _spelt(tag: Tag) -> str:
    return _on_one_line(tag.raw)


def cut_tags_html(html: str, tags: Iterable[Tag]) -> str | None:
    """Cut tags out of HTML; all other markup stays byte for byte as it is.

    Every tag in the visible text is cut, also in a quote. None where this is not certain: a given
    tag does not stand in the HTML, or a tag would still stand in it afterwards, seen or hidden
    (C13: the message is then not relayed).
    """
    cut = cut_and_seen(html, tags)
    return cut[0] if cut else None


def cut_and_seen(html: str, tags: Iterable[Tag]) -> tuple[str, str] | None:
    """Cut tags out of HTML as `cut_tags_html` does; give the rest, and the text a reader sees."""
    text, places = markup.mapped_text(html)
    shown = read_tags(text)
    wanted = Counter(_spelt(tag) for tag in tags)
    if wanted - Counter(_spelt(tag) for tag in shown):
        return None
    cut = markup.cut(html, places, [tag.span for tag in shown])
    seen = markup.mapped_text(cut)[0] if shown else text
    return None if (shown and read_tags(seen)) or read_tags(markup.all_text(cut)) else (cut, seen)
