"""One statement, one invoice, whatever accounting answers (I1, I3, I5)."""

import datetime as dt
from dataclasses import replace
from decimal import Decimal

import pytest
import structlog

from daemon.desk.month import closing, invoice_drafts
from daemon.domain.invoice import (
    AccountingError,
    AccountingInvoice,
    Fault,
    InvoiceRow,
    Problem,
)
from daemon.domain.money import ZERO, Money
from daemon.store.money import invoices, statements
from tests.builders import instant, push_all, text_of
from tests.desk.month.test_closing import CLOSE, Books


class Troubled(Books):
    """Accounting with planned faults: what `create` and `find` do, call by call."""

    def __init__(self):
        super().__init__()
        self.creating, self.finding, self.problems, self.posts = [], [], [], 0

    def preflight(self, drafts):
        return self.problems

    def find(self, reference):
        fault = self.finding.pop(0) if self.finding else None
        if fault is not None:
            raise fault
        return super().find(reference)

    def create(self, draft):
        self.posts += 1
        trouble = self.creating.pop(0) if self.creating else None
        if trouble == "after":
            super().create(draft)
            raise AccountingError(Fault.UNCLEAR, "the answer was lost")
        if isinstance(trouble, AccountingError):
            raise trouble
        made = super().create(draft)
        changes = {
            None: {},
            "wrong net": {"net": made.net + made.net},
            "born booked": {"booked": True},
            "born sent": {"sent": True},
            "of another customer": {"customer_number": "666"},
        }
        return replace(made, **changes[trouble])


UNCLEAR = AccountingError(Fault.UNCLEAR, "connection lost")


@pytest.fixture
def books():
    return Troubled()


@pytest.fixture
def closed(desk, books, store):
    """A closed month with two invoices, none pushed yet."""
    while closing.close_due_month(desk.desk, instant(CLOSE)):
        pass
    return desk


def push(desk, books, at):
    while push_all(desk.desk, books, instant(at)):
        pass


def states(desk):
    with desk.desk.store.reading() as tx:
        return {each.customer_key: each.state for each in statements.listing(tx)}


def test_a_lost_answer_is_looked_up_and_adopted_never_repeated_I1(closed, books):
    books.creating = ["after"]
    push(closed, books, "2026-12-01 06:00:00")
    assert states(closed)["acme"] == "unclear"
    push(closed, books, "2026-12-01 06:00:14")
    assert states(closed)["acme"] == "unclear"
    push(closed, books, "2026-12-01 06:00:15")
    assert states(closed)["acme"] == "pushed"
    assert books.posts == 2  # one a statement


def test_it_is_repeated_only_when_all_three_look_ups_found_nothing_I1(closed, books):
    books.creating = [UNCLEAR]
    for at in ("06:00:00", "06:00:15", "06:01:15"):
        push(closed, books, f"2026-12-01 {at}")
        assert books.posts == 2
    push(closed, books, "2026-12-01 06:06:14")
    assert books.posts == 2
    push(closed, books, "2026-12-01 06:06:15")
    assert books.posts == 3
    assert states(closed)["acme"] == "pushed"


def test_a_look_up_that_fails_is_not_absent_I1(closed, books):
    books.creating = [UNCLEAR]
    push(closed, books, "2026-12-01 06:00:00")
    books.finding = [AccountingError(Fault.TEMPORARY, "503")]
    push(closed, books, "2026-12-01 06:00:15")
    for at in ("06:05:15", "06:06:15"):
        push(closed, books, f"2026-12-01 {at}")
    assert books.posts == 2
    push(closed, books, "2026-12-01 06:11:15")
    assert books.posts == 3


def test_a_program_that_died_after_its_intent_looks_up_first_I1(closed, books):
    class Killed(BaseException):
        """What kill -9 looks like from inside."""

    def die(_draft):
        Books.create(books, _draft)
        raise Killed

    books.create = die
    with pytest.raises(Killed):
        push(closed, books, "2026-12-01 06:00:00")
    del books.create
    _forget_leases(closed)
    push(closed, books, "2026-12-01 06:00:01")
    push(closed, books, "2026-12-01 06:00:15")
    assert states(closed) == {"acme": "pushed", "beta": "pushed"}
    assert [i.reference for i in books.made].count("AVT-acme-2026-11") == 1


def _forget_leases(desk):
    from daemon.store.leases import FREED
    from daemon.store.schema.tables import invoices

    with desk.desk.store.writing() as tx:
        tx.execute(invoices.update().values(FREED))


def test_a_customers_faulty_data_stops_that_invoice_alone_I5(closed, books):
    books.creating = [AccountingError(Fault.REFUSED, "Kunden finns inte", remedy="Lägg upp den")]
    with structlog.testing.capture_logs() as lines:
        push(closed, books, CLOSE)
    assert states(closed) == {"acme": "fault", "beta": "pushed"}
    assert [line["error"] for line in lines if line["event"] == "push failed"] == [
        "Kunden finns inte"
    ]


def test_a_preflights_problem_stops_that_customer_alone_I5(closed, books):
    books.problems = [Problem("Kunden 1001 är inte aktiv", "Aktivera den", customer_key="acme")]
    push(closed, books, CLOSE)
    assert states(closed) == {"acme": "fault", "beta": "pushed"}


