"""Header fields from raw bytes: splitting, unfolding, encoded words, parameters."""

import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

from parsers import charset

Fields = list[tuple[str, bytes]]

_END = re.compile(rb"\n(\r{0,9}\n)")
_NAME = re.compile(rb"^([!-9;-~]{1,200})[ \t]*:")
_KNOWN = re.compile(
    rb"^(?:from|to|cc|subject|date|message-id|mime-version|content-[a-z-]+|received|return-path"
    rb"|reply-to|sender|references|in-reply-to|x-[a-z0-9-]+|dkim-signature)[ \t]{0,9}:",
    re.IGNORECASE | re.MULTILINE,
)
_FOLD = re.compile(rb"[\r\n]+")
_NO_BASE64 = re.compile(rb"[^A-Za-z0-9+/]")
_SPACE = re.compile(r"[ \t\r\n]+")
_WORD = re.compile(r"=\?([^?\s*]{1,75})(?:\*[^?\s]{0,40})?\?([bBqQ])\?")


def split(raw: bytes, limit: int) -> tuple[int, int]:
    """Give the end of the header block and the start of the body, within `limit` bytes.

    A block without an end inside the limit ends at the limit (or at the end of the message).
    """
    if raw[:1] in {b"\n", b"\r"}:
        return 0, 2 if raw[:2] == b"\r\n" else 1
    end_line = _END.search(raw, 0, limit + 4)
    if not end_line:
        end = min(len(raw), limit)
        return end, end
    return end_line.start(1), end_line.end()


def fields(block: bytes) -> tuple[Fields, int, bool]:
    """Split a header block into (name, raw value); give its real end, and if it is clean.

    A line without a field is passed over if a well-known field still follows. Otherwise the body
    starts at this line, and the empty line between them is missing.
    """
    out: list[tuple[str, list[bytes]]] = []
    clean = True
    position = 0
    # a bare CR ends no line: what signed the message did not see a field there either
    text = block.replace(b"\r\n", b"\n").replace(b"\r", b" ")
    last = -1
    for line in text.split(b"\n"):
        start, position = position, position + len(line) + 1
        name = _NAME.match(line)
        if line[:1] in {b" ", b"\t"} and out:
            out[-1][1].append(line)
        elif name:
            out.append((name[1].decode("ascii"), [line[name.end() :]]))
        elif line.strip() and not (not out and line.startswith((b"From ", b">From "))):
            last = _last_known(text) if clean else last
            clean = False
            if last < start:
                return _joined(out), _raw_offset(block, start), clean
    return _joined(out), len(block), clean


def _joined(pieces: list[tuple[str, list[bytes]]]) -> Fields:
    return [(name, b"\n".join(lines)) for name, lines in pieces]


def _last_known(text: bytes) -> int:
    """Give the start of the last field with a well-known name, or -1."""
    return max((found.start() for found in _KNOWN.finditer(text)), default=-1)


def _raw_offset(block: bytes, lf_offset: int) -> int:
    """Translate an offset in the LF form of the block into one in the block itself."""
    if b"\r\n" not in block:
        return lf_offset
    at = seen = 0
    for line in block.splitlines(keepends=True):
        if seen >= lf_offset:
            break
        at += len(line)
        seen += len(line) - (1 if line.endswith(b"\r\n") else 0)
    return at


def unfold(value: bytes) -> str:
    """Give a raw value as one line of text, encoded words left as they are."""
    if b"\n" in value or b"\r" in value:
        value = _FOLD.sub(b"", value)
    return charset.decode(value).strip()


def _word_bytes(declared: str, kind: str, content: str) -> bytes:
    # letters that nobody encoded are text already: back to the charset that the word names
    name = "utf-8" if content.isascii() else charset.codec(declared) or "utf-8"
    data = content.encode(name, "replace")
    if kind in "qQ":
        return binascii.a2b_qp(data.replace(b" ", b"_"), header=True)
    return base64(data)


def base64(data: bytes) -> bytes:
    """Decode base64, even if it is cut, unpadded or holds rubbish."""
    try:
        return binascii.a2b_base64(data)
    except binascii.Error:
        kept = _NO_BASE64.sub(b"", data)
        kept = kept[: len(kept) - 1] if len(kept) % 4 == 1 else kept
        return binascii.a2b_base64(kept + b"=" * (-len(kept) % 4))


