"""Invoice drafts as files: the port `Accounting` for a desk without an accounting system."""

import contextlib
import datetime as dt
import json
import os
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol

from daemon.domain.document import PdfError
from daemon.domain.invoice import (
    AccountingError,
    AccountingInvoice,
    Fault,
    InvoiceDraft,
    InvoiceRow,
    Problem,
)
from daemon.domain.money import Money
from integrations.files import sheet
from integrations.files.whole import locked, write_whole

_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,80}")
_FILE = re.compile(r"([1-9][0-9]*)-([A-Za-z0-9-]{1,80})\.(json|pdf)")
_REMEDY = "Kontrollera att mappen finns, har plats och får skrivas av den som kör avtald."


class Printer(Protocol):
    """Prints the page of a draft; raises PdfError."""

    def print(self, html: str) -> bytes:
        """Give the PDF."""


class FileDrafts:
    """One draft is `<number>-<reference>.json` and, with a printer, `.pdf` beside it.

    The JSON file is the draft. It appears last and whole: a kill leaves either a draft or none. A
    second `create` of a reference gives back the first draft. `find` ignores a draft whose JSON
    file is gone, or says `"cancelled": true`.
    """

    def __init__(self, folder: Path, printer: Printer | None = None) -> None:
        """Keep the drafts in that folder; the first draft makes it."""
        self._folder = folder
        self._printer = printer

    def preflight(self, drafts: Sequence[InvoiceDraft]) -> Sequence[Problem]:
        """The folder's problem, if it takes no files."""
        if not drafts:
            return []
        try:
            with self._locked():
                return []
        except AccountingError as error:
            return [Problem(str(error), error.remedy)]

    def find(self, reference: str) -> Sequence[AccountingInvoice]:
        """Every live draft with exactly this reference."""
        drafts = (self.read(number) for number, kept, kind in self._names() if kept == reference)
        unique = {invoice.number: invoice for invoice in drafts if invoice is not None}
        return [invoice for invoice in unique.values() if not invoice.cancelled]

    def create(self, draft: InvoiceDraft) -> AccountingInvoice:
        """Write the draft, or give back the draft that the reference already has."""
        if not _REFERENCE.fullmatch(draft.reference):
            message = f"referensen {draft.reference!r} kan inte vara ett filnamn"
            raise AccountingError(Fault.BUG, message, remedy="Rapportera felet.")
        with self._locked():
            live = self.find(draft.reference)
            if live:
                return live[0]
            number = self._number_for(draft.reference)
            name = self._folder / f"{number}-{draft.reference}"
            if self._printer is not None:
                write_whole(name.with_suffix(".pdf"), self._printed(draft, number))
            text = json.dumps(_record(draft, number), ensure_ascii=False, indent=2)
            write_whole(name.with_suffix(".json"), f"{text}\n".encode())
            return _invoice(json.loads(text), name.with_suffix(".json"))

    def attach(self, number: str, name: str, pdf: bytes) -> bool:
        """Put the specification beside the draft, under the draft's name and its own."""
        with self._locked():
            draft = self._path(number)
            if draft is None:
                raise AccountingError(Fault.REFUSED, f"utkast {number} finns inte", remedy=_REMEDY)
            plain = re.sub(r"[^\w.-]+", "-", Path(name).name, flags=re.ASCII).strip("-.")
            write_whole(draft.with_name(f"{draft.stem}_{plain or 'bilaga.pdf'}"), pdf)
        return True

    def read(self, number: str) -> AccountingInvoice | None:
        """The draft as its file says now; None: it is gone."""
        path = self._path(number)
        if path is None:
            return None
        try:
            return _invoice(json.loads(path.read_text("utf-8")), path)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{path.name} går inte att läsa: {type(error).__name__}"
            raise AccountingError(
                Fault.BUG, message, remedy="Återställ eller ta bort filen."
            ) from error

    def changed_since(self, instant: dt.datetime | None) -> Sequence[AccountingInvoice]:
        """The drafts whose file was written since then; None: all of them."""
        since = instant.timestamp() if instant else 0.0
        names = [(number, reference) for number, reference, kind in self._names() if kind == "json"]
        drafts = [
            self.read(number)
            for number, reference in names
            if (self._folder / f"{number}-{reference}.json").stat().st_mtime >= since
        ]
        return [invoice for invoice in drafts if invoice is not None]

    def redact(
        self, rewrite: Callable[[str], str], customers: Collection[str], *, dry_run: bool = False
    ) -> Sequence[str]:
        """Rewrite the texts of drafts, and remove the specifications of these customers (K2).

        Numbers, amounts and the name of the customer stay. Gives the files that were changed; a
        specification is made again with the next push.
        """
        if not self._folder.is_dir():
            return []
        with self._locked():
            redacted = list(self._redacted(rewrite, dry_run=dry_run))
            doomed = [*self._specifications(customers), *self._folder.glob(".*.new")]
            for path in () if dry_run else doomed:
                path.unlink(missing_ok=True)
        return sorted([*redacted, *(path.name for path in doomed)])

    def _redacted(self, rewrite: Callable[[str], str], *, dry_run: bool) -> Iterator[str]:
        for number, reference, kind in self._names():
            path = self._folder / f"{number}-{reference}.json"
            if kind != "json":
                continue
            record = json.loads(path.read_text("utf-8"))
            new = _rewritten(record, rewrite)
            if new != record:
                if not dry_run:
                    self._write_again(path, new)
                yield path.name

    def _write_again(self, path: Path, record: Mapping[str, Any]) -> None:
        """Write the PDF first: while the JSON has the old words, the work is known to be undone."""
        page = path.with_suffix(".pdf")
        if page.exists():
            page.unlink()
            with contextlib.suppress(AccountingError):  # the JSON is the draft
                if self._printer is not None:
                    write_whole(page, self._printed(_draft(record), str(record["number"])))
        text = json.dumps(record, ensure_ascii=False, indent=2)
        write_whole(path, f"{text}\n".encode())

    def _specifications(self, customers: Collection[str]) -> Iterator[Path]:
        for number, reference, kind in self._names():
            path = self._folder / f"{number}-{reference}.json"
            if kind == "json" and json.loads(path.read_text("utf-8"))["customer"] in customers:
                yield from self._folder.glob(f"{number}-{reference}_*")

    def stop(self) -> None:
        """Nothing to end: no method waits for long."""

    def close(self) -> None:
        """Nothing is open."""

    def _printed(self, draft: InvoiceDraft, number: str) -> bytes:
        assert self._printer is not None  # noqa: S101 - the caller looked
        try:
            return self._printer.print(sheet.html(draft, number))
        except PdfError as error:
            fault = Fault.ACCESS if error.remedy else Fault.BUG
            raise AccountingError(fault, str(error), remedy=error.remedy) from error

    def _number_for(self, reference: str) -> str:
        """The next number; a PDF left by a kill before its JSON keeps its number."""
        names = list(self._names())
        drafts = {number for number, _, kind in names if kind == "json"}
        for number, kept, kind in names:
            if kept == reference and kind == "pdf" and number not in drafts:
                return number
        return str(max((int(number) for number, _, _ in names), default=0) + 1)

    def _path(self, number: str) -> Path | None:
        for kept_number, reference, kind in self._names():
            if kept_number == number and kind == "json":
                return self._folder / f"{number}-{reference}.json"
        return None

    def _names(self) -> Iterator[tuple[str, str, str]]:
        """Number, reference and kind of every file of a draft."""
        try:
            names = sorted(os.listdir(self._folder))  # noqa: PTH208 - only the names
        except FileNotFoundError:
            return
        except OSError as error:
            raise _unusable(self._folder, error) from error
        for name in names:
            match = _FILE.fullmatch(name)
            if match:
                yield match[1], match[2], match[3]

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        """One writer at a time among all processes; the system frees a killed process's lock."""
        try:
            with locked(self._folder / ".lock"):
                yield
        except OSError as error:
            raise _unusable(self._folder, error) from error


