"""The registers behind the Fortnox double: customers, articles, units, terms, contracts."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from integrations.fortnox.double.answers import missing

Entry = dict[str, Any]


@dataclass(slots=True)
class Registers:
    """The entries for an invoice to refer to; `seeded` gives a small Swedish company."""

    customers: dict[str, Entry] = field(default_factory=dict)
    articles: dict[str, Entry] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=lambda: {"st": "Styck", "h": "Timmar"})
    terms: dict[str, int] = field(default_factory=lambda: {"30": 30, "10": 10})
    accounts: set[int] = field(default_factory=lambda: {3001, 3041, 3305, 3308})
    countries: set[str] = field(default_factory=lambda: {"Sverige", "Norge", "Norway", "Finland"})
    currencies: set[str] = field(default_factory=lambda: {"SEK", "EUR"})
    contracts: list[Entry] = field(default_factory=list)
    locked_until: str | None = None
    administration_fee: Decimal = Decimal(0)  # the tenant's default, added where none is sent

    def add_customer(self, customer_number: str, name: str, **more: Any) -> None:
        """A customer with the usual values; `more` sets others (`Active=False`, `VATType=…`)."""
        self.customers[customer_number] = {
            "@url": f"https://api.fortnox.se/3/customers/{customer_number}",
            "CustomerNumber": customer_number,
            "Name": name,
            "Active": True,
            "Currency": "SEK",
            "VATType": "SEVAT",
            "TermsOfPayment": "30",
            "Country": "Sverige",
            "OrganisationNumber": "",
            "Email": "",
            "City": "",
            "ZipCode": "",
            "Phone": "",
            "Address1": "",
            "Address2": "",
            "Type": "COMPANY",
            "PriceList": "A",
            **more,
        }

    def add_article(self, article_number: str, description: str, **more: Any) -> None:
        """An article for services with 25 % VAT; `more` sets others (`Active=False`)."""
        self.articles[article_number] = {
            "@url": f"https://api.fortnox.se/3/articles/{article_number}",
            "ArticleNumber": article_number,
            "Description": description,
            "Active": True,
            "SalesPrice": 0,
            "SalesAccount": 3041,
            "EUAccount": 3308,
            "ExportAccount": 3305,
            "VAT": 25,
            "Unit": "st",
            "Type": "SERVICE",
            **more,
        }

    def add_contract(self, document_number: str, customer_number: str, **more: Any) -> None:
        """A running contract (facts.md 6)."""
        self.contracts.append(
            {
                "DocumentNumber": document_number,
                "CustomerNumber": customer_number,
                "Status": "ACTIVE",
                "Continuous": True,
                "PeriodEnd": "2026-12-31",
                **more,
            }
        )

    def customer(self, customer_number: str) -> Entry:
        """One customer, or 404."""
        if customer_number not in self.customers:
            raise missing(2000433, "Kan inte hitta kunden.")
        return self.customers[customer_number]

    def article(self, article_number: str) -> Entry:
        """One article, or 404."""
        if article_number not in self.articles:
            raise missing(2000428, "Kan inte hitta artikeln.")
        return self.articles[article_number]

    def unit(self, code: str) -> Entry:
        """One unit, or 404."""
        if code not in self.units:
            raise missing(2000432, "Kan inte hitta enheten.")
        return {"Code": code, "Description": self.units[code]}

    def term(self, code: str) -> Entry:
        """One term of payment, or 404."""
        if code.upper() not in self.terms:
            raise missing(2000429, "Kan inte hitta betalningsvillkoret.")
        return {"Code": code.upper(), "Description": f"{self.terms[code.upper()]} dagar"}


def seeded() -> Registers:
    """Four invented customers, the articles of contract.md 1 and the units of statements."""
    registers = Registers()
    for number, name in (
        ("1001", "Acme AB"),
        ("1002", "Beta Bygg AB"),
        ("1003", "Cirkel Konsult AB"),
        ("1004", "Delta Frakt AB"),
    ):
        registers.add_customer(number, name)
    registers.add_article("SUPPORT", "Supportavtal, månadsavgift")
    registers.add_article("SUPPORTTIM", "Supporttimmar", Unit="h")
    return registers
