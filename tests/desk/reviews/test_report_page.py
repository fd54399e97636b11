"""A printed report: handsome, short, harmless; its HTML is golden, its PDF is what it prints."""

import dataclasses
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest

from daemon.desk.reviews import charts, report_page
from daemon.desk.reviews.charts import Bar
from daemon.desk.reviews.report_page import Sheet
from daemon.desk.reviews.report_words import WORDS
from daemon.domain.periods import Period
from daemon.domain.report import figures
from integrations.pdf import WeasyPrinter
from tests.desk.reviews.report_samples import (
    a_ticket,
    at,
    busy_facts,
    many_facts,
    quiet_facts,
    year_facts,
)

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "reports"
WRITE = os.environ.get("AVTALD_GOLDEN") == "write"  # to renew them; then print and look
SHEET = Sheet("Exempel Support", "Acme AB", "Alert!")
SAMPLES = {"busy": busy_facts, "quiet": quiet_facts, "year": year_facts}


def page(facts, language="sv", sheet=SHEET):
    return report_page.report_html(sheet, figures(facts), language)


def opened(pdf):
    """The objects of a PDF, unpacked."""
    streams = re.findall(rb"stream\n(.*?)\nendstream", pdf, re.DOTALL)
    return pdf + b"".join(zlib.decompress(each) for each in streams if each[:1] == b"x")


def pages_of(pdf):
    return len(re.findall(rb"/Type\s*/Page\b(?!s)", opened(pdf)))


@pytest.mark.parametrize("language", ["sv", "en"])
@pytest.mark.parametrize("name", SAMPLES)
def test_every_page_reads_as_its_golden_file_does_j3(name, language):
    text = page(SAMPLES[name](), language)
    file = GOLDEN / f"{name}.{language}.html"
    if WRITE:
        GOLDEN.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    assert text == file.read_text("utf-8"), f"{file.name}: renew with AVTALD_GOLDEN=write"


def test_no_golden_page_is_left_of_a_sample_that_is_gone():
    expected = {f"{name}.{language}.html" for name in SAMPLES for language in WORDS}
    assert {file.name for file in GOLDEN.iterdir()} == expected


def test_both_languages_have_every_word():
    assert WORDS["sv"].keys() == WORDS["en"].keys()
    assert all(word.strip() for words in WORDS.values() for word in words.values())


@pytest.mark.parametrize(("name", "most"), [("busy", 3), ("quiet", 1), ("year", 3)])
def test_a_report_prints_on_one_to_three_pages_j3(name, most):
    pdf = WeasyPrinter().print(page(SAMPLES[name]()))
    assert 1 <= pages_of(pdf) <= most


MEASURED = """
import sys
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from integrations.pdf import MEMORY, child
code = child([str(MEMORY)])
used = getrusage(RUSAGE_SELF)
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
sys.stderr.write(f"\\n{used.ru_utime + used.ru_stime} {peak}")
sys.exit(code)
"""


@pytest.fixture(scope="module")
def many():
    """Five hundred tickets in a month: the page, its PDF, and the printing process's own cost."""
    html = page(many_facts(500))
    command = [sys.executable, "-c", MEASURED]
    ran = subprocess.run(command, input=html.encode(), capture_output=True, check=True)
    seconds, peak = ran.stderr.decode().split()[-2:]
    return html, ran.stdout, float(seconds), int(peak)


def test_five_hundred_tickets_are_three_pages_and_an_appendix_j3(many):
    html, pdf, _, _ = many
    body, _, appendix = html.partition('<div class="appendix">')
    assert pages_of(WeasyPrinter().print(body)) <= 3
    assert pages_of(pdf) > 3
    assert len(re.findall(r"(?m)^2\d{3} +2026-11-", appendix)) == 500
    assert "<pre>Ärende" in appendix


def test_five_hundred_tickets_cost_less_than_three_seconds_and_300_mb(many):
    """The processor's seconds, which other programs on the machine do not lengthen."""
    _, _, spent, most = many
    assert spent < 3
    assert most < 300 * 1024  # kB


def test_a_report_of_few_tickets_has_no_appendix():
    assert "appendix" not in page(busy_facts()).partition("</style>")[2]


# --- hostile ----------------------------------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://evil.example/x onerror=y><svg/onload=z>',
    "</pre></td></table><link rel=attachment href='file:///etc/passwd'>",
    "{{ 7*7 }}{% include '/etc/passwd' %}",
    "B" * 10_000,
    "fil\u202egnp.exe\x00\x1b[31m\u2028x",
    "",
    "漢字" * 100,
)


