"""The specification behind a statement: PDF and CSV, harmless and complete (H2, H5, H7)."""

import csv
import datetime as dt
import email
import io
import re
import zipfile
from dataclasses import replace
from decimal import Decimal
from email import policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.desk.month import closing, enclosures, finance_mail, specification_page, specifications
from daemon.desk.month.specifications import Specification
from daemon.desk.ports import PdfError
from daemon.domain import wording
from daemon.domain.agreement import Prices
from daemon.domain.billing import Row
from daemon.domain.money import ZERO, Money
from daemon.domain.periods import Period
from daemon.store import known_faults
from daemon.store.money import statements
from integrations.pdf import WeasyPrinter
from tests.builders import SETTINGS, a_desk, a_mail, an_engineers_mail, instant, push_all, text_of
from tests.desk.month.billing_stories import Books, answer, book

CLOSE = "2026-12-01 06:00"


class Paper:
    """A printer that keeps its pages."""

    def __init__(self):
        self.pages = []

    def print(self, html):
        self.pages.append(html)
        return b"%PDF-1.7 " + str(len(html)).encode()


class NoPaper:
    def print(self, html):
        raise PdfError("WeasyPrint's libraries are missing", remedy="apt install libpango-1.0-0")


def mailed(desk, printer, at=CLOSE):
    """Close, and mail finance with that printer; its attachments by name."""
    now, books = instant(at), vars(desk).setdefault("books", Books())
    while closing.close_due_month(desk.desk, now) or push_all(desk.desk, books, now):
        pass
    while finance_mail.mail_finance(desk.desk, now, printer=printer):
        pass
    push_all(desk.desk, books, now)  # what is news after the mail
    desk.work(now)
    mail = email.message_from_bytes(desk.mailer.to("ekonomi@example.se")[-1], policy=policy.default)
    return {p.get_filename(): p.get_payload(decode=True) for p in mail.iter_attachments()}


def lines(content):
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


@pytest.fixture
def worked(desk):
    book(desk, "a\n[tid: 4h]\n[tid: 30m ej deb]\n", "2026-11-20 09:00", subject="Rapporten")
    book(desk, "a\n[tid: 1h]\n", "2026-11-21 09:00", subject="Andra <b>frågan</b>")
    return desk


def test_each_customers_pdf_and_csv_and_one_csv_with_all_are_attached_H7(worked):
    printer = Paper()
    files = mailed(worked, printer)
    assert set(files) == {
        "specifikation-2026-11.csv",
        "specifikation-2026-11-beta.csv",
        "specifikation-2026-11-beta.pdf",
    }
    (page,) = printer.pages
    assert "Beta AB" in page
    assert "Andra &lt;b&gt;frågan" in page


def test_the_csv_has_tickets_dates_engineers_minutes_and_what_the_bank_covered_H7(worked):
    files = mailed(worked, None)
    found = lines(files["specifikation-2026-11-beta.csv"])
    assert [
        (
            r["ticket"],
            r["subject"],
            r["date"],
            r["engineer"],
            r["minutes"],
            r["from_bank"],
            r["overage"],
            r["billable"],
        )
        for r in found
    ] == [
        ("1001", "Rapporten", "2026-11-20", "Anna Svensson", "240", "239", "1", "ja"),
        ("1001", "Rapporten", "2026-11-20", "Anna Svensson", "30", "0", "0", "nej"),
        ("1002", "Andra <b>frågan</b>", "2026-11-21", "Anna Svensson", "60", "0", "60", "ja"),
    ]
    assert lines(files["specifikation-2026-11.csv"]) == found


@pytest.mark.parametrize(
    "subject", ["=cmd|' /C calc'!A0", "+46 8 123", "-1+1", "@SUM(A1)", "  =1+1", "＝1+1", "|x"]
)
def test_no_cell_of_the_csv_is_a_formula_H7(desk, subject):
    book(desk, "a\n[tid: 4h]\n", "2026-11-20 09:00", subject=subject)
    (found,) = lines(mailed(desk, None)["specifikation-2026-11-beta.csv"])
    assert found["subject"].startswith("'")
    assert found["subject"].lstrip("' ") in {subject.strip(), subject}


