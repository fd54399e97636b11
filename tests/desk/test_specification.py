"""The specification behind a statement: PDF and CSV, harmless and complete (H2, H5, H7)."""

import csv
import email
import io
from email import policy

import pytest

from daemon.desk import closing, invoicing, specification
from daemon.desk.ports import PdfError
from daemon.store import alarms as stored_alarms
from daemon.store import statements
from integrations.pdf import WeasyPrinter
from tests.builders import instant, text_of
from tests.desk.billing_stories import Books, book

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
    now, books = instant(at), Books()
    while closing.step(desk.desk, now, needs_number=True) or invoicing.step(desk.desk, books, now):
        pass
    while closing.mail_step(desk.desk, now, needs_number=True, printer=printer):
        pass
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
        "specifikation-2026-11.csv", "specifikation-2026-11-beta.csv",
        "specifikation-2026-11-beta.pdf",
    }  # fmt: skip
    (page,) = printer.pages
    assert "Beta AB" in page
    assert "Andra &lt;b&gt;frågan" in page


def test_the_csv_has_tickets_dates_engineers_minutes_and_what_the_bank_covered_H7(worked):
    files = mailed(worked, None)
    found = lines(files["specifikation-2026-11-beta.csv"])
    assert [
        (r["ticket"], r["subject"], r["date"], r["engineer"], r["minutes"], r["from_bank"],
         r["overage"], r["billable"])
        for r in found
    ] == [
        ("1001", "Rapporten", "2026-11-20", "Anna Svensson", "240", "239", "1", "ja"),
        ("1001", "Rapporten", "2026-11-20", "Anna Svensson", "30", "0", "0", "nej"),
        ("1002", "Andra <b>frågan</b>", "2026-11-21", "Anna Svensson", "60", "0", "60", "ja"),
    ]  # fmt: skip
    assert lines(files["specifikation-2026-11.csv"]) == found


@pytest.mark.parametrize(
    "subject", ["=cmd|' /C calc'!A0", "+46 8 123", "-1+1", "@SUM(A1)", "  =1+1", "＝1+1", "|x"]
)
def test_no_cell_of_the_csv_is_a_formula_H7(desk, subject):
    book(desk, "a\n[tid: 4h]\n", "2026-11-20 09:00", subject=subject)
    (found,) = lines(mailed(desk, None)["specifikation-2026-11-beta.csv"])
    assert found["subject"].startswith("'")
    assert found["subject"].lstrip("' ") in {subject.strip(), subject}


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
        assert stored_alarms.standing(tx) == []


def test_the_real_printer_prints_it_the_same_each_time_H5(worked):
    mailed(worked, None)
    with worked.desk.store.reading() as tx:
        (frozen,) = [f for f in statements.listing(tx) if f.customer_key == "beta"]
        made = [
            specification.of_statement(WeasyPrinter(), tx, worked.desk, frozen.id) for _ in "12"
        ]
    assert made[0].content.startswith(b"%PDF-")
    assert made[0] == made[1]
    assert made[0].name == "specifikation-2026-11-beta.pdf"
