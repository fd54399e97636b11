"""The small markup of the letter templates: sealed values, and source lines read as blocks.

The start of a line gives its kind. A value from outside is sealed first: none of its characters
can start a line, end a cell or open an emphasis. Seals are control characters, and cleaned text
holds none.
"""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from parsers.tags import read_tags

SEAL = "\x02"  # stands before every value: a line that starts with one is an ordinary line
NEWLINE = "\x11"
GLUE = "\x16"  # a space that no line break replaces
LINK, LINK_TO, LINK_END = "\x17", "\x18", "\x19"
QUOTE, UNQUOTE = "\x0e", "\x0f"  # quotation marks of the mail's language
_SEALS = {"|": "\x12", "*": "\x13", "`": "\x14", "\\": "\x15", "(": "\x1a", ")": "\x1b"}

# The marks inside a line, as only a template can have written them.
STRONG = re.compile(r"\*\*(.+?)\*\*")
SAMPLE = re.compile("`(.+?)`")
ASIDE = re.compile(r"\(\((.+?)\)\)")
LINKED = re.compile(f"{LINK}(.*?){LINK_TO}(.*?){LINK_END}", re.DOTALL)

_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Other control characters, marks of the direction of writing, and invisible characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_HEAD = re.compile(r"(Subject|Preview|Kicker|Accent):[ ]?(.*)\n")
_LIMIT = 300

_STARTS = {
    "# ": "title",
    "##": "heading",
    "| ": "facts",
    "|=": "table",
    "|-": "table",
    "|+": "table",
    "|#": "bars",  # label, what the bar says, its length in per cent
    "|%": "columns",  # label, what the column says, the numbers of its lower and its upper part
    "> ": "quote",
    "- ": "list",
    "! ": "panel",
    "~ ": "small",
    "@m": "message",
    "@r": "marker",
    "--": "rule",
}


class Sealed(str):
    """Text that may stand in a template's output as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Block:
    """One paragraph, table, quote …; `kind` is a value of the table of line starts, or `text`."""

    kind: str
    lines: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Page:
    """A template's output, read: its head and its blocks."""

    subject: str
    preview: str
    kicker: str
    accent: str
    blocks: list[Block]


def clean(text: str) -> str:
    """Lines end in LF; control characters and unseen ones go, whole characters stay."""
    if text.replace("\n", "").isprintable():
        return text
    text = _BREAK.sub("\n", text).replace("\t", "    ")
    return _HALF_CHARACTER.sub("\ufffd", _UNSEEN.sub("", text))


def one_line(text: str, limit: int = _LIMIT) -> str:
    """Cleaned, white space collapsed, and cut with an ellipsis."""
    text = " ".join(clean(text[: limit * 20]).split())
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def seal(text: str) -> Sealed:
    """A value on one line: the usual form of a value in a template."""
    return _sealed(one_line(text))


def seal_lines(text: str) -> Sealed:
    """A value that keeps its lines, without the empty ones round it."""
    kept = [line.rstrip() for line in clean(text).strip("\n").split("\n")]
    return _sealed(re.sub("\n{3,}", "\n\n", "\n".join(kept).strip("\n")))


def glued(text: str) -> Sealed:
    """A short value that stays on one line."""
    return Sealed(SEAL + text.replace(" ", GLUE))


def link(label: str, url: str) -> Sealed:
    """A link to a web address; only the label where the address is none."""
    target = one_line(url, 2000)
    if not re.fullmatch(r"https?://[^\s\"<>\\^`{|}]+", target):
        return seal(label)
    return Sealed(f"{LINK}{_sealed(one_line(label))}{LINK_TO}{_sealed(target)}{LINK_END}")


def harmless(text: str) -> str:
    """A text with its tags in parentheses: no reply can carry them (C2)."""
    if "[" not in text:
        return text
    for _ in range(8):
        tags = read_tags(text)
        if not tags:
            return text
        for tag in reversed(tags):
            start, end = tag.span
            text = f"{text[:start]}({text[start + 1 : end - 1]}){text[end:]}"
    return text.replace("[", "(").replace("]", ")")


def is_blank(text: str) -> bool:
    """True where a text is invisible."""
    return not text[:1].isalnum() and not clean(text[:10_000]).strip()


def _sealed(text: str) -> Sealed:
    if not text:
        return Sealed()
    sealed = harmless(text).replace("\n", NEWLINE)
    for character, stand_in in _SEALS.items():
        sealed = sealed.replace(character, stand_in)
    return Sealed(SEAL + sealed)


def unsealed(text: str) -> str:
    """The characters themselves again; line breaks, glue and links are the typesetter's."""
    text = text.replace(SEAL, "")
    for character, stand_in in _SEALS.items():
        text = text.replace(stand_in, character)
    return text


def cells(line: str) -> list[str]:
    """The cells of a table row, without its start."""
    return [cell.strip(" ") for cell in line.split("|")]


def read_page(source: str) -> Page:
    """Read head lines, an empty line, then blocks."""
    head = {"Subject": "", "Preview": "", "Kicker": "", "Accent": ""}
    at = 0
    while line := _HEAD.match(source, at):
        head[line[1]] = unsealed(line[2]).replace(GLUE, " ")
        at = line.end()
    return Page(**{name.lower(): text for name, text in head.items()}, blocks=_blocks(source[at:]))


def _blocks(body: str) -> list[Block]:
    """Read lines of one kind in a row as one block; a backslash keeps the end of its line."""
    blocks: list[Block] = []
    open_kind = ""
    for line in body.split("\n"):
        if not line or line.isspace():
            open_kind = ""
            continue
        kind = _STARTS.get(line[:2], "text")
        content = line if kind in {"text", "table"} else line[3:] if kind == "heading" else line[2:]
        if kind == open_kind and kind != "heading":
            blocks[-1].lines.append(content)
        else:
            blocks.append(Block(kind, [content]))
            open_kind = kind
    return blocks


class Column(NamedTuple):
    """One column of a drawing, and the words below it."""

    label: str
    says: str
    value: int
    more: int

    @property
    def height(self) -> int:
        """Both parts together."""
        return self.value + self.more


def columns(block: Block) -> list[Column]:
    """The columns of a block of that kind."""
    rows = map(cells, block.lines)
    return [Column(label, says, int(value), int(more)) for label, says, value, more in rows]


def joined(block: Block) -> str:
    """A paragraph's source lines as one text; the template may keep a line's end."""
    if len(block.lines) == 1:
        return block.lines[0]
    parts = [
        line[:-1].rstrip(" ") + NEWLINE if line.endswith("\\") else line + " "
        for line in block.lines
    ]
    return "".join(parts).rstrip(" ")
