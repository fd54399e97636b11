"""An invoice made out of a payload as in Fortnox: references, defaults, rows, VAT and totals."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from integrations.fortnox.double.answers import refused
from integrations.fortnox.double.registers import Entry, Registers
from integrations.fortnox.double.rules import (
    BLANK,
    HEADER_NUMBERS,
    check_header,
    check_row,
    day,
    number,
    ocr,
    rounded,
)

Invoice = dict[str, Any]
_ACCOUNT_OF = {"EUREVERSEDVAT": "EUAccount", "EXPORT": "ExportAccount"}
_WITHOUT_VAT = frozenset({"EUREVERSEDVAT", "EXPORT", "SEREVERSEDVAT"})
_ZERO = Decimal(0)


def new(sent: Mapping[str, Any], registers: Registers, today: dt.date, next_number: int) -> Invoice:
    """A complete invoice in the state of a draft, or a refusal."""
    check_header(sent)
    given = {name: value for name, value in sent.items() if not _is_absent(value)}
    customer = _customer(given, registers)
    invoice_date = day("InvoiceDate", given.get("InvoiceDate") or today.isoformat())
    _check_period(invoice_date, registers)
    document_number = str(given.get("DocumentNumber") or next_number)
    invoice = {
        **_state(document_number),
        **_defaults(customer, registers, invoice_date, document_number),
        **{name: value for name, value in given.items() if name != "InvoiceRows"},
        "DocumentNumber": document_number,
    }
    _check_references(invoice, registers)
    put_rows(invoice, sent.get("InvoiceRows") or [], registers)
    return invoice


def change(invoice: Invoice, sent: Mapping[str, Any], registers: Registers) -> None:
    """A partial change: absent and empty fields stay, API_BLANK clears, rows by RowId or place."""
    check_header(sent)
    for name, value in sent.items():
        if name == "InvoiceRows" or value is None or value == "":
            continue
        invoice[name] = "" if value == BLANK else value
    _check_references(invoice, registers)
    kept = [{"RowId": row["RowId"]} for row in invoice["InvoiceRows"]]
    rows = sent.get("InvoiceRows")
    put_rows(invoice, kept if rows is None else rows, registers)


def put_rows(invoice: Invoice, rows: Any, registers: Registers) -> None:
    """Set the rows, and every sum over them."""
    if not isinstance(rows, list):
        raise refused(2002649, "Felaktig datastruktur.")
    for row in rows:
        if not isinstance(row, dict):
            raise refused(2002649, "Felaktig datastruktur.")
    merged = list(_merged(invoice.get("InvoiceRows") or [], rows))
    invoice["InvoiceRows"] = [_row(row, invoice, registers) for row in merged]
    _sum(invoice, registers)


def list_item(invoice: Invoice) -> Entry:
    """An invoice in the form of a list: no rows, no Credit, no Net (facts.md 3.3)."""
    names = (
        *("@url", "Balance", "Booked", "Cancelled", "CostCenter", "Currency", "CurrencyUnit"),
        *("CustomerName", "CustomerNumber", "DocumentNumber", "DueDate", "FinalPayDate"),
        *("ExternalInvoiceReference1", "ExternalInvoiceReference2", "InvoiceDate", "InvoiceType"),
        *("NoxFinans", "OCR", "Project", "Sent", "TermsOfPayment", "Total", "VoucherNumber"),
        *("VoucherSeries", "VoucherYear", "WayOfDelivery"),
    )
    return {**{name: invoice.get(name) for name in names}, "CurrencyRate": "1"}


def _is_absent(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in {"", BLANK})


def _customer(given: Mapping[str, Any], registers: Registers) -> Entry:
    customer_number = str(given.get("CustomerNumber") or "")
    if not customer_number:
        raise refused(2001795, "Fält saknas: CustomerNumber")
    if customer_number not in registers.customers:
        raise refused(2000433, f"Kunde inte hitta kund {customer_number}.")
    return registers.customers[customer_number]


def _check_period(invoice_date: dt.date, registers: Registers) -> None:
    locked = registers.locked_until
    if locked and invoice_date <= dt.date.fromisoformat(locked):
        raise refused(None, f"Perioden är låst till och med {locked}.")


def _check_references(invoice: Invoice, registers: Registers) -> None:
    if str(invoice["TermsOfPayment"]).upper() not in registers.terms:
        raise refused(2000429, "Kunde inte hitta betalningsvillkor.")
    if invoice["Currency"] not in registers.currencies:
        raise refused(None, "Kunde inte hitta valuta.")
    if invoice["Country"] not in registers.countries:
        raise refused(2000919, f"Ogiltigt land: {invoice['Country']}")


def _state(document_number: str) -> Invoice:
    nothing = dict.fromkeys(
        (
            *("DeliveryDate", "FinalPayDate", "VoucherNumber", "VoucherSeries", "VoucherYear"),
            *("TaxReduction", "LastRemindDate", "TimeBasisReference"),
        )
    )
    empty = dict.fromkeys(
        (
            *("Comments", "Remarks", "CostCenter", "Project", "OurReference", "YourReference"),
            *("YourOrderNumber", "ExternalInvoiceReference1", "ExternalInvoiceReference2"),
            *("InvoicePeriodStart", "InvoicePeriodEnd", "WayOfDelivery", "TermsOfDelivery"),
            *("PaymentWay", "DeliveryName", "DeliveryAddress1", "DeliveryCity", "Phone1"),
        ),
        "",
    )
    references = dict.fromkeys(
        ("CreditInvoiceReference", "InvoiceReference", "OfferReference", "OrderReference"), "0"
    )
    no = dict.fromkeys(
        ("Booked", "Sent", "Cancelled", "NotCompleted", "HouseWork", "NoxFinans"), False
    )
    return {
        "@url": f"https://api.fortnox.se/3/invoices/{document_number}",
        **nothing,
        **empty,
        **references,
        **no,
        "Credit": "false",
        "ContractReference": "0",
        "Reminders": 0,
        "InvoiceRows": [],
        "EmailInformation": {"EmailBody": " ", "EmailAddressTo": "", "EmailSubject": ""},
        "EDIInformation": dict.fromkeys(("EDIGlobalLocationNumber", "EDIInvoiceExtra1")),
    }


def _defaults(
    customer: Entry, registers: Registers, invoice_date: dt.date, document_number: str
) -> Invoice:
    due = invoice_date + dt.timedelta(days=registers.terms.get(customer["TermsOfPayment"], 30))
    return {
        "CustomerName": customer["Name"],
        "Country": customer["Country"],
        **{name: customer[name] for name in ("OrganisationNumber", "Address1", "City", "ZipCode")},
        "Currency": customer["Currency"],
        "CurrencyRate": 1,
        "CurrencyUnit": 1,
        "InvoiceDate": invoice_date.isoformat(),
        "OutboundDate": invoice_date.isoformat(),
        "DueDate": due.isoformat(),
        "TermsOfPayment": customer["TermsOfPayment"],
        "PriceList": customer["PriceList"],
        "PrintTemplate": "st",
        "Language": "SV",
        "InvoiceType": "INVOICE",
        "VATIncluded": False,
        "AccountingMethod": "ACCRUAL",
        "Freight": 0,
        "AdministrationFee": registers.administration_fee,
        "OCR": ocr(document_number),
        "TaxReductionType": "none",
        "Labels": [],
    }


def _merged(old: Sequence[Entry], sent: Sequence[Entry]) -> Iterator[Entry]:
    """Rows with a RowId keep their old values; without any RowId, rows match by place (facts.md
    4.4).
    """
    by_id = {row["RowId"]: row for row in old}
    places: list[Entry] = [] if any(row.get("RowId") for row in sent) else list(old)
    for place, row in enumerate(sent):
        if row.get("RowId"):
            if row["RowId"] not in by_id:
                raise refused(2000755, "Ogiltig rad.")
            before = by_id[row["RowId"]]
        else:
            before = places[place] if place < len(places) else {}
        kept = {name: before[name] for name in before if name in _ROW_WRITABLE}
        yield {**kept, **{name: value for name, value in row.items() if not _is_absent(value)}}


def _row(row: Entry, invoice: Invoice, registers: Registers) -> Entry:
    check_row(row)
    article = _article(row, registers)
    customer = registers.customers[str(invoice["CustomerNumber"])]
    account = _account(row, article, customer, registers)
    vat = _vat(row, article, customer)
    quantity = rounded(number("DeliveredQuantity", row.get("DeliveredQuantity") or 0))
    price = rounded(number("Price", row.get("Price", (article or {}).get("SalesPrice", 0))))
    discount = number("Discount", row.get("Discount") or 0)
    percent = row.get("DiscountType", "PERCENT") == "PERCENT"
    off = quantity * price * discount / 100 if percent else discount
    total = rounded(quantity * price - off)
    factor = 1 + vat / 100 if invoice["VATIncluded"] else Decimal(1)
    unit = str(row.get("Unit") or (article or {}).get("Unit") or "")
    if unit and unit not in registers.units:
        raise refused(2000432, f"Kunde inte hitta enhet {unit}.")
    return {
        "AccountNumber": account,
        "ArticleNumber": str(row.get("ArticleNumber") or ""),
        "ContributionPercent": "0",
        "ContributionValue": "0",
        "Cost": 0,
        "CostCenter": row.get("CostCenter", ""),
        "Project": row.get("Project", ""),
        "Description": row.get("Description") or (article or {}).get("Description", ""),
        "DeliveredQuantity": f"{quantity.normalize():f}",
        "Unit": unit,
        "Price": price,
        "PriceExcludingVAT": rounded(price / factor),
        "Discount": discount,
        "DiscountType": row.get("DiscountType", "PERCENT"),
        "Total": total,
        "TotalExcludingVAT": rounded(total / factor),
        "VAT": vat,
        "VATCode": row.get("VATCode"),
        "StockPointCode": row.get("StockPointCode"),
        "HouseWork": False,
        "HouseWorkHoursToReport": None,
        "HouseWorkType": None,
        "RowId": 0,
    }


def _article(row: Entry, registers: Registers) -> Entry | None:
    article_number = str(row.get("ArticleNumber") or "")
    if not article_number:
        return None
    if article_number not in registers.articles:
        raise refused(2001302, f"Kunde inte hitta artikel {article_number}.")
    return registers.articles[article_number]


def _account(row: Entry, article: Entry | None, customer: Entry, registers: Registers) -> int:
    if "AccountNumber" in row:
        account = int(number("AccountNumber", row["AccountNumber"]))
        if account and account not in registers.accounts:
            raise refused(2001304, f"Kunde inte hitta konto {account}.")
        return account
    if article is None:
        raise refused(2001304, "Kunde inte hitta konto.")
    return int(article[_ACCOUNT_OF.get(customer["VATType"], "SalesAccount")])


def _vat(row: Entry, article: Entry | None, customer: Entry) -> Decimal:
    if customer["VATType"] in _WITHOUT_VAT:
        return _ZERO
    return number("VAT", row.get("VAT", (article or {}).get("VAT", 25)))


def _sum(invoice: Invoice, registers: Registers) -> None:
    """Net, VAT and total as in Fortnox's own sample (facts.md 4.5); to whole kronor."""
    rows = invoice["InvoiceRows"]
    for name in HEADER_NUMBERS:
        invoice[name] = number(name, invoice.get(name) or 0)
    customer = registers.customers[str(invoice["CustomerNumber"])]
    rate = _ZERO if customer["VATType"] in _WITHOUT_VAT else Decimal("0.25")
    net = sum((row["TotalExcludingVAT"] for row in rows), _ZERO)
    freight_vat = rounded(invoice["Freight"] * rate)
    fee_vat = rounded(invoice["AdministrationFee"] * rate)
    rows_vat = sum((row["TotalExcludingVAT"] * Decimal(row["VAT"]) / 100 for row in rows), _ZERO)
    vat = rounded(rows_vat) + freight_vat + fee_vat
    exact = net + invoice["Freight"] + invoice["AdministrationFee"] + vat
    total = rounded(exact, 0)
    invoice.update(
        {
            "Net": net,
            "Gross": net,
            "TotalVAT": vat,
            "RoundOff": total - exact,
            "FreightVAT": freight_vat,
            "AdministrationFeeVAT": fee_vat,
            "Total": total,
            "TotalToPay": total,
            "Balance": _ZERO if invoice["FinalPayDate"] or invoice["Cancelled"] else total,
        }
    )


_ROW_WRITABLE = frozenset(
    {
        *("AccountNumber", "ArticleNumber", "CostCenter", "DeliveredQuantity", "Description"),
        *("Discount", "DiscountType", "Price", "Project", "RowId", "StockPointCode", "Unit"),
        *("VAT", "VATCode"),
    }
)
