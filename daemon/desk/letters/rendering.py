"""Rendering: a letter's record and its template become the two texts of one mail."""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from daemon.desk.letters import mail_html, markup, phrases, plain_text
from daemon.desk.letters.markup import Sealed
from daemon.desk.letters.records import Letter, Record
from daemon.desk.letters.sanitising import sanitised
from daemon.desk.letters.to_customers import Answer
from daemon.desk.letters.to_engineers import Refused
from daemon.domain import priority, wording
from daemon.domain.conversation import MARKERS
from daemon.domain.report import percent_of

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
_AMOUNT = re.compile(r"-?\d+(\.\d+)?")
_TURNED = re.compile(r"^([^,]+), ([^,]+)$")
_FIRST_NAME = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)?(?= [^\W\d_]+(?: |-|$))")

_MOST_MESSAGE = 100_000  # characters of a customer's mail; the rest is in the ticket
_MOST_QUOTED, _MOST_QUOTED_LINES = 1_000, 12
_MOST_SHOWN, _MOST_LISTED = 50, 500  # customers of a close with their rows, and with their sum
_MOST_TICKETS = 10  # of a report's mail; its PDF has them all


def render(letter: Record, language: str, zone: dt.tzinfo) -> Letter:
    """Give subject, text and HTML of a letter in `"sv"` or `"en"`, with times in that zone.

    No character of a value can act as markup: every value goes in sealed. Tags in our own mails,
    printed or quoted, are written in a form that never parses (C2).
    """
    template = _template_name(type(letter).__name__)
    facts = {name: _fact(getattr(letter, name)) for name in letter.__dataclass_fields__}
    source = _template(template, language).render(facts, **_words(language, zone))
    page = markup.read_page(source)
    text, html = _message(letter)
    marker = MARKERS[language]
    return Letter(
        subject=page.subject,
        text=plain_text.typeset(page, language, marker=marker, message=text),
        html=mail_html.typeset(page, language, marker=marker, message=html),
        pictures=mail_html.drawings(page),
    )


def _message(letter: Record) -> tuple[str, str]:
    """The text and HTML of an engineer's own words, for her answer; else nothing."""
    if not isinstance(letter, Answer):
        return "", ""
    text = markup.clean(letter.text).strip("\n")
    html = sanitised(letter.html) if letter.html else None
    return text, mail_html.paragraphs(text) if html is None else html


def _fact(value: Any) -> Any:
    """An empty text instead of an invisible one: a template can tell them apart from words."""
    return "" if isinstance(value, str) and markup.is_blank(value) else value


@lru_cache(maxsize=64)
def _template_name(record: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", record).lower()


@lru_cache(maxsize=64)
def _template(name: str, language: str) -> "Template":
    return _environment().get_template(f"{name}.{language}.txt")


@lru_cache(maxsize=1)
def _environment() -> "Environment":
    """Compile each template once; an unknown name in one is an error, never an empty text."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(  # noqa: S701 - values are sealed by finalize and escaped by mail_html
        loader=FunctionLoader(_source),
        undefined=StrictUndefined,
        finalize=_finalize,
        line_statement_prefix="%",
        keep_trailing_newline=True,
        auto_reload=False,
    )


def _source(name: str) -> str:
    """A template, with the empty lines after its statements kept (Jinja2 would swallow them)."""
    source = (_TEMPLATES / name).read_text("utf-8")
    if name.startswith("_"):
        source = source.rstrip("\n")  # the line that includes it ends it
    return re.sub(r"^(%.*)\n(?=\n)", r"\1\n{##}", source, flags=re.MULTILINE)


def _finalize(value: Any) -> str:
    if isinstance(value, Sealed):
        return value
    if isinstance(value, str):
        return markup.seal(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise TypeError(f"a template puts in {value!r}, which is no text")


@lru_cache(maxsize=8)
def _words(language: str, zone: dt.tzinfo) -> Mapping[str, Any]:
    """The functions with which templates write values as people do."""
    return {
        "moment": lambda at: wording.moment(at, zone, language),
        "dated_moment": lambda at: wording.dated_moment(at, zone, language),
        "day_of": partial(wording.day, language=language),
        "day_and_month": partial(wording.day_and_month, language=language),
        "month_name": partial(wording.period, language=language),
        "period": partial(wording.period, language=language),
        "listed": partial(wording.listed, language=language),
        "hours": _hours,
        "money": lambda amount: _unbroken(wording.money(amount, language)),
        "price": lambda amount: _unbroken(wording.price(amount, language)),
        "amount": partial(_amount, language=language),
        "level_title": lambda number: priority.level(number).title(language),
        "meaning": partial(_meaning, language=language),
        "first_name": _first_name,
        "message": _whole,
        "quoted": _quoted,
        "shown": _shown,
        "refusal": partial(_refusal, language=language),
        "not_sent": phrases.NOT_RELAYED[language].__getitem__,
        "unproven": partial(phrases.unproven, language=language),
        "clock_name": phrases.CLOCKS[language].__getitem__,
        "invoice_state": lambda state: phrases.INVOICE_STATES[language].get(state, state),
        "approval_problem": phrases.APPROVAL[language].__getitem__,
        "not_approved": phrases.NOT_APPROVED[language].__getitem__,
        "link": markup.link,
        "share": percent_of,
        "meeting_word": phrases.MEETING[language].__getitem__,
        "MOST": _MOST_TICKETS,
        "MOST_SHOWN": _MOST_SHOWN,
        "MOST_LISTED": _MOST_LISTED,
        "br": Sealed(markup.NEWLINE),
    }


@lru_cache(maxsize=512)
def _hours(minutes: int) -> Sealed:
    return markup.glued(wording.hours(minutes))


def _unbroken(text: str) -> Sealed:
    """An amount on one line: its own no-break spaces would not outlive sealing."""
    return markup.glued(text.replace(wording.NBSP, " "))


def _amount(text: str, language: str) -> Sealed:
    """A figure as the statement has it (`722.50`), as people write it; other text as it is."""
    if not _AMOUNT.fullmatch(text):
        return markup.seal(text)
    return markup.glued(wording.number(Decimal(text), language))


@lru_cache(maxsize=16)
def _meaning(number: int, language: str) -> Sealed:
    """The whole row of the priority table (C8)."""
    return markup.seal_lines(priority.level(number).meaning(language))


def _first_name(name: str) -> str:
    """`Bo` of `Bo Ek` and `Ek, Bo`; another name as it is, and an address is no name."""
    name = _TURNED.sub(r"\2 \1", markup.one_line(name, 60))
    first = _FIRST_NAME.match(name)
    return "" if "@" in name else first[0] if first else name


def _whole(text: str) -> Sealed:
    return markup.seal_lines(text[:_MOST_MESSAGE] + _ellipsis(text, _MOST_MESSAGE))


def _quoted(text: str) -> Sealed:
    """The beginning of a message: enough to know it again."""
    short = "\n".join(text[:_MOST_QUOTED].split("\n")[:_MOST_QUOTED_LINES])
    return markup.seal_lines(short + _ellipsis(text.rstrip(), len(short)))


def _ellipsis(text: str, limit: int) -> str:
    return " …" if len(text) > limit else ""


def _shown(raw: str) -> str:
    """A tag without its brackets: readable, and never a tag."""
    return markup.one_line(raw, 120).replace("[", "").replace("]", "").strip()


def _refusal(refused: Refused, language: str) -> tuple[str, str]:
    """Why, and the right form without brackets."""
    unreadable = (phrases.UNREADABLE[language], "")
    why, right = phrases.REFUSED[language].get(refused.why, unreadable)
    return why, _shown(refused.right or right)