def test_a_fault_of_access_stops_the_run_is_told_once_and_mends_itself_I5(closed, books):
    books.problems = [Problem("Behörighet saknas", "Kör avtald fortnox login")]
    push(closed, books, "2026-12-01 06:00")
    push(closed, books, "2026-12-01 06:31")
    assert states(closed) == {"acme": "waiting", "beta": "waiting"}
    closed.work("2026-12-01 06:31")
    alarms = [m for m in closed.mailer.to("drift@example.se") if "Behörighet" in text_of(m)]
    assert len(alarms) == 1
    books.problems = []
    push(closed, books, "2026-12-01 07:05")
    assert states(closed) == {"acme": "pushed", "beta": "pushed"}


def told(desk, words, at=CLOSE):
    """How often finance and the operators have been told in these words."""
    desk.work(at)
    return [
        sum(words in " ".join(text_of(raw).split()) for raw in desk.mailer.to(address))
        for address in ("ekonomi@example.se", "drift@example.se")
    ]


def test_an_echo_that_differs_is_an_alarm_with_what_differs_told_once_I3(closed, books):
    books.creating = ["wrong net"]
    push(closed, books, CLOSE)
    push(closed, books, "2026-12-01 09:00")
    assert told(closed, "16000.00 ≠ 8000.00") == [1, 1]
    with closed.desk.store.reading() as tx:
        [acme] = [each for each in invoices.listing(tx) if each.customer_key == "acme"]
    assert (acme.state, acme.fault) == ("pushed", "16000.00 ≠ 8000.00")


ROW = InvoiceRow("fee", "Avgift", Decimal("1.00"), "st", Money.parse("8000.00"))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "overage"},
        {"quantity": Decimal("0.99")},
        {"unit": "h"},
        {"price": Money.parse("8000.01")},
    ],
    ids=["kind", "quantity", "unit", "price"],
)
def test_each_part_of_a_row_is_compared_and_its_text_is_not_I3(closed, change):
    with closed.desk.store.reading() as tx:
        draft = invoice_drafts.draft_of(tx, closed.desk, statements.listing(tx)[0].id)
    draft = replace(draft, rows=(ROW,))
    echo = AccountingInvoice("1", draft.reference, draft.net, (replace(ROW, description="A"),))
    assert invoice_drafts.difference(draft, echo) is None
    assert invoice_drafts.difference(draft, replace(echo, rows=(replace(ROW, **change),)))
    assert invoice_drafts.difference(draft, replace(echo, rows=(ROW, ROW)))
    assert invoice_drafts.difference(draft, replace(echo, rows=()))
    assert invoice_drafts.difference(draft, replace(echo, reference="AVT-other-2026-11"))


def test_what_bears_on_the_net_is_compared_where_it_is_told_I3(closed):
    """facts.md 3.4 and 4.2: a tenant may add a fee by itself, or take another currency or date."""
    with closed.desk.store.reading() as tx:
        draft = invoice_drafts.draft_of(tx, closed.desk, statements.listing(tx)[0].id)
    echo = AccountingInvoice("1", draft.reference, draft.net, draft.rows)
    for told in ({"currency": "SEK"}, {"date": draft.date}, {"fees": ZERO}):
        assert invoice_drafts.difference(draft, replace(echo, **told)) is None
    for told in ({"currency": "EUR"}, {"date": dt.date(2026, 12, 1)}, {"fees": Money(5000)}):
        assert invoice_drafts.difference(draft, replace(echo, **told))


@pytest.mark.parametrize(
    ("trouble", "says"),
    [
        ("born booked", "redan bokförd eller skickad"),
        ("born sent", "redan bokförd eller skickad"),
        ("of another customer", "666 ≠ 1001"),
    ],
)
def test_an_invoice_that_is_no_draft_or_another_customers_is_an_alarm_I2_I3(
    closed, books, trouble, says
):
    books.creating = [trouble]
    push(closed, books, CLOSE)
    push(closed, books, "2026-12-01 09:00")
    assert told(closed, says) == [1, 1]
    assert states(closed)["acme"] == "pushed"


def test_an_invoice_that_was_booked_before_it_was_found_is_no_alarm_I2(closed, books):
    """Its answer was lost; a person has worked with it since."""
    with closed.desk.store.reading() as tx:
        draft = invoice_drafts.draft_of(tx, closed.desk, statements.listing(tx)[0].id)
    Books.create(books, draft)
    books.made[0] = replace(books.made[0], booked=True)
    push(closed, books, CLOSE)
    assert states(closed)["acme"] == "pushed"
    assert told(closed, "bokförd") == [0, 0]


def test_the_same_key_on_two_invoices_is_an_alarm_and_makes_no_third_I1(closed, books):
    with closed.desk.store.reading() as tx:
        draft = invoice_drafts.draft_of(tx, closed.desk, statements.listing(tx)[0].id)
    Books.create(books, draft)
    Books.create(books, draft)
    push(closed, books, CLOSE)
    assert states(closed)["acme"] == "fault"
    assert [i.reference for i in books.made].count("AVT-acme-2026-11") == 2
    assert told(closed, "AVT-acme-2026-11 finns på flera fakturor (1, 2)") == [1, 1]
    del books.made[0]  # somebody has cancelled the wrong one
    push(closed, books, "2026-12-01 06:59")
    assert states(closed)["acme"] == "fault"
    push(closed, books, "2026-12-01 07:00")
    assert states(closed)["acme"] == "pushed"
    assert books.posts == 1
