"""Fortnox's rules for the payload of an invoice (facts.md 4.2–4.4 and 4.8), for the double."""

import datetime as dt
import math
from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any

from integrations.fortnox.double.answers import refused

BLANK = "API_BLANK"
_FREE = 1024

HEADER_TEXTS: dict[str, int] = {
    **dict.fromkeys(("OurReference", "YourReference"), 50),
    **dict.fromkeys(("ExternalInvoiceReference1", "ExternalInvoiceReference2"), 80),
    **dict.fromkeys(
        (
            *("Remarks", "Comments", "Address1", "Address2", "City", "ZipCode", "CustomerName"),
            *("DeliveryAddress1", "DeliveryAddress2", "DeliveryCity", "DeliveryCountry"),
            *("DeliveryName", "DeliveryZipCode", "Phone1", "Phone2", "Country"),
        ),
        _FREE,
    ),
    **dict.fromkeys(
        (
            *("CustomerNumber", "DocumentNumber", "OCR", "TermsOfPayment", "TermsOfDelivery"),
            *(
                "WayOfDelivery",
                "PriceList",
                "PrintTemplate",
                "PaymentWay",
                "CreditInvoiceReference",
            ),
        ),
        50,
    ),
    "YourOrderNumber": 75,
    "Project": 20,
    "CostCenter": 6,
    "Currency": 3,
}
HEADER_DATES = ("InvoiceDate", "DueDate", "DeliveryDate", "OutboundDate")
HEADER_NUMBERS = ("AdministrationFee", "Freight", "CurrencyRate", "CurrencyUnit")
HEADER_FLAGS = ("VATIncluded", "NotCompleted", "EUQuarterlyReport")
HEADER_WORDS = {
    "Language": ("SV", "EN"),
    "TaxReductionType": ("none", "rot", "rut", "green"),
    "InvoiceType": (
        *("INVOICE", "AGREEMENTINVOICE", "INTRESTINVOICE", "SUMMARYINVOICE", "CASHINVOICE"),
    ),
}
HEADER_OBJECTS = ("EmailInformation", "EDIInformation", "Labels", "InvoiceRows")

ROW_TEXTS = {
    **dict.fromkeys(("ArticleNumber", "StockPointCode", "VATCode", "HouseWorkType"), 50),
    "Description": 255,
    "Unit": 20,
    "Project": 20,
    "CostCenter": 6,
}
ROW_NUMBERS = (
    *("AccountNumber", "DeliveredQuantity", "Discount", "Price", "RowId", "VAT"),
    "HouseWorkHoursToReport",
)

_SIGNS = set(" –:.`´’,;^¤#%§£$€¢¥©™°&/()=+-*_!?²³®½@\\\u00a0\n\r\u0308\u030a")


def check_header(invoice: Mapping[str, Any]) -> None:
    """Refuse an unknown or read-only name, a wrong type or character, and too long a text."""
    for name, value in invoice.items():
        if value is None or value == "":
            continue
        if name in HEADER_TEXTS:
            _text(name, value, HEADER_TEXTS[name])
        elif name in HEADER_DATES:
            day(name, value)
        elif name in HEADER_NUMBERS:
            number(name, value)
        elif name in HEADER_FLAGS:
            _flag(name, value)
        elif name in HEADER_WORDS:
            _word(name, value)
        elif name not in HEADER_OBJECTS:
            raise refused(2001399, f"Felaktigt fältnamn ({name})")


def check_row(row: Any) -> None:
    """The same for a row."""
    if not isinstance(row, dict):
        raise refused(2002649, "Felaktig datastruktur.")
    for name, value in row.items():
        if value is None or value == "":
            continue
        if name in ROW_TEXTS:
            _text(name, value, ROW_TEXTS[name])
        elif name in ROW_NUMBERS:
            number(name, value)
        elif name == "HouseWork":
            _flag(name, value)
        elif name == "DiscountType":
            if value not in {"AMOUNT", "PERCENT"}:
                raise refused(2000755, f"Ogiltig rabattyp: {value}")
        else:
            raise refused(2001399, f"Felaktigt fältnamn ({name})")


def number(name: str, value: Any) -> Decimal:
    """A JSON number, or a string of digits with a point."""
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise refused(2001392, f"Felaktig datatyp ({name})")
    if value == BLANK:
        return Decimal(0)
    try:
        parsed = Decimal(str(value))
    except InvalidOperation:
        raise refused(2000108, f"Värdet måste vara numeriskt. ({name})") from None
    if not math.isfinite(parsed):
        raise refused(2000108, f"Värdet måste vara numeriskt. ({name})")
    return parsed


def day(name: str, value: Any) -> dt.date:
    """A date as YYYY-MM-DD."""
    try:
        return dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
    except (TypeError, ValueError):
        raise refused(2001392, f"Ogiltigt datum ({name})") from None


def rounded(value: Decimal, decimals: int = 2) -> Decimal:
    """Half up, as recorded for quantities and prices."""
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)


def ocr(document_number: str) -> str:
    """Number, a length digit, and Luhn's check digit (facts.md 4.7: 18 → 1842)."""
    base = f"{document_number}{(len(document_number) + 2) % 10}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(base))]
    return f"{base}{-sum(part // 10 + part % 10 for part in doubled) % 10}"


def _text(name: str, value: Any, length: int) -> None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        value = str(value)
    if not isinstance(value, str):
        raise refused(2001392, f"Felaktig datatyp ({name})")
    if not all(sign.isalpha() or sign in _SIGNS or sign in "0123456789" for sign in value):
        raise refused(2000359, f"Värdet innehåller ogiltiga tecken. ({name})")
    if len(value) > length:
        raise refused(None, f"Värdet är för långt, högst {length} tecken. ({name})")


def _flag(name: str, value: Any) -> None:
    if not isinstance(value, bool):
        raise refused(2000134, f"Värdet måste vara booleskt. ({name})")


def _word(name: str, value: Any) -> None:
    if value not in HEADER_WORDS[name]:
        raise refused(2000755, f"Ogiltigt värde ({name})")
