"""Mentions of a person: names and addresses in text and in mail, however they are written."""

import binascii
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from urllib.parse import unquote_to_bytes

_APOSTROPHES = "'’‘ʼ´`′"
_HYPHENS = "-‐‑‒–"
_AT = r"(?:@|%40|&\#0*64;|=40)"
_PLUS = r"(?:\+|%2B|=2B)"
_BEFORE_ADDRESS = r"(?<![\w.+%-])(?<!\w')"  # o'eva@… is another address, 'eva@…' is quoted
_FILE_ENDS = "pdf|eml|msg|vcf|txt|csv|docx?|xlsx?|zip|ics|png|jpe?g"
_AFTER_ADDRESS = rf"(?![\w-]|\.(?!(?:{_FILE_ENDS})(?!\w))\w)"
_BEFORE_NAME, _AFTER_NAME = r"(?<![^\W_])", r"(?![^\W_])"
_GAP = r"[\s\u00a0_]+"
_RUN = re.compile(r"[A-Za-z0-9]+")
_WORD = re.compile(rb"=\?([^?\s]{1,75})\?([bBqQ])\?([^?\s]{0,400})\?=")
_BETWEEN_WORDS = re.compile(rb"\?=[ \t\r\n]{1,9}=\?")
_BASE64_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_TAG = re.compile(r"<[^<>]{0,500}>")


