"""An engineer's own HTML, cut down to ordinary formatting before it goes on to a customer."""

import re
from collections import Counter

import nh3

MOST = 512 * 1024  # characters; the sanitiser's time grows with the square of the nesting
_MOST_NESTED = 500
_MOST_WORK = 1_000_000  # depth times tags: an open <font> is opened anew in every later paragraph


def _names(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


_CLOSED_BY_THEMSELVES = _names(
    "area base br col dd dt hr img input li link meta option p source td th tr wbr"
)
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)")

_TAGS = _names(
    "a abbr b big blockquote br caption center cite code col colgroup dd del div dl dt em "
    "font h1 h2 h3 h4 h5 h6 hr i img ins kbd li ol p pre q s samp small span strike strong "
    "sub sup table tbody td tfoot th thead tr tt u ul"
)
_CELL = _names("align valign colspan rowspan width")
_ATTRIBUTES = {
    "*": {"dir", "lang", "style"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height"},
    "table": {"border", "cellpadding", "cellspacing", "width", "align"},
    "td": set(_CELL),
    "th": set(_CELL),
    "col": {"span", "width"},
    "font": {"color"},
    "ol": {"start", "type"},
}
_STYLES = _names("color background-color font-weight font-style text-decoration text-align")
_BLACK = re.compile(
    r"(?:^|;)\s*(?:background-)?color:\s*(?:black|white|windowtext|window|#0{3,8}|#f{3,8}|"
    r"rgb\(0,\s*0,\s*0\)|rgb\(255,\s*255,\s*255\)|transparent|inherit)\s*(?=;|$)",
    re.IGNORECASE,
)
_NO_STYLE = re.compile(r'(<[a-z0-9]+(?: [a-z]+="[^"]*")*?) style=""')
_NO_IMAGE = re.compile(r'<img(?![^>]*? src=")(?:\s+[a-z]+="[^"]*")*\s*/?>')


def sanitised(html: str) -> str | None:
    """Give clean HTML, or None for HTML too large or too deep: then the text must do.

    Kept: ordinary formatting, web and mail links, tables, and pictures in the mail (`cid:`).
    Gone: scripts, forms, everything remote, and colours invisible on a dark screen.
    """
    if len(html) > MOST or _costly(html):
        return None
    clean = nh3.clean(
        html,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        filter_style_properties=set(_STYLES),
        url_schemes={"http", "https", "mailto", "tel", "cid"},
        link_rel="noopener noreferrer",
    )
    return _NO_IMAGE.sub("", _NO_STYLE.sub(r"\1", clean)).strip()


def _costly(html: str) -> bool:
    """True where elements are nested deeper than by any person's mail client."""
    tags = _TAG.findall(html)
    left_open: Counter[str] = Counter()
    depth = deepest = 0
    for closing, written in tags:
        name = written.lower()
        if name in _CLOSED_BY_THEMSELVES:
            continue
        step = -1 if closing else 1
        if step > 0 or left_open[name]:
            left_open[name] += step
            depth += step
            deepest = max(deepest, depth)
    return deepest > _MOST_NESTED or deepest * len(tags) > _MOST_WORK


def _attribute(element: str, name: str, value: str) -> str | None:
    if name == "src" and element == "img":
        return value if value.lower().startswith("cid:") else None
    if name == "href" and value.lower().startswith("cid:"):
        return None
    if name == "style":
        return _BLACK.sub("", value).strip("; ") or None
    return value
