"""The mapping between a draft and Fortnox's JSON (facts.md 4; rules.md H4, I1)."""

import datetime as dt
import json
import re
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from daemon.domain.invoice import AccountingError, Fault, InvoiceRow
from daemon.domain.money import Money
from integrations.fortnox import mapping, texts
from integrations.fortnox.double.rules import check_header, check_row, ocr
from integrations.fortnox.settings import FortnoxSettings

SETTINGS = FortnoxSettings("id", "secret", fee_article="SUP-BAS", hour_article="SUP-TIM")


def body_of(draft):
    return mapping.payload(draft, SETTINGS)["Invoice"]


def test_the_body_says_everything_that_a_tenant_could_default(a_draft):
    """facts.md 4.9, I1: fees 0, no VAT included, dates, currency, language, key."""
    body = body_of(a_draft())
    rows = body.pop("InvoiceRows")
    assert body == {
        "CustomerNumber": "1002",
        "InvoiceType": "INVOICE",
        "InvoiceDate": "2026-11-30",
        "DeliveryDate": "2026-11-30",
        "Currency": "SEK",
        "Language": "SV",
        "VATIncluded": False,
        "Freight": 0,
        "AdministrationFee": 0,
        "ExternalInvoiceReference1": "AVT-beta-2026-11",
        "OurReference": "Exempel Support",
        "YourReference": "Eva Ek",
        "YourOrderNumber": "PO 4711",
        "Remarks": "Support 2026-11-01 – 2026-11-30",
        "Comments": "key=AVT-beta-2026-11",
    }
    assert rows == [
        {
            "ArticleNumber": "SUP-BAS",
            "Description": "Supportavtal november",
            "DeliveredQuantity": "1.00",
            "Unit": "st",
            "Price": Decimal("8000.00"),
        },
        {
            "ArticleNumber": "SUP-TIM",
            "Description": "Övertid",
            "DeliveredQuantity": "0.85",
            "Unit": "h",
            "Price": Decimal("850.00"),
        },
    ]


def test_empty_texts_are_left_out_and_english_is_told(a_draft):
    """facts.md 4.4: an empty string means nothing to Fortnox."""
    body = body_of(a_draft(your_reference="", order_number="", remarks=" \n", language="en"))
    assert not {"YourReference", "YourOrderNumber", "Remarks"} & body.keys()
    assert body["Language"] == "EN"


@given(ore=st.integers(-(10**14), 10**14))
def test_a_price_is_written_with_its_two_decimals_and_no_float(ore):
    """H4: exact decimals, all the way into the JSON text."""
    text = mapping.encode({"Price": Money(ore).kronor}).decode()
    sign, digits = "-" if ore < 0 else "", f"{abs(ore):03}"
    assert text == f'{{"Price":{sign}{digits[:-2]}.{digits[-2:]}}}'


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists))
def test_the_encoder_writes_the_json_that_everybody_reads(value):
    assert json.loads(mapping.encode({"x": value})) == {"x": value}


@pytest.mark.parametrize(
    ("changes", "fault", "words"),
    [
        ({"accounting_number": None}, Fault.REFUSED, "saknar kundnummer"),
        ({"accounting_number": ""}, Fault.REFUSED, "saknar kundnummer"),
        ({"reference": "AVT_beta%"}, Fault.BUG, "referensen"),
    ],
)
def test_a_draft_that_cannot_become_an_invoice_is_refused_before_any_request(
    a_draft, changes, fault, words
):
    """H6, I5."""
    with pytest.raises(AccountingError, match=words) as caught:
        body_of(a_draft(**changes))
    assert caught.value.fault is fault
    assert caught.value.remedy


def test_a_quantity_that_fortnox_would_round_is_our_bug(a_draft, a_row):
    """H4, facts.md 4.3."""
    with pytest.raises(AccountingError, match="två decimaler") as caught:
        body_of(a_draft(rows=(a_row("overage", "0.855"),)))
    assert caught.value.fault is Fault.BUG


def test_only_fee_and_overage_rows_go_to_fortnox(a_draft, a_row):
    with pytest.raises(AccountingError, match="'text'"):
        body_of(a_draft(rows=(a_row("text"),)))


def an_answer(**changes):
    row = {"ArticleNumber": "SUP-TIM", "DeliveredQuantity": "0.85", "Price": 850, "Unit": "h"}
    invoice = {
        "DocumentNumber": "57",
        "ExternalInvoiceReference1": "AVT-beta-2026-11",
        "Net": Decimal("722.5"),
        "Credit": "false",
        **dict.fromkeys(("Booked", "Sent", "Cancelled"), False),
        "CreditInvoiceReference": "0",
        "InvoiceRows": [{**row, "Description": "Övertid", "Total": Decimal("722.5")}],
        "VATCodeOfTomorrow": None,
    }
    return {"Invoice": {**invoice, **changes}}


def test_an_answer_is_read_with_its_odd_types():
    """facts.md 4.7: quantities and flags as strings, unknown fields."""
    invoice = mapping.invoice_of(an_answer(Booked=True, Sent="true"), SETTINGS)
    row = InvoiceRow("overage", "Övertid", Decimal("0.85"), "h", Money(85000))
    assert (invoice.number, invoice.net, invoice.rows) == ("57", Money(72250), (row,))
    assert (invoice.booked, invoice.sent, invoice.credit) == (True, True, False)