def test_a_correction_is_told_as_what_it_changes_so_that_no_hour_counts_twice_H3(desk):
    """300 minutes in November with 239 of bank, 30 taken off in December: 0.50 h are credited."""
    notice = book(desk, "a\n[tid: 5h]\n", "2026-11-20 09:00")
    november = lines(mailed(desk, None)["specifikation-2026-11-beta.csv"])
    answer(desk, "b\n[tid: -30m 2026-11-20]\n", "2026-12-02 09:00", notice)
    printer = Paper()
    december = lines(mailed(desk, printer, "2027-01-01 06:00")["specifikation-2026-12-beta.csv"])
    keys = ("minutes", "from_bank", "overage", "correction")
    found = [tuple(row[key] for key in keys) for row in (*november, *december)]
    assert found == [("300", "239", "61", "nej"), ("-30", "0", "-30", "ja")]
    (page,) = printer.pages
    assert "rättelse: förut 5&nbsp;h, nu 4&nbsp;h&nbsp;30&nbsp;min" in page
    assert "<td class=n>−30&nbsp;min</td>" in page


def test_what_waited_for_the_bank_period_to_end_is_explained_when_it_is_charged_H3(store, tmp_path):
    settings = SETTINGS + 'overage = "bank-period"\n'
    desk, printer = a_desk(store, tmp_path, settings=settings), Paper()
    book(desk, "a\n[tid: 5h]\n", "2026-11-20 09:00", subject="Mötet")
    assert "specifikation-2026-11-beta.pdf" in mailed(desk, printer)
    files = mailed(desk, printer, "2027-01-01 06:00")
    november, december = printer.pages
    assert "Mötet" in november
    assert "Debiteras nu" not in november
    assert "specifikation-2026-12-beta.pdf" in files
    assert "1,02 h" in december
    head, _, late = december.partition("Debiteras nu, specificerat i tidigare månader")
    assert "Ingen arbetad tid" in head
    assert "Mötet" in late
    assert "<td class=n>1&nbsp;h&nbsp;1&nbsp;min</td>" in late
    assert lines(files["specifikation-2026-12-beta.csv"]) == []  # no hour twice


def test_a_new_price_of_hours_that_were_billed_names_the_hours_H3(desk):
    """Billed at 980 in November; the list of 1020 that comes later holds from the 1st (F3, H3)."""
    book(desk, "a\n[tid: 2h]\n", "2026-11-20 09:00", sender="eve@delta.se", subject="The label")
    printer = Paper()
    mailed(desk, printer)
    none = desk.desk.settings.plans["none"]
    later = Prices(dt.date(2026, 11, 1), {"hourly_rate": Money.parse("1020.00")})
    plans = {**desk.desk.settings.plans, "none": replace(none, prices=(later,))}
    changed = replace(
        desk, desk=replace(desk.desk, settings=replace(desk.desk.settings, plans=plans))
    )
    vars(changed)["books"] = vars(desk)["books"]
    mailed(changed, printer, "2027-01-01 06:00")
    december = printer.pages[-1]
    assert "−2.00 h" in december
    assert "1,020.00" in december
    assert "The label" in december.partition("Charged now, specified in earlier months")[2]


def test_with_overage_by_the_month_nothing_is_told_twice_H3(worked):
    printer = Paper()
    mailed(worked, printer)
    book(worked, "a\n[tid: 1h]\n", "2026-12-21 09:00")
    mailed(worked, printer, "2027-01-01 06:00")
    assert not any("Debiteras nu" in page for page in printer.pages)


def test_many_customers_get_their_files_in_one_archive_H7(worked, monkeypatch):
    monkeypatch.setattr(enclosures, "MOST_APART", 0)
    book(worked, "a\n[tid: 1h]\n", "2026-11-22 09:00", sender="bo@acme.se")
    files = mailed(worked, Paper())
    assert set(files) == {"specifikation-2026-11.csv", "specifikationer-2026-11.zip"}
    with zipfile.ZipFile(io.BytesIO(files["specifikationer-2026-11.zip"])) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == [
            f"specifikation-2026-11-{key}.{kind}"
            for key in ("acme", "beta")
            for kind in ("pdf", "csv")
        ]


