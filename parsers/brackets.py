"""The brackets of possible tags; one pattern finds them, so all others cost nothing."""

import re
from collections.abc import Iterator, Sequence

from parsers.lexicon import lower, one_of

_LINK = r"\s?<(?:mailto|https?|tel):[^<>\s]{1,500}>"  # Outlook repeats it after a word
_SAMPLE = r"(?!\s*+(?:…|\.{2,3})\s*+\])"  # `[tid: …]`, as our own mails write
_INVISIBLE = "\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_APART = {"å": "a{}\u030a", "ä": "a{}\u0308", "ö": "o{}\u0308"}  # a letter and its mark
_MARKS = rf"[{_INVISIBLE}\u0300-\u036f]*+"
_NOTHING_BEFORE = r"(?<![^\W_]\[)(?<!\)\[)"  # no letter, digit or closing bracket
_LETTERS = re.compile(r"[a-zåäö.]")
_ODD = re.compile(f"[{_INVISIBLE}\u0300-\u036f]")
_RUN = re.compile(r"(?:\[\])++|\[+|\]+")

LINK = re.compile(_LINK)
INVISIBLE = re.compile(f"[{_INVISIBLE}]")


def _near(word: str) -> str:
    """Give a pattern for every spelling within one letter, or one swap, of a word."""
    if not word:
        return "(?:.)?"
    first, rest = word[0], word[1:]
    swapped = f"|{rest[0]}{first}{rest[1:]}" if rest else ""
    return f"(?:{first}{_near(rest)}|{rest}|.{rest}|.{word}{swapped})"


def _letters(pattern: str, gap: str) -> str:
    """Give a pattern of letters with something invisible allowed after each of them."""

    def letter(match: re.Match[str]) -> str:
        if match[0] == ".":
            return rf"[^:{_INVISIBLE}]{_MARKS}" if gap else "[^:]"
        apart = f"(?:{match[0]}|{_APART[match[0]].format(gap)})" if match[0] in _APART else match[0]
        return f"{apart if gap else match[0]}{gap}"

    return _LETTERS.sub(letter, pattern).replace(r"\ ", r"\s+")


class Openings:
    """The possible openings of tags: a bracket and a name, or a word close to one."""

    def __init__(self, names: str, timed: str, words: Sequence[str]) -> None:
        """Take all names, the names with an amount, and the words to be known misspelt."""
        near = "|".join(map(_near, words))
        self._plain = self._pattern(names, timed, near, "")
        self._odd = self._pattern(names, timed, near, f"[{_INVISIBLE}]*+")

    @staticmethod
    def _pattern(names: str, timed: str, near: str, gap: str) -> re.Pattern[str]:
        blank = rf"[\s{_INVISIBLE}]*+" if gap else r"\s*+"
        link = rf"(?:{_LINK}{blank})*+"
        return re.compile(
            rf"\[{_NOTHING_BEFORE}(?={blank}{link}(?:"
            rf"{_letters(one_of(names), gap)}(?!\w){blank}{link}(?::{_SAMPLE}|\])"
            rf"|{_letters(one_of(timed), gap)}(?!\w)[\s;=,.{_INVISIBLE}]{{0,40}}+[-+\u2212]?[0-9]"
            rf"|(?:{_letters(near, gap)}){blank}{link}[:\]\[]))"
        )

    def find(self, text: str) -> Iterator[int]:
        """Yield the possible openings in order; linear in the text."""
        if "[" in text:
            pattern = self._plain if text.isascii() or not _ODD.search(text) else self._odd
            for opening in pattern.finditer(lower(text)):
                yield opening.start()


def _regions(starts: Sequence[int], longest: int) -> Iterator[tuple[int, int]]:
    """Yield the parts of a text around the starts; a tag from a start ends in its part."""
    first = last = starts[0]
    for start in starts:
        if start > last + longest:
            yield first, last + longest
            first = start
        last = start
    yield first, last + longest


def closings(text: str, starts: Sequence[int], longest: int) -> dict[int, int]:
    """Give the end of each bracket by its start, for all brackets up to the longest length.

    Other brackets may be among them. A bracket without an end is not.
    """
    out: dict[int, int] = {}
    for start, stop in _regions(starts, longest) if starts else ():
        out |= _closed(text, start, stop)
    return out


def _closed(text: str, start: int, stop: int) -> dict[int, int]:
    out: dict[int, int] = {}
    opened: list[int] = []
    for run in _RUN.finditer(text, start, stop):
        at, end = run.span()
        if text[at] == "]":
            for closing in range(at + 1, min(end, at + len(opened)) + 1):
                out[opened.pop()] = closing
        elif text[at + 1 : at + 2] != "]":
            opened.extend(range(at, end))
    return out
