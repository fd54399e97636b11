"""Dates, times and addresses in running text, as mail programs write them in any language.

Each function gives the first match in `text[start:end]`. Each pattern starts with a digit, a blank
or a bracket, and so `re` passes quickly over text without any.
"""

import re
from collections.abc import Callable

Match = re.Match[str]
Find = Callable[..., Match | None]  # of a text, from a start to an end
EVERYTHING = 1 << 60

_MONTH = r"[^\W\d_]{3,12}+\.?+"
_ORDINAL = r"(?:st|nd|rd|th)?+"
# `++`, `?+` and `}+` never give back: what failed once is not tried in shorter forms
_DIGITS_FIRST = re.compile(
    r"\d(?<!\d\d)(?:\d{3}(?:-\d{1,2}+-\d{1,2}|/\d{1,2}+/\d{1,2}|年\d{1,2}+月\d{1,2}+日)"
    r"|\d?+(?:[./-]\d{1,2}+[./-](?:\d{4}|\d{2})(?!\d)"
    rf"|{_ORDINAL}\.?+,?+\s(?:de\s)?+{_MONTH},?+\s(?:de\s)?+\d{{4}}(?!\d)))"
)
_LETTERS = r"[^\W\d_]{3}"
_AFTER_NAME = rf"(?:(?<={_LETTERS}\s.)|(?<={_LETTERS}\.\s.)"
_BEFORE_YEAR = re.compile(
    rf"\s\d{_AFTER_NAME}|(?<={_LETTERS},\s.)|(?<={_LETTERS}\.,\s.))"
    rf"\d?+{_ORDINAL},?+\s\d{{4}}(?!\d)"
)
_MONTH_FIRST = re.compile(rf"(?<![^\W\d_]){_MONTH},?+\s\d{{1,2}}+{_ORDINAL},?+\s\d{{4}}(?!\d)")
_DAY_FIRST = re.compile(rf"\d(?<!\d\d)\d?+\.?+\s{_MONTH}")
_DAY_NUMBER = re.compile(rf"\s\d{_AFTER_NAME})\d?+(?!\d)")
_DAY_LAST = re.compile(rf"(?<![^\W\d_]){_MONTH}\s\d{{1,2}}+(?!\d)")
_LONGEST_MONTH = 14  # with a full stop and a comma
_TIME = re.compile(r"\d(?<!\d\d)\d?[:.]\d{2}(?!\d\d)")
_PART = r"[^\s<>()\[\]\"',;:@]"
_ADDRESS = re.compile(rf"(?<!{_PART}){_PART}{{1,64}}@{_PART}{{1,255}}")
_ANGLE = re.compile(rf"[<\[(]\s?(?:mailto:\s?)?{_PART}{{1,64}}@[^\s<>]{{1,255}}")


_Named = tuple[re.Pattern[str], re.Pattern[str]]  # the numbers, and the numbers with a month


def _after_month(patterns: _Named, text: str, start: int, end: int) -> Match | None:
    """Find a month's name with numbers after it: first the numbers, for they are rare."""
    numbers, named = patterns
    for number in numbers.finditer(text, start, end):
        month = named.search(text, max(start, number.start() - _LONGEST_MONTH), number.end())
        if month:
            return month
    return None


def _earlier(one: Match | None, other: Match | None) -> Match | None:
    if one and other:
        return min(one, other, key=re.Match.start)
    return one or other


def date(text: str, start: int = 0, end: int = EVERYTHING) -> Match | None:
    """Find a date with its year: `2025-05-12`, `12 maj 2025`, `May 12th, 2025`."""
    named = _after_month((_BEFORE_YEAR, _MONTH_FIRST), text, start, end)
    return _earlier(_DIGITS_FIRST.search(text, start, end), named)


def day(text: str, start: int = 0, end: int = EVERYTHING) -> Match | None:
    """Find a day of a month, in numbers and a word: `12 maj`, `May 12`."""
    named = _after_month((_DAY_NUMBER, _DAY_LAST), text, start, end)
    return _earlier(_DAY_FIRST.search(text, start, end), named)


def address(text: str, start: int = 0, end: int = EVERYTHING) -> Match | None:
    """Find a mail address."""
    return _ADDRESS.search(text, start, end) if text.find("@", start, end) >= 0 else None


# A time of day: `10:32`, `10.32`; a mail address in brackets: `<bo@kund.se>`, `[mailto:bo@kund.se]`
time: Find = _TIME.search
bracketed_address: Find = _ANGLE.search
