"""Drafts as files: whole or not at all, one for each reference, and good to look at."""

import dataclasses
import json
import multiprocessing
import os
import re
import stat
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.domain.document import PdfError
from daemon.domain.invoice import AccountingError, Fault
from daemon.domain.money import Money
from integrations.files import sheet
from integrations.files.drafts import FileDrafts
from integrations.pdf import WeasyPrinter

KEY = "AVT-beta-2026-11"


class PlainPrinter:
    """Prints nothing but keeps the page."""

    def __init__(self, error=None):
        self.pages = []
        self.error = error

    def print(self, html):
        if self.error:
            raise self.error
        self.pages.append(html)
        return b"%PDF-plain"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "var" / "drafts"


@pytest.fixture
def printer():
    return PlainPrinter()


@pytest.fixture
def drafts(folder, printer):
    return FileDrafts(folder, printer)


def names(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def test_a_draft_is_a_json_file_and_a_pdf(drafts, folder, a_draft):
    """contract.md 4: with files the number is the file's."""
    echo = drafts.create(a_draft())
    assert names(folder) == [f"1-{KEY}.json", f"1-{KEY}.pdf"]
    assert echo.number == "1"
    assert echo.link == (folder / f"1-{KEY}.json").resolve().as_uri()


def test_the_json_file_has_what_a_person_or_program_needs(drafts, folder, a_draft):
    drafts.create(a_draft())
    kept = json.loads((folder / f"1-{KEY}.json").read_text())
    rows = kept.pop("rows")
    assert rows[1] == {
        "kind": "overage",
        "description": "Övertid",
        "quantity": "0.85",
        "unit": "h",
        "price": "850.00",
        "amount": "722.50",
    }
    assert kept == {
        "number": "1",
        "reference": KEY,
        "customer": "beta",
        "customer_name": "Beta Bygg AB",
        "accounting_number": "1002",
        "date": "2026-11-30",
        "language": "sv",
        "our_reference": "Exempel Support",
        "your_reference": "Eva Ek",
        "order_number": "PO 4711",
        "currency": "SEK",
        "net": "8722.50",
        "remarks": "Support 2026-11-01 – 2026-11-30",
        "booked": False,
        "sent": False,
        "cancelled": False,
        "paid_on": None,
    }


def test_a_second_creation_gives_back_the_first(drafts, folder, a_draft, a_row):
    """I1: one statement, one draft; I3 then sees the difference."""
    first = drafts.create(a_draft())
    again = drafts.create(a_draft(rows=(a_row(price="1.00"),)))
    assert again == first
    assert names(folder) == [f"1-{KEY}.json", f"1-{KEY}.pdf"]


def test_a_customer_without_number_can_be_drafted(drafts, a_draft):
    """H6: only where the system needs one."""
    assert drafts.create(a_draft(accounting_number=None)).number == "1"


def test_a_cancelled_or_removed_draft_is_no_longer_found(drafts, folder, a_draft):
    """I4: a person works on the files."""
    drafts.create(a_draft())
    file = folder / f"1-{KEY}.json"
    file.write_text(file.read_text().replace('"cancelled": false', '"cancelled": true'))
    assert list(drafts.find(KEY)) == []
    assert drafts.read("1").cancelled
    assert drafts.create(a_draft()).number == "2"
    file.unlink()
    assert drafts.read("1") is None
    assert [found.number for found in drafts.find(KEY)] == ["2"]


def test_a_damaged_file_is_an_error_and_not_absent(drafts, folder, a_draft):
    """I1."""
    drafts.create(a_draft())
    for damage in ("", "{", "[]", '{"number": "1"}', "\x00"):
        (folder / f"1-{KEY}.json").write_text(damage)
        with pytest.raises(AccountingError, match="går inte att läsa") as caught:
            drafts.find(KEY)
        assert caught.value.fault is Fault.BUG


def test_other_files_in_the_folder_disturb_nobody(drafts, folder, a_draft):
    folder.mkdir(parents=True)
    for name in ("notes.txt", f"x-{KEY}.json", f"01-{KEY}.json", f".1-{KEY}.json.new", "7-"):
        (folder / name).write_text("{")
    assert drafts.create(a_draft()).number == "1"
    assert len(drafts.find(KEY)) == 1


def test_an_attachment_lies_beside_its_draft_under_a_harmless_name(drafts, folder, a_draft):
    drafts.create(a_draft())
    for name in ("specifikation.pdf", "../../etc/passwd", "..", "a b/ö\x00.pdf", f"9-{KEY}.json"):
        assert drafts.attach("1", name, b"%PDF-spec")
    assert set(names(folder)) == {
        f"1-{KEY}.json",
        f"1-{KEY}.pdf",
        f"1-{KEY}_specifikation.pdf",
        f"1-{KEY}_passwd",
        f"1-{KEY}_bilaga.pdf",
        f"1-{KEY}_pdf",
        f"1-{KEY}_9-{KEY}.json",
    }
    assert [found.number for found in drafts.find(KEY)] == ["1"]
    with pytest.raises(AccountingError, match="finns inte"):
        drafts.attach("9", "x.pdf", b"")


def test_an_unwritable_folder_stops_the_run_and_is_a_preflight_problem(tmp_path, a_draft):
    """I5."""
    (tmp_path / "file").write_text("")
    drafts = FileDrafts(tmp_path / "file")
    with pytest.raises(AccountingError) as caught:
        drafts.create(a_draft())
    assert caught.value.fault is Fault.ACCESS
    [problem] = drafts.preflight([a_draft()])
    assert problem.remedy == caught.value.remedy


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (PdfError("no libraries", remedy="apt install x"), Fault.ACCESS),
        (PdfError("odd page"), Fault.BUG),
    ],
)
def test_a_page_that_cannot_be_printed_leaves_no_draft(folder, a_draft, error, fault):
    drafts = FileDrafts(folder, PlainPrinter(error))
    with pytest.raises(AccountingError) as caught:
        drafts.create(a_draft())
    assert caught.value.fault is fault
    assert caught.value.remedy == error.remedy
    assert list(drafts.find(KEY)) == []


