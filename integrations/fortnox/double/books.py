"""The invoices behind the Fortnox double: each change is one commit, in memory or in a file."""

import datetime as dt
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from integrations.fortnox.double import invoicing
from integrations.fortnox.double.answers import missing, refused
from integrations.fortnox.double.invoicing import Invoice
from integrations.fortnox.double.registers import Registers


@dataclass(slots=True)
class Books:
    """The tenant's invoices by number, and the files attached to them."""

    registers: Registers
    now: Callable[[], dt.datetime]
    file: Path | None = None
    invoices: dict[str, Invoice] = field(default_factory=dict)
    changed_at: dict[str, dt.datetime] = field(default_factory=dict)
    attachments: list[dict[str, Any]] = field(default_factory=list)
    uploads: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    first_number: int = 1
    last_row: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def load(self) -> None:
        """Read the file, if there is one."""
        if self.file and self.file.exists():
            state = json.loads(self.file.read_text(), parse_float=Decimal)
            self.invoices, self.last_row = state["invoices"], state["last_row"]
            self.changed_at = dict.fromkeys(self.invoices, self.now())

    def get(self, document_number: str) -> Invoice:
        """One invoice, or 404 in capitals."""
        if document_number not in self.invoices:
            raise missing(2000434, "Kan inte hitta fakturan.")
        return self.invoices[document_number]

    def create(self, sent: Mapping[str, Any]) -> Invoice:
        """Check and store a new invoice: even a copy of another is a new one."""
        with self.lock:
            invoice = invoicing.new(sent, self.registers, self.now().date(), self._next())
            if invoice["DocumentNumber"] in self.invoices:
                raise refused(None, "Fakturanumret används redan.")
            self.invoices[invoice["DocumentNumber"]] = invoice
            self._commit(invoice)
            return invoice

    def update(self, document_number: str, sent: Mapping[str, Any]) -> Invoice:
        """A partial change, refused once the invoice is booked or cancelled (facts.md 4.4)."""
        with self.lock:
            invoice = self._open(document_number)
            changed = dict(invoice)
            invoicing.change(changed, sent, self.registers)
            invoice.update(changed)
            self._commit(invoice)
            return invoice

    def book(self, document_number: str) -> Invoice:
        """Book it: it gets a voucher, and can no longer be changed."""
        with self.lock:
            invoice = self._open(document_number)
            vouchers = sum(bool(other["Booked"]) for other in self.invoices.values())
            voucher = {"VoucherNumber": vouchers + 1, "VoucherSeries": "B"}
            year = int(invoice["InvoiceDate"][:4])
            return self._set(invoice, Booked=True, VoucherYear=year, **voucher)

    def cancel(self, document_number: str) -> Invoice:
        """Void it; it keeps its number."""
        with self.lock:
            invoice = self._open(document_number)
            return self._set(invoice, Cancelled=True, Balance=Decimal(0))

    def send(self, document_number: str) -> Invoice:
        """Mark it as sent."""
        with self.lock:
            return self._set(self.get(document_number), Sent=True)

    def pay(self, document_number: str, paid_on: dt.date) -> Invoice:
        """Mark it as paid in full."""
        with self.lock:
            invoice = self.get(document_number)
            return self._set(invoice, FinalPayDate=paid_on.isoformat(), Balance=Decimal(0))

    def credit(self, document_number: str) -> Invoice:
        """Make a credit note, and give back the credited invoice; it names the note."""
        with self.lock:
            invoice = self.get(document_number)
            note_number = str(self._next())
            rows = [
                {**row, "DeliveredQuantity": f"{-Decimal(row['DeliveredQuantity'])}"}
                for row in invoice["InvoiceRows"]
            ]
            note = {**invoice, "DocumentNumber": note_number, "InvoiceRows": []}
            note.update(Booked=False, Sent=False, Credit="true", FinalPayDate=None)
            note["CreditInvoiceReference"] = document_number
            invoicing.put_rows(note, [_writable(row) for row in rows], self.registers)
            self.invoices[note_number] = note
            self._commit(note)
            return self._set(invoice, CreditInvoiceReference=note_number)

    def remove(self, document_number: str) -> None:
        """Make it vanish, as only Fortnox's own support could."""
        with self.lock:
            del self.invoices[document_number]
            self._write()

    def _open(self, document_number: str) -> Invoice:
        invoice = self.get(document_number)
        if invoice["Booked"] or invoice["Cancelled"]:
            raise refused(2003125, "Ett klarmarkerat dokument kan inte ändras")
        return invoice

    def _set(self, invoice: Invoice, **values: Any) -> Invoice:
        invoice.update(values)
        self._commit(invoice, rows=False)
        return invoice

    def _next(self) -> int:
        return max((int(number) for number in self.invoices), default=self.first_number - 1) + 1

    def _commit(self, invoice: Invoice, *, rows: bool = True) -> None:
        """Row ids are given anew at every change of the rows."""
        for row in invoice["InvoiceRows"] if rows else ():
            self.last_row += 1
            row["RowId"] = self.last_row
        self.changed_at[invoice["DocumentNumber"]] = self.now()
        self._write()

    def _write(self) -> None:
        """Write the file, whole or not at all."""
        if self.file is None:
            return
        draft = self.file.with_name(self.file.name + ".new")
        state = {"invoices": self.invoices, "last_row": self.last_row}
        with draft.open("w") as target:
            json.dump(state, target, default=float)
            target.flush()
            os.fsync(target.fileno())
        draft.replace(self.file)


def _writable(row: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("ArticleNumber", "AccountNumber", "Description", "DeliveredQuantity", "Unit", "Price")
    return {name: row[name] for name in kept}