def word_end(value: str, at: int) -> int | None:
    """Give the end of the encoded word at `at`, or None if there is none."""
    word = _WORD.match(value, at)
    end = value.find("?=", word.end(), word.end() + 1000) if word else -1
    return end + 2 if end >= 0 else None


def _words(value: str) -> Iterator[tuple[str, str | None, bytes]]:
    """Yield (plain text before, charset, bytes) for each encoded word, and the text at the end."""
    done = at = 0
    while (at := value.find("=?", at)) >= 0:
        word = _WORD.match(value, at)
        if not word:
            at += 2
            continue
        end = value.find("?=", word.end())
        if end < 0:
            break
        content = _word_bytes(word[1], word[2], value[word.end() : end])
        yield value[done:at], word[1].lower(), content
        done = at = end + 2
    yield value[done:], None, b""


def decode_words(value: str) -> str:
    """Decode RFC 2047 words, also those glued to text, holding spaces, or cut inside a letter."""
    if "=?" not in value:
        return value
    out: list[str] = []
    name: str | None = None
    pending = b""
    for text, declared, data in _words(value):
        glue = not text.strip() and name is not None and declared is not None
        if glue and declared == name:
            pending += data
            continue
        out.append(charset.decode(pending, name))
        if not glue:
            out.append(text)
        name, pending = declared, data
    return _SPACE.sub(" ", "".join(out)).strip()


def parameters(value: str, limit: int) -> tuple[str, dict[str, str], bool]:
    """Split `type; a=b; c="d"` into its value, its parameters, and whether they were too many.

    RFC 2231 continuations and charsets are joined and decoded. Names are lower-cased; the first of
    two equal names counts.
    """
    head, _, rest = value.partition(";")
    pairs: dict[str, str] = {}
    at = count = 0
    while at < len(rest):
        count += 1
        if count > limit:
            return head.strip().lower(), _join_2231(pairs), True
        name, content, at = _parameter(rest, at)
        if name:
            pairs.setdefault(name, content)
    return head.strip().lower(), _join_2231(pairs), False


def _parameter(text: str, at: int) -> tuple[str, str, int]:
    stop = text.find(";", at)
    equals = text.find("=", at)
    stop = len(text) if stop < 0 else stop
    if equals < 0 or equals > stop:
        return "", "", stop + 1
    name = text[at:equals].strip().lower()
    start = equals + 1
    while start < len(text) and text[start] in " \t":
        start += 1
    if text[start : start + 1] != '"':
        return name, text[start : max(stop, start)].strip(), max(stop, start) + 1
    content, end = quoted(text, start)
    stop = text.find(";", end)
    return name, content, (len(text) if stop < 0 else stop) + 1


def quoted(text: str, start: int) -> tuple[str, int]:
    """Read the quoted string at `start`; give its content and its end."""
    end = text.find('"', start + 1)
    if end > 0 and "\\" not in text[start:end]:
        return text[start + 1 : end], end + 1
    out: list[str] = []
    at = start + 1
    while at < len(text) and text[at] != '"':
        at += text[at] == "\\" and at + 1 < len(text)
        out.append(text[at])
        at += 1
    return "".join(out), at + 1


def _join_2231(pairs: dict[str, str]) -> dict[str, str]:
    if not any("*" in name for name in pairs):
        return {name: decode_words(value) for name, value in pairs.items()}
    plain = {name: decode_words(value) for name, value in pairs.items() if "*" not in name}
    for base in {name.partition("*")[0] for name in pairs if "*" in name}:
        plain[base] = _decode_2231(base, pairs)
    return plain


def _decode_2231(base: str, pairs: dict[str, str]) -> str:
    if f"{base}*" in pairs:
        pieces = [(pairs[f"{base}*"], True)]
    else:
        pieces = []
        for n in range(len(pairs)):
            if f"{base}*{n}*" in pairs:
                pieces.append((pairs[f"{base}*{n}*"], True))
            elif f"{base}*{n}" in pairs:
                pieces.append((pairs[f"{base}*{n}"], False))
            else:
                break
    declared = None
    data = b""
    for n, (piece, extended) in enumerate(pieces):
        text = piece
        if n == 0 and extended and text.count("'") >= 2:
            declared, _, text = text.split("'", 2)
        data += unquote_to_bytes(text) if extended else text.encode("utf-8", "replace")
    return charset.decode(data, declared or "utf-8")