def _unusable(folder: Path, error: OSError) -> AccountingError:
    message = f"utkasten kan inte skrivas i {folder}: {error.strerror or error}"
    return AccountingError(Fault.ACCESS, message, remedy=_REMEDY)


def _record(draft: InvoiceDraft, number: str) -> dict[str, Any]:
    return {
        "number": number,
        "reference": draft.reference,
        "customer": draft.customer_key,
        "customer_name": draft.customer_name,
        "accounting_number": draft.accounting_number,
        "date": draft.date.isoformat(),
        "language": draft.language,
        "our_reference": draft.our_reference,
        "your_reference": draft.your_reference,
        "order_number": draft.order_number,
        "currency": "SEK",
        "rows": [
            {
                "kind": row.kind,
                "description": row.description,
                "quantity": f"{row.quantity:.2f}",
                "unit": row.unit,
                "price": str(row.price),
                "amount": str(row.amount),
            }
            for row in draft.rows
        ],
        "net": str(draft.net),
        "remarks": draft.remarks,
        "booked": False,
        "sent": False,
        "cancelled": False,
        "paid_on": None,
    }


_FREE_TEXTS = ("our_reference", "your_reference", "order_number", "remarks")


def _rewritten(record: Mapping[str, Any], rewrite: Callable[[str], str]) -> dict[str, Any]:
    """A draft's record with its free texts rewritten."""
    texts = {name: rewrite(record[name]) for name in _FREE_TEXTS if record.get(name)}
    rows = [row | {"description": rewrite(row["description"])} for row in record["rows"]]
    return {**record, **texts, "rows": rows}


def _draft(record: Mapping[str, Any]) -> InvoiceDraft:
    """The draft of a record, to be printed again."""
    return InvoiceDraft(
        reference=record["reference"],
        customer_key=record["customer"],
        customer_name=record["customer_name"],
        accounting_number=record["accounting_number"],
        date=dt.date.fromisoformat(record["date"]),
        language=record["language"],
        our_reference=record["our_reference"],
        your_reference=record["your_reference"],
        order_number=record["order_number"],
        remarks=record["remarks"],
        rows=_rows(record),
    )


def _rows(record: Mapping[str, Any]) -> tuple[InvoiceRow, ...]:
    return tuple(
        InvoiceRow(
            kind=row["kind"],
            description=row["description"],
            quantity=Decimal(row["quantity"]),
            unit=row["unit"],
            price=Money.parse(row["price"]),
        )
        for row in record["rows"]
    )


def _invoice(record: Mapping[str, Any], path: Path) -> AccountingInvoice:
    paid_on = record.get("paid_on")
    return AccountingInvoice(
        number=str(record["number"]),
        reference=str(record["reference"]),
        net=Money.parse(record["net"]),
        rows=_rows(record),
        booked=bool(record.get("booked")),
        sent=bool(record.get("sent")),
        cancelled=bool(record.get("cancelled")),
        paid_on=dt.date.fromisoformat(paid_on) if paid_on else None,
        link=path.resolve().as_uri(),
    )
