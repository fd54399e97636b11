"""A letter's blocks as plain text that reads well in any client."""

import re
from collections.abc import Callable, Sequence

from daemon.desk.letters.markup import (
    ASIDE,
    GLUE,
    LINK,
    LINKED,
    NEWLINE,
    QUOTE,
    SAMPLE,
    SEAL,
    STRONG,
    UNQUOTE,
    Block,
    Page,
    cells,
    columns,
    joined,
    unsealed,
)
from daemon.domain.report import percent_of

WIDTH = 72
_MOST_UNBROKEN = 60
_BAR = 20  # characters
_QUOTATION_MARKS = {"sv": ("”", "”"), "en": ("“", "”")}


def typeset(page: Page, language: str, *, marker: str, message: str = "") -> str:
    """The whole mail; `message` stands where the template says `@message`."""
    parts = [_SETTERS[block.kind](block) for block in page.blocks]
    text = "\n\n".join(part for part in parts if part) + "\n"
    before, after = _QUOTATION_MARKS[language]
    text = text.replace(GLUE, " ").replace(QUOTE, before).replace(UNQUOTE, after)
    return text.replace("\x00marker", marker).replace("\x00message", message)


def wrap(text: str, width: int = WIDTH, first: str = "", rest: str | None = None) -> str:
    """Break at spaces, never inside a word; no-break spaces hold. Line ends of the text stay."""
    rest = first if rest is None else rest
    lines: list[str] = []
    start = first
    for given in text.split("\n"):
        if len(start) + len(given) <= width:
            lines.append((start + given).rstrip(" "))
        else:
            _break_line(given, width, start, rest, lines)
        start = rest
    return "\n".join(lines)


def _break_line(given: str, width: int, start: str, rest: str, lines: list[str]) -> None:
    line = start
    empty = True
    for word in given.split(" "):
        if not empty and len(line) + 1 + len(word) > width:
            lines.append(line.rstrip(" "))
            line = rest
            empty = True
        line = line + word if empty else f"{line} {word}"
        empty = False
    lines.append(line.rstrip(" "))


def inline(source: str) -> str:
    """Emphasis as it is, samples between quotation marks, links with their address after them."""
    if "**" in source:
        source = STRONG.sub(_unbroken, source)
    if "((" in source:
        source = ASIDE.sub(r"\1", source)
    if "`" in source:
        source = SAMPLE.sub(_quoted, source)
    if LINK in source:
        source = LINKED.sub(r"\1: \2", source)
    return (unsealed(source) if SEAL in source else source).replace(NEWLINE, "\n")


def _unbroken(mark: re.Match[str]) -> str:
    return mark[1].replace(" ", GLUE) if len(mark[1]) <= _MOST_UNBROKEN else mark[1]


def _quoted(mark: re.Match[str]) -> str:
    return f"{QUOTE}{_unbroken(mark)}{UNQUOTE}"


def _paragraph(block: Block) -> str:
    return wrap(inline(joined(block)))


def _heading(block: Block) -> str:
    """Our own words in capitals; a name or an address stays as it is."""
    source = joined(block)
    return wrap(inline(source if SEAL in source else source.upper()))


def _facts(block: Block) -> str:
    rows = [line.split("|", 1) for line in block.lines]
    labels = [_label(row[0].strip(" ")) for row in rows]
    column = min(max(len(label) for label in labels), 24) + 2
    return "\n".join(
        wrap(inline(row[-1].strip(" ")), first=f"{label:<{column}}", rest=" " * column)
        for label, row in zip(labels, rows, strict=True)
    )


def _label(source: str) -> str:
    """With a colon, unless it is a sample."""
    return source.strip("`") if source.startswith("`") else f"{inline(source)}:"


def _table(block: Block) -> str:
    """Set a column right if its heading starts with `>`; the first column takes the rest."""
    kinds = [line[1] for line in block.lines]
    rows = [[inline(LINKED.sub(r"\1", cell)) for cell in cells(line[2:])] for line in block.lines]
    right = [kinds[0] == "=" and cell.startswith(">") for cell in rows[0]]
    rows[0] = [cell.lstrip(">") for cell in rows[0]]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    widths[0] = min(widths[0], max(WIDTH - sum(widths[1:]) - 2 * len(widths[1:]), 20))
    lines: list[str] = []
    for kind, row in zip(kinds, rows, strict=True):
        if kind == "+":
            lines.append(" " * (sum(widths[:-1]) + 2 * len(widths[:-1])) + "-" * widths[-1])
        lines.append(_table_row(row, widths, right))
    lines += [unsealed(f"{label}: {url}") for label, url in LINKED.findall("".join(block.lines))]
    return "\n".join(lines)


def _table_row(row: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    first = wrap(row[0], widths[0]).split("\n")
    others = [
        f"{cell:>{width}}" if at_right else f"{cell:<{width}}"
        for cell, width, at_right in zip(row[1:], widths[1:], right[1:], strict=True)
    ]
    last = "  ".join([f"{first[-1]:<{widths[0]}}", *others]).rstrip()
    return "\n".join([*first[:-1], last])


def _bars(block: Block) -> str:
    rows = [[inline(cell) for cell in cells(line)] for line in block.lines]
    labels = max(len(row[0]) for row in rows)
    return "\n".join(
        f"{label:<{labels}}  {_bar(int(share)):<{_BAR}}  {text}".rstrip()
        for label, text, share in rows
    )


def _columns(block: Block) -> str:
    """The same numbers as lying bars."""
    drawn = columns(block)
    most = max(each.height for each in drawn)
    return _bars(
        Block("bars", [f"{c.label} | {c.says} | {percent_of(c.height, most)}" for c in drawn])
    )


def _bar(percent: int) -> str:
    """Something is at least one mark, and only all of it is a whole bar."""
    marks = percent * _BAR // 100
    return "█" * (max(1, marks) if percent > 0 else 0)


def _quote(block: Block) -> str:
    return wrap(inline(NEWLINE.join(block.lines)), 76, "> ")


def _list(block: Block) -> str:
    return "\n".join(wrap(inline(line), first="– ", rest="  ") for line in block.lines)


def _marker(_: Block) -> str:
    return "\x00marker"


def _message(_: Block) -> str:
    return "\x00message"


def _rule(_: Block) -> str:
    return ""


_SETTERS: dict[str, Callable[[Block], str]] = {
    "title": _heading,
    "heading": _heading,
    "text": _paragraph,
    "panel": _paragraph,
    "small": _paragraph,
    "facts": _facts,
    "table": _table,
    "bars": _bars,
    "columns": _columns,
    "quote": _quote,
    "list": _list,
    "marker": _marker,
    "message": _message,
    "rule": _rule,
}
