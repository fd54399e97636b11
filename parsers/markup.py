"""HTML as tags and texts with their places in the source; linear, whatever comes."""

import html as entities
import re
from collections.abc import Iterator

_MARKUP = re.compile(r"<(?:!--|/?[a-zA-Z]|[!?])")
_STOP = re.compile(r"[>\"']")
_NAME = re.compile(r"^</?([a-zA-Z][^\s/>]{0,60})")
_ATTRIBUTE = re.compile(
    r"([^\s\"'<>/=]{1,60})(?:\s{0,9}=\s{0,9}(?:\"([^\"]*)\"|'([^']*)'|([^\s>\"']{1,9999})))?"
)


def name(tag: str) -> str:
    """Give the lower-case name of a start or end tag."""
    match = _NAME.match(tag[:80])
    return match[1].lower() if match else ""


def _tag_end(html: str, start: int, missing: set[str]) -> int:
    """Give the index after the tag at `start`; its quotes may hold a `>`."""
    at = start
    while True:
        stop = _STOP.search(html, at)
        if not stop:
            return len(html)
        at = stop.end()
        char = stop[0]
        if char == ">":
            return at
        if (
            char in missing
            or html[max(start, stop.start() - 9) : stop.start()].rstrip()[-1:] != "="
        ):
            continue
        close = html.find(char, at)
        if close < 0:
            missing.add(char)
        else:
            at = close + 1


def tokens(html: str) -> Iterator[tuple[str, int, int]]:
    """Yield (kind, start, end): `text`, `open`, `close`, `other`. Linear in the text."""
    at = 0
    missing: set[str] = set()
    no_comment_end = False
    while True:
        opening = _MARKUP.search(html, at)
        start = opening.start() if opening else len(html)
        if start > at:
            yield "text", at, start
        if not opening:
            return
        if opening[0] == "<!--":
            close = -1 if no_comment_end else html.find("-->", start + 2)
            no_comment_end = close < 0
            at = len(html) if close < 0 else close + 3
            yield "other", start, at
            continue
        at = _tag_end(html, opening.end(), missing)
        kind = "other" if opening[0][-1] in "!?" else "close" if opening[0][1] == "/" else "open"
        yield kind, start, at


def attributes(tag: str) -> dict[str, str]:
    """Give the attributes of a start tag, lower-case names; the first of two equal ones counts."""
    out: dict[str, str] = {}
    for attribute in _ATTRIBUTE.finditer(tag[:20000], tag.find(" ") if " " in tag else 1):
        value = attribute[2] or attribute[3] or attribute[4] or ""
        out.setdefault(attribute[1].lower(), entities.unescape(value) if "&" in value else value)
    return out