@dataclass(frozen=True)
class Person:
    """The addresses and names of a person; a name counts where it has two words or more."""

    addresses: tuple[str, ...]
    names: tuple[str, ...]
    full_names: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Keep the names of two words and more, the longest first."""
        full = {_plain(name) for name in self.names if len(_plain(name).split()) > 1}
        object.__setattr__(self, "full_names", tuple(sorted(full, key=lambda n: (-len(n), n))))

    @cached_property
    def address(self) -> re.Pattern[str]:
        """The pattern of the addresses where they stand whole, not inside a longer one."""
        return _any_of(_address(each) for each in self.addresses)

    @cached_property
    def name(self) -> re.Pattern[str]:
        """The pattern of the full names, also with the family name first and in the genitive."""
        return _any_of(pattern for name in self.full_names for pattern in _orders(name))

    @cached_property
    def first_name(self) -> re.Pattern[str]:
        """The pattern of each single word of the names, as colleagues write them."""
        words = {word for name in self.names for word in _plain(name).split() if len(word) > 1}
        return _any_of(_as_name(re.escape(word)) for word in sorted(words))

    @cached_property
    def fragments(self) -> tuple[tuple[str, ...], ...]:
        """Runs of ASCII letters, in lower case: a text without a run of each cannot mention her."""
        return tuple(dict.fromkeys(_runs(each) for each in (*self.addresses, *self.full_names)))

    def is_in(self, text: str) -> bool:
        """Tell if a text has an address or a full name."""
        said = text if text.isascii() else unicodedata.normalize("NFC", text)
        return bool(self.address.search(said) or self.name.search(said))

    def replaced(self, text: str, address: str, name: str) -> str:
        """Give the text with other words in place of the addresses and the full names."""
        said = text if text.isascii() else unicodedata.normalize("NFC", text)
        new = self.name.sub(name, self.address.sub(address, said))
        return text if new == said else new

    def is_in_mail(self, raw: bytes) -> bool:
        """Tell if a mail, or any file, mentions the person in any encoding that mail uses."""
        return any(self.is_in_bytes(view) for view in views(raw))

    def is_in_bytes(self, data: bytes) -> bool:
        """Tell if bytes mention the person as UTF-8, as Latin-1 or as UTF-16."""
        low = data.lower()
        wide = b"\0" in data
        if not wide and not any(_has_runs(low, runs) for runs in self.fragments):
            return False
        texts = [data.decode("utf-8", "replace"), data.decode("latin-1")]
        if wide:
            texts += [data[n:].decode("utf-16-le", "replace") for n in (0, 1)]
        return any(self.is_in(form) for text in texts for form in _forms(text))


def _plain(name: str) -> str:
    return " ".join(unicodedata.normalize("NFC", name).replace(",", " ").split())


def _any_of(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(dict.fromkeys(patterns)) or r"(?!)", re.IGNORECASE)


def _address(address: str) -> str:
    local, _, domain = address.partition("@")
    mailbox = re.escape(local).replace(r"\+", _PLUS)
    domains = "|".join(re.escape(each) for each in dict.fromkeys((domain, _unicode(domain))))
    whole = f"{_BEFORE_ADDRESS}{mailbox}{_AT}(?:{domains}){_AFTER_ADDRESS}"
    # A return path may carry the address behind a mark: bounce+eva=acme.se@list.example.
    return rf"{whole}|(?<![\w.%]){mailbox}=(?:{domains}){_AFTER_ADDRESS}"


def _unicode(domain: str) -> str:
    try:
        return domain.encode("ascii").decode("idna")
    except (UnicodeError, ValueError):
        return domain


def _orders(name: str) -> Iterator[str]:
    words = [_word(word) for word in name.split()]
    yield _as_name(_GAP.join(words))
    yield _as_name(words[-1] + r"(?:,\s*|[\s\u00a0_]+)" + _GAP.join(words[:-1]))


def _as_name(pattern: str) -> str:
    return rf"{_BEFORE_NAME}{pattern}(?:['’]?s)?{_AFTER_NAME}"


def _word(word: str) -> str:
    return "".join(
        f"[{_APOSTROPHES}]"
        if letter in _APOSTROPHES
        else f"[{_HYPHENS}]"
        if letter in _HYPHENS
        else re.escape(letter)
        for letter in word
    )


def _runs(text: str) -> tuple[str, ...]:
    """The ASCII runs of two letters and more; a decomposed å keeps its neighbours as they are."""
    return tuple(run.lower() for run in _RUN.findall(text) if len(run) > 1)


def _has_runs(low: bytes, runs: tuple[str, ...]) -> bool:
    return all(run.encode() in low for run in runs)


def _forms(text: str) -> Iterator[str]:
    """The text as it stands, and as a reader of HTML sees it."""
    yield text
    if "&" in text:
        text = html.unescape(text)
        yield text
    if "<" in text:
        yield _TAG.sub("", text)


# --- mail as bytes ------------------------------------------------------------------------------


def views(raw: bytes) -> Iterator[bytes]:
    """A mail's bytes as they are, and with each transfer encoding undone, whatever part it is in.

    The structure of the mail is not read: a broken mail hides nothing, and the work is linear.
    """
    yield raw
    if b"=" in raw:
        yield binascii.a2b_qp(raw)
    if b"=?" in raw:
        yield from encoded_words(raw)
    if b"%" in raw:
        yield unquote_to_bytes(raw)
    for data in base64_runs(raw):
        yield data
        if b"=?" in data or b"=\n" in data or b"=\r" in data:  # a mail inside a mail
            yield binascii.a2b_qp(data)
            yield from encoded_words(data)


def encoded_words(raw: bytes) -> Iterator[bytes]:
    """The encoded words of headers as UTF-8, with the neighbours of a word beside it (RFC 2047)."""
    joined = _BETWEEN_WORDS.sub(b"?==?", raw)
    if _WORD.search(joined):
        yield _WORD.sub(_decoded, joined)


def _decoded(hit: re.Match[bytes]) -> bytes:
    charset, kind, word = hit[1], hit[2], hit[3]
    try:
        if kind in b"bB":
            data = binascii.a2b_base64(word + b"==")
        else:
            data = binascii.a2b_qp(word, header=True)
        return data.decode(charset.partition(b"*")[0].decode("ascii")).encode("utf-8", "replace")
    except (ValueError, LookupError):
        return hit[0]


def base64_runs(raw: bytes) -> Iterator[bytes]:
    """Each run of lines in the letters of base64, decoded; its last line may be the shorter."""
    run: list[bytes] = []
    for line in raw.split(b"\n"):
        word = line.strip()
        letters = bool(word) and not word.translate(None, _BASE64_BYTES)
        if run and (not letters or len(word) > len(run[0]) or len(run[-1]) < len(run[0])):
            yield from _run_decoded(run)
            run = []
        if letters:
            run.append(word)
    yield from _run_decoded(run)


def _run_decoded(run: list[bytes]) -> Iterator[bytes]:
    text = b"".join(run)
    if len(text) >= 8:  # a word of ordinary text is no run
        try:
            yield binascii.a2b_base64(text + b"==")
        except binascii.Error:
            yield b""


# --- words --------------------------------------------------------------------------------------

_TOKEN = re.compile(r"\w+")
_PHRASE = 6  # words in a row that two people hardly write by chance


def phrases(text: str) -> Iterator[tuple[str, ...]]:
    """Each run of six words, in lower case, whatever stands between them."""
    words = _TOKEN.findall(text.casefold())
    for start in range(len(words) - _PHRASE + 1):
        yield tuple(words[start : start + _PHRASE])


def quotes(text: str, said: frozenset[tuple[str, ...]]) -> bool:
    """Tell if a text has one of these phrases."""
    return bool(said) and any(phrase in said for phrase in phrases(text))
