"""A message's text in its parts: new, quoted, forwarded and signature (C2, C3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from parsers import attribution, quoting
from parsers import subject as subjects
from parsers.attribution import Evidence
from parsers.lines import Text, add_html, add_plain
from parsers.message import Message
from parsers.quoting import Cut

Source = Literal["plain", "html", "none"]

_SIGNATURE_LINES = 15
_JOINED = 4
_LONGEST = 600  # characters of an attribution, on all its lines
_WEIGHED = 1000  # lines from each end of a text that may end an attribution
_NO_LINE = 1 << 60


@dataclass(frozen=True, slots=True)
class Body:
    """The parts of a message's text.

    `new` holds the signature too: tags and priority are read in it; `shown` does not. `uncertain`
    are the spans of `new` with possibly quoted text; `certain` says there are none.
    """

    new: str
    shown: str
    signature: str
    quoted: str
    forwarded: str
    certain: bool
    source: Source
    uncertain: tuple[tuple[int, int], ...] = ()


_Found = dict[int, tuple[int, Evidence]]


@dataclass(slots=True)
class _Split:
    """The way of each line: kept (with the number of its segment), quoted, forwarded."""

    kept: list[tuple[int, int]] = field(default_factory=list)
    quoted: list[int] = field(default_factory=list)
    forwarded: list[int] = field(default_factory=list)
    unsure: set[int] = field(default_factory=set)
    unsure_from: int = _NO_LINE
    attributed: bool = False
    segment: int = 0
    filled: bool = False  # a line that is not empty was kept

    def keep(self, at: int, content: str) -> None:
        self.kept.append((at, self.segment))
        self.filled = self.filled or bool(content)

    def take(self, start: int, end: int, kind: Cut) -> int:
        (self.forwarded if kind is Cut.FORWARDED else self.quoted).extend(range(start, end))
        self.attributed = True
        self.segment += 1
        return end


@dataclass(frozen=True, slots=True)
class _Scan:
    """A text, the facts known of it before its lines are taken, and the ways of those taken."""

    text: Text
    own: Sequence[str]  # the markers of ours that stand in it
    block_kind: Cut
    attributions: _Found  # by the line on which each starts: its end, and its strength
    out: _Split = field(default_factory=_Split)

    @property
    def size(self) -> int:
        return len(self.text.raw)

    def keep(self, at: int) -> None:
        self.out.keep(at, self.text.contents[at])

    def take_rest(self, at: int, kind: Cut) -> int:
        return self.out.take(at, self.size, kind)


def _next_filled(text: Text, start: int, end: int | None = None) -> int:
    """Give the next line that is not empty, or `end`, by default the end of the text."""
    at = start
    end = len(text.contents) if end is None else end
    while at < end and not text.contents[at]:
        at += 1
    return at


def _is_quoted(text: Text, at: int) -> bool:
    return at < len(text.raw) and (text.depths[at] > 0 or text.marked[at])


def _outermost(lines: list[int]) -> list[int]:
    """Give the first and the last lines of a list: a text with more of them is a log, not mail."""
    return lines if len(lines) <= 2 * _WEIGHED else [*lines[:_WEIGHED], *lines[-_WEIGHED:]]


def _attributions(text: Text) -> _Found:
    """Find attributions: the start of each, its end, and its strength."""
    out: _Found = {}
    ends = [
        number
        for number, content in enumerate(text.contents)
        if 0 < len(content) < _LONGEST and attribution.may_end(content) and not text.marked[number]
    ]
    for end in _outermost(ends):
        numbers = _joinable(text, end)
        announced = attribution.find(tuple(text.contents[number] for number in numbers))
        if announced:
            out[_upwards(text, numbers[announced[0]])] = (end + 1, announced[1])
    return out


def _joinable(text: Text, end: int) -> list[int]:
    """Give the lines of a possible attribution, in order; its last one is line `end`."""
    out = [end]
    size = len(text.contents[end])
    gap = False
    for at in range(end - 1, max(-1, end - _JOINED - 2), -1):
        content = text.contents[at]
        if not content:
            if gap or not text.contents[out[-1]].startswith("<"):
                break
            gap = True
            continue
        if text.depths[at] != text.depths[end] or size > _LONGEST or attribution.is_end(content):
            break
        out.append(at)
        size += len(content) + 1
    return out[::-1]


def _upwards(text: Text, start: int) -> int:
    """Give the real start of an attribution: its date may stand on a line before its verb."""
    at = start
    if at > 1 and text.contents[at - 1] == "<":
        at -= 1 if text.contents[at - 2] else 2
    same_depth = at > 0 and text.depths[at - 1] == text.depths[start]
    return at - 1 if same_depth and attribution.continues_upwards(text.contents[at - 1]) else start


def _is_mail(scan: _Scan, start: int, end: int) -> Cut | None:
    """Tell if quoted lines start as a quoted mail does: attribution, header block or intro."""
    text = scan.text
    at = _next_filled(text, start, end)
    if at >= end:
        return None
    content = text.contents[at]
    kind = quoting.separator(content) or quoting.intro(content)
    if kind:
        return kind
    if at in scan.attributions or quoting.header_block(text.contents, text.labels, at, end):
        return Cut.QUOTED
    return None


def _quote_end(text: Text, start: int) -> int:
    at = start
    while at < len(text.raw) and text.depths[at] > 0 and not text.marked[at]:
        at += 1
    return at


def _split(text: Text, own: Sequence[str], *, forward: bool) -> _Split:
    scan = _Scan(text, own, Cut.FORWARDED if forward else Cut.QUOTED, _attributions(text))
    at = 0
    while at < scan.size:
        if text.marked[at]:
            at = _take_marked(scan, at)
        elif text.depths[at] > 0:
            at = _take_quote(scan, at)
        elif text.contents[at]:
            at = _take_line(scan, at)
        else:
            scan.keep(at)
            at += 1
    return scan.out


def _take_marked(scan: _Scan, start: int) -> int:
    """Take the lines marked as quoted by the HTML's structure."""
    end = start
    kind = scan.block_kind
    while end < scan.size and scan.text.marked[end]:
        content = scan.text.contents[end]
        if content and quoting.separator(content) is Cut.FORWARDED:
            kind = Cut.FORWARDED
        end += 1
    return scan.out.take(start, end, kind)


