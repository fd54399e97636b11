"""A letter's blocks as HTML for mail clients: inline style only, nothing fetched, phone first.

Text has no colour and the page no background of its own, so a client's dark mode works; accents are
middle tones, legible on white and on black. Facts stand in tables because Outlook's engine knows
little else.
"""

import re
from collections.abc import Callable, Sequence
from html import escape

from daemon.desk.letters import pictures
from daemon.desk.letters.markup import (
    ASIDE,
    GLUE,
    LINK,
    LINKED,
    NEWLINE,
    SAMPLE,
    STRONG,
    Block,
    Column,
    Page,
    cells,
    columns,
    joined,
    unsealed,
)
from daemon.desk.letters.pictures import Picture

ACCENTS = {"1": "#c8372d", "2": "#c26a00", "3": "#2378a8", "4": "#66788a", "": "#2378a8"}
_QUIET = "opacity:.72"  # no grey can be read on white and on black; Outlook shows it in full
_LINE = "#ccd3da"
_FAINT = "rgba(120,135,150,.45)"  # the same on white, and quiet on black; Outlook takes the first
_FONT = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"
_BREAKS = "word-break:break-word;overflow-wrap:anywhere"
_LEFT = f";text-align:left;{_BREAKS}"
_P = '<p style="margin:0 0 16px">'
_SMALL = f'<p style="margin:0 0 12px;font-size:13px;line-height:1.45;{_QUIET}">'
_HEADING = '<h2 style="margin:28px 0 8px;font-size:16px;line-height:1.3;font-weight:600">'
_TITLE = '<h1 style="margin:0 0 16px;font-size:22px;line-height:1.25;font-weight:600">'
_TABLE = (
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0" width="100%" '
    'style="width:100%;border-collapse:collapse;margin:0 0 20px">'
)
_DATA_TABLE = _TABLE.replace('role="presentation" ', "")
_ABOVE = f"border-top:1px solid {_LINE};border-top:1px solid {_FAINT}"
_CELL = f"padding:8px 0;{_ABOVE};vertical-align:top"
_LABEL_CELL = f'<td width="28%" style="{_CELL};padding-right:12px;{_QUIET};font-size:14px">'
_VALUE_CELL = f'<td style="{_CELL};font-size:15px;{_BREAKS}">'
_PILL = (
    '<code style="font-family:ui-monospace,Menlo,Consolas,monospace;font-size:14px;padding:1px 5px;'
    f'border:1px solid {_LINE};border:1px solid {_FAINT};border-radius:4px;white-space:nowrap">'
)
_BAR_TABLE = _TABLE.replace("margin:0 0 20px", "margin:4px 0 3px")
_BAR = (
    '<td width="{width}%" height="10" bgcolor="{color}" style="width:{width}%;height:10px;'
    'line-height:10px;font-size:1px;background:{color}">&nbsp;</td>'
)
_REST = '<td width="{width}%" style="font-size:1px">&nbsp;</td>'
_ASIDE_SPAN = f'<span style="font-size:14px;{_QUIET}">'
_QUOTE = (
    f'<blockquote style="margin:0 0 20px;padding:2px 0 2px 14px;border-left:3px solid {_LINE};'
    f'border-left:3px solid {_FAINT};{_BREAKS}">'
)


def typeset(page: Page, language: str, *, marker: str, message: str = "") -> str:
    """The whole document; `message` is clean HTML to stand for `@message` in the template."""
    accent = ACCENTS.get(page.accent, ACCENTS[""])
    parts: list[str] = []
    top = ""
    for block in page.blocks:
        if block.kind == "marker" and not parts:
            top = _marker(marker)  # above everything, or a reply would carry the lines above it
        elif block.kind == "marker":
            parts.append(_marker(marker))
        elif block.kind == "message":
            parts.append("\x00message")
        elif block.kind == "panel":
            parts.append(_panel(block, accent))
        else:
            parts.append(_SETTERS[block.kind](block))
    document = _seen(_shell(page, language, accent, "\n".join(parts), top))
    return document.replace("\x00message", message)


