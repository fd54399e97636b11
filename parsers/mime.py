"""The parts of a message, walked without recursion and within limits."""

import binascii
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal

from parsers import charset, flowed, header

_RESERVED = re.compile(r"(?:con|prn|aux|nul|com[0-9]|lpt[0-9])(?:\.|$)", re.IGNORECASE)
_FORBIDDEN = frozenset('<>:"|?*')
_Fields = dict[str, tuple[str, ...]]
_TRIES = 20_000  # lines that start as a boundary does: no mail has more
_CONTAINERS = ("message/rfc822", "message/global")


@dataclass(frozen=True, slots=True)
class Limits:
    """The size and shape of the largest message; a larger one is shelved (notes/reliability.md 8).

    Text is scanned by linear rules only, so a pasted log is no reason to shelve a mail. Its limit
    is the size at which even a linear scan would be felt. Larger HTML is not parsed: a message
    with plain text is read without its HTML, any other is shelved.
    """

    raw_bytes: int = 25 * 1024 * 1024
    header_block_bytes: int = 64 * 1024
    header_bytes: int = 8 * 1024
    headers: int = 200
    depth: int = 20
    parts: int = 200
    addresses: int = 100
    parameters: int = 20
    text_bytes: int = 2 * 1024 * 1024
    text_lines: int = 50_000
    html_bytes: int = 512 * 1024
    html_tags: int = 50_000


@dataclass(frozen=True, slots=True)
class Attachment:
    """A part beside the message's text. `name` is safe to show, and as a file name."""

    name: str
    content_type: str
    content: bytes = field(repr=False)
    content_id: str | None = None
    inline: bool = False


@dataclass(frozen=True, slots=True)
class TextPart:
    """A piece of the message's own text, decoded, with LF line ends."""

    kind: Literal["plain", "html"]
    text: str


@dataclass(slots=True)
class Body:
    """The texts, attachments and faults of the parts walked so far."""

    content_type: str = ""
    report_type: str = ""
    texts: list[TextPart] = field(default_factory=list)
    every_text: list[TextPart] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    defects: list[str] = field(default_factory=list)
    refusal: str | None = None


@dataclass(slots=True)
class _Part:
    """A part still to be read: its place, and the parts around it."""

    start: int
    end: int
    fields: Mapping[str, tuple[str, ...]]
    depth: int
    default: str = "text/plain"
    counted_only: bool = False  # inside a nested message: its shape counts, its text does not
    choice: int = 0  # number of the multipart/alternative that it stands in; 0: none


@dataclass(slots=True)
class _Shape:
    """A part's own description."""

    content_type: str
    parameters: dict[str, str]
    disposition: str
    name: str
    excessive: bool


def _shape(part: _Part, limits: Limits) -> _Shape:
    kind, parameters, many = header.parameters(
        part.fields.get("content-type", ("",))[0], limits.parameters
    )
    disposition, more, too_many = header.parameters(
        part.fields.get("content-disposition", ("",))[0], limits.parameters
    )
    if kind.count("/") != 1 or not kind.strip("/ "):
        kind = "text/html" if kind == "html" else part.default
    name = more.get("filename") or parameters.get("name") or ""
    return _Shape(kind, parameters, disposition, name, many or too_many)


def _child_fields(raw: bytes, start: int, end: int, limits: Limits) -> tuple[int, _Fields]:
    stop = min(end, start + limits.header_block_bytes)
    block_end, body = header.split(raw[start:stop], limits.header_block_bytes)
    listed, real_end, _ = header.fields(raw[start : start + block_end])
    body = real_end if real_end < block_end else body
    out: dict[str, tuple[str, ...]] = {}
    for name, value in listed[: limits.headers]:
        key = name.lower()
        if key.startswith("content-"):
            out.setdefault(key, (header.unfold(value[: limits.header_bytes * 2]),))
    return min(start + body, end), out


def _boundary_lines(raw: bytes, part: _Part, mark: bytes) -> Iterator[tuple[int, int, bool]]:
    """Yield the start and end of each boundary line, and if it is the closing one."""
    line_mark = b"\n" + mark
    at = part.start
    if not raw.startswith(mark, at):
        at = raw.find(line_mark, at, part.end) + 1
    for _ in range(_TRIES):
        if not at:
            return
        after = at + len(mark)
        stop = min(part.end, after + 400)
        end = raw.find(b"\n", after, stop)
        end = stop if end < 0 else end
        tail = raw[after:end].strip()
        if tail in {b"", b"--"}:
            yield at, end, bool(tail)
        at = raw.find(line_mark, after, part.end) + 1


