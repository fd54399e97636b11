"""A report as a page to print: A4, one to three pages, and an appendix where tickets are many."""

import datetime as dt
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.desk.letters.markup import one_line
from daemon.desk.reviews import charts
from daemon.desk.reviews.charts import Bar
from daemon.desk.reviews.report_words import WORDS
from daemon.domain import priority, wording
from daemon.domain.money import half_up
from daemon.domain.periods import Period
from daemon.domain.report import Figures, Trend
from daemon.domain.report_facts import TicketFact

if TYPE_CHECKING:
    from jinja2 import Template

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
# Lines on the first pages; the appendix has the rest.
_MOST_HOURS, _MOST_BREACHES, _MOST_OPEN = 14, 8, 8
_MOST_APPENDIX = 3000
_SUBJECT, _REASON = 90, 200  # characters
_LINE = 52  # characters of a subject in the appendix


@dataclass(frozen=True, slots=True)
class Sheet:
    """The sender and the customer of a report."""

    desk_name: str
    customer: str
    plan_name: str | None


def report_html(sheet: Sheet, figures: Figures, language: str) -> str:
    """The page; each text from outside is escaped, cut, and without unseen characters."""
    return _template(language).render(
        sheet=sheet,
        figures=figures,
        language=language,
        words=WORDS[language],
        hours=figures.hours[:_MOST_HOURS],
        other_hours=figures.hours[_MOST_HOURS:],
        breaches=figures.breaches[:_MOST_BREACHES],
        open=figures.open[:_MOST_OPEN],
        levels=[level for level in figures.levels if _says_anything(level)],
        appendix=_appendix(figures, language),
        trend=_trend(figures.trend, language),
        bank=figures.banks[-1] if figures.banks else None,
        runs=figures.window.end.date() < figures.period.end,
        day=figures.window.end.date(),
    )


def _says_anything(level: Any) -> bool:
    return bool(level.opened or level.met or level.missed or level.unanswered)


# --- the appendix -----------------------------------------------------------------------------


def _appendix(figures: Figures, language: str) -> str:
    """All tickets of the period, a line each; empty where the first pages show them all."""
    shown = {each.number for each in figures.hours[:_MOST_HOURS]}
    shown |= {each.number for each in figures.open[:_MOST_OPEN]}
    cut = (
        len(figures.hours) > _MOST_HOURS
        or len(figures.open) > _MOST_OPEN
        or len(figures.breaches) > _MOST_BREACHES
    )
    if not cut and {each.number for each in figures.tickets} <= shown:
        return ""
    words = WORDS[language]
    worked = {each.number: each.actual for each in figures.hours}
    head = (words["ticket"], words["came"], words["level"], words["result"], words["time"], "")
    rows = [head] + [
        (
            str(each.number),
            f"{each.opened_at.astimezone(figures.window.end.tzinfo):%Y-%m-%d}",
            priority.level(each.level).name(language),
            _answer(each, words),
            wording.hours(worked[each.number]) if each.number in worked else "–",
            _cut(one_line(each.subject) or words["no_subject"]),
        )
        for each in figures.tickets[:_MOST_APPENDIX]
    ]
    widths = [max(len(row[place]) for row in rows) for place in range(5)]
    return "\n".join(
        "  ".join(
            f"{cell:<{width}}" for cell, width in zip(row, [*widths, 0], strict=True)
        ).rstrip()
        for row in rows
    )


def _answer(ticket: TicketFact, words: Mapping[str, str]) -> str:
    """The time until the first answer."""
    response = next((clock for clock in ticket.clocks if clock.kind == "response"), None)
    if response is None or response.used is None:
        return "–"
    late = f", {words['late_one']}" if response.breached_at is not None else ""
    return wording.hours(response.used) + late


def _cut(text: str) -> str:
    """The beginning of a text that fits in a line; a wide character takes the room of two."""
    room = _LINE
    for place, character in enumerate(text):
        room -= 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if room < 0:
            return text[: place - 1] + "…"
    return text


# --- drawings ---------------------------------------------------------------------------------


def _trend(trend: Sequence[Trend], language: str) -> Mapping[str, str]:
    """Three small drawings; none without an earlier period to compare with."""
    if len(trend) < 2:
        return {}
    words = WORDS[language]
    named = [(short_name(each.period, language), each) for each in trend]
    hours = [Bar(name, _whole_hours(each.minutes, language), each.minutes) for name, each in named]
    tickets = [Bar(name, str(each.opened), each.opened) for name, each in named]
    kept = [
        Bar(name, f"{each.met}/{each.met + each.missed}", each.met, each.missed)
        for name, each in named
    ]
    return {
        words["trend_hours"]: charts.columns(hours, words["trend_hours"]),
        words["trend_tickets"]: charts.columns(tickets, words["trend_tickets"]),
        words["trend_kept"]: charts.columns(kept, words["trend_kept"]),
    }


def _whole_hours(minutes: int, language: str) -> str:
    """`36`; with one decimal below ten: `1,5`."""
    decimals = 1 if minutes < 600 and minutes % 60 else 0
    return wording.number(half_up(Fraction(minutes, 60), decimals), language)


def short_name(period: Period, language: str) -> str:
    """A period's name, short enough for a bar: `nov 2026`, `kv 4 2026`, `2026`."""
    if period.months == 1:
        return f"{wording.period(str(period), language)[:3]} {period.start.year}"
    if period.months == 3:
        quarter = wording.speaker(language)("kv", "Q")
        return f"{quarter} {str(period)[-1]} {period.start.year}"
    return str(period)


# --- the template -----------------------------------------------------------------------------


@lru_cache(maxsize=2)
def _template(language: str) -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "hours": _hours,
        "line": lambda text: one_line(text, _SUBJECT),
        "reason": lambda text: one_line(text, _REASON),
        "money": lambda money: wording.number(money.kronor, language),
        "level": lambda number: priority.level(number).title(language),
        "period": lambda period: wording.period(str(period), language),
        "Period": lambda period: _capital(wording.period(str(period), language)),
        "day": partial(_day, language=language),
        "iso": lambda at: f"{at:%Y-%m-%d}",
    }
    environment.globals |= {"gauge": charts.gauge, "ring": charts.ring}
    return environment.get_template("report.html")


def _hours(minutes: int | None) -> str:
    return "–" if minutes is None else wording.hours(minutes).replace(" ", wording.NBSP)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _day(day: dt.date, language: str) -> str:
    return f"{wording.day_and_month(day, language)} {day.year}"
