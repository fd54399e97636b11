"""Between our draft and Fortnox's invoice (facts.md 4), without any network."""

import datetime as dt
import json
import re
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from daemon.domain.invoice import (
    CURRENCY,
    AccountingError,
    AccountingInvoice,
    Fault,
    InvoiceDraft,
    InvoiceRow,
)
from daemon.domain.money import Money, total
from integrations.fortnox import texts
from integrations.fortnox.settings import FortnoxSettings

_FLAGS = ("Booked", "Cancelled", "Sent")  # absent is not false: an act would be hidden
_FEES = ("Freight", "AdministrationFee")
_REFERENCE = re.compile(r"[A-Za-z0-9-]{1,80}")


def payload(draft: InvoiceDraft, settings: FortnoxSettings) -> dict[str, Any]:
    """The body of POST /3/invoices (facts.md 4.9); it names every value that a company could
    default.
    """
    if not _REFERENCE.fullmatch(draft.reference):
        raise _bug(f"referensen {draft.reference!r} kan inte sökas säkert i Fortnox")
    if not draft.accounting_number:
        raise AccountingError(
            Fault.REFUSED,
            f"{draft.customer_name} saknar kundnummer i Fortnox",
            remedy=f"Ange accounting_number för kunden {draft.customer_key} i registret.",
        )
    invoice = {
        "CustomerNumber": draft.accounting_number,
        "InvoiceType": "INVOICE",
        "InvoiceDate": draft.date.isoformat(),
        "DeliveryDate": draft.date.isoformat(),
        "Currency": CURRENCY,
        "Language": "EN" if draft.language == "en" else "SV",
        "VATIncluded": False,
        "Freight": 0,
        "AdministrationFee": 0,
        "ExternalInvoiceReference1": draft.reference,
        "OurReference": texts.clean_line(draft.our_reference, texts.REFERENCE_LENGTH),
        "YourReference": texts.clean_line(draft.your_reference, texts.REFERENCE_LENGTH),
        "YourOrderNumber": texts.clean_line(draft.order_number, texts.ORDER_NUMBER_LENGTH),
        "Remarks": texts.clean_lines(draft.remarks, texts.LONG_LENGTH),
        "Comments": f"key={draft.reference}",
        "InvoiceRows": [_row(row, settings) for row in draft.rows],
    }
    return {"Invoice": {name: value for name, value in invoice.items() if value != ""}}


def encode(value: Any) -> bytes:
    """JSON in UTF-8; a Decimal keeps its digits: 8000.10 is never 8000.1000000000004."""
    return _text(value).encode()


def invoice_of(body: Any, settings: FortnoxSettings) -> AccountingInvoice:
    """Read an invoice with its rows from an answer; ValueError for an answer of another shape."""
    invoice = member(body, "Invoice")
    rows = invoice.get("InvoiceRows") or []
    if not isinstance(rows, list) or not invoice.get("DocumentNumber") or "Credit" not in invoice:
        raise ValueError("no DocumentNumber, Credit or rows in the answer")
    return _facts(
        invoice,
        settings,
        net=Money.of(_number(invoice.get("Net"))),
        rows=tuple(_row_of(row, settings) for row in rows),
    )


def item_of(item: Mapping[str, Any], settings: FortnoxSettings) -> AccountingInvoice:
    """Read an invoice from a list; a list tells neither rows nor net nor credit notes."""
    if not item.get("DocumentNumber"):
        raise ValueError("no DocumentNumber in the list")
    return _facts(item, settings, net=None, rows=())


def member(body: Any, name: str) -> dict[str, Any]:
    """The object under this name; ValueError for an answer of another shape."""
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, dict):
        raise ValueError(f"no {name} in the answer")  # noqa: TRY004 - the same one error
    return value


def reference_of(item: Mapping[str, Any]) -> str:
    """The exact text of ExternalInvoiceReference1."""
    return str(item.get("ExternalInvoiceReference1") or "")


def _facts(
    invoice: Mapping[str, Any],
    settings: FortnoxSettings,
    *,
    net: Money | None,
    rows: tuple[InvoiceRow, ...],
) -> AccountingInvoice:
    unknown = [name for name in _FLAGS if name not in invoice]
    if unknown:
        raise ValueError(f"no {unknown[0]} in the answer")
    number = str(invoice["DocumentNumber"])
    credit = _flag(invoice.get("Credit"))
    other = str(invoice.get("CreditInvoiceReference") or "0")
    return AccountingInvoice(
        number=number,
        reference=reference_of(invoice),
        net=net,
        rows=rows,
        booked=_flag(invoice.get("Booked")),
        sent=_flag(invoice.get("Sent")),
        cancelled=_flag(invoice.get("Cancelled")),
        credit=credit,
        credited_by=other if other != "0" and not credit else None,
        paid_on=_date(invoice.get("FinalPayDate")),
        link=settings.link(number),
        customer_number=_told(invoice.get("CustomerNumber")),
        date=_date(invoice.get("InvoiceDate")),
        currency=_told(invoice.get("Currency")),
        fees=total(Money.of(_number(invoice.get(name) or 0)) for name in _FEES),
    )


def _told(value: Any) -> str | None:
    return str(value) if value else None


def _row(row: InvoiceRow, settings: FortnoxSettings) -> dict[str, Any]:
    if row.quantity != round(row.quantity, 2):
        raise _bug(f"antalet {row.quantity} har fler än två decimaler, och Fortnox avrundar det")
    if row.kind not in {"fee", "overage"}:
        raise _bug(f"en rad av slaget {row.kind!r} hör inte hemma i Fortnox")
    return {
        "ArticleNumber": settings.fee_article if row.kind == "fee" else settings.hour_article,
        "Description": texts.clean_line(row.description, texts.ROW_LENGTH),
        "DeliveredQuantity": f"{row.quantity:.2f}",
        "Unit": row.unit,
        "Price": row.price.kronor,
    }


def _row_of(row: Any, settings: FortnoxSettings) -> InvoiceRow:
    if not isinstance(row, dict):
        raise ValueError("a row is no object")  # noqa: TRY004 - the answer's shape is a value here
    article = str(row.get("ArticleNumber") or "")
    kinds = {settings.hour_article: "overage", settings.fee_article: "fee"}
    return InvoiceRow(
        kind=kinds.get(article, "other" if article else "text"),
        description=str(row.get("Description") or ""),
        quantity=_number(row.get("DeliveredQuantity")),
        unit=str(row.get("Unit") or ""),
        price=Money.of(_number(row.get("Price"))),
    )


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}:{_text(part)}" for key, part in value.items())
        return f"{{{','.join(members)}}}"
    if isinstance(value, list):
        return f"[{','.join(map(_text, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _number(value: Any) -> Decimal:
    try:
        number = Decimal(str(value))
    except InvalidOperation as error:
        raise ValueError(f"{value!r} is no number") from error
    if not number.is_finite():
        raise ValueError(f"{value!r} is no number")
    return number


def _flag(value: Any) -> bool:
    """Fortnox writes some flags as words: `"Credit": "false"` (facts.md 4.7)."""
    return value is True or str(value).lower() == "true"


def _date(value: Any) -> dt.date | None:
    return dt.date.fromisoformat(value) if isinstance(value, str) and value else None


def _bug(message: str) -> AccountingError:
    return AccountingError(Fault.BUG, message, remedy="Rapportera felet med felmeddelandet.")
