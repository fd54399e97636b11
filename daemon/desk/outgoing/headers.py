"""Header fields of outgoing mail: ASCII, folded, and closed to whatever a value holds (RFC 5322).

No value can start another field: control characters and those that turn the direction of writing
are gone before a field is written.
"""

import base64
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import quote

from daemon.desk.letters.markup import one_line

_PRINTABLE = re.compile(r"[ -~]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,250}>")
_TYPE = re.compile(
    r"(?P<main>[A-Za-z0-9][A-Za-z0-9.+-]{0,60})/(?P<sub>[A-Za-z0-9][A-Za-z0-9.+-]{0,100})"
    r"(?:; ?[A-Za-z0-9-]{1,40}=[A-Za-z0-9._-]{1,60}){0,5}"
)
_CONTENT_ID = re.compile(r"[!-;=?-Z^-~]{1,200}")
_UNSAFE_IN_FILE = re.compile(r'[<>:"|?*]')
_WORD_BYTES = 45  # as base64 60 characters; with the frame an encoded word has at most 75
_LINE = 76
_MOST_SUBJECT = 250
_MOST_NAME = 100
_MOST_FILE_NAME = 120
_MOST_REFERENCES = 20


class AddressError(ValueError):
    """An address that cannot stand in an ASCII header (RFC 5322, 3.4.1)."""


def text(name: str, value: str, limit: int = _MOST_SUBJECT) -> str:
    """An unstructured field, as Subject: ASCII as it is, anything else in encoded words."""
    value = one_line(value, limit)
    line = f"{name}: {value}"
    if _plain(value):
        if len(line) <= _LINE:
            return line
        if max(map(len, value.split(" "))) < _LINE - len(name) - 2:
            return _folded(line)
    plain, rest = _plain_start(value)
    return f"{name}: {plain}{encoded_words(rest, len(name) + 2 + len(plain))}"


def addresses(name: str, people: Iterable[tuple[str, str]]) -> str:
    """An address field: one mailbox a line."""
    return f"{name}: " + ",\r\n ".join(_mailbox(person, address) for person, address in people)


def message_ids(name: str, ids: Sequence[str]) -> str | None:
    """References or In-Reply-To: the well-formed ids, the first and the last twenty of them."""
    good = [i for i in ids if _MESSAGE_ID.fullmatch(i)]
    if len(good) > _MOST_REFERENCES + 1:
        good = [good[0], *good[-_MOST_REFERENCES:]]
    return f"{name}: " + "\r\n ".join(good) if good else None


def content_type(given: str) -> str:
    """Give a media type fit for a field; a message, or no media type, becomes octets."""
    parsed = _TYPE.fullmatch(given)
    if not parsed or parsed["main"].lower() in {"multipart", "message"}:
        return "application/octet-stream"
    return given


def content_id(given: str) -> str | None:
    """A Content-ID between its brackets, or None where it holds anything odd."""
    bare = given.strip("<>")
    return f"<{bare}>" if _CONTENT_ID.fullmatch(bare) else None


def disposition(kind: str, file_name: str) -> str:
    """Content-Disposition with the file's name, beyond ASCII by RFC 2231."""
    if _PRINTABLE.fullmatch(file_name):
        quoted = file_name.replace("\\", "\\\\").replace('"', '\\"')
        return f'Content-Disposition: {kind};\r\n filename="{quoted}"'
    value = "utf-8''" + quote(file_name, safe="")
    if len(value) <= _LINE - 12:
        return f"Content-Disposition: {kind};\r\n filename*={value}"
    pieces = _percent_pieces(value, 60)
    lines = (f"\r\n filename*{i}*={piece}" for i, piece in enumerate(pieces))
    return f"Content-Disposition: {kind};" + ";".join(lines)


def file_name(given: str, fallback: str) -> str:
    """A bare name: no path, no hidden file, nothing that an operating system minds."""
    bare = re.split(r"[/\\]", one_line(given, 1000))[-1]
    bare = _UNSAFE_IN_FILE.sub("_", bare).strip(". ")
    if len(bare) > _MOST_FILE_NAME:
        stem, dot, ending = bare.rpartition(".")
        keep = f"{dot}{ending}" if dot and len(ending) <= 10 else ""
        stem = (stem if keep else bare)[: _MOST_FILE_NAME - len(keep)]
        bare = stem.rstrip(". ") + keep
    return bare or fallback


def encoded_words(value: str, used: int) -> str:
    """Encoded words of whole characters (RFC 2047), each on a line of its own."""
    size = max((_LINE - used - 12) // 4 * 3, 15)
    left = value.encode()
    words: list[str] = []
    while left or not words:
        end = min(size, len(left))
        while end < len(left) and left[end] & 0xC0 == 0x80:  # inside a character
            end -= 1
        words.append(_word(left[:end]))
        left, size = left[end:], _WORD_BYTES
    return "\r\n ".join(words)


@lru_cache(maxsize=1024)
def address(given: str) -> str:
    """An address in ASCII: the domain by IDNA, an odd local part quoted; else AddressError."""
    local, at, domain = given.rpartition("@")
    try:
        host = domain.encode("idna").decode("ascii")
    except UnicodeError:
        host = ""
    if not at or not local or not _HOST.fullmatch(host) or ".." in host:
        raise AddressError(f"{given!r} is no address")
    if _DOT_ATOM.fullmatch(local):
        return f"{local}@{host}"
    bare = local[1:-1] if len(local) > 2 and local[0] == local[-1] == '"' else local
    if not _PRINTABLE.fullmatch(bare) or len(bare) > 64:
        raise AddressError(f"{given!r} is no address for a mail in ASCII")
    return '"{}"@{}'.format(bare.replace("\\", "\\\\").replace('"', '\\"'), host)


def _plain(value: str) -> bool:
    return bool(_PRINTABLE.fullmatch(value)) and "=?" not in value


def _plain_start(value: str) -> tuple[str, str]:
    """A ticket's mark stays readable in the raw mail: only what follows it is encoded."""
    first, space, rest = value.partition(" ")
    if rest and len(first) <= 30 and _plain(first):
        return first + space, rest
    return "", value


def _mailbox(name: str, given: str) -> str:
    name = one_line(name, _MOST_NAME)
    if not name:
        return address(given)
    if not _plain(name):
        phrase = encoded_words(name, 10)
    elif _ATOMS.fullmatch(name):
        phrase = name
    else:
        phrase = '"{}"'.format(name.replace("\\", "\\\\").replace('"', '\\"'))
    return (
        f"{phrase}\r\n <{address(given)}>" if len(phrase) > 40 else f"{phrase} <{address(given)}>"
    )


def _folded(line: str) -> str:
    lines: list[str] = []
    while len(line) > _LINE:
        at = line.rfind(" ", 1, _LINE + 1)
        if at <= 0 or not line[:at].strip():
            break
        lines.append(line[:at])
        line = line[at:]
    return "\r\n".join([*lines, line])


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="


def _percent_pieces(value: str, size: int) -> list[str]:
    """Cut so that no %XX is torn apart."""
    pieces: list[str] = []
    while value:
        end = size
        while end > size - 2 and "%" in value[end - 2 : end]:
            end -= 1
        pieces.append(value[:end])
        value = value[end:]
    return pieces