def _take_quote(scan: _Scan, start: int) -> int:
    """Take a run of quoted lines: quoted if something says so, else uncertain text."""
    end = _quote_end(scan.text, start)
    kind = _is_mail(scan, start, end)
    lines = scan.text.contents[start:end]
    if scan.own and any(quoting.marker(content, scan.own) for content in lines):
        kind = kind or Cut.QUOTED
    if kind or scan.out.attributed:
        return scan.out.take(start, end, kind or Cut.QUOTED)
    for at in range(start, end):
        scan.keep(at)
        scan.out.unsure.add(at)
    return end


def _take_line(scan: _Scan, at: int) -> int:
    content = scan.text.contents[at]
    if quoting.marker(content, scan.own) or _wrapped_marker(scan, at):
        return scan.take_rest(at, Cut.QUOTED)
    kind = quoting.separator(content) or _intro(scan.text, at)
    if kind:
        return _take_announced(scan, at, kind)
    end = _block_at(scan.text, at)
    if end:
        return _take_block(scan, at, end)
    if at in scan.attributions:
        return _take_attributed(scan, at, *scan.attributions[at])
    scan.keep(at)
    return at + 1


def _intro(text: Text, at: int) -> Cut | None:
    """Tell if a line announces the quoted lines or the header block below it."""
    kind = quoting.intro(text.contents[at])
    follows = _next_filled(text, at + 1) if kind else at
    return kind if kind and (_is_quoted(text, follows) or _block_at(text, follows)) else None


def _wrapped_marker(scan: _Scan, at: int) -> bool:
    text = scan.text
    if not scan.own or at + 1 >= scan.size or text.depths[at + 1]:
        return False
    return quoting.marker(f"{text.contents[at]} {text.contents[at + 1]}", scan.own)


