"""HTML as the lines a reader sees, and exact cuts in it: hidden text never counts."""

import html as entities
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from parsers import markup, style
from parsers.elements import is_roomy, start_tag
from parsers.places import NOWHERE, Places
from parsers.style import Hiding, Rule

_SPACE = re.compile(r"[ \t\r\n\f]+")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7};?|#[xX][0-9a-fA-F]{1,6};?|[a-zA-Z][a-zA-Z0-9]{1,30};?)")


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_VOID = _set("area base br col embed hr img input link meta param source track wbr")
_RAW_TEXT = frozenset({"script", "style", "title", "textarea", "iframe", "noframes", "xmp"})
_BLOCK = _set(
    "address article aside blockquote body center dd div dl dt fieldset figure footer "
    "form h1 h2 h3 h4 h5 h6 header hr html li main nav ol p pre section table tbody tfoot "
    "thead tr ul"
)
_CLOSES = {
    "li": frozenset({"li"}),
    "dt": frozenset({"dt", "dd"}),
    "dd": frozenset({"dt", "dd"}),
    "tr": frozenset({"tr", "td", "th"}),
    "td": frozenset({"td", "th"}),
    "th": frozenset({"td", "th"}),
}
_WALLS = frozenset({"table", "td", "th", "body", "html", "blockquote", "div"})

_BLANK = re.compile(r"[\t\r\n\f]")
_FILLERS = str.maketrans("", "", "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f")


@dataclass(frozen=True, slots=True)
class Line:
    """A line of visible text: how deep in blockquotes, and whether the client marked it quoted."""

    text: str
    depth: int = 0
    quoted: bool = False


@dataclass(slots=True)
class _Element:
    name: str
    hidden: bool
    tiny: bool
    depth: int  # of blockquotes
    cited: bool  # inside a blockquote that the client itself made for a quote
    region: int  # number of the quote container that it stands in; 0: none
    intro: bool
    roomy: bool = False


@dataclass(slots=True)
class _Reader:
    """The state of one reading: open elements, the line at hand, and the lines before it."""

    html: str
    mapped: bool = False
    hiding: Hiding = field(default_factory=Hiding)
    stack: list[_Element] = field(
        default_factory=lambda: [_Element("", False, False, 0, False, 0, False)]
    )
    opened: Counter[str] = field(default_factory=Counter)
    lines: list[tuple[str, int, bool, int]] = field(default_factory=list)
    line: list[str] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    text: list[str] = field(default_factory=list)
    regions: int = 0
    rest: bool = False


def _read(html: str, *, mapped: bool = False) -> _Reader:
    reader = _Reader(html, mapped)
    reader.hiding.add(_late_rules(html))
    skip_to = ""
    for kind, start, end in markup.tokens(html):
        if skip_to:  # inside script, style and the like nothing is markup but their own end
            if kind == "close" and html[start + 2 : end].lower().startswith(skip_to):
                skip_to = ""
            elif kind == "text" and skip_to == "style":
                reader.hiding.add(style.hiding_rules(html[start:end]))
            elif kind == "other" and skip_to == "style":
                reader.hiding.add(style.hiding_rules(html[start + 4 : end - 3]))
            continue
        if kind == "text":
            _text(reader, start, end)
        elif kind in {"open", "close"}:
            name = markup.name(html[start : start + 80])
            if kind == "close":
                _close(reader, name)
            elif name in _RAW_TEXT:
                skip_to = name
            else:
                _open(reader, name, html[start:end])
    _break(reader)
    return reader


def _late_rules(html: str) -> list[Rule]:
    """Give the hiding rules of sheets in the body; they hold for the text above them as well."""
    lowered = html.lower()
    if lowered.rfind("<style") <= max(lowered.find("<body"), lowered.find("</head"), 0):
        return []
    rules: list[Rule] = []
    inside = False
    for kind, start, end in markup.tokens(html):
        if kind in {"open", "close"}:
            inside = kind == "open" and lowered[start : start + 6] == "<style"
        elif inside:
            rules += style.hiding_rules(html[start:end].removeprefix("<!--").removesuffix("-->"))
    return rules


