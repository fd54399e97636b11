"""Addresses of a From, To or Cc field: one mailbox if one is meant, and nothing guessed."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from parsers import header

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\U0010ffff]+")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
_SPACE = re.compile(r"\s+")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"})
_TOGETHER = (
    frozenset({"CJK", "HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA", "LATIN"}),
    frozenset({"CJK", "HANGUL", "LATIN"}),
    frozenset({"CJK", "BOPOMOFO", "LATIN"}),
)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A display name (may be empty) and an address: lower case, its domain in ASCII form."""

    name: str
    address: str

    @property
    def domain(self) -> str:
        """Give the part after the @."""
        return self.address.rpartition("@")[2]


def _scripts(text: str) -> set[str]:
    return {unicodedata.name(char, "?").split(" ")[0] for char in text if char.isalpha()}


def _one_script(text: str) -> bool:
    """Tell if no letter of `text` only looks like one of its neighbours."""
    if text.isascii():
        return True
    if any(unicodedata.category(char) in _INVISIBLE for char in text):
        return False
    if any(unicodedata.normalize("NFKC", char) != char for char in text):
        return False
    scripts = _scripts(text)
    return len(scripts) <= 1 or any(scripts <= allowed for allowed in _TOGETHER)


def _domain_label(label: str) -> str | None:
    if not 0 < len(label) <= 63:
        return None
    if label.isascii():
        label = label.lower()
        if not _LABEL.fullmatch(label):
            return None
        return label if not label.startswith("xn--") or _honest(label) else None
    if not _one_script(label):
        return None
    ascii_label = _in_ascii(_nfc_lower(label))
    return ascii_label if _LABEL.fullmatch(ascii_label) else None


def _in_ascii(label: str) -> str:
    """Give a label in its ASCII form (IDNA 2008), or an empty string if it has none.

    Python's codec is of IDNA 2003 and takes ß for ss: another's domain (RFC 5894 section 7.2).
    """
    if "ß" in label:
        return "xn--" + label.encode("punycode").decode("ascii")
    try:
        return label.encode("idna").decode("ascii").lower()
    except (UnicodeError, ValueError, IndexError):
        return ""