KILLED = """
import datetime, os, sys
from decimal import Decimal
from pathlib import Path
from daemon.domain.invoice import InvoiceDraft, InvoiceRow
from daemon.domain.money import Money
from integrations.files.drafts import FileDrafts

class Plain:
    def print(self, html):
        return b"%PDF-plain"

left = int(sys.argv[2])

def dying(call):
    def step(*args, **kwargs):
        global left
        left -= 1
        if left < 0:
            os._exit(9)
        result = call(*args, **kwargs)
        left -= 1
        if left < 0:
            os._exit(9)
        return result
    return step

os.fsync, os.open, Path.replace = map(dying, (os.fsync, os.open, Path.replace))
row = InvoiceRow("fee", "Avgift", Decimal("1.00"), "st", Money(800000))
draft = InvoiceDraft("AVT-beta-2026-11", "beta", "Beta AB", None, datetime.date(2026, 11, 30), "sv",
                     "", "", "", "", (row,))
FileDrafts(Path(sys.argv[1]), Plain()).create(draft)
"""


def test_a_kill_at_any_step_leaves_one_whole_draft_or_none(tmp_path, a_draft):
    """I1: exactly once by reference, under kill -9 between any two system calls."""
    deaths = 0
    for step in range(100):
        folder = tmp_path / str(step)
        command = [sys.executable, "-c", KILLED, str(folder), str(step)]
        code = subprocess.run(command, check=False).returncode
        drafts = FileDrafts(folder, PlainPrinter())
        assert len(drafts.find(KEY)) in {0, 1}
        assert drafts.create(a_draft()).number == "1"
        assert [found.net.ore for found in drafts.find(KEY)] in ([800000], [872250])
        assert names(folder) == [f"1-{KEY}.json", f"1-{KEY}.pdf"]
        if code == 0:
            break
        assert code == 9
        deaths += 1
    assert deaths == 20


