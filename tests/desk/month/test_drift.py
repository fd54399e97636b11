"""What people do to our invoices in accounting is seen daily, told once, and never mended (I4)."""

import datetime as dt
from decimal import Decimal

import pytest

from daemon.desk.month import drift
from daemon.store import rows as facts
from daemon.store.money import invoices
from daemon.store.schema import tables
from integrations.files.drafts import FileDrafts
from integrations.fortnox.double.server import FortnoxDouble
from tests.builders import instant, text_of
from tests.desk.month.pushing import Played, Pushing, close_november


@pytest.fixture
def pushed(desk):
    """A desk whose three November drafts are in Fortnox since 06:00 of 1 December."""
    played = Played()
    close_november(desk)
    with FortnoxDouble(clock=played.now, ticks=played.ticks) as double:
        pushing = Pushing(desk, double, played)
        pushing.push()
        pushing.number = {
            i["ExternalInvoiceReference1"][4:8]: i["DocumentNumber"] for i in double.invoices
        }
        yield pushing
        pushing.end()
    assert double.violations == []


def look(pushing, at):
    """All that is due at an instant; gives the mails to finance that it sent."""
    pushing.played.seconds = (instant(at) - instant("2026-12-01 06:00")).total_seconds()
    before = len(pushing.desk.mailer.to("ekonomi@example.se"))
    while drift.look_for_drift(pushing.desk.desk, pushing.client, instant(at)):
        pass
    pushing.desk.work(at)
    return [text_of(raw) for raw in pushing.desk.mailer.to("ekonomi@example.se")[before:]]


def conditions(pushing):
    with pushing.desk.desk.store.reading() as tx:
        return {each.customer_key: each.condition for each in invoices.listing(tx)}


def first_look(pushing):
    """The one that sets the hour, and the first real one."""
    return look(pushing, "2026-12-01 06:01") + look(pushing, "2026-12-02 05:00")


def test_untouched_drafts_are_no_news_I4(pushed):
    assert first_look(pushed) == []
    assert look(pushed, "2026-12-03 05:00") == []


def test_it_looks_once_a_day_at_five_I4(pushed):
    look(pushed, "2026-12-01 06:01")
    counts = []
    for at in ("12-02 04:59", "12-02 05:00", "12-02 05:01", "12-03 04:59", "12-03 05:00"):
        before = len(pushed.double.requests)
        look(pushed, f"2026-{at}")
        counts.append(len(pushed.double.requests) > before)
    assert counts == [False, True, False, False, True]


def test_booked_sent_and_paid_are_noted_without_a_word_I4(pushed):
    first_look(pushed)
    number = pushed.number["acme"]
    pushed.double.books.book(number)
    pushed.double.books.send(number)
    pushed.double.books.pay(number, dt.date(2026, 12, 20))
    assert look(pushed, "2026-12-03 05:00") == []
    seen = conditions(pushed)["acme"]
    assert (seen["booked"], seen["sent"], seen["paid_on"]) == (True, True, "2026-12-20")


CHANGED = [
    {"ArticleNumber": "SUPPORT", "DeliveredQuantity": "2.00", "Unit": "st", "Price": 1},
]


@pytest.mark.parametrize(
    ("act", "says"),
    [
        (lambda books, n: books.cancel(n), "är makulerad"),
        (lambda books, n: books.remove(n), "finns inte längre"),
        (lambda books, n: books.credit(n), "är krediterad av"),
        (lambda books, n: books.update(n, {"InvoiceRows": CHANGED}), "är ändrad"),
        (lambda books, n: books.update(n, {"ExternalInvoiceReference1": "mitt"}), "ändrad: mitt"),
        (lambda books, n: books.update(n, {"CustomerNumber": "1002"}), "ändrad: 1002 ≠ 1001"),
        (lambda books, n: books.update(n, {"InvoiceDate": "2026-12-01"}), "ändrad: 2026-12-01 ≠"),
        (lambda books, n: books.update(n, {"Currency": "EUR"}), "ändrad: EUR ≠ SEK"),
        (lambda books, n: books.update(n, {"AdministrationFee": 50}), "+ 50.00 ≠ 8000.00"),
    ],
    ids=[
        "cancelled",
        "removed",
        "credited",
        "changed",
        "renamed",
        "of another customer",
        "dated anew",
        "in another currency",
        "with a fee",
    ],
)
def test_what_was_done_to_an_invoice_is_told_to_finance_once_I4(pushed, act, says):
    first_look(pushed)
    number = pushed.number["acme"]
    act(pushed.double.books, number)
    [mail] = look(pushed, "2026-12-03 05:00")
    assert f"Faktura {number}" in mail
    assert says in " ".join(mail.split())
    assert "AVT-acme-2026-11" in mail
    for day in ("04", "05"):
        assert look(pushed, f"2026-12-{day} 05:00") == []


def test_a_number_that_the_register_changed_later_is_no_drift_I4(pushed):
    first_look(pushed)
    with pushed.desk.desk.store.writing() as tx:
        tx.execute(tables.customers.update().values(accounting_number="4711"))
    pushed.double.books.send(pushed.number["acme"])  # so that it is read again
    assert look(pushed, "2026-12-03 05:00") == []