def test_the_mail_stays_small_and_says_whose_files_had_no_room_H7(worked, monkeypatch):
    """Who is billed for hours comes first: acme stays within its bank, beta does not."""
    monkeypatch.setattr(enclosures, "MOST_PRINTED", 1)
    book(worked, "a\n[tid: 1h]\n", "2026-11-22 09:00", sender="bo@acme.se")
    files = mailed(worked, Paper())
    assert set(files) == {
        "specifikation-2026-11.csv",
        "specifikation-2026-11-beta.csv",
        "specifikation-2026-11-beta.pdf",
    }
    assert {row["customer"] for row in lines(files["specifikation-2026-11.csv"])} == {
        "Acme AB",
        "Beta AB",
    }
    told = " ".join(text_of(worked.mailer.to("ekonomi@example.se")[-1]).split())
    assert "1 kund finns bara i CSV-filen" in told
    assert "avtald statement KUND 2026-11 --pdf FIL" in told


def test_files_beyond_the_bytes_of_a_mail_are_left_out_H7(worked, monkeypatch):
    monkeypatch.setattr(enclosures, "_MOST_BYTES", 2500)
    monkeypatch.setattr(Paper, "print", lambda *_: b"%PDF-1.7 " + b"x" * 1000)
    book(worked, "a\n[tid: 1h]\n", "2026-11-22 09:00", sender="bo@acme.se")
    files = mailed(worked, Paper())
    assert sum(map(len, files.values())) <= 2500
    assert "specifikation-2026-11-beta.pdf" in files
    assert "specifikation-2026-11-acme.pdf" not in files


