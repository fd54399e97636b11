"""Fingerprints of texts, and the lines of a later text that stand in them (C2a).

A text is a stream of words: letters and digits, folded. Line breaks, quote prefixes, punctuation,
mark-up and links take no part, because mail programs change them. Each run of four words is hashed;
the sorted hashes are the text's fingerprint. A word of another text is known where one of the runs
around it is in the fingerprint, and a line is known where all its words are.
"""

import re
import unicodedata
import zlib
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

RUN = 4  # words that are hashed together
MOST_WORDS = 50_000  # of one text: the rest of a log is never taken for known
_LINK = re.compile(
    r"<?(?:https?|ftp|mailto|tel|cid):[^\s<>\]]*[>\]]?|\[cid:[^\]\s]*\]|\bwww\.[^\s<>]+"
    r"|<[^\s<>@]{1,64}@[^\s<>@]{1,255}>",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W_]+")
_PREFIX = re.compile(r"^[\s>|]+")
_MASK = (1 << 32) - 1
_FACTORS = (0x85EBCA6B, 0xC2B2AE35, 0x27D4EB2F, 1)  # odd, so that every word tells


@dataclass(frozen=True, slots=True)
class Line:
    """A line that may be quoted. `marked`: it bears a mark of its own, a prefix or structure."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Known:
    """The runs and the whole lines of the texts that a desk has seen on a ticket."""

    runs: frozenset[int]
    lines: frozenset[int]

    def __or__(self, other: "Known") -> "Known":
        return Known(self.runs | other.runs, self.lines | other.lines)


NOTHING = Known(frozenset(), frozenset())


def words(line: str) -> list[str]:
    """The words of a line, folded, without quote prefix, mark-up and links."""
    text = _PREFIX.sub("", line)
    if ":" in text or "<" in text or "www" in text:
        text = _LINK.sub(" ", text)
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return _WORD.findall(text.casefold())


def fingerprint(text: str) -> bytes:
    """The fingerprint of a text, to be kept with it: runs first, then lines, as 32-bit numbers."""
    stream: list[int] = []
    lines: set[int] = set()
    for line in text.splitlines():
        hashes = _hashes(words(line))
        if hashes:
            lines.add(_whole(hashes))
        stream += hashes
        if len(stream) >= MOST_WORDS:
            break
    runs = set(_runs(stream))
    return array("I", [len(runs), *sorted(runs), *sorted(lines)]).tobytes()


def known(fingerprints: Iterable[bytes]) -> Known:
    """The fingerprints of several texts as one; a damaged one counts as empty."""
    runs: set[int] = set()
    lines: set[int] = set()
    for data in fingerprints:
        numbers = array("I")
        numbers.frombytes(data[: len(data) // 4 * 4])
        if numbers:
            runs.update(numbers[1 : 1 + numbers[0]])
            lines.update(numbers[1 + numbers[0] :])
    return Known(frozenset(runs), frozenset(lines))


def known_lines(passage: Sequence[Line], texts: Known) -> list[bool]:
    """Tell for each line of a passage if it stands in texts that are known.

    A line without words is as the line above it, so that a gap parts nothing. A whole known line
    that bears its own mark is known; without a mark it needs the words around it too, because a
    short answer ("Ja") below a header block may equal an earlier line.
    """
    hashes = [_hashes(words(line.text)) for line in passage]
    covered = _covered([each for line in hashes for each in line], texts.runs)
    alone = sum(map(bool, hashes)) == 1
    out: list[bool] = []
    at = 0
    for line, its in zip(passage, hashes, strict=True):
        if not its:
            out.append(out[-1] if out else True)
            continue
        whole = (line.marked or alone) and _whole(its) in texts.lines
        out.append(whole or all(covered[at : at + len(its)]))
        at += len(its)
    return out


def _hashes(folded: Iterable[str]) -> list[int]:
    return [zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in folded]


def _runs(stream: Sequence[int]) -> list[int]:
    a, b, c, d = _FACTORS
    return [
        (first * a + second * b + third * c + fourth * d) & _MASK
        for first, second, third, fourth in zip(
            stream, stream[1:], stream[2:], stream[3:], strict=False
        )
    ]


def _whole(line: Sequence[int]) -> int:
    return zlib.crc32(array("I", line).tobytes())


def _covered(stream: Sequence[int], runs: frozenset[int]) -> list[bool]:
    """Tell for each word if a known run of words goes through it."""
    out = [False] * len(stream)
    for at, run in enumerate(_runs(stream)):
        if run in runs:
            out[at : at + RUN] = [True] * RUN
    return out
