"""Days, times and wrapped lines in English, for the demonstration on a terminal."""

import datetime as dt
import textwrap

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDTH = 100
_MARGIN = 12  # the column in which texts begin


def day(date: dt.date) -> str:
    """`Mon 2 Nov`."""
    return f"{_DAYS[date.weekday()]} {date.day} {_MONTHS[date.month - 1]}"


def moment(local: dt.datetime) -> str:
    """`Mon 2 Nov 08:12`, of an instant in the desk's zone."""
    return f"{day(local.date())} {local:%H:%M}"


def beside(label: str, text: str) -> list[str]:
    """A text beside its label, wrapped in its own column."""
    return _wrapped(text, f"  {label}".ljust(_MARGIN), " " * _MARGIN)


def heading(start: str, text: str) -> list[str]:
    """A text after the start of its line, wrapped in its own column."""
    return _wrapped(text, start, " " * len(start))


def _wrapped(text: str, first: str, later: str) -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