@pytest.mark.parametrize("approval", ["automatic", "finance"])
def test_a_customer_released_later_gets_the_same_files_in_one_mail_H7(store, tmp_path, approval):
    settings = SETTINGS.replace('kind = "files"', f'kind = "files"\napproval = "{approval}"')
    desk = a_desk(store, tmp_path, settings=settings)
    book(desk, "a\n[tid: 13h]\n", "2026-11-20 09:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    mailed(desk, Paper())
    desk.get(an_engineers_mail("OK\n", reply_to=receipt, subject="SV: kvitto"), "2026-12-02 09:00")
    files = mailed(desk, Paper(), "2026-12-02 09:05")
    assert set(files) == {
        "specifikation-2026-11.csv",
        "specifikation-2026-11-beta.csv",
        "specifikation-2026-11-beta.pdf",
    }
    told = desk.mailer.to("ekonomi@example.se")
    assert len(told) == 2
    assert "Supporttid utöver timbanken" in text_of(told[-1])
    mailed(desk, Paper(), "2026-12-02 12:05")
    assert len(desk.mailer.to("ekonomi@example.se")) == 2


def test_an_ok_to_what_was_released_lets_nothing_else_go_H7(store, tmp_path):
    settings = SETTINGS.replace('kind = "files"', 'kind = "files"\napproval = "finance"')
    desk = a_desk(store, tmp_path, settings=settings)
    book(desk, "a\n[tid: 13h]\n", "2026-11-20 09:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    mailed(desk, None)
    desk.get(an_engineers_mail("OK\n", reply_to=receipt), "2026-12-02 09:00")
    mailed(desk, None, "2026-12-02 09:05")
    close, late = desk.mailer.to("ekonomi@example.se")
    proof = "mx.example.se; dmarc=pass header.from=example.se"
    for at, answered, made in (
        ("10:00", late, ["AVT-beta-2026-11"]),
        ("11:00", close, ["AVT-beta-2026-11", "AVT-acme-2026-11"]),
    ):
        ok = a_mail("ekonomi@example.se", "SV: y", "Ok", reply_to=answered, proof=proof)
        desk.get(ok, f"2026-12-02 {at}")
        mailed(desk, None, f"2026-12-02 {at}")
        assert [each.reference for each in vars(desk)["books"].made] == made


def test_a_release_and_an_ok_at_once_are_both_told_H7(store, tmp_path):
    settings = SETTINGS.replace('kind = "files"', 'kind = "files"\napproval = "finance"')
    desk = a_desk(store, tmp_path, settings=settings)
    book(desk, "a\n[tid: 13h]\n", "2026-11-20 09:00")
    receipt = desk.mailer.to("anna@example.se")[-1]
    mailed(desk, None)
    (close,) = desk.mailer.to("ekonomi@example.se")
    proof = "mx.example.se; dmarc=pass header.from=example.se"
    desk.get(an_engineers_mail("OK\n", reply_to=receipt), "2026-12-02 09:00")
    desk.get(
        a_mail("ekonomi@example.se", "SV: y", "Ok", reply_to=close, proof=proof), "2026-12-02 09:01"
    )
    mailed(desk, None, "2026-12-02 09:05")
    told = [text_of(raw) for raw in desk.mailer.to("ekonomi@example.se")]
    assert len(told) == 4
    assert "1 fakturautkast är godkänt" in told[1]
    assert "AVT-beta-2026-11" in told[2]
    assert "Acme AB" in told[3]


def test_a_missing_printer_leaves_the_csv_and_one_alarm_H7(worked):
    files = mailed(worked, NoPaper())
    assert set(files) == {"specifikation-2026-11.csv", "specifikation-2026-11-beta.csv"}
    book(worked, "a\n[tid: 1h]\n", "2026-12-21 09:00")
    mailed(worked, NoPaper(), "2027-01-01 06:00")
    told = [text_of(raw) for raw in worked.mailer.to("drift@example.se")]
    assert len(told) == 1
    assert "libpango" in told[0]
    mailed(worked, Paper(), "2027-02-01 06:00")
    with worked.desk.store.reading() as tx:
        assert known_faults.standing(tx) == []


def test_a_print_that_is_stopped_with_the_service_is_made_anew_and_mailed_whole_H7(worked):
    class Stopped:
        def print(self, html):
            raise InterruptedError

    with pytest.raises(InterruptedError):
        mailed(worked, Stopped())
    worked.work(CLOSE)
    assert worked.mailer.to("ekonomi@example.se") == []
    assert "specifikation-2026-11-beta.pdf" in mailed(worked, Paper())


@given(
    prices=st.lists(st.integers(0, 2) | st.integers(0, 10**7), min_size=1, max_size=4),
    hundredths=st.integers(-1000, 1000).filter(bool),
    language=st.sampled_from(["sv", "en"]),
)
def test_every_row_of_money_is_printed_with_price_and_amount_also_nought_H2(
    prices, hundredths, language
):
    quantity = Decimal(hundredths).scaleb(-2)
    rows = [
        Row("overage", "hours", "2026-11", quantity=quantity, price=Money(ore)) for ore in prices
    ]
    month, printed = Period.parse("2026-11"), tuple((row, "timmar") for row in rows)
    made = Specification("AVT-a-2026-11", "A", "a", month, language, printed, (), ZERO)
    cells = re.findall(r"<td class=n>([^<]*)</td>", specification_page.specification_html(made))
    shown = [
        text
        for row in rows
        for text in (
            f"{wording.number(quantity, language)} h",
            wording.number(row.price.kronor, language),
            wording.number(row.amount.kronor, language),
        )
    ]
    assert cells[: len(shown)] == shown


def test_the_real_printer_prints_it_the_same_each_time_H5(worked):
    mailed(worked, None)
    with worked.desk.store.reading() as tx:
        (frozen,) = [f for f in statements.listing(tx) if f.customer_key == "beta"]
        (specification,) = specifications.gather(tx, worked.desk, [frozen])
    made = [enclosures.as_pdf(specification, WeasyPrinter()) for _ in "12"]
    assert made[0].content.startswith(b"%PDF-")
    assert made[0] == made[1]
    assert made[0].name == "specifikation-2026-11-beta.pdf"
