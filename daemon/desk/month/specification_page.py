"""The page of a specification to print: tickets, dates, minutes, amounts (H2)."""

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from html import escape
from typing import Final

from daemon.desk.letters.markup import one_line
from daemon.desk.month.specifications import Line, Specification
from daemon.domain import wording
from daemon.domain.billing import Row
from daemon.domain.money import ZERO

_WORDS: Final = wording.by_language(
    {
        "title": ("Specifikation", "Specification"),
        "customer": ("Kund", "Customer"),
        "reference": ("Referens", "Reference"),
        "row": ("Rad", "Row"),
        "quantity": ("Antal", "Quantity"),
        "price": ("À-pris", "Price"),
        "amount": ("Belopp", "Amount"),
        "net": ("Netto", "Net"),
        "excluding": (
            "Alla belopp i SEK, exklusive moms.",
            "All amounts in SEK, excluding VAT.",
        ),
        "work": ("Arbetad tid", "Time worked"),
        "ticket": ("Ärende", "Ticket"),
        "date": ("Datum", "Date"),
        "engineer": ("Tekniker", "Engineer"),
        "time": ("Tid", "Time"),
        "bank": ("Ur timbank", "From bank"),
        "overage": ("Utöver bank", "Beyond bank"),
        "charged": ("Debiteras", "Charged"),
        "sum": ("Summa", "Sum"),
        "free": ("debiteras ej", "not billable"),
        "nothing": ("Ingen arbetad tid.", "No time worked."),
        "left_out": ("Kredit som står kvar:", "Credit that stays due:"),
        "subject": ("utan ämne", "no subject"),
        "correction": ("rättelse: förut {}, nu {}", "correction: before {}, now {}"),
        "divided": (
            "ny fördelning sedan annan tid har ändrats",
            "divided anew because other time has changed",
        ),
        "earlier": (
            "Debiteras nu, specificerat i tidigare månader",
            "Charged now, specified in earlier months",
        ),
    }
)

_STYLE: Final = """
@page { size: A4; margin: 18mm 16mm 20mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt; color: #666 } }
body { font: 9.5pt/1.45 "DejaVu Sans", sans-serif; color: #1c1c1c }
h1 { font-size: 17pt; margin: 0 0 1mm } h2 { font-size: 11.5pt; margin: 8mm 0 2mm }
p { margin: 0 0 1mm; color: #444 }
table { width: 100%; border-collapse: collapse } thead { display: table-header-group }
th { text-align: left; font-size: 8.5pt; color: #555; border-bottom: 0.6pt solid #888 }
th, td { padding: 1.2mm 2mm 1.2mm 0; vertical-align: top }
td { border-bottom: 0.3pt solid #ddd; overflow-wrap: anywhere } tr { break-inside: avoid }
.n { text-align: right; white-space: nowrap; padding-right: 0; padding-left: 3mm }
tr.sum td { font-weight: bold; border-bottom: 0; border-top: 0.6pt solid #888 }
"""


def specification_html(specification: Specification) -> str:
    """The page to print; each text from outside is escaped, cut and on one line."""
    words, language = _WORDS[specification.language], specification.language
    title = f"{words['title']} {wording.period(str(specification.month), language)}"
    parts = [
        f"<!doctype html><html lang={language}><head><meta charset=utf-8>",
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{escape(title)}</h1>",
        f"<p>{words['customer']}: <b>{_line(specification.customer)}</b></p>",
        f"<p>{words['reference']}: {escape(specification.reference)}</p>",
        *_money_table(specification, words),
        f"<h2>{words['work']}</h2>",
        *(_work_table(specification.lines, words) or [f"<p>{words['nothing']}</p>"]),
        *_earlier_table(specification, words),
        "</body></html>",
    ]
    return "\n".join(parts)


def _line(text: str, length: int = 160) -> str:
    return escape(one_line(text, length))


def _row(*cells: str, mark: str = "td", kind: str = "") -> str:
    """A row of a table; its last three cells are numbers."""
    first = len(cells) - 3
    inside = "".join(
        f"<{mark}{' class=n' if at >= first else ''}>{cell}</{mark}>"
        for at, cell in enumerate(cells)
    )
    return f"<tr{kind and f' class={kind}'}>{inside}</tr>"


def _head(*cells: str) -> str:
    return f"<table><thead>{_row(*cells, mark='th')}</thead>"


def _money_table(specification: Specification, words: Mapping[str, str]) -> list[str]:
    language = specification.language
    billed = [(row, text) for row, text in specification.rows if row.amount is not None]
    net = escape(wording.money(specification.net, language))
    left = escape(wording.money(specification.left_out, language))
    return [
        f"<h2>{words['amount']}</h2>"
        + _head(words["row"], words["quantity"], words["price"], words["amount"]),
        *(_money_row(row, text, language) for row, text in billed),
        _row(words["net"], "", "", net, kind="sum") + "</table>",
        *([f"<p>{words['left_out']} {left}</p>"] if specification.left_out else []),
        f"<p>{words['excluding']}</p>",
    ]


def _money_row(row: Row, text: str, language: str) -> str:
    quantity = escape(wording.number(row.quantity or Decimal(0), language))
    sums = ((each or ZERO).kronor for each in (row.price, row.amount))
    price, amount = (escape(wording.number(kronor, language)) for kronor in sums)
    return _row(_line(text), f"{quantity} {row.unit}", price, amount)


def _earlier_table(specification: Specification, words: Mapping[str, str]) -> list[str]:
    if not specification.earlier:
        return []
    return [f"<h2>{words['earlier']}</h2>", *_work_table(specification.earlier, words)]


def _work_table(lines: Sequence[Line], words: Mapping[str, str]) -> list[str]:
    if not lines:
        return []
    # Overage may be charged later, when its bank period has ended (H3).
    beyond = "overage" if any(line.work.banked for line in lines) else "charged"
    names = ("ticket", "date", "engineer", "time", "bank", beyond)
    sums = [_hours(sum(each)) for each in zip(*(line.minutes for line in lines), strict=True)]
    return [
        _head(*(words[name] for name in names)),
        *(_work_row(line, words) for line in lines),
        _row(words["sum"], "", "", *sums, kind="sum"),
        "</table>",
    ]


def _work_row(line: Line, words: Mapping[str, str]) -> str:
    work = line.work
    worked, from_bank, overage = line.minutes
    ticket = f"#{work.ticket} {_line(line.subject, 90) or words['subject']}"
    if line.before is not None:
        told = words["divided"]
        if worked:
            told = words["correction"].format(_hours(line.before.actual), _hours(work.actual))
        ticket += f"<br><small>{told}</small>"
    return _row(
        ticket,
        _day(work.worked_on),
        _line(line.engineer, 40),
        _hours(worked),
        _hours(from_bank),
        _hours(overage) if work.counts else words["free"],
    )


def _day(day: dt.date) -> str:
    return f"<span style='white-space:nowrap'>{day.isoformat()}</span>"


def _hours(minutes: int) -> str:
    return escape(wording.hours(minutes)).replace(" ", "&nbsp;") if minutes else "–"
