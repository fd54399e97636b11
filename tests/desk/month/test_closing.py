"""Closing months: frozen once, in order, what is held and told, approval, late time (H1–H7)."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from daemon.desk.month import closing
from daemon.desk.shown import statements as statements_shown
from daemon.domain.invoice import AccountingInvoice
from daemon.domain.money import Money
from daemon.settings.tables import Fortnox
from daemon.settings.values import Secret
from daemon.store.money import ledger, register, statements
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, instant, text_of

CLOSE = "2026-12-01 06:00"
FORTNOX = Fortnox(client_id="us", client_secret_file=Secret(Path("secret"), "hemligt"))


@dataclass
class Books:
    """An accounting system that takes every draft."""

    made: list = field(default_factory=list)

    def preflight(self, drafts):
        return []

    def find(self, reference):
        return [each for each in self.made if each.reference == reference]

    def create(self, draft):
        number = str(len(self.made) + 1)
        self.made.append(AccountingInvoice(number, draft.reference, draft.net, draft.rows))
        return self.made[-1]

    def attach(self, number, name, pdf):
        return False


@pytest.fixture
def books():
    return Books()


def book(desk, text, at, sender="cia@beta.se", subject="Rapporten"):
    """A customer's mail and an engineer's answer with time."""
    desk.get(a_mail(sender, subject, f"Hej {at}"), at)
    notice = desk.mailer.to("anna@example.se")[-1]
    desk.get(an_engineers_mail(text, reply_to=notice), at)
    return notice


def frozen(desk, month="2026-11", key="beta"):
    with desk.desk.store.reading() as tx:
        customer = register.customer_by_key(tx, key)
        found = statements.listing(tx, month=month, customer_id=customer.id)
        return found[0] if found else None


def shown(desk, at=CLOSE, month=None, key=None):
    return statements_shown.listing(desk.desk, instant(at), month=month, customer=key)


def test_a_month_does_not_close_before_its_end_H1(desk, books):
    desk.close("2026-11-30 23:59", books)
    assert frozen(desk) is None
    desk.close("2026-12-01 00:00", books)
    assert str(frozen(desk).net) == "3000.00"


def test_a_second_close_does_nothing_H1(desk, books):
    desk.close(CLOSE, books)
    sent, made = len(desk.mailer.sent), len(books.made)
    desk.close(CLOSE, books)
    assert (len(desk.mailer.sent), len(books.made)) == (sent, made)


def test_it_waits_until_all_that_was_received_before_is_acted_on_H1(desk, books):
    desk.receive(a_mail("cia@beta.se", "Sent"), "2026-11-30 23:00")
    now = instant(CLOSE)
    assert not closing.close_due_month(desk.desk, now)
    desk.work(CLOSE)
    assert closing.close_due_month(desk.desk, now)


def test_months_close_in_order_and_each_makes_its_own_draft_H1_I1(desk, books):
    desk.close("2027-02-01 06:00", books)
    assert [i.reference for i in books.made if "beta" in i.reference] == [
        "AVT-beta-2026-11",
        "AVT-beta-2026-12",
        "AVT-beta-2027-01",
    ]
    assert len(desk.mailer.to("ekonomi@example.se")) == 3


def test_late_time_bills_itself_in_the_next_open_month_H3(desk, books):
    book(desk, "a\n[tid: 4h]\n", "2026-11-20 09:00")  # 239 minutes of bank
    desk.close(CLOSE, books)
    november = frozen(desk).net
    assert str(november) == "3017.80"  # one minute over: 0.02 h
    book(desk, "b\n[tid: 1h 2026-11-25]\n", "2026-12-03 09:00")
    desk.close("2027-01-01 06:00", books)
    assert frozen(desk).net == november  # a frozen statement never changes (H5)
    rows = shown(desk, "2027-01-02 06:00", "2026-12", "beta")[0].rows
    late = [row for row in rows if row.kind == "overage"]
    assert [(row.quantity, row.price) for row in late] == [("1.00", Money.parse("890.00"))]
    assert "2026" in late[0].description


def test_an_adjustment_of_a_closed_period_settles_in_the_next_open_month_H3(desk, books):
    """239 minutes of bank and 240 of use: 0.02 h; with 60 less of bank 61 are due, 1.02 h."""
    book(desk, "a\n[tid: 4h]\n", "2026-11-20 09:00")
    desk.close(CLOSE, books)
    made = {"day": instant("2026-11-20 09:00").date(), "at": instant("2026-12-02 09:00")}
    with desk.desk.store.writing() as tx:
        beta = register.customer_by_key(tx, "beta").id
        ledger.adjust(tx, beta, minutes=-60, reason="För mycket i november", key="a", **made)
    desk.close("2027-01-01 06:00", books)
    rows = shown(desk, "2027-01-02 06:00", "2026-12", "beta")[0].rows
    (late,) = [row for row in rows if row.kind == "overage"]
    assert (late.quantity, str(late.amount)) == ("1.00", "890.00")
    assert str(frozen(desk).net) == "3017.80"


def test_no_agreement_bills_every_hour_at_the_list_price_F3(desk, books):
    book(desk, "a\n[tid: 2h]\n", "2026-11-20 09:00", sender="eve@delta.se")
    desk.close(CLOSE, books)
    assert str(frozen(desk, key="delta").net) == "1960.00"


def test_a_net_of_zero_makes_no_invoice_H5(desk, books):
    desk.close(CLOSE, books)
    assert frozen(desk, key="delta") is None
    assert all("delta" not in invoice.reference for invoice in books.made)


def test_held_time_stops_that_customer_only_and_is_told_H6(desk, books):
    book(desk, "a\n[tid: 13h]\n", "2026-11-20 09:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    desk.close(CLOSE, books)
    assert frozen(desk) is None
    assert frozen(desk, key="acme").state == "pushed"
    (held,) = [each for each in shown(desk) if each.customer == "beta"]
    assert held.state == "held"
    assert "13" in held.held[0] or "780" in held.held[0]
    assert "Beta AB" in text_of(desk.mailer.to("ekonomi@example.se")[0])
    desk.get(an_engineers_mail("OK\n", reply_to=receipt, subject="SV: kvitto"), "2026-12-02 09:00")
    desk.close("2026-12-02 09:05", books)
    assert frozen(desk).state == "pushed"
    assert len(desk.mailer.to("ekonomi@example.se")) == 2


def test_a_missing_accounting_number_stops_the_statement_that_needs_one_H6(store, tmp_path, books):
    from tests.builders import REGISTER

    desk = a_desk(store, tmp_path, register=REGISTER.replace('accounting_number = "1002"\n', ""))
    settings = desk.desk.settings
    needing = replace(settings.accounting, kind="fortnox", fortnox=FORTNOX)
    assert (settings.accounting.needs_customer_number, needing.needs_customer_number) == (
        False,
        True,
    )
    desk.desk = replace(desk.desk, settings=replace(settings, accounting=needing))
    desk.close(CLOSE, books)
    assert frozen(desk) is None
    assert "accounting_number" in shown(desk, key="beta")[0].held[0]


def test_time_without_customer_stops_nobody_and_bills_once_placed_H6(desk, books):
    desk.get(a_mail("siv@gmail.com", "Hjälp"), "2026-11-20 09:00")
    notice = desk.mailer.to("anna@example.se")[0]
    desk.get(an_engineers_mail("a\n[tid: 1h]\n", reply_to=notice), "2026-11-20 10:00")
    desk.close(CLOSE, books)
    assert "1001" in text_of(desk.mailer.to("ekonomi@example.se")[0])
    desk.get(an_engineers_mail("[kund: delta]\n", reply_to=notice), "2026-12-02 10:00")
    desk.close("2027-01-01 06:00", books)
    assert str(frozen(desk, "2026-12", "delta").net) == "980.00"


def test_with_approval_nothing_is_pushed_before_finances_ok_with_proof_H7(store, tmp_path, books):
    settings = SETTINGS.replace('kind = "files"', 'kind = "files"\napproval = "finance"')
    desk = a_desk(store, tmp_path, settings=settings)
    desk.close(CLOSE, books)
    assert books.made == []
    (mail,) = desk.mailer.to("ekonomi@example.se")
    forged = a_mail("ekonomi@example.se", "SV: x", "OK", reply_to=mail)
    desk.get(forged, "2026-12-01 08:00")
    desk.close("2026-12-01 08:00", books)
    assert books.made == []
    proof = "mx.example.se; dmarc=pass header.from=example.se"
    desk.get(
        a_mail("ekonomi@example.se", "SV: y", "Ok.", reply_to=mail, proof=proof),
        "2026-12-01 09:00",
    )
    desk.close("2026-12-01 09:00", books)
    assert sorted(i.reference for i in books.made) == ["AVT-acme-2026-11", "AVT-beta-2026-11"]


def test_an_open_month_shows_a_preview_that_is_kept_nowhere(desk):
    book(desk, "a\n[tid: 4h]\n", "2026-11-20 09:00")
    (preview,) = shown(desk, "2026-11-21 09:00", "2026-11", "beta")
    assert preview.state == "open"
    assert preview.net == Money.parse("3017.80")
    assert shown(desk, "2026-11-21 09:00") == []


def test_a_close_in_groups_by_what_is_in_the_ledger_freezes_everybody_H1(desk, books, monkeypatch):
    monkeypatch.setattr(closing, "_MOST_ROWS", 2)
    for day in (16, 17, 18):  # one customer alone has more than a group may
        book(desk, "a\n[tid: 1h]\n", f"2026-11-{day} 09:00")
    book(desk, "a\n[tid: 2h]\n", "2026-11-20 09:00", sender="eve@delta.se")
    desk.close(CLOSE, books)
    nets = {key: str(frozen(desk, key=key).net) for key in ("acme", "beta", "delta")}
    assert nets == {"acme": "8000.00", "beta": "3000.00", "delta": "1960.00"}
