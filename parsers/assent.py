"""Words of assent: a reply that begins with OK or No, and an approval with its exceptions (D1, H7).

A whole text approves, and nothing but: one word of approval, perhaps its exceptions, perhaps a
signature. Everything else is a text for people, however friendly it begins.
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from parsers.body import Body

# Marks around a first word, as bold or quotation marks; `> OK` is somebody else's.
_BEFORE = r"""\A[\s\ufeff\u200b*_"'”’»]*+"""
_AFTER = r"""(?=$|[\s.,!;:)*_"'”’»…])"""
_OK = re.compile(rf"{_BEFORE}ok{_AFTER}", re.IGNORECASE)
_YES = re.compile(rf"{_BEFORE}(?:ok|ja){_AFTER}", re.IGNORECASE)
_NO = re.compile(rf"{_BEFORE}(?:nej|no){_AFTER}", re.IGNORECASE)

_APPROVES = re.compile(r"(?:ok|ja|godkänt|approved)(?![^\W_])")
_EXCEPT = re.compile(r"(?:utom|except)(?![^\W_])")
_AND = re.compile(r"(?:,\s*)?(?:och|and)(?!\w)|[,&;]")
_ITEM_ENDS = re.compile(r"[,;\n]|(?<!\w)(?:och|and)(?!\w)")
_DOUBT = re.compile(
    r"(?<!\w)(?:utom|förutom|except|men|but|fast|dock|vänta|avvakta|wait|inte|ej|not|nej|no)(?!\w)"
)
_WORD = re.compile(r"[^\W_]+")
_ASKS = frozenset("?¿？")
_CLOSINGS = tuple(
    tuple(phrase.split())
    for phrase in (
        "mvh",
        "vh",
        "vänligen",
        "hälsning",
        "hälsningar",
        "hälsar",
        "med vänlig hälsning",
        "med vänliga hälsningar",
        "vänlig hälsning",
        "vänliga hälsningar",
        "med bästa hälsningar",
        "bästa hälsning",
        "bästa hälsningar",
        "varma hälsningar",
        "många hälsningar",
        "allt gott",
        "ha det bra",
        "ha det så bra",
        "ha en bra dag",
        "ha en fin dag",
        "trevlig helg",
        "tack",
        "tack på förhand",
        "tack så mycket",
        "stort tack",
        "br",
        "rgds",
        "regards",
        "best",
        "best regards",
        "kind regards",
        "warm regards",
        "with best regards",
        "with kind regards",
        "best wishes",
        "all the best",
        "kindly",
        "cheers",
        "sincerely",
        "sincerely yours",
        "yours sincerely",
        "yours faithfully",
        "yours truly",
        "thanks",
        "many thanks",
        "thank you",
        "thanks in advance",
        "have a nice day",
    )
)


@dataclass(frozen=True, slots=True)
class Approval:
    """An approval of everything but some names; with an unknown name it approves nothing."""

    excepted: tuple[str, ...] = ()  # as they were given to `read_approval`
    unknown: tuple[str, ...] = ()  # as they were written


def says_ok(text: str) -> bool:
    """Tell if the first word is OK (C9, C11)."""
    return _OK.match(text) is not None


def answer(text: str) -> Literal["yes", "no"] | None:
    """Give the first word of a text as a yes (OK, Ja) or a no (Nej, No); None for any other (D1).

    A word with a question mark is a question.
    """
    if _YES.match(text):
        return "yes"
    return "no" if _NO.match(text) else None


def read_approval(body: Body, names: Collection[str], writer: Collection[str]) -> Approval | None:
    """Read a reply as an approval; None for a text with anything more in it (H7).

    `names` can be excepted, each written exactly, letter case apart. `writer` are the sender's own
    names, for the signature.
    """
    text = _folded(body.shown if _is_set_off(body.signature, names) else body.new)
    if _ASKS & set(text):
        return None
    at = _past_marks(text, 0)
    approves = _APPROVES.match(text, at)
    if approves is None:
        return None
    at = _past_marks(text, approves.end())
    excepts = _EXCEPT.match(text, at)
    if excepts is not None:
        return _exceptions(text[excepts.end() :], names, writer)
    return Approval() if _is_signature(text[at:], writer) else None


def _folded(text: str) -> str:
    """The text in one form: composed, lower case, without invisible characters."""
    seen = "".join(each for each in text if unicodedata.category(each) != "Cf")
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", seen).casefold())


def _is_mark(char: str) -> bool:
    """True for a space or a punctuation mark; a question mark asks, and a symbol says something."""
    return char.isspace() or (char not in _ASKS and unicodedata.category(char)[0] == "P")


def _past(text: str, at: int, is_passed: Callable[[str], bool]) -> int:
    while at < len(text) and is_passed(text[at]):
        at += 1
    return at


def _past_spaces(text: str, at: int) -> int:
    return _past(text, at, str.isspace)


def _past_marks(text: str, at: int) -> int:
    return _past(text, at, _is_mark)


def _is_set_off(signature: str, names: Iterable[str]) -> bool:
    """Tell if a signature may be left aside.

    It stands under two hyphens, or is a line of the mail program's own. A signature that names
    somebody to except, or opens with a doubt, is a text like any other.
    """
    lines = [line.strip() for line in _folded(signature).splitlines() if line.strip()]
    if not lines:
        return True
    said = "\n".join(lines)
    if lines[0] == "—" or any(_whole(name).search(said) for name in names):
        return False
    first = next((line for line in lines if line != "--"), "")
    return _DOUBT.search(first) is None


def _is_signature(text: str, writer: Iterable[str]) -> bool:
    """Tell if a text is no more than closing phrases and a name of its writer's."""
    if not all(_is_mark(each) or each.isalnum() for each in text):
        return False
    words = tuple(_WORD.findall(text))
    while words and (closing := _closing(words)):
        words = words[closing:]
    return not words or any(_is_of(words, _WORD.findall(_folded(name))) for name in writer)


def _closing(words: tuple[str, ...]) -> int:
    """The number of words in the longest closing phrase at the start."""
    return max((len(each) for each in _CLOSINGS if words[: len(each)] == each), default=0)


def _is_of(words: Iterable[str], name: Iterable[str]) -> bool:
    """Tell if words are some of a name's, in their order: `Eva`, `Eva Ek`."""
    left = iter(name)
    return all(word in left for word in words)


def _exceptions(text: str, names: Iterable[str], writer: Collection[str]) -> Approval | None:
    """Read the names after `utom`; then only a signature may follow."""
    whole = {name: _whole(name) for name in names}
    excepted: list[str] = []
    unknown: list[str] = []
    at, end = _past_marks(text, 0), 0
    while at < len(text):
        end, named = _longest(text, at, whole)
        ends_here = _is_signature(text[end:], writer) or _AND.match(text, _past_spaces(text, end))
        if not named or not ends_here:  # `Bergs Bygg` is not the name `Bergs`
            named = []
            end = next((hit.start() for hit in _ITEM_ENDS.finditer(text, at)), len(text))
            item = " ".join(text[at:end].split()).strip(".!:")
            if _DOUBT.search(item):
                return None
            unknown.append(item)
        excepted += named
        if _is_signature(text[end:], writer):
            break
        joined = _AND.match(text, _past_spaces(text, end))
        at = _past_marks(text, joined.end()) if joined else len(text)
    else:
        return Approval((), tuple(unknown)) if unknown else None
    return Approval((), tuple(unknown)) if unknown else Approval(tuple(dict.fromkeys(excepted)))


def _longest(text: str, at: int, whole: Mapping[str, re.Pattern[str]]) -> tuple[int, list[str]]:
    """The end of the longest name here, and every name written so."""
    hits = {name: hit.end() for name, form in whole.items() if (hit := form.match(text, at))}
    last = max(hits.values(), default=at)
    return last, [name for name, end in hits.items() if end == last]


def _whole(name: str) -> re.Pattern[str]:
    """The form of a whole name; a line may break inside of it."""
    words = r"\s+".join(map(re.escape, _folded(name).split()))
    return re.compile(rf"(?<!\w){words or '(?!)'}(?!\w)")
