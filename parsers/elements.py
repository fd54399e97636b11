"""The start tags of HTML: how each shows its element, and whether a mail program quotes with it."""

import re
from dataclasses import dataclass
from functools import lru_cache

from parsers import markup, style

_REMEMBERED = 500  # characters: a longer tag is read anew each time


def _set(names: str) -> frozenset[str]:
    return frozenset(names.split())


_UNSEEN = _set(
    "head title script style template noframes textarea select object iframe svg math "
    "datalist audio video canvas dialog"
)
_ROOMY = _set("p h1 h2 h3 h4 h5 h6 blockquote ul ol pre")

# Where clients put what they quote. A container is quoted until it ends; after a mark all is.
_CONTAINERS = _set(
    "gmail_quote protonmail_quote yahoo_quoted tutanota_quote zmail_extra "
    "moz-forward-container gmail_quote_container ms-outlook-mobile-reference-message"
)
_CONTAINER_IDS = _set(
    "mail-editor-reference-message-container isreplycontent isforwardcontent "
    "olk_src_body_section forwardbody1 replybody1"
)
_INTROS = frozenset({"moz-cite-prefix", "gmail_attr", "moz-email-headers-table"})
_MARKS = frozenset({"appendonsend", "divrplyfwdmsg", "replysplit"})
_OUTLOOK_RULE = re.compile(
    r"border-top:\s?solid\s#(?:e1e1e1|b5c4df)\s1\.0pt.{0,80}padding:\s?3\.0pt\s0", re.DOTALL
)


@dataclass(frozen=True, slots=True)
class StartTag:
    """The meaning of a start tag, apart from its place."""

    hides: bool
    tiny: bool | None  # its font size: True none, False some, None as around it
    classes: frozenset[str]
    identifier: str
    cites: bool  # a blockquote that the client itself made for a quote
    contains_quote: bool
    announces_quote: bool
    ends_new: bool  # all that follows is quoted
    roomy: bool  # an empty line stands before and after it


def is_roomy(name: str, tag: str) -> bool:
    """Tell if an empty line stands before and after an element."""
    return name in _ROOMY and "MsoNormal" not in tag


def start_tag(name: str, tag: str) -> StartTag:
    """Give the meaning of a start tag: `<div class="gmail_quote">`."""
    return _known(name, tag) if len(tag) < _REMEMBERED else _read(name, tag)


@lru_cache(maxsize=2048)
def _known(name: str, tag: str) -> StartTag:
    return _read(name, tag)


def _read(name: str, tag: str) -> StartTag:
    attributes = markup.attributes(tag) if len(tag) > len(name) + 2 else {}
    effect = style.effect(attributes.get("style", ""))
    classes = frozenset(attributes.get("class", "").lower().split())
    identifier = attributes.get("id", "").lower()
    plain = frozenset(word.removeprefix("x_") for word in classes)
    bare = identifier.removeprefix("x_")
    ruled = name == "div" and "border-top" in attributes.get("style", "")
    in_class = name == "div" and (bool(plain & _CONTAINERS) or attributes.get("name") == "quote")
    return StartTag(
        hides=name in _UNSEEN or "hidden" in attributes or effect.hides,
        tiny=effect.tiny,
        classes=classes,
        identifier=identifier,
        cites=name == "blockquote" and attributes.get("type", "").lower() == "cite",
        contains_quote=in_class or bare in _CONTAINER_IDS,
        announces_quote=bool(plain & _INTROS) or bare == "reply-intro",
        ends_new=bare in _MARKS
        or (ruled and _OUTLOOK_RULE.search(attributes["style"].lower()[:2000]) is not None),
        roomy=is_roomy(name, tag),
    )
