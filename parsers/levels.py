"""The four priority levels as people write them: numbers and names, Swedish and English (C4)."""

import re

_NAMES = {"kritisk": 1, "critical": 1, "hög": 2, "high": 2, "normal": 3, "låg": 4, "low": 4}
NAME = r"(?:kritisk(?:t|a)?|critical|hög(?:t|a)?|high|normalt?|låg(?:t|a)?|low)"
_NUMBER_AND_NAME = re.compile(
    rf"(?:p|prio|prioritet|priority|nivå)?\s?([1-4])(?:[\s\-–—,/(=:.]{{1,5}}({NAME})\)?)?",
    re.IGNORECASE,
)
_NAME_AND_NUMBER = re.compile(rf"({NAME})(?:[\s\-–—,/(=:.]{{1,5}}([1-4])\)?)?", re.IGNORECASE)


def by_name(name: str) -> int:
    """Give the level of a name in the form `NAME`."""
    lowered = name.casefold()
    return next(level for stem, level in _NAMES.items() if lowered.startswith(stem))


def only_level(text: str) -> int | None:
    """Give the level of a text with nothing else in it; None if two levels disagree."""
    text = text.strip(" .!")
    level = _NUMBER_AND_NAME.fullmatch(text)
    number, name = (level[1], level[2]) if level else (None, None)
    if not level:
        level = _NAME_AND_NUMBER.fullmatch(text)
        name, number = (level[1], level[2]) if level else (None, None)
    stated = {int(number)} if number else set()
    if name:
        stated.add(by_name(name))
    return stated.pop() if len(stated) == 1 else None
