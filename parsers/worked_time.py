"""The value of a time tag: an amount, and after it a date, marks and a note (C10)."""

import datetime as dt
import re
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

_HOURS = r"(?:timmar|timme|tim|hours?|hrs?|h)\.?"
_MINUTES = r"(?:minuter|minut|minutes?|mins?|m)\.?"
_END = r"(?=[\s,;]|$)"
_HOURS_AND_MINUTES = (
    # 3h20m, 1h 30m, 1 tim 30 min; 1h30; 1:30
    re.compile(rf"([0-9]{{1,4}})\s?{_HOURS}\s?([0-5]?[0-9])\s?{_MINUTES}{_END}", re.IGNORECASE),
    re.compile(rf"([0-9]{{1,4}})\s?h([0-5][0-9]){_END}", re.IGNORECASE),
    re.compile(rf"([0-9]{{1,4}}):([0-5][0-9])(?:\s?{_HOURS})?{_END}", re.IGNORECASE),
)
_ONE_UNIT = (
    (re.compile(rf"([0-9]{{1,4}}(?:[.,][0-9]{{1,4}})?)\s?{_HOURS}{_END}", re.IGNORECASE), 60),
    (re.compile(rf"([0-9]{{1,6}}(?:[.,][0-9]{{1,4}})?)\s?{_MINUTES}{_END}", re.IGNORECASE), 1),
)
_BARE = re.compile(rf"[0-9]{{1,9}}(?:[.,][0-9]{{1,9}})?{_END}")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_DAYS_BACK = {"igår": 1, "yesterday": 1, "idag": 0, "today": 0}
_OUTSIDE = frozenset({"kväll", "evening"})
_UNBILLED = re.compile(
    r"(?:ej deb(?:iterbar|iterbart|iteras)?|(?:not|non)[ -]billable)\.?", re.IGNORECASE
)
_WORD = re.compile(r"[^\s,]+")


@dataclass(frozen=True, slots=True)
class WorkedTime:
    """The value of a right time tag. `minutes` is negative for a correction.

    `date` is a written date; `days_back` is 0 for idag, 1 for igår. Without either both are None
    (C11: the receipt date). `outside`: kväll (G4).
    """

    minutes: int
    date: dt.date | None = None
    days_back: int | None = None
    billable: bool = True
    outside: bool = False
    note: str = ""


def _whole(amount: str, factor: int) -> int:
    """Give whole minutes, rounded half up."""
    exact = Decimal(amount.replace(",", ".")) * factor
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def _amount(text: str) -> tuple[int, int] | None:
    """Read an amount at the start of `text`: its minutes, and its end."""
    for shape in _HOURS_AND_MINUTES:
        match = shape.match(text)
        if match:
            return int(match[1]) * 60 + int(match[2]), match.end()
    for shape, factor in _ONE_UNIT:
        match = shape.match(text)
        if match:
            return _whole(match[1], factor), match.end()
    return None


def _date(word: str) -> dt.date | str:
    match = _DATE.fullmatch(word)
    if not match:
        return "bad_date"
    try:
        return dt.date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return "bad_date"


def _with_word(time: WorkedTime, word: str) -> WorkedTime | str:
    lowered = word.casefold()
    dated = time.date is not None or time.days_back is not None
    if lowered in _DAYS_BACK:
        return "two_dates" if dated else replace(time, days_back=_DAYS_BACK[lowered])
    if lowered in _OUTSIDE:
        return replace(time, outside=True)
    if word[0] in "0123456789":
        date = _date(word)
        if isinstance(date, str):
            return date
        return "two_dates" if dated else replace(time, date=date)
    return "unknown_word"


def read(value: str) -> tuple[WorkedTime | None, str | None]:
    """Read the value of a time tag: the time, or the code of its fault.

    Codes: no_value, unit_missing, bad_amount, zero_amount, bad_date, two_dates, unknown_word.
    Nothing is ever guessed (C10).
    """
    head, _, note = value.partition(";")
    head = head.strip()
    if not head:
        return None, "no_value"
    sign = -1 if head[0] in "-\u2212" else 1
    text = head[1:].lstrip() if sign < 0 else head
    amount = _amount(text)
    if amount is None:
        return None, "unit_missing" if _BARE.match(text) else "bad_amount"
    if not amount[0]:
        return None, "zero_amount"
    return _rest(WorkedTime(sign * amount[0], note=" ".join(note.split())), text[amount[1] :])


def _rest(time: WorkedTime, rest: str) -> tuple[WorkedTime | None, str | None]:
    rest, count = _UNBILLED.subn(" ", " ".join(rest.split()))
    result = replace(time, billable=not count)
    for word in _WORD.findall(rest):
        step = _with_word(result, word)
        if isinstance(step, str):
            return None, step
        result = step
    return result, None