def _pieces(raw: bytes, part: _Part, boundary: bytes, most: int) -> list[tuple[int, int]]:
    """Give the places of the pieces between the boundary lines; at most one more than `most`."""
    out: list[tuple[int, int]] = []
    opened = -1
    for at, end, closing in _boundary_lines(raw, part, b"--" + boundary):
        if opened >= 0:
            out.append((opened, _before_line_end(raw, opened, at)))
        opened = -1 if closing else min(end + 1, part.end)
        if closing or len(out) > most:
            return out
    if opened >= 0:
        out.append((opened, part.end))
    return out


def _before_line_end(raw: bytes, start: int, at: int) -> int:
    """Cut the line end of the boundary line at `at`."""
    if raw[at - 1 : at] == b"\n":
        at -= 1
        at -= raw[at - 1 : at] == b"\r"
    return max(start, at)


def decode_transfer(content: bytes, encoding: str) -> bytes:
    """Undo a Content-Transfer-Encoding; with an unknown one, nothing changes."""
    encoding = encoding.partition(";")[0].strip().lower()
    if encoding == "quoted-printable":
        return binascii.a2b_qp(content)
    if encoding == "base64":
        return header.base64(content)
    if encoding in {"x-uuencode", "uuencode", "x-uue", "uue"}:
        return _uudecode(content)
    return content


def _uudecode(content: bytes) -> bytes:
    out: list[bytes] = []
    for line in content.splitlines():
        if line.startswith(b"begin ") or line.strip() in {b"end", b"`", b""}:
            continue
        try:
            out.append(binascii.a2b_uu(line))
        except binascii.Error:
            size = (((line[0] - 32) & 63) * 4 + 5) // 3
            try:
                out.append(binascii.a2b_uu(line[:size]))
            except binascii.Error:
                return content
    return b"".join(out)


