"""The HTML of the new text alone: without quote, signature and tags, or none at all."""

import html as entities
import re

from parsers import html as markup
from parsers.body import Body
from parsers.markup import tokens
from parsers.message import Message
from parsers.tags import cut_and_seen, cut_tags, read_tags

_BODY = re.compile(r"<body\b[^>]{0,2000}>", re.IGNORECASE)
_UNSHOWN = re.compile(r"<(/?)(style|script|title)\b[^>]{0,2000}>", re.IGNORECASE)
# What programs write into the plain alternative for a picture, and for where a link leads
_PICTURE = re.compile(
    r"\[(?:cid|image|bild|inline image):[^\[\]\n]{0,300}\]|\ufffc"
    r"|<[^<>\s]{1,200}\.(?:png|jpe?g|gif|heic|webp)>",
    re.IGNORECASE,
)
_IMAGE = re.compile(r"<img\b[^>]{0,5000}>", re.IGNORECASE)
_TARGET = re.compile(r"<(?:https?://|mailto:|tel:)[^<>\s]{1,2000}>", re.IGNORECASE)
_CONTENT_ID = re.compile(r"""src\s{0,9}=\s{0,9}["']?cid:([^"'\s>]{1,300})""", re.IGNORECASE)
_WORD = re.compile(r"[^\W_]+")
_LONGEST = 512 * 1024


def new_html(message: Message, body: Body) -> str | None:
    """Give the markup of the text in `body.shown`, its tags cut; None in any doubt.

    The visible text of the result is, letter for letter, `cut_tags(body.shown, …)`. The result is
    the beginning of the message's HTML, up to the last letter of the new text, without the quote
    and the signature below it. It is None if plain text and HTML differ (C12), if anything in the
    HTML is hidden (C13), and if a quote or forwarded text stands above or inside the new text (C2).
    """
    html = message.html
    if html is None or len(html) > _LONGEST or not _is_whole(message) or not body.certain:
        return None
    start = _BODY.search(html)
    html = _without_sheets(html[start.end() :] if start else html)
    shown = len(_PICTURE.findall(body.shown))
    end = _end(html, _letters(_undecorated(body.shown)), shown)
    if end is None:
        return None
    tags = read_tags(body.shown)
    cut = cut_and_seen(html[:end], tags)
    approved = cut_tags(body.shown, tags)
    return cut[0] if cut and _is_all(cut[0], cut[1], approved) else None


def says(html: str, text: str) -> bool:
    """Tell if the HTML shows, and holds, the letters and figures of the text and no others."""
    return _is_all(html, markup.mapped_text(html)[0], text)


def _is_all(html: str, seen: str, text: str) -> bool:
    wanted = _letters(_undecorated(text))
    return _letters(seen) == wanted == _letters(markup.all_text(html)) and not read_tags(
        _values(html)
    )


def pictures(html: str) -> frozenset[str]:
    """Give the content ids of the pictures in the HTML, without brackets."""
    return frozenset(_CONTENT_ID.findall(html))


def _is_whole(message: Message) -> bool:
    """Tell if the message has one text, perhaps in two forms; of several, HTML is only a part."""
    return len(message.texts) == 1


def _without_sheets(html: str) -> str:
    """Cut style sheets, scripts and titles: their text is not the mail's."""
    out: list[str] = []
    at = 0
    inside = ""
    for tag in _UNSHOWN.finditer(html):
        name = tag[2].lower()
        if inside and tag[1] and name == inside:
            at, inside = tag.end(), ""
        elif not inside and not tag[1]:
            out.append(html[at : tag.start()])
            at, inside = len(html), name
    return "".join([*out, html[at:]])


def _undecorated(text: str) -> str:
    return _TARGET.sub(" ", _PICTURE.sub(" ", text))


def _letters(text: str) -> str:
    return "".join(_WORD.findall(text))


def _values(html: str) -> str:
    """Give all markup without the text: no tag may hide in an attribute or a comment."""
    pieces = (html[start:end] for kind, start, end in tokens(html) if kind != "text")
    return entities.unescape("\n".join(pieces))


def _end(html: str, wanted: str, shown: int) -> int | None:
    """Give the end of the wanted letters' markup; None if others stand before or among them.

    `shown` is the number of marks for pictures in the plain text.
    """
    text, places = markup.mapped_text(html)
    if not wanted or not _letters(text).startswith(wanted):
        return None
    last = _letter(text, len(wanted))
    after = _WORD.search(text, last + 1)
    stop = after.start() if after else len(text)
    line_end = text.find("\n", last, stop)
    # the full stop, the bracket and the smile after the last word are new as well
    closing = (stop if line_end < 0 else line_end) - 1
    following = places[stop][0] if stop < len(text) else len(html)
    return _after_pictures(html, places[closing][1], following, shown)


def _after_pictures(html: str, end: int, following: int, shown: int) -> int | None:
    """Give the end of the new pictures below the last letter, by their marks in the plain text.

    None if the plain text has no marks: a picture there may be new, the signature's or a quote's.
    """
    below = list(_IMAGE.finditer(html, end, following))
    missing = shown - len(_IMAGE.findall(html[:end]))
    if missing > len(below) or (below and not shown):
        return None
    return below[missing - 1].end() if missing > 0 else end


def _letter(text: str, number: int) -> int:
    """Give the place of a letter by its number; the first one has number 1."""
    for word in _WORD.finditer(text):
        size = word.end() - word.start()
        if number <= size:
            return word.start() + number - 1
        number -= size
    return len(text)