def test_credit_notes_credited_and_paid_invoices_are_told_apart():
    """I4."""
    credited = mapping.invoice_of(an_answer(CreditInvoiceReference="58"), SETTINGS)
    note = mapping.invoice_of(an_answer(Credit="true", CreditInvoiceReference="57"), SETTINGS)
    paid = mapping.invoice_of(an_answer(FinalPayDate="2027-01-04"), SETTINGS)
    assert (credited.credit, credited.credited_by) == (False, "58")
    assert (note.credit, note.credited_by) == (True, None)
    assert paid.paid_on == dt.date(2027, 1, 4)


def test_a_row_of_another_article_or_of_text_shows_as_such():
    """I3, I4: what somebody added is no fee row of ours."""
    rows = [
        {"ArticleNumber": "999", "DeliveredQuantity": "1", "Price": 10},
        {"ArticleNumber": "", "DeliveredQuantity": "0", "Price": 0, "Description": "Tack!"},
    ]
    kinds = [row.kind for row in mapping.invoice_of(an_answer(InvoiceRows=rows), SETTINGS).rows]
    assert kinds == ["other", "text"]


@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {},
        {"Invoice": []},
        an_answer(DocumentNumber=None),
        an_answer(Net=None),
        an_answer(Net="API_NORIGHT"),
        an_answer(Net="NaN"),
        an_answer(InvoiceRows={"a": 1}),
        an_answer(InvoiceRows=["x"]),
        an_answer(InvoiceRows=[{"DeliveredQuantity": "1,5", "Price": 1}]),
        an_answer(FinalPayDate="soon"),
    ],
)
def test_an_answer_of_another_shape_is_an_error_and_never_a_guess(answer):
    """I1, I3."""
    with pytest.raises(ValueError, match=r"."):
        mapping.invoice_of(answer, SETTINGS)


def test_a_link_is_given_where_the_tenants_address_is_known():
    """H7: the finance mail links each draft."""
    known = FortnoxSettings(
        "id", "s", invoice_link="https://apps.fortnox.se/app/x/kf/invoice/{number}"
    )
    link = "https://apps.fortnox.se/app/x/kf/invoice/57"
    assert mapping.item_of(an_answer()["Invoice"], known).link == link
    assert mapping.item_of(an_answer()["Invoice"], SETTINGS).link is None


# --- texts (facts.md 4.8) ---

PATTERN = re.compile(
    r"[^\W\d_]|[’\\\u0308\u030a0-9 –:.`´,;^¤#%§£$€¢¥©™°&/()=+\-*_!?²³®½@\u00a0\n\r]"
)


@given(st.text(max_size=400), st.integers(10, 300))
def test_cleaned_text_has_only_fortnox_characters_and_is_never_too_long(text, length):
    for clean in (texts.clean, texts.clean_line, texts.clean_lines):
        cleaned = clean(text, length)
        assert all(PATTERN.fullmatch(character) for character in cleaned)
        assert len(cleaned) <= length


@given(st.text(max_size=400))
def test_cleaning_what_is_clean_changes_nothing(text):
    once = texts.clean(text, 1024)
    assert texts.clean(once, 1024) == once


@given(st.text(alphabet="abcåäöÅÄÖ0129 –:.,;()!?%&/+-", max_size=200))
def test_ordinary_swedish_passes_unchanged_but_for_outer_and_double_spaces(text):
    assert texts.clean_line(text, 255) == re.sub(" +", " ", text).strip()


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('Bob\'s "nya" skrivare', "Bob’s nya skrivare"),
        ("[akut] <b>hjälp</b> {x} a|b", "(akut) (b)hjälp(/b) (x) a/b"),
        ("klart — nästan…", "klart – nästan..."),
        ("tab\there\x00 och 😀 emoji", "tab here och emoji"),
        ("A\u030angstro\u0308m", "Ångström"),
        ("• punkt ~ ungefär", "- punkt – ungefär"),
        ("rad ett\r\nrad två", "rad ett rad två"),
        ("Здравствуйте 你好", "Здравствуйте 你好"),
        ("a\u200d\u0308\u202e", "ä"),
    ],
)
def test_look_alikes_replace_what_fortnox_refuses(text, cleaned):
    assert texts.clean_line(text, 255) == cleaned


def test_remarks_are_cut_at_a_whole_ticket():
    """Issue 8: the ticket list as far as it fits."""
    lines = "\n".join(f"#{number} ärende om skrivare" for number in range(1000, 1100))
    cut = texts.clean_lines(lines, 1024)
    assert len(cut) <= 1024
    assert cut.endswith("\n...")
    assert set(cut.splitlines()[:-1]) <= set(lines.splitlines())
    assert texts.clean_lines("x" * 2000, 1024) == "x" * 1021 + "..."


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.lists(st.text(max_size=1500), min_size=4, max_size=4), st.text(max_size=600))
def test_the_double_takes_every_text_that_we_send(a_draft, a_row, four, description):
    """facts.md 4.8: otherwise error 2000359."""
    ours, yours, order, remarks = four
    draft = a_draft(
        our_reference=ours,
        your_reference=yours,
        order_number=order,
        remarks=remarks,
        rows=(a_row(description=description),),
    )
    body = body_of(draft)
    check_header(body)
    check_row(body["InvoiceRows"][0])


def test_the_doubles_ocr_is_that_of_the_recordings():
    """facts.md 4.7."""
    assert [ocr(number) for number in ("18", "37", "203")] == ["1842", "3749", "20354"]