def _block_at(text: Text, at: int) -> int | None:
    """Give the end of the header block at a line without quote marks, or None."""
    size = len(text.raw)
    if at >= size or text.depths[at] or (at and text.labels[at - 1] == "raw"):
        return None
    return quoting.header_block(text.contents, text.labels, at, size)


def _take_announced(scan: _Scan, at: int, kind: Cut) -> int:
    """Take a separator and its mail: the quoted lines below it, else all the rest."""
    text = scan.text
    follows = _next_filled(text, at + 1)
    if follows in scan.attributions:
        follows = _next_filled(text, scan.attributions[follows][0])
    else:
        follows = _next_filled(text, _block_at(text, follows) or follows)
    if not _is_quoted(text, follows):
        return scan.take_rest(at, kind)
    return scan.out.take(at, follows if text.marked[follows] else _quote_end(text, follows), kind)


def _take_block(scan: _Scan, at: int, end: int) -> int:
    """Take a header block and its mail: the quoted lines below it, else all the rest."""
    follows = _next_filled(scan.text, end)
    if _is_quoted(scan.text, follows):
        return scan.out.take(at, follows, scan.block_kind)
    return scan.take_rest(at, scan.block_kind)


def _take_attributed(scan: _Scan, at: int, end: int, sure: Evidence) -> int:
    """Take an attribution and its quote.

    Quoted lines are taken as they come. Unquoted text after it is quoted if the attribution is
    sure and something new stands above; with nothing above it cannot be told, and is kept.
    """
    follows = _next_filled(scan.text, end)
    if follows >= scan.size or _is_quoted(scan.text, follows):
        return scan.out.take(at, end, Cut.QUOTED)
    barred = scan.text.contents[follows].startswith("|")
    if barred or (sure is Evidence.STRONG and scan.out.filled):
        return scan.take_rest(at, Cut.QUOTED)
    if sure is Evidence.STRONG:
        scan.out.unsure_from = min(scan.out.unsure_from, end)
        return scan.out.take(at, end, Cut.QUOTED)
    for line in range(at, end):
        scan.keep(line)
    return end


def _drop_rules(text: Text, kept: list[tuple[int, int]], after: int) -> list[tuple[int, int]]:
    """Cut drawn rules and empty lines off the end of each segment before a quote.

    `after` is the number of the segment after the last quote.
    """
    if not after:
        return kept
    out: list[tuple[int, int]] = []
    for position, (line, segment) in enumerate(kept):
        ends = position + 1 == len(kept) or kept[position + 1][1] != segment
        joint = bool(out) and out[-1][1] != segment
        if not (joint and not text.contents[line] and _ends_empty(text, out)):
            out.append((line, segment if text.contents[line] or not joint else out[-1][1]))
        if ends and segment != after:
            _pop_rules(text, out, segment)
    return out


def _ends_empty(text: Text, lines: list[tuple[int, int]]) -> bool:
    return bool(lines) and not text.contents[lines[-1][0]]


def _pop_rules(text: Text, out: list[tuple[int, int]], segment: int) -> None:
    """Cut rules off the end; an empty line below text stays."""
    size = len(out)
    while size and out[size - 1][1] == segment:
        content = text.contents[out[size - 1][0]]
        if content and not (len(content) > 4 and quoting.rule(content)):
            break
        size -= 1
    had_gap = size < len(out)
    gap = out[size] if had_gap else None
    del out[size:]
    if gap and out and not text.contents[gap[0]]:
        out.append(gap)


def _signature_start(contents: list[str]) -> int:
    """Give the start of a segment's signature: at `-- `, or at the footers at its end."""
    filled = 0
    start = None
    for at in range(len(contents) - 1, -1, -1):
        if contents[at] in {"--", "—"} and filled:
            start = at
        filled += bool(contents[at])
        if filled > _SIGNATURE_LINES:
            break
    return _footers_start(contents if start is None else contents[:start])


def _footers_start(contents: list[str]) -> int:
    end = len(contents)
    while end:
        content = contents[end - 1]
        if content and not quoting.footer(content) and not quoting.rule(content):
            break
        end -= 1
    return end