def create_all(folder, draft, references):
    drafts = FileDrafts(folder, PlainPrinter())
    for reference in references:
        drafts.create(dataclasses.replace(draft, reference=reference))


def test_two_processes_make_one_draft_of_each_reference(folder, a_draft):
    """I1, issue 8: both push the same month at once."""
    references = [f"AVT-k{number}-2026-11" for number in range(25)]
    fork = multiprocessing.get_context("spawn")
    both = [
        fork.Process(target=create_all, args=(folder, a_draft(), order))
        for order in (references, references[::-1])
    ]
    for process in both:
        process.start()
    for process in both:
        process.join()
    kept = [name for name in names(folder) if name.endswith(".json")]
    assert sorted(re.sub(r"^\d+-|\.json$", "", name) for name in kept) == sorted(references)
    assert sorted(int(name.split("-")[0]) for name in kept) == list(range(1, 26))


def test_files_are_synced_before_they_take_their_name(drafts, folder, a_draft, monkeypatch):
    """A power cut leaves no empty draft."""
    steps = []
    fsync, replace = os.fsync, os.rename

    def noted_fsync(descriptor):
        kind = "folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file"
        steps.append(f"fsync {kind}")
        fsync(descriptor)

    def noted_replace(path, target):
        steps.append(f"name {target.suffix}")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr("pathlib.Path.replace", noted_replace)
    drafts.create(a_draft())
    assert steps == [
        *("fsync file", "name .pdf", "fsync folder"),
        *("fsync file", "name .json", "fsync folder"),
    ]


# --- the page ---


def test_the_page_says_in_swedish_that_nothing_is_booked(drafts, printer, a_draft):
    """I2."""
    drafts.create(a_draft())
    [page] = printer.pages
    wanted = ("Fakturautkast – ej bokförd", "Beta Bygg AB", KEY, "2026-11-30", "Eva Ek", "PO 4711")
    for words in (*wanted, "8\u00a0722,50&nbsp;kr", "exklusive moms", "0,85"):
        assert words in page


def test_an_english_invoice_has_an_english_page(drafts, printer, a_draft):
    drafts.create(a_draft(language="en"))
    [page] = printer.pages
    assert "Invoice draft – not booked" in page
    assert "8,722.50&nbsp;SEK" in page
    assert "exklusive" not in page


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(text=st.text(max_size=80), ore=st.integers(-(10**9), 10**9))
def test_no_text_of_a_customer_becomes_markup(a_draft, a_row, text, ore):
    hostile = f"<script>{text}</script>{{{{ 7*7 }}}}\"'"
    row = a_row(description=hostile, price=str(Money(ore)))
    draft = a_draft(customer_name=hostile, remarks=hostile, rows=(row,))
    page = sheet.html(draft, "1")
    assert "<script" not in page
    assert "{{ 7*7 }}" in page


@pytest.mark.parametrize(
    ("value", "swedish", "english"),
    [
        ("0.00", "0,00", "0.00"),
        ("-1250.50", "−1\u00a0250,50", "−1,250.50"),
        ("1234567.80", "1\u00a0234\u00a0567,80", "1,234,567.80"),
    ],
)
def test_amounts_are_written_as_the_language_does(value, swedish, english):
    assert sheet.amount(Decimal(value)) == swedish
    assert sheet.english_amount(Decimal(value)) == english


def test_the_printed_draft_can_be_read_and_is_the_same_each_time(tmp_path, a_draft):
    """H5: byte for byte; the words stand in the PDF's text."""
    first, second = tmp_path / "a", tmp_path / "b"
    for folder in (first, second):
        FileDrafts(folder, WeasyPrinter()).create(a_draft())
    pdf = first / f"1-{KEY}.pdf"
    assert pdf.read_bytes() == (second / f"1-{KEY}.pdf").read_bytes()
    assert pdf.read_bytes().startswith(b"%PDF-")