def paragraphs(text: str) -> str:
    """Plain text as HTML: the form of an answer written without HTML."""
    pieces = re.split("\n{2,}", text.strip("\n"))
    return "\n".join(f'<p style="margin:0 0 14px">{_breaks(escape(piece))}</p>' for piece in pieces)


def _shell(page: Page, language: str, accent: str, body: str, top: str) -> str:
    kicker = (
        f'<p style="margin:0 0 18px;padding:0 0 10px;border-bottom:2px solid {accent};'
        f'font-size:13px;line-height:1.4;{_QUIET}">{escape(page.kicker)}</p>\n'
        if page.kicker
        else ""
    )
    preview = (
        '<div style="display:none;max-height:0;overflow:hidden;mso-hide:all">'
        f"{escape(page.preview)}</div>\n"
        if page.preview
        else ""
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        '<meta name="supported-color-schemes" content="light dark">\n'
        f"<title>{escape(page.subject)}</title>\n</head>\n"
        '<body style="margin:0;padding:0;-webkit-text-size-adjust:100%">\n'
        f"{preview}"
        '<!--[if mso]><table role="presentation" width="600"><tr><td><![endif]-->\n'
        f'<div style="max-width:600px;padding:20px 16px 24px;font-family:{_FONT};font-size:16px;'
        f'line-height:1.5">\n{top}{kicker}{body}\n</div>\n'
        "<!--[if mso]></td></tr></table><![endif]-->\n</body>\n</html>\n"
    )


def inline(source: str) -> str:
    """One escape for everything, then the marks of the template."""
    text = escape(source)
    if "**" in text:
        text = STRONG.sub(r"<strong>\1</strong>", text)
    if "((" in text:
        text = ASIDE.sub(rf"{_ASIDE_SPAN}\1</span>", text)
    if "`" in text:
        text = SAMPLE.sub(rf"{_PILL}\1</code>", text)
    if LINK in text:
        text = LINKED.sub(_anchor, text)
    return text


def _seen(text: str) -> str:
    """Sealed characters, glue and line ends as HTML has them: once for the whole document."""
    return unsealed(text).replace(GLUE, "&nbsp;").replace(NEWLINE, "<br>")


def _anchor(mark: re.Match[str]) -> str:
    return f'<a href="{mark[2]}" style="color:{ACCENTS[""]}">{mark[1]}</a>'


def _breaks(escaped: str) -> str:
    """Lines end where they ended, and indented ones stay indented."""
    return escaped.replace("  ", "&nbsp; ").replace("\n", "<br>")


def _paragraph(block: Block) -> str:
    return f"{_P}{inline(joined(block))}</p>"


def _small(block: Block) -> str:
    return f"{_SMALL}{inline(joined(block))}</p>"


def _heading(block: Block) -> str:
    return f"{_HEADING}{inline(joined(block))}</h2>"


def _title(block: Block) -> str:
    return f"{_TITLE}{inline(joined(block))}</h1>"


def _marker(text: str) -> str:
    return f'<p style="margin:0 0 14px;font-size:12px;{_QUIET}">{escape(text)}</p>'


def _panel(block: Block, accent: str) -> str:
    return (
        f'{_TABLE}<tr><td style="padding:4px 0 4px 14px;border-left:4px solid {accent};'
        f'font-size:18px;line-height:1.4">{inline(joined(block))}</td></tr></table>'
    )


def _facts(block: Block) -> str:
    rows: list[str] = []
    for line in block.lines:
        label, _, value = line.partition("|")
        rows.append(
            f"<tr>{_LABEL_CELL}{inline(label.strip(' '))}</td>"
            f"{_VALUE_CELL}{inline(value.strip(' '))}</td></tr>"
        )
    return _TABLE + "\n".join(rows) + "</table>"


