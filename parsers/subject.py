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
    found = _MARK.search(subject)
    return int(found[1]) if found else None


def _prefixes(subject: str) -> tuple[int, str]:
    """Give the end of the reply prefixes and ticket marks, and the kind of the first prefix."""
    at = 0
    first = ""
    while True:
        while at < len(subject) and (subject[at].isspace() or subject[at] in "\u200e\u200f"):
            at += 1
        found = _PREFIX.match(subject[at : at + 40])
        if found:
            first = first or ("forward" if found["forward"] else "reply")
            at += found.end()
            continue
        found = _MARK.match(subject, at)
        if not found:
            return at, first
        at = found.end()


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
