"""The marks of a subject: our ticket number, and the prefixes of answers and forwards."""

import re

_MARK = re.compile(r"\[#([0-9]{1,9})\]")
_PREFIX = re.compile(
    r"^(?:"
    r"(?P<reply>re|sv|svar|aw|antw|antwort|ang|rif|odp|ynt|回复|答复)"
    r"|(?P<forward>vb|vs|fwd?|wg|vl|rv|doorst|vidarebefordrat|videresendt|weitergeleitet)"
    r")(?:\s?[\[(][0-9]{1,3}[\])])?\s{0,3}[:：]",
    re.IGNORECASE,
)
_SPACE = re.compile(r"\s+")
_BRACKETS = re.compile(r"\[[^\[\]]{0,80}\]")


def ticket_number(subject: str) -> int | None:
    """Give the number of the first `[#1042]` in the subject (D3), or None."""
    mark = _MARK.search(subject)
    return int(mark[1]) if mark else None


def _prefixes(subject: str) -> tuple[int, str]:
    """Give the end of the reply prefixes and ticket marks, and the kind of the first prefix."""
    at = 0
    first = ""
    while True:
        while at < len(subject) and (subject[at].isspace() or subject[at] in "\u200e\u200f"):
            at += 1
        match = _PREFIX.match(subject[at : at + 40])
        if match:
            first = first or ("forward" if match["forward"] else "reply")
            at += match.end()
            continue
        match = _MARK.match(subject, at)
        if not match:
            return at, first
        at = match.end()


def base_subject(subject: str) -> str:
    """Give the subject without `Re:`, `SV:`, `VB:`, `Fwd:` and the like, and ticket marks."""
    at, _ = _prefixes(subject)
    return _SPACE.sub(" ", _MARK.sub(" ", subject[at:])).strip()


def own_words(subject: str) -> tuple[str, list[int]]:
    """Give the writer's words and our ticket marks in it (B3).

    Reply prefixes are cut, and so are brackets: a list puts its name there.
    """
    marks = sorted({int(number) for number in _MARK.findall(subject)})
    return base_subject(_BRACKETS.sub(" ", subject)), marks


def is_reply(subject: str) -> bool:
    """Tell if the subject's first prefix is an answer's."""
    return _prefixes(subject)[1] == "reply"


def is_forward(subject: str) -> bool:
    """Tell if the subject's first prefix is a forward's."""
    return _prefixes(subject)[1] == "forward"