def _table(block: Block) -> str:
    right = [cell.startswith(">") for cell in cells(block.lines[0][2:])]
    rows = [_table_row(line[1], cells(line[2:]), right) for line in block.lines]
    return _DATA_TABLE + "\n".join(rows) + "</table>"


def _table_row(kind: str, row: list[str], right: list[bool]) -> str:
    tag = "th" if kind == "=" else "td"
    set_cells: list[str] = []
    for place, cell in enumerate(row):
        side = ";text-align:right;white-space:nowrap;padding-left:10px"
        style = f"{_CELL};font-size:14px" + (side if right[place] else _LEFT)
        if kind == "=":
            style += f";font-weight:400;font-size:13px;{_QUIET};border-top:0"
        elif kind == "+":
            style += f";font-weight:600;border-top:2px solid {_LINE};border-top:2px solid {_FAINT}"
        set_cells.append(f'<{tag} style="{style}">{inline(cell.lstrip(">"))}</{tag}>')
    return f"<tr>{''.join(set_cells)}</tr>"


def _bars(block: Block) -> str:
    """Bars of table cells with a colour of their own: Outlook and Gmail draw no other picture."""
    rows: list[str] = []
    for line in block.lines:
        label, text, share = cells(line)
        width = max(0, min(int(share), 100))
        bar = _BAR.format(width=width, color=ACCENTS[""]) if width else ""
        rest = _REST.format(width=100 - width) if width < 100 else ""
        rows.append(
            f"<tr>{_LABEL_CELL}{inline(label)}</td>{_VALUE_CELL}"
            f'{_BAR_TABLE}<tr>{bar}{rest}</tr></table><span style="font-size:14px">{inline(text)}'
            "</span></td></tr>"
        )
    return _TABLE + "\n".join(rows) + "</table>"


def drawings(page: Page) -> tuple[Picture, ...]:
    """The pictures of the document, each once."""
    drawn = (_drawing(columns(block)) for block in page.blocks if block.kind == "columns")
    return tuple(dict.fromkeys(drawn))


def _drawing(drawn: Sequence[Column]) -> Picture:
    return pictures.columns(tuple((each.value, each.more) for each in drawn))


def _columns(block: Block) -> str:
    """A picture of columns, and below each one its words as text."""
    drawn = columns(block)
    alternative = escape("; ".join(f"{each.label}: {each.says}" for each in drawn))
    width = 100 // len(drawn)
    below = "".join(
        f'<td width="{width}%" align="center" style="width:{width}%;padding:4px 3px 0;'
        f'font-size:13px;line-height:1.35;text-align:center;vertical-align:top">'
        f'<span style="{_QUIET}">{inline(each.label)}</span><br>{inline(each.says)}</td>'
        for each in drawn
    )
    return (
        f'{_TABLE}<tr><td colspan="{len(drawn)}" style="padding:0">'
        f'<img src="cid:{_drawing(drawn).content_id}" width="{pictures.WIDTH}" '
        f'alt="{alternative}" style="display:block;width:100%;height:auto;border:0"></td></tr>'
        f"<tr>{below}</tr></table>"
    )


def _quote(block: Block) -> str:
    text = inline(NEWLINE.join(block.lines)).replace("  ", "&nbsp; ")
    return f"{_QUOTE}{text}</blockquote>"


def _list(block: Block) -> str:
    items = "".join(f'<li style="margin:0 0 6px">{inline(line)}</li>' for line in block.lines)
    return f'<ul style="margin:0 0 16px;padding:0 0 0 22px">{items}</ul>'


def _rule(_: Block) -> str:
    return f'<hr style="border:0;{_ABOVE};margin:24px 0">'


_SETTERS: dict[str, Callable[[Block], str]] = {
    "title": _title,
    "heading": _heading,
    "text": _paragraph,
    "small": _small,
    "facts": _facts,
    "table": _table,
    "bars": _bars,
    "columns": _columns,
    "quote": _quote,
    "list": _list,
    "rule": _rule,
}
