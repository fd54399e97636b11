"""Fixtures for the accounting systems: a double, a client, and time that costs nothing."""

import datetime as dt
from decimal import Decimal

import pytest

from daemon.domain.invoice import InvoiceDraft, InvoiceRow
from daemon.domain.money import Money
from integrations.fortnox.access.sealing import in_memory
from integrations.fortnox.client import FortnoxClient
from integrations.fortnox.double.server import FortnoxDouble
from integrations.fortnox.pacing import EvenPacer


class PlayedTime:
    """Seconds that pass only when somebody sleeps."""

    def __init__(self):
        self.seconds = 0.0
        self.slept = []

    def ticks(self):
        return self.seconds

    def now(self):
        return dt.datetime(2026, 12, 1, 6, tzinfo=dt.UTC) + dt.timedelta(seconds=self.seconds)

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.seconds += seconds


@pytest.fixture
def played():
    return PlayedTime()


@pytest.fixture
def double(played):
    """Every test ends with the proof that nothing was booked, sent, printed or changed (I2, I4)."""
    with FortnoxDouble(clock=played.now, ticks=played.ticks) as running:
        yield running
    assert running.violations == []


@pytest.fixture
def a_client(double, played):
    """Make clients of the double: `a_client(store=…, tenant_id=None, timeout=0.2)`."""
    made = []

    def build(store=None, pacer=None, **settings):
        client = FortnoxClient(
            double.settings(**settings),
            store or in_memory(),
            pacer or EvenPacer(clock=played.ticks, sleep=played.sleep),
            clock=played.now,
            sleep=played.sleep,
        )
        made.append(client)
        return client

    yield build
    for client in made:
        client.close()


@pytest.fixture
def client(a_client):
    return a_client()


@pytest.fixture
def a_row():
    def build(kind="fee", quantity="1.00", price="8000.00", description="Supportavtal november"):
        unit = "st" if kind == "fee" else "h"
        return InvoiceRow(kind, description, Decimal(quantity), unit, Money.parse(price))

    return build


@pytest.fixture
def a_draft(a_row):
    """The statement of contract.md 4 unless told otherwise: 8000.00 + 0.85 × 850.00 = 8722.50."""

    def build(key="beta", month="2026-11", **changes):
        given = {
            "reference": f"AVT-{key}-{month}",
            "customer_key": key,
            "customer_name": "Beta Bygg AB",
            "accounting_number": "1002",
            "date": dt.date(2026, 11, 30),
            "language": "sv",
            "our_reference": "Exempel Support",
            "your_reference": "Eva Ek",
            "order_number": "PO 4711",
            "remarks": "Support 2026-11-01 – 2026-11-30",
            "rows": (a_row(), a_row("overage", "0.85", "850.00", "Övertid")),
        }
        return InvoiceDraft(**{**given, **changes})

    return build