def _text(reader: _Reader, start: int, end: int) -> None:
    here = reader.stack[-1]
    if here.hidden or here.tiny:
        return
    raw = reader.html[start:end]
    if reader.mapped:
        _mapped_text(reader, raw, start)
        return
    text = entities.unescape(raw) if "&" in raw else raw
    if not reader.opened["pre"]:
        text = _SPACE.sub(" ", text)
        reader.line.append(text)
        return
    first, *more = text.replace("\r\n", "\n").split("\n")
    reader.line.append(first)
    for piece in more:
        _break(reader)
        reader.line.append(piece)


def _mapped_text(reader: _Reader, raw: str, start: int) -> None:
    at = 0
    for entity in _ENTITY.finditer(raw) if "&" in raw else ():
        text = _character(entity[0])
        if text != entity[0]:
            begin, end = entity.span()
            _copy(reader, raw[at:begin], start + at)
            reader.text.append(text)
            reader.places.add(len(text), (start + begin, start + end))
            at = end
    _copy(reader, raw[at:], start + at)


@lru_cache(maxsize=1024)
def _character(entity: str) -> str:
    return _BLANK.sub(" ", entities.unescape(entity))


def _copy(reader: _Reader, raw: str, start: int) -> None:
    if raw:
        reader.text.append(_BLANK.sub(" ", raw))
        reader.places.add(len(raw), (start, start + len(raw)))


def _break(reader: _Reader) -> None:
    """End the line at hand."""
    here = reader.stack[-1]
    if reader.mapped:
        if reader.text[-1:] != ["\n"]:
            _mapped_break(reader)
        return
    raw = "".join(reader.line)
    text = raw.translate(_FILLERS).strip(" \t\r\n\f\u00a0")
    reader.line.clear()
    if text or "\u00a0" in raw:  # a lone no-break space is how editors write an empty line
        reader.lines.append((text, here.depth, _is_quoted(reader), here.region))


def _is_quoted(reader: _Reader) -> bool:
    here = reader.stack[-1]
    return here.cited or here.intro or reader.rest


def _room(reader: _Reader) -> None:
    """Leave an empty line, but never two."""
    if not reader.mapped and reader.lines and reader.lines[-1][0]:
        here = reader.stack[-1]
        reader.lines.append(("", here.depth, _is_quoted(reader), here.region))


def _mapped_break(reader: _Reader) -> None:
    reader.text.append("\n")
    reader.places.add(1, NOWHERE)


def _line_break(reader: _Reader) -> None:
    """End the line at a <br>: an empty line stays one."""
    here = reader.stack[-1]
    if reader.mapped:
        _mapped_break(reader)
    elif "".join(reader.line).strip(" \t\r\n\f\u00a0"):
        _break(reader)
    elif not (here.hidden or here.tiny):
        reader.line.clear()
        reader.lines.append(("", here.depth, _is_quoted(reader), here.region))


def _pop(reader: _Reader) -> None:
    element = reader.stack.pop()
    reader.opened[element.name] -= 1


def _around(reader: _Reader) -> _Element:
    return reader.stack[max(0, len(reader.stack) - 2)]


def _close(reader: _Reader, name: str) -> None:
    if name == "br":
        _line_break(reader)
    if not reader.opened[name]:
        return
    ends_region = (
        reader.stack[-1].name == name and reader.stack[-1].region != _around(reader).region
    )
    if name in _BLOCK or ends_region:
        _break(reader)
    roomy = False
    while len(reader.stack) > 1:
        top = reader.stack[-1]
        _pop(reader)
        if top.name == name:
            roomy = top.roomy
            break
    if roomy:
        _room(reader)