def hostile_facts(count=20):
    tickets = tuple(
        a_ticket(3000 + n, HOSTILE[n % len(HOSTILE)], at(11, 1 + n), 90, reason=HOSTILE[n % 6])
        for n in range(count)
    )
    return dataclasses.replace(
        busy_facts(), tickets=tickets, titles={n: (3000 + n, HOSTILE[n % 8]) for n in range(1, 16)}
    )


@pytest.fixture(scope="module")
def hostile():
    sheet = Sheet('<b>"Exempel"', "</title><script>x</script>", "Al<ert")
    return page(hostile_facts(), sheet=sheet)


def test_nothing_that_customers_write_is_markup_in_the_page(hostile):
    for tag in ("<script", "<img", "<link", "<svg/", "<b>&#34;E", "</pre></td>"):
        assert tag not in hostile
    assert "{{ 7*7 }}" in hostile
    assert "49" not in re.findall(r"<td><span class=\"no\">\d+</span> ([^<]*)", hostile)


def test_long_and_unseen_text_is_cut_and_cleaned_in_the_page(hostile):
    assert "B" * 400 not in hostile
    for character in "\u202e\x00\x1b\u2028":
        assert character not in hostile
    assert "utan ämne" in hostile


def test_lines_of_the_appendix_are_equally_long_whatever_the_subject(hostile):
    lines = hostile.partition("<pre>")[2].partition("</pre>")[0].split("\n")
    assert len(lines) == 21
    assert all(line.index("2026-11-") == lines[1].index("2026-11-") for line in lines[1:])


def test_a_hostile_report_prints_without_a_link_or_an_attachment(hostile):
    pdf = WeasyPrinter().print(hostile)
    assert pages_of(pdf) >= 2
    assert b"/URI" not in opened(pdf)
    assert b"EmbeddedFile" not in opened(pdf)


# --- drawings ---------------------------------------------------------------------------------


def test_a_drawing_holds_no_markup_of_its_words():
    drawn = charts.columns([Bar("<b>", "&", 1), Bar("x", "y", 0)], "<title>")
    assert "&lt;b&gt;" in drawn
    assert "<b>" not in drawn
    assert 'aria-label="&lt;title&gt;"' in drawn


def test_the_highest_column_fills_the_drawing_and_none_is_no_fault():
    heights = [
        float(h)
        for h in re.findall(
            r'height="([\d.]+)" fill="#2378a8"',
            charts.columns([Bar("a", "", 10), Bar("b", "", 5), Bar("c", "", 0)], "t"),
        )
    ]
    assert heights == [70.0, 35.0, 0.0]
    assert charts.columns([], "t").startswith("<svg")
    assert charts.columns([Bar("a", "0", 0)], "t").startswith("<svg")


@pytest.mark.parametrize(
    ("used", "whole", "beyond", "widths"),
    [(450, 900, 0, (260.0, 0.0)), (900, 900, 900, (260.0, 260.0)), (0, 0, 0, (0.0, 0.0))],
)
def test_a_gauge_is_in_proportion(used, whole, beyond, widths):
    drawn = charts.gauge(used, whole, beyond, "t")
    blue = float(re.search(r'width="([\d.]+)" height="12.0" fill="#2378a8"', drawn)[1])
    orange = float(re.search(r'width="([\d.]+)" height="12.0" fill="#d98324"', drawn)[1])
    assert (blue, orange) == widths


def test_a_ring_is_whole_only_at_a_hundred_per_cent():
    assert "stroke-dasharray" not in charts.ring(100, "t")
    assert "stroke-dasharray" in charts.ring(99, "t")
    assert charts.BLUE not in charts.ring(None, "t")
    assert charts.ORANGE in charts.ring(50, "t")


@pytest.mark.parametrize(
    ("key", "language", "name"),
    [
        ("2026-11", "sv", "nov 2026"),
        ("2026-Q4", "sv", "kv 4 2026"),
        ("2026-Q4", "en", "Q 4 2026"),
        ("2026-H2", "sv", "2026-H2"),
        ("2026", "en", "2026"),
    ],
)
def test_a_periods_name_fits_below_a_bar(key, language, name):
    assert report_page.short_name(Period.parse(key), language) == name