def test_what_one_look_finds_is_one_mail_and_the_next_thing_another_I4(pushed):
    first_look(pushed)
    pushed.double.books.cancel(pushed.number["acme"])
    pushed.double.books.remove(pushed.number["beta"])
    [mail] = look(pushed, "2026-12-03 05:00")
    assert "AVT-acme-2026-11" in mail
    assert "AVT-beta-2026-11" in mail
    pushed.double.books.cancel(pushed.number["delt"])
    [mail] = look(pushed, "2026-12-04 05:00")
    assert "AVT-acme" not in mail
    assert "AVT-delta-2026-11" in mail


def test_a_copy_with_our_reference_is_told_and_a_credit_note_is_none_I4(pushed):
    first_look(pushed)
    copy = pushed.double.add_invoice("1001", ExternalInvoiceReference1="AVT-acme-2026-11")
    [mail] = look(pushed, "2026-12-03 05:00")
    assert f"Faktura {copy['DocumentNumber']} bär samma referens" in " ".join(mail.split())
    pushed.double.books.credit(pushed.number["beta"])
    [mail] = look(pushed, "2026-12-04 05:00")
    assert "krediterad" in mail
    assert "samma referens" not in mail


def test_another_tenants_keys_and_foreign_invoices_are_not_ours_I4(pushed):
    first_look(pushed)
    pushed.double.books.cancel(pushed.double.add_invoice("1001")["DocumentNumber"])
    pushed.double.add_invoice("1001", ExternalInvoiceReference1="AVT-other-2026-11")
    assert look(pushed, "2026-12-03 05:00") == []


def test_nothing_is_ever_repaired_I4(pushed):
    first_look(pushed)
    pushed.double.books.cancel(pushed.number["acme"])
    look(pushed, "2026-12-03 05:00")
    pushed.push()
    assert pushed.posts() == 3
    assert {each.method for each in pushed.double.requests if each.path.startswith("/3/")} == {
        "GET",
        "POST",
    }


def test_a_look_that_fails_is_made_again_in_an_hour_I4(pushed):
    first_look(pushed)
    pushed.double.books.cancel(pushed.number["acme"])
    pushed.double.faults.add("500-before", times=None)
    assert look(pushed, "2026-12-03 05:00") == []
    pushed.double.faults.clear()
    assert look(pushed, "2026-12-03 05:59") == []
    assert len(look(pushed, "2026-12-03 06:00")) == 1


def test_lost_access_is_told_once_and_the_look_goes_on_when_it_is_back_I5(pushed):
    first_look(pushed)
    pushed.double.tokens.consented = False
    pushed.double.tokens.access.clear()
    mails = [m for hour in ("05", "06", "07") for m in look(pushed, f"2026-12-03 {hour}:00")]
    assert len(mails) == 1
    assert "avtald fortnox login" in mails[0]
    pushed.double.tokens.consented = True
    pushed.double.books.cancel(pushed.number["acme"])
    assert "makulerad" in look(pushed, "2026-12-03 08:00")[0]


def test_a_look_costs_two_lists_and_one_read_for_each_thing_that_is_new(pushed):
    first_look(pushed)
    look(pushed, "2026-12-03 05:00")
    before = len(pushed.double.requests)
    look(pushed, "2026-12-04 05:00")
    paths = [e.path for e in pushed.double.requests[before:] if not e.path.startswith("/oauth")]
    assert paths == ["/3/invoices", "/3/invoices"]
    pushed.double.books.book(pushed.number["acme"])
    before = len(pushed.double.requests)
    look(pushed, "2026-12-05 05:00")
    paths = [e.path for e in pushed.double.requests[before:] if not e.path.startswith("/oauth")]
    assert paths == ["/3/invoices", "/3/invoices", f"/3/invoices/{pushed.number['acme']}"]


def test_an_unpaid_invoice_is_read_whole_every_thirty_days_whatever_lists_say_I4(pushed):
    first_look(pushed)
    look(pushed, "2026-12-03 05:00")
    rows = pushed.double.books.invoices[pushed.number["acme"]]
    rows["Net"] = Decimal(1)  # behind the list's back
    assert look(pushed, "2026-12-20 05:00") == []
    [mail] = look(pushed, "2027-01-03 05:00")
    assert "1.00 ≠ 8000.00" in mail


def test_drafts_in_files_are_looked_at_as_well_I4(desk, tmp_path):
    """The port is one: what is deleted from the folder is told."""
    close_november(desk)
    books = FileDrafts(tmp_path / "drafts")
    desk.close("2026-12-01 06:00", books)
    for at in ("2026-12-01 06:01", "2026-12-02 05:00"):
        drift.look_for_drift(desk.desk, books, instant(at))
    (gone,) = (tmp_path / "drafts").glob("*-AVT-acme-2026-11.json")
    gone.unlink()
    assert drift.look_for_drift(desk.desk, books, instant("2026-12-03 05:00"))
    desk.work("2026-12-03 05:00")
    assert "finns inte längre" in text_of(desk.mailer.to("ekonomi@example.se")[-1])


def test_a_desk_without_invoices_asks_nothing(desk, tmp_path):
    for at in ("2026-12-01 06:00", "2026-12-02 05:00"):
        drift.look_for_drift(desk.desk, None, instant(at))
    with desk.desk.store.reading() as tx:
        assert facts.fact(tx, "drift-next").startswith("2026-12-03T04:00")