def _close_implied(reader: _Reader, name: str) -> None:
    """Close elements without an end tag: a paragraph before a block, an item before an item."""
    wanted = _CLOSES.get(name, frozenset())
    while len(reader.stack) > 1 and reader.stack[-1].name in wanted:
        _pop(reader)
    if name in _BLOCK and reader.opened["p"]:
        _close_paragraph(reader)


def _close_paragraph(reader: _Reader) -> None:
    """Close the open paragraph, unless a wall stands between."""
    for element in reversed(reader.stack[-8:]):
        if element.name in _WALLS:
            return
        if element.name == "p":
            while reader.stack[-1] is not element:
                _pop(reader)
            _pop(reader)
            return


def _open(reader: _Reader, name: str, tag: str) -> None:
    if name == "br":
        _line_break(reader)
        return
    if name in _BLOCK:
        _break(reader)
        _close_implied(reader, name)
        if is_roomy(name, tag):
            _room(reader)
    elif name in _CLOSES:
        if not (reader.stack[-1].hidden or reader.stack[-1].tiny):
            reader.line.append(" ")
        _close_implied(reader, name)
    if name in _VOID or (
        tag.endswith("/>") and name not in _BLOCK and name not in {"span", "b", "a"}
    ):
        return
    element = _element(reader, name, tag)
    if element.region != reader.stack[-1].region:
        _break(reader)
    reader.stack.append(element)
    reader.opened[name] += 1
    if name == "li" and not reader.mapped:
        reader.line.append("- ")


def _element(reader: _Reader, name: str, tag: str) -> _Element:
    around = reader.stack[-1]
    meaning = start_tag(name, tag)
    hidden = around.hidden or meaning.hides
    if reader.hiding.count and not hidden:
        hidden = reader.hiding.holds(name, meaning.classes, meaning.identifier)
    reader.rest = reader.rest or meaning.ends_new
    region = around.region
    if meaning.contains_quote and not region:
        reader.regions += 1
        region = reader.regions
    is_quote = name == "blockquote"
    return _Element(
        name,
        hidden,
        around.tiny if meaning.tiny is None else meaning.tiny,
        around.depth + is_quote,
        around.cited or meaning.cites or (is_quote and region > 0),
        region,
        around.intro or meaning.announces_quote,
        meaning.roomy,
    )


def lines(html: str) -> list[Line]:
    """Give the visible lines of an HTML text, with the quotes marked by its structure.

    In a quote container (Gmail, Proton, Yahoo …) the lines outside its blockquotes, from the first
    blockquote on, are an answer between the lines. Without a blockquote all of it is quoted.
    """
    reader = _read(html)
    first_quote: dict[int, int] = {}
    for number, (_, depth, _, region) in enumerate(reader.lines):
        if region and depth:
            first_quote.setdefault(region, number)
    out: list[Line] = []
    for number, (text, depth, quoted, region) in enumerate(reader.lines):
        inside = bool(region) and (depth > 0 or number < first_quote.get(region, len(reader.lines)))
        out.append(Line(text, depth, quoted or inside))
    return out


def visible_text(html: str) -> str:
    """Give the text as a reader of the HTML sees it, line by line, without hidden text."""
    return "\n".join(line.text for line in lines(html)).strip("\n")


def mapped_text(html: str) -> tuple[str, Places]:
    """Give the visible text and, for each of its characters, its place in the source.

    A line end from markup stands nowhere: (-1, -1).
    """
    reader = _read(html, mapped=True)
    return "".join(reader.text), reader.places


def all_text(html: str) -> str:
    """Give every text of the source, hidden or not; after a cut it must hold no tag."""
    out = [html[start:end] for kind, start, end in markup.tokens(html) if kind == "text"]
    return entities.unescape("".join(out))


def cut(html: str, places: Places, spans: Iterable[tuple[int, int]]) -> str:
    """Cut spans of the mapped text out of the source; all markup stays as it is, byte for byte."""
    out: list[str] = []
    at = 0
    for start, end in spans:
        for from_, to in places.between(start, end):
            if from_ >= at:
                out.append(html[at:from_])
                at = to
    out.append(html[at:])
    return "".join(out)
