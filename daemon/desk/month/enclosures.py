"""Enclosures of finance's mail: specifications as PDF and CSV, in files or an archive (H2, H7)."""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from daemon.desk.month.specification_page import specification_html
from daemon.desk.month.specifications import Specification
from daemon.desk.ports import PdfError, PdfPrinter
from daemon.domain.document import Document
from daemon.domain.periods import Period
from daemon.domain.wording import speaker

MOST_APART: Final = 40  # customers with files of their own in one mail; more come as an archive
MOST_PRINTED: Final = 400  # customers with files of their own in the archive
_MOST_BYTES: Final = 8_000_000  # of all attachments: a mail of 12 MB, as it is sent
_PDF, _CSV = "application/pdf", "text/csv"


@dataclass(frozen=True, slots=True)
class Enclosed:
    """The attachments of finance's mail, and the failures of printing."""

    files: tuple[Document, ...]
    fault: PdfError | None = None
    unprinted: int = 0  # customers without a PDF, because they are too many


def enclose(month: Period, made: Sequence[Specification], printer: PdfPrinter | None) -> Enclosed:
    """One CSV with all, and PDF and CSV for each customer: files of their own, or in an archive.

    The mail's size is bounded: customers billed more than a fee come first, and customers without
    room are counted. A PDF that cannot be printed leaves its CSV alone.
    """
    whole = _whole(month, made)
    told = [each for each in made if each.has_hours]
    papers: dict[str, tuple[Document, ...]] = {}
    left, fault = _MOST_BYTES - len(whole.content), None
    for specification in sorted(told, key=lambda each: not each.is_beyond)[:MOST_PRINTED]:
        printed, met = _papers(specification, None if fault else printer)
        fault = fault or met
        left -= sum(len(paper.content) for paper in printed)
        if left < 0:
            break
        papers[specification.customer_key] = printed
    files = tuple(paper for each in told for paper in papers.get(each.customer_key, ()))
    if len(told) > MOST_APART:
        files = (_archive(f"specifikationer-{month!s}.zip", month, files),)
    return Enclosed((whole, *files), fault, len(told) - len(papers))


def _papers(
    specification: Specification, printer: PdfPrinter | None
) -> tuple[tuple[Document, ...], PdfError | None]:
    content = as_csv([specification], specification.language)
    table = Document(f"{specification.name}.csv", _CSV, content)
    try:
        return ((as_pdf(specification, printer), table) if printer else (table,)), None
    except PdfError as error:
        return (table,), error


def _whole(month: Period, made: Sequence[Specification]) -> Document:
    table = Document(f"specifikation-{month!s}.csv", _CSV, as_csv(made, "sv"))
    if len(table.content) <= _MOST_BYTES // 4:
        return table
    return _archive(f"specifikation-{month!s}.zip", month, [table])


def _archive(name: str, month: Period, files: Iterable[Document]) -> Document:
    """The same files in one: the same bytes each time."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in files:
            about = zipfile.ZipInfo(file.name, (month.end.year, month.end.month, 1, 0, 0, 0))
            archive.writestr(about, file.content, zipfile.ZIP_DEFLATED)
    return Document(name, "application/zip", packed.getvalue())


def as_pdf(specification: Specification, printer: PdfPrinter) -> Document:
    """One customer's specification as PDF; PdfError where it cannot be printed."""
    content = printer.print(specification_html(specification))
    return Document(f"{specification.name}.pdf", _PDF, content)


# --- CSV --------------------------------------------------------------------------------------

_HEADER: Final = (
    "reference;customer;ticket;subject;date;engineer;minutes;from_bank;overage;billable;correction"
)
_FORMULA: Final = frozenset("=+-@|%＝＋－＠")  # spreadsheets read the wide forms as well


def as_csv(made: Iterable[Specification], language: str) -> bytes:
    """Every entry on a line, for a spreadsheet: semicolons, UTF-8 with its mark, no formula."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(_HEADER.split(";"))
    say = speaker(language)
    says = {True: say("ja", "yes"), False: say("nej", "no")}
    for specification in made:
        for line in specification.lines:
            work = line.work
            cells = (
                specification.reference,
                specification.customer,
                work.ticket,
                line.subject,
                work.worked_on,
                line.engineer,
                *line.minutes,
                says[work.counts],
                says[line.before is not None],
            )
            writer.writerow([harmless_cell(cell) for cell in cells])
    return out.getvalue().encode("utf-8-sig", "replace")


def harmless_cell(cell: object) -> object:
    """A cell without formula or line break, as any spreadsheet reads it."""
    if not isinstance(cell, str):
        return cell
    text = "".join(" " if each < " " or each in "\x7f\u2028\u2029" else each for each in cell)
    return f"'{text}" if text.lstrip()[:1] in _FORMULA else text
