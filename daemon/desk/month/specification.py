"""The specification behind a statement: tickets, dates, minutes, as PDF and CSV (H2, H7).

A statement's rows are printed as they were frozen; subjects and names are joined here (H5).
"""

import csv
import datetime as dt
import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from html import escape
from typing import Final

from daemon.desk.context import Desk
from daemon.desk.letters.markup import one_line
from daemon.desk.month.specified import Line, Specification, of_rows
from daemon.desk.ports import PdfError, PdfPrinter
from daemon.domain import wording
from daemon.domain.document import Document
from daemon.domain.periods import Period
from daemon.store.money import statements
from daemon.store.session import Tx

MOST_APART: Final = 40  # customers with files of their own in one mail; more come as an archive
MOST_PRINTED: Final = 400  # customers with files of their own in the archive
_MOST_BYTES: Final = 8_000_000  # of all attachments: a mail of 12 MB, as it is sent
_PDF, _CSV = "application/pdf", "text/csv"


# --- files ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Enclosed:
    """What is attached to finance's mail, and what could not be."""

    files: tuple[Document, ...]
    fault: PdfError | None = None  # that printing met
    unprinted: int = 0  # customers without a PDF, because they are too many


def enclose(month: Period, found: Sequence[Specification], printer: PdfPrinter | None) -> Enclosed:
    """One CSV with all, and PDF and CSV for each customer: files of their own, or in an archive.

    The mail's size is bounded: who is billed more than a fee comes first, and those for whom there
    is no room are counted. Where a PDF cannot be printed, the CSV goes without it.
    """
    whole = _whole(month, found)
    told = [each for each in found if each.has_hours]
    papers: dict[str, tuple[Document, ...]] = {}
    left, fault = _MOST_BYTES - len(whole.content), None
    for each in sorted(told, key=lambda each: not each.is_beyond)[:MOST_PRINTED]:
        made, met = _papers(each, None if fault else printer)
        fault = fault or met
        left -= sum(len(paper.content) for paper in made)
        if left < 0:
            break
        papers[each.customer_key] = made
    files = tuple(paper for each in told for paper in papers.get(each.customer_key, ()))
    if len(told) > MOST_APART:
        files = (_archive(f"specifikationer-{month!s}.zip", month, files),)
    return Enclosed((whole, *files), fault, len(told) - len(papers))


def _papers(
    each: Specification, printer: PdfPrinter | None
) -> tuple[tuple[Document, ...], PdfError | None]:
    table = Document(f"{each.name}.csv", _CSV, as_csv([each], each.language))
    try:
        return ((pdf(each, printer), table) if printer else (table,)), None
    except PdfError as error:
        return (table,), error


def _whole(month: Period, found: Sequence[Specification]) -> Document:
    name, content = f"specifikation-{month!s}.csv", as_csv(found, "sv")
    made = Document(name, _CSV, content)
    if len(content) <= _MOST_BYTES // 4:
        return made
    return _archive(f"specifikation-{month!s}.zip", month, [made])


def _archive(name: str, month: Period, files: Iterable[Document]) -> Document:
    """The same files in one: the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for each in files:
            about = zipfile.ZipInfo(each.name, (month.end.year, month.end.month, 1, 0, 0, 0))
            archive.writestr(about, each.content, zipfile.ZIP_DEFLATED)
    return Document(name, "application/zip", packed.getvalue())


def pdf(specification: Specification, printer: PdfPrinter) -> Document:
    """One customer's specification as PDF; PdfError where it cannot be printed."""
    content = printer.print(page(specification))
    return Document(f"{specification.name}.pdf", _PDF, content)


def of_statement(printer: PdfPrinter, tx: Tx, desk: Desk, statement_id: int) -> Document:
    """What is put beside a statement's invoice in accounting."""
    (made,) = of_rows(
        tx,
        desk,
        [(statements.by_id(tx, statement_id), tuple(statements.printed_rows(tx, statement_id)))],
    )
    return pdf(made, printer)


# --- CSV --------------------------------------------------------------------------------------

_HEADER: Final = (
    "reference",
    "customer",
    "ticket",
    "subject",
    "date",
    "engineer",
    "minutes",
    "from_bank",
    "overage",
    "billable",
    "correction",
)


def as_csv(found: Iterable[Specification], language: str) -> bytes:
    """Every entry on a line, for a spreadsheet: semicolons, UTF-8 with its mark, no formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_HEADER)
    yes, no = ("ja", "nej") if language == "sv" else ("yes", "no")
    for each in found:
        for line in each.lines:
            work = line.work
            cells = (
                each.reference,
                each.customer,
                work.ticket,
                line.subject,
                work.worked_on,
                line.engineer,
                *line.minutes,
                yes if work.counts else no,
                yes if line.before else no,
            )
            writer.writerow([harmless(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig", "replace")


def harmless(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula, nor splits at what looks like its end."""
    if not isinstance(cell, str):
        return cell
    text = "".join(" " if each < " " or each in "\x7f\u2028\u2029" else each for each in cell)
    return f"'{text}" if text.lstrip()[:1] in _FORMULA else text


# As spreadsheets read them: the wide forms count as well.
_FORMULA: Final = frozenset("=+-@|%＝＋－＠")


# --- the page ---------------------------------------------------------------------------------