def _nfc_lower(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


def _honest(label: str) -> bool:
    """Tell if a punycode label stands for a word in one script, and no other label does."""
    try:
        word = label.removeprefix("xn--").encode("ascii").decode("punycode")
    except (UnicodeError, ValueError, IndexError, OverflowError):
        return False
    return _one_script(word) and _in_ascii(_nfc_lower(word)) == label


@lru_cache(maxsize=1024)
def domain(text: str) -> str | None:
    """Give a domain in lower-case ASCII (IDNA), or None if it is none or has look-alike letters."""
    if not 0 < len(text) <= 253:
        return None
    labels = [_domain_label(label) for label in text.split(".")]
    known = [label for label in labels if label]
    return ".".join(known) if len(known) == len(labels) else None


def _local(text: str) -> str | None:
    if not 0 < len(text) <= 64 or not _ATOM.fullmatch(text) or not _one_script(text):
        return None
    if text.startswith(".") or text.endswith(".") or ".." in text:
        return None
    return unicodedata.normalize("NFC", text).lower()


def normalise(address: str) -> str | None:
    """Give an address in one form for all its spellings, or None if it is not an address.

    Lower case, domain in IDNA's ASCII form. Comments, domain literals, invisible characters and
    words of mixed scripts (an 'а' of Cyrillic among Latin letters) are refused.
    """
    local, at, host = address.rpartition("@")
    if local.startswith('"') and local.endswith('"') and len(local) > 2:
        local = local[1:-1]
    left, right = _local(local), domain(host)
    return f"{left}@{right}" if at and left and right else None


@dataclass(slots=True)
class _Entry:
    """One address of a list while it is read: its words, the text in <>, and its faults."""

    words: list[str]
    angle: str | None = None
    comment: str = ""
    late: bool = False  # a word stands after a comment
    after: bool = False  # a word stands after <>
    broken: bool = False


def _comment(text: str, start: int) -> tuple[str, int, bool]:
    depth = 0
    at = start
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
        elif char == "(":
            depth += 1
        elif char == ")":
            depth -= 1
            if not depth:
                return text[start + 1 : at], at + 1, True
        at += 1
    return text[start + 1 :], len(text), False


def _entries(text: str) -> Iterator[tuple[_Entry, bool]]:
    """Yield each address of a list, and whether it stood in a group."""
    entry = _Entry([])
    group = False
    at = 0
    while at < len(text):
        char = text[at]
        if char in ",;":
            yield entry, group or char == ";"
            group = group and char != ";"
            entry, at = _Entry([]), at + 1
        elif char == ":" and entry.angle is None:
            entry, group, at = _Entry([]), True, at + 1
        else:
            at = _take(text, at, entry)
    yield entry, group


def _take(text: str, at: int, entry: _Entry) -> int:
    """Read one token into `entry`; give the start of the next one."""
    char = text[at]
    if char == "(":
        entry.comment, end, closed = _comment(text, at)
        entry.broken |= not closed
        return end
    if char.isspace():
        return at + 1
    entry.after |= entry.angle is not None
    entry.late |= bool(entry.comment)
    if char == '"':
        content, end = header.quoted(text, at)
        entry.broken |= end > len(text)
        entry.words.append('"' + content)
        if text[end : end + 1] == "@":  # a quoted local part
            entry.words[-1] = f'"{content}"'
        return end
    if char == "<":
        end = text.find(">", at)
        entry.broken |= end < 0 or entry.angle is not None
        end = len(text) if end < 0 else end
        entry.angle = text[at + 1 : end].strip()
        return end + 1
    word_end = header.word_end(text, at) if char == "=" else None
    if word_end:  # may hold , : ( and more, which clients forget to encode
        entry.words.append(text[at:word_end])
        entry.broken |= "<" in entry.words[-1] or ">" in entry.words[-1]
        return word_end
    atom = _ATOM.match(text, at)
    if atom and not (at and text[at - 1] == "@") and text[atom.end() : atom.end() + 1] != "@":
        entry.words.append(atom[0])
        return atom.end()
    return _bare(text, at, entry)


def _bare(text: str, at: int, entry: _Entry) -> int:
    """Read an address without <>, or a character out of place."""
    end = at
    while end < len(text) and text[end] not in ' \t\r\n,;:<>()"':
        end += 1
    if entry.words and entry.words[-1].endswith('"') and text[at] == "@":
        entry.words[-1] += text[at:end]
    elif end > at:
        entry.words.append(text[at:end])
    else:
        entry.broken = True
        end = at + 1
    return end


def _name(entry: _Entry, *, drop_address: bool) -> str:
    words = [word.removeprefix('"') for word in entry.words]
    if drop_address:
        words = []
    text = header.decode_words(" ".join(words)) or header.decode_words(entry.comment)
    if not text.isprintable():
        text = "".join(
            " " if unicodedata.category(char) in {"Cc", "Zl", "Zp"} else char
            for char in text
            if unicodedata.category(char) not in {"Cf", "Cs"}
        )
    return _SPACE.sub(" ", text).strip()[:200]


def _lenient(entry: _Entry) -> Mailbox | None:
    raw = entry.angle
    if raw is None:
        with_at = [word for word in entry.words if "@" in word]
        raw = with_at[0] if len(with_at) == 1 and len(entry.words) == 1 else None
    address = normalise(raw) if raw is not None and len(raw) < 400 else None
    return Mailbox(_name(entry, drop_address=entry.angle is None), address) if address else None


def _strict(entry: _Entry) -> Mailbox | None:
    """Give the entry's mailbox if no reader of mail could see another one in it."""
    if entry.broken or entry.after or "@" in entry.comment:
        return None
    if entry.angle is None and entry.late:
        return None
    mailbox = _lenient(entry)
    if mailbox and entry.angle is not None:
        loose = [
            word for word in entry.words if "@" in word and word[:1] != '"' and "=?" not in word
        ]
        if any(normalise(word) != mailbox.address for word in loose):
            return None
    return mailbox


def one_mailbox(value: str) -> Mailbox | None:
    """Give the mailbox of a field with exactly one plain mailbox, else None.

    `value` is the unfolded field before its encoded words are decoded: a name may hold anything,
    also an address, and must never be read as structure. Refused: several mailboxes, groups,
    comments inside or before an address, text after it, look-alike letters (S05).
    """
    if len(value) > 2000:
        return None
    entries = [(entry, group) for entry, group in _entries(value) if entry != _Entry([])]
    if not entries or any(group for _, group in entries):
        return None
    # `Ek, Bo <bo@kund.se>`: a name whose comma nobody quoted still holds one address only
    if not all(_only_words(entry) for entry, _ in entries[:-1]):
        return None
    return _strict(entries[-1][0])


def _only_words(entry: _Entry) -> bool:
    return entry.angle is None and not entry.broken and not any("@" in w for w in entry.words)


def mailboxes(value: str, limit: int = 1000) -> tuple[Mailbox, ...]:
    """Give every readable mailbox of a list (group members too), at most `limit`, in order."""
    out: list[Mailbox] = []
    for entry, _ in _entries(value):
        mailbox = _lenient(entry)
        if mailbox:
            out.append(mailbox)
            if len(out) >= limit:
                break
    return tuple(out)
