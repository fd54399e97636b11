"""A text as lines, plain or from HTML, ready to be told apart."""

import re
from dataclasses import dataclass, field

from parsers import attribution, quoting
from parsers import html as markup

_SPACES = dict.fromkeys(map(ord, "\u00a0\u2007\u202f\u3000\t"), " ")
_UNSEEN = dict.fromkeys(
    map(ord, "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\ufeff\u00ad")
)
_ODD = _SPACES | _UNSEEN
_ANY_ODD = re.compile(f"[{''.join(map(chr, _ODD))}]")
_WRAPPED_END = re.compile(r"^>[^<>]{0,40}[:：]\s{0,9}$")
_DEEPEST = 20


@dataclass(slots=True)
class Text:
    """A text as lines: as written, bare, with their quote depths and their marks."""

    raw: list[str] = field(default_factory=list)
    contents: list[str] = field(default_factory=list)
    depths: list[int] = field(default_factory=list)
    marked: list[bool] = field(default_factory=list)  # quoted, says the HTML's own structure
    labels: list[str | None] = field(default_factory=list)  # of the header lines among them

    def add(self, raw: str, depth: int, content: str, *, marked: bool = False) -> None:
        """Add one line."""
        self.raw.append(raw)
        self.contents.append(content)
        self.depths.append(depth)
        self.marked.append(marked)
        self.labels.append(quoting.label(content))


def _bare(line: str) -> str:
    if ("\t" in line or not line.isascii()) and _ANY_ODD.search(line):
        line = line.translate(_ODD)
    return line.replace("*", "").strip() if "*" in line else line.strip()


def _unquote(line: str) -> tuple[int, str]:
    """Give the quote depth of a line, and its content without the marks."""
    at = depth = 0
    while at < len(line) and line[at] in "> \u00a0":
        depth += line[at] == ">"
        at += 1
    return depth, line[at:]


def _ends_address(line: str, text: Text) -> bool:
    """Tell if a line ends an address from a line above: `<bo@kund.se` / `>:`."""
    if not _WRAPPED_END.match(line) or not text.raw or text.depths[-1]:
        return False
    above = " ".join(text.contents[-3:])
    return above.count("<") > above.count(">")


def add_plain(text: Text, source: str) -> None:
    """Add the lines of a plain text."""
    for line in source.split("\n"):
        start = line.lstrip(" \u00a0\ufeff")
        if start[:1] == ">" and not (
            _ends_address(start, text) or attribution.between_arrows(start.rstrip())
        ):
            depth, content = _unquote(start)
            text.add(line, depth, _bare(content))
        else:
            text.add(line, 0, _bare(line))


def add_html(text: Text, source: str) -> None:
    """Add the visible lines of an HTML text, blockquotes marked as in plain text."""
    for line in markup.lines(source):
        depth, content = line.depth, line.text
        if not depth and content[:1] == ">":
            depth, content = _unquote(content)
        text.add(
            "> " * min(line.depth, _DEEPEST) + line.text, depth, _bare(content), marked=line.quoted
        )