def _without_signature(text: Text, kept: list[tuple[int, int]]) -> tuple[list[int], list[int]]:
    shown: list[int] = []
    signature: list[int] = []
    at = 0
    while at < len(kept):
        end = at
        while end < len(kept) and kept[end][1] == kept[at][1]:
            end += 1
        lines = [line for line, _ in kept[at:end]]
        start = _signature_start(
            [text.contents[line] if not text.depths[line] else "x" for line in lines]
        )
        shown += lines[:start]
        signature += lines[start:]
        if start < len(lines) and end < len(kept):
            shown.append(-1)  # an empty line where the signature stood
        at = end
    return shown, signature


def _join(text: Text, lines: Sequence[int]) -> str:
    return "\n".join(text.raw[at] if at >= 0 else "" for at in lines).strip("\n")


def _spans(text: Text, kept: list[tuple[int, int]], split: _Split) -> tuple[tuple[int, int], ...]:
    """Give the uncertain spans of the joined new text, neighbours as one."""
    if not split.unsure and split.unsure_from == _NO_LINE:
        return ()
    first = next((n for n, (line, _) in enumerate(kept) if text.raw[line]), 0)
    out: list[tuple[int, int]] = []
    offset = 0
    for line, _ in kept[first:]:
        end = offset + len(text.raw[line])
        unsure = line in split.unsure or line >= split.unsure_from
        if unsure and text.contents[line]:
            if out and out[-1][1] == offset - 1:
                out[-1] = (out[-1][0], end)
            else:
                out.append((offset, end))
        offset = end + 1
    return tuple(out)


def _present(text: Text, own: Sequence[str]) -> list[str]:
    """Give the markers in the text, each on one line or on two."""
    if not own:
        return []
    folded = " ".join(" ".join(text.contents).split()).casefold()
    return [mark for mark in own if mark in folded]


def _body(text: Text, source: Source, own: Sequence[str], *, forward: bool) -> Body:
    split = _split(text, _present(text, own), forward=forward)
    kept = _drop_rules(text, split.kept, split.segment)
    shown, signature = _without_signature(text, kept)
    spans = _spans(text, kept, split)
    return Body(
        new=_join(text, [line for line, _ in kept]),
        shown=_join(text, shown),
        signature=_join(text, signature),
        quoted=_join(text, split.quoted),
        forwarded=_join(text, split.forwarded),
        certain=not spans,
        source=source,
        uncertain=spans,
    )


def _folded(markers: Sequence[str]) -> tuple[str, ...]:
    bare = (" ".join(marker.split()).strip(" -–—_=*#").casefold() for marker in markers)
    return tuple(marker for marker in bare if marker)


def split_text(source: str, *, own_markers: Sequence[str] = (), forward: bool = False) -> Body:
    """Divide a plain text. `forward`: by its subject, a header block is a forwarded mail."""
    text = Text()
    add_plain(text, source.replace("\r\n", "\n").replace("\r", "\n"))
    return _body(text, "plain", _folded(own_markers), forward=forward)


def split_html(source: str, *, own_markers: Sequence[str] = (), forward: bool = False) -> Body:
    """Divide an HTML text: by its structure first, then as plain text is."""
    text = Text()
    add_html(text, source)
    return _body(text, "html", _folded(own_markers), forward=forward)


def read_body(message: Message, *, own_markers: tuple[str, ...] = ()) -> Body:
    """Divide a message's text into new, quoted, forwarded and signature (C2, C3).

    Of alternatives the plain part counts (C12). `own_markers` are the lines of our own mails
    ("write above this line"); they are known again wrapped, quoted and decorated.
    """
    text = Text()
    kinds = set()
    for part in message.texts:
        kinds.add(part.kind)
        (add_plain if part.kind == "plain" else add_html)(text, part.text)
    source: Source = "plain" if "plain" in kinds else "html" if kinds else "none"
    forward = subjects.is_forward(message.subject)
    return _body(text, source, _folded(own_markers), forward=forward)