_WORDS: Final = {
    "sv": {
        "title": "Specifikation",
        "customer": "Kund",
        "reference": "Referens",
        "row": "Rad",
        "quantity": "Antal",
        "price": "À-pris",
        "amount": "Belopp",
        "net": "Netto",
        "excluding": "Alla belopp i SEK, exklusive moms.",
        "work": "Arbetad tid",
        "ticket": "Ärende",
        "date": "Datum",
        "engineer": "Tekniker",
        "time": "Tid",
        "bank": "Ur timbank",
        "overage": "Utöver bank",
        "charged": "Debiteras",
        "sum": "Summa",
        "free": "debiteras ej",
        "nothing": "Ingen arbetad tid.",
        "left_out": "Kredit som står kvar:",
        "subject": "utan ämne",
        "correction": "rättelse: förut {}, nu {}",
        "divided": "ny fördelning sedan annan tid har ändrats",
        "earlier": "Debiteras nu, specificerat i tidigare månader",
    },
    "en": {
        "title": "Specification",
        "customer": "Customer",
        "reference": "Reference",
        "row": "Row",
        "quantity": "Quantity",
        "price": "Price",
        "amount": "Amount",
        "net": "Net",
        "excluding": "All amounts in SEK, excluding VAT.",
        "work": "Time worked",
        "ticket": "Ticket",
        "date": "Date",
        "engineer": "Engineer",
        "time": "Time",
        "bank": "From bank",
        "overage": "Beyond bank",
        "charged": "Charged",
        "sum": "Sum",
        "free": "not billable",
        "nothing": "No time worked.",
        "left_out": "Credit that stays due:",
        "subject": "no subject",
        "correction": "correction: before {}, now {}",
        "divided": "divided anew because other time has changed",
        "earlier": "Charged now, specified in earlier months",
    },
}

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


def page(specification: Specification) -> str:
    """The page to print; every text from outside is escaped, cut and on one line."""
    words, language = _WORDS[specification.language], specification.language
    title = f"{words['title']} {wording.month(str(specification.month), language)}"
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


def _row(*cells: str, numbers: int, mark: str = "td", kind: str = "") -> str:
    """A table's row whose last cells are numbers."""
    first = len(cells) - numbers
    inside = "".join(
        f"<{mark}{' class=n' if at >= first else ''}>{cell}</{mark}>"
        for at, cell in enumerate(cells)
    )
    return f"<tr{kind and f' class={kind}'}>{inside}</tr>"


def _money_table(specification: Specification, words: Mapping[str, str]) -> list[str]:
    language = specification.language
    billed = [(row, text) for row, text in specification.rows if row.amount is not None]
    heads = (words["row"], words["quantity"], words["price"], words["amount"])
    net = escape(wording.money(specification.net, language))
    found = [
        f"<h2>{words['amount']}</h2><table><thead>{_row(*heads, numbers=3, mark='th')}</thead>"
    ]
    for row, text in billed:
        quantity = wording.number(row.quantity or Decimal(0), language)
        price, amount = (
            wording.number(each.kronor, language) for each in (row.price, row.amount) if each
        )
        found.append(
            _row(
                _line(text),
                f"{escape(quantity)} {row.unit}",
                escape(price),
                escape(amount),
                numbers=3,
            )
        )
    found.append(_row(words["net"], "", "", net, numbers=3, kind="sum") + "</table>")
    if specification.left_out:
        left = escape(wording.money(specification.left_out, language))
        found.append(f"<p>{words['left_out']} {left}</p>")
    return [*found, f"<p>{words['excluding']}</p>"]


def _earlier_table(specification: Specification, words: Mapping[str, str]) -> list[str]:
    if not specification.earlier:
        return []
    return [f"<h2>{words['earlier']}</h2>", *_work_table(specification.earlier, words)]


def _work_table(lines: Sequence[Line], words: Mapping[str, str]) -> list[str]:
    if not lines:
        return []
    # What a bank does not cover may be charged later, when its period has ended (H3).
    beyond = "overage" if any(line.work.banked for line in lines) else "charged"
    names = ("ticket", "date", "engineer", "time", "bank", beyond)
    found = [f"<table><thead>{_row(*(words[n] for n in names), numbers=3, mark='th')}</thead>"]
    sums = [0, 0, 0]
    for line in lines:
        sums = [before + more for before, more in zip(sums, line.minutes, strict=True)]
        found.append(_work_row(line, words))
    found.append(
        _row(words["sum"], "", "", *(_hours(each) for each in sums), numbers=3, kind="sum")
    )
    return [*found, "</table>"]


def _work_row(line: Line, words: Mapping[str, str]) -> str:
    work = line.work
    worked, from_bank, overage = line.minutes
    what = f"#{work.ticket} {_line(line.subject, 90) or words['subject']}"
    if line.before is not None:
        told = words["divided"]
        if worked:
            told = words["correction"].format(_hours(line.before.actual), _hours(work.actual))
        what += f"<br><small>{told}</small>"
    return _row(
        what,
        _day(work.worked_on),
        _line(line.engineer, 40),
        _hours(worked),
        _hours(from_bank),
        _hours(overage) if work.counts else words["free"],
        numbers=3,
    )


def _day(day: dt.date) -> str:
    return f"<span style='white-space:nowrap'>{day.isoformat()}</span>"


def _hours(minutes: int) -> str:
    return escape(wording.hours(minutes)).replace(" ", "&nbsp;") if minutes else "–"
