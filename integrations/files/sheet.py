"""An invoice draft as a page to print, in the invoice's language."""

from decimal import Decimal
from importlib import resources

from jinja2 import Environment, StrictUndefined, Template

from daemon.domain.invoice import InvoiceDraft

_WORDS = {
    "sv": {
        "title": "Fakturautkast",
        "notice": "Fakturautkast – ej bokförd",
        "customer": "Kund",
        "customer_number": "Kundnummer",
        "your_reference": "Er referens",
        "order_number": "Ert ordernummer",
        "number": "Utkastets nummer",
        "reference": "Referens",
        "date": "Fakturadatum",
        "description": "Benämning",
        "quantity": "Antal",
        "unit": "Enhet",
        "price": "À-pris",
        "amount": "Belopp",
        "net": "Summa",
        "without_vat": "exklusive moms",
        "currency": "kr",
        "remarks": "Upplysningar",
        "page": "Sida",
    },
    "en": {
        "title": "Invoice draft",
        "notice": "Invoice draft – not booked",
        "customer": "Customer",
        "customer_number": "Customer number",
        "your_reference": "Your reference",
        "order_number": "Your order number",
        "number": "Draft number",
        "reference": "Reference",
        "date": "Invoice date",
        "description": "Description",
        "quantity": "Quantity",
        "unit": "Unit",
        "price": "Unit price",
        "amount": "Amount",
        "net": "Total",
        "without_vat": "excluding VAT",
        "currency": "SEK",
        "remarks": "Remarks",
        "page": "Page",
    },
}


def html(draft: InvoiceDraft, number: str) -> str:
    """The page; every text from outside is escaped."""
    language = draft.language if draft.language in _WORDS else "sv"
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    environment.filters["amount"] = amount if language == "sv" else english_amount
    page: Template = environment.from_string(
        resources.files(__package__).joinpath("draft.html").read_text("utf-8")
    )
    return page.render(draft=draft, number=number, language=language, words=_WORDS[language])


def amount(value: Decimal) -> str:
    """Two decimals, as Swedes write it: 12 500,00 with a true minus."""
    return f"{value:,.2f}".replace(",", "\u00a0").replace(".", ",").replace("-", "−")


def english_amount(value: Decimal) -> str:
    """Two decimals, as in English: 12,500.00."""
    return f"{value:,.2f}".replace("-", "−")