def safe_name(name: str) -> str:
    """Give a file name without path, controls, direction marks or reserved words (S17)."""
    last = name.replace("\\", "/").rpartition("/")[2] or name.replace("\\", "/").strip("/")
    kept = "".join(
        "_" if char in _FORBIDDEN or char == "/" else char
        for char in last[-400:]
        if unicodedata.category(char) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    kept = " ".join(kept.split()).strip(". ")
    if not kept:
        return "attachment"
    if _RESERVED.match(kept):
        kept = "_" + kept
    if len(kept) > 120:
        stem, dot, extension = kept.rpartition(".")
        kept = stem[: 119 - len(extension)] + dot + extension if len(extension) < 12 else kept[:120]
    return kept


def _is_text(shape: _Shape, body: Body) -> bool:
    if shape.content_type not in {"text/plain", "text/html"}:
        return (
            shape.content_type.startswith("text/")
            and not shape.name
            and not body.texts
            and (
                shape.disposition != "attachment"
                and shape.content_type not in {"text/calendar", "text/rfc822-headers"}
            )
        )
    if shape.disposition == "attachment":
        return False
    return not shape.name or (not body.texts and shape.disposition != "inline")


def _take_leaf(raw: bytes, part: _Part, shape: _Shape, body: Body, choices: dict[int, int]) -> None:
    content = decode_transfer(
        raw[part.start : part.end], part.fields.get("content-transfer-encoding", ("",))[0]
    )
    if _is_text(shape, body):
        text = charset.decode(content, shape.parameters.get("charset"))
        text = text.replace("\r\n", "\n").replace("\r", "\n")
        kind: Literal["plain", "html"] = "html" if shape.content_type == "text/html" else "plain"
        if kind == "plain" and shape.parameters.get("format", "").lower() == "flowed":
            delete = shape.parameters.get("delsp", "").lower() == "yes"
            text = flowed.joined(text, delete_space=delete)
        if part.depth == 0 and not part.fields.get("content-type") and _looks_html(text):
            kind = "html"
        _add_text(TextPart(kind, text), part.choice, body, choices)
        return
    identifier = part.fields.get("content-id", ("",))[0].strip().strip("<>").strip()
    body.attachments.append(
        Attachment(
            safe_name(shape.name or part.fields.get("content-description", ("",))[0])
            if shape.name
            else "attachment",
            shape.content_type,
            content,
            identifier or None,
            shape.disposition == "inline" or (bool(identifier) and not shape.disposition),
        )
    )


def _looks_html(text: str) -> bool:
    return text[:200].lstrip().lower().startswith(("<!doctype html", "<html"))


def _add_text(part: TextPart, choice: int, body: Body, choices: dict[int, int]) -> None:
    """Add a text; of alternatives the plain one is read, unless it is empty (C12)."""
    body.every_text.append(part)
    if not choice or choice not in choices:
        if choice:
            choices[choice] = len(body.texts)
        body.texts.append(part)
        return
    at = choices[choice]
    earlier = body.texts[at]
    if part.kind == earlier.kind:
        body.texts.append(part)
    elif (part.kind == "plain" and part.text.strip()) or not earlier.text.strip():
        body.texts[at] = part


def read(raw: bytes, start: int, fields: Mapping[str, tuple[str, ...]], limits: Limits) -> Body:
    """Walk the parts from `start` on; over a limit the walk ends with a refusal."""
    body = Body()
    todo = [_Part(start, len(raw), fields, 0)]
    choices: dict[int, int] = {}
    count = 0
    while todo and not body.refusal:
        part = todo.pop()
        count += 1
        shape = _shape(part, limits)
        if not body.content_type:
            body.content_type = shape.content_type
            body.report_type = shape.parameters.get("report-type", "").lower()
        body.refusal = _over(part, shape, count, limits)
        if body.refusal:
            break
        children = _children(raw, part, shape, body, limits, count)
        todo.extend(reversed(children))
        if (not children and not part.counted_only) or (
            shape.content_type in _CONTAINERS and not part.counted_only
        ):
            _take_leaf(raw, part, shape, body, choices)
    body.refusal = body.refusal or _over_text(body, limits)
    return body


def _over(part: _Part, shape: _Shape, count: int, limits: Limits) -> str | None:
    if count > limits.parts:
        return "too_many_parts"
    if part.depth > limits.depth:
        return "nested_too_deep"
    return "too_many_parameters" if shape.excessive else None


def _over_text(body: Body, limits: Limits) -> str | None:
    """Drop too large HTML if plain text says the same, else refuse the message."""
    plain = [part.text for part in body.texts if part.kind == "plain"]
    if _exceed(plain, limits.text_bytes, "\n", limits.text_lines):
        return "text_too_large"
    html = [part.text for part in body.texts if part.kind == "html"]
    if _exceed(html, limits.html_bytes, "<", limits.html_tags):
        return "html_too_large"
    html = [part.text for part in body.every_text if part.kind == "html"]
    if _exceed(html, limits.html_bytes, "<", limits.html_tags):
        body.every_text = [part for part in body.every_text if part.kind == "plain"]
        body.defects.append("html_too_large")
    return None


def _exceed(texts: list[str], size: int, mark: str, marks: int) -> bool:
    return sum(map(len, texts)) > size or sum(text.count(mark) for text in texts) > marks


def _children(  # noqa: PLR0917 the walk's whole state
    raw: bytes, part: _Part, shape: _Shape, body: Body, limits: Limits, count: int
) -> list[_Part]:
    if shape.content_type in _CONTAINERS:
        start, fields = _child_fields(raw, part.start, part.end, limits)
        return [_Part(start, part.end, fields, part.depth + 1, counted_only=True)]
    if not shape.content_type.startswith("multipart/"):
        return []
    boundary = shape.parameters.get("boundary", "").encode("utf-8", "replace")[:200]
    pieces = _pieces(raw, part, boundary, limits.parts) if boundary else []
    if not pieces:
        body.defects.append("multipart_without_parts")
        shape.content_type = "text/plain"
        return []
    default = "message/rfc822" if shape.content_type == "multipart/digest" else "text/plain"
    choice = count if shape.content_type == "multipart/alternative" else part.choice
    out: list[_Part] = []
    for start, end in pieces:
        at, fields = _child_fields(raw, start, end, limits)
        out.append(_Part(at, end, fields, part.depth + 1, default, part.counted_only, choice))
    return out


def leaves(
    raw: bytes, start: int, fields: Mapping[str, tuple[str, ...]], limits: Limits
) -> Iterator[bytes]:
    """Give the content of each part from `start` on, in order, its transfer encoding undone.

    Parts of parts are opened, and so are messages in a message. Beyond a limit nothing is opened.
    """
    todo = [_Part(start, len(raw), fields, 0)]
    count = 0
    while todo:
        part = todo.pop()
        count += 1
        children: list[_Part] = []
        if count <= limits.parts and part.depth <= limits.depth:
            children = _children(raw, part, _shape(part, limits), Body(), limits, count)
        if children:
            todo.extend(reversed(children))
        else:
            encoding = part.fields.get("content-transfer-encoding", ("",))[0]
            yield decode_transfer(raw[part.start : part.end], encoding)
