"""Addresses: one mailbox where one is meant, and nothing guessed (S05)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.addresses import Mailbox, domain, mailboxes, normalise, one_mailbox


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("Bo Ek <bo@kund.se>", "Bo Ek", "bo@kund.se"),
        ("bo@kund.se", "", "bo@kund.se"),
        ("<bo@kund.se>", "", "bo@kund.se"),
        ('"Ek, Bo" <BO@KUND.SE>', "Ek, Bo", "bo@kund.se"),
        ("Ek, Bo <bo@kund.se>", "Bo", "bo@kund.se"),
        ("bo@kund.se (Bo Ek)", "Bo Ek", "bo@kund.se"),
        ("Bo Ek (Kund AB) <bo@kund.se>", "Bo Ek", "bo@kund.se"),
        ('"=?utf-8?Q?=C3=85sa?=" <a@b.se>', "Åsa", "a@b.se"),
        ("=?utf-8?Q?=C3=85sa_=3Cx=40y=2Ese=3E?= <a@b.se>", "Åsa <x@y.se>", "a@b.se"),
        ("Bo <bo@räksmörgås.se>", "Bo", "bo@xn--rksmrgs-5wao1o.se"),
        ("Bo <bo@xn--rksmrgs-5wao1o.se>", "Bo", "bo@xn--rksmrgs-5wao1o.se"),
        ('"alice@good.se" <bob@evil.se>', "alice@good.se", "bob@evil.se"),
        ('"bo.ek"@kund.se', "", "bo.ek@kund.se"),
        ("bo@kund.se <bo@kund.se>", "bo@kund.se", "bo@kund.se"),
        ("Bo <bo+tag@kund.se>,", "Bo", "bo+tag@kund.se"),
    ],
)
def test_one_plain_mailbox_is_read(value, name, address):
    """D1: the address stands in <>, or alone; a name is never taken for an address."""
    assert one_mailbox(value) == Mailbox(name, address)


@pytest.mark.parametrize(
    "value",
    [
        "alice@good.se)bob@evil.se",
        "alice@good.se(x)bob@evil.se",
        "(alice@good.se) bob",
        "(x)alice@good.se",
        "alice@good.se, bob@evil.se",
        "alice@good.se bob@evil.se",
        "Alice: alice@good.se;",
        "alice@good.se <bob@evil.se>",
        "<alice@good.se><bob@evil.se>",
        "<alice@good.se> bob@evil.se",
        "alice@good.se@evil.se",
        "\u0430lice@good.se",
        "alice@g\u043e\u043ed.se",
        "\uff41lice@good.se",
        "al\u200bice@good.se",
        "\u212aim@good.se",
        "alice@good.se\u3002evil.se",
        "<alice@good.se",
        '"alice <alice@good.se>',
        "alice",
        "",
        "@",
        "alice@",
        "@good.se",
        "alice@[127.0.0.1]",
        "alice@good..se",
        ".alice@good.se",
        "alice@-good.se",
        "<ali ce@good.se>",
        "alice@good.se (bob@evil.se)",
        '"a b"@good.se',
        "alice@xn--god-fdd\u043e.se",
        "a" * 65 + "@good.se",
        "alice@good.se;",
        "undisclosed:;",
    ],
)
def test_what_could_be_read_in_two_ways_is_refused(value):
    """S05: comments, two mailboxes, groups, names that hold addresses, look-alike letters."""
    assert one_mailbox(value) is None


def test_punycode_of_mixed_scripts_is_refused():
    """S05."""
    label = "go\u043ed".encode("punycode").decode()
    assert normalise(f"alice@xn--{label}.se") is None
    assert normalise("alice@" + "муза".encode("idna").decode() + ".se") is not None


def test_a_domain_with_a_sharp_s_is_nobody_elses():
    """IDNA 2008: else what is meant for straße.de goes to strasse.de."""
    assert domain("straße.de") == domain("STRAẞE.de") == "xn--strae-oqa.de"
    assert domain("xn--strae-oqa.de") == "xn--strae-oqa.de"
    assert domain("strasse.de") == "strasse.de"
    assert [domain(f"xn--{label}.de") for label in ("strasse-", "strae-Oqa-", "a", "9" * 59)] == (
        [None] * 4
    )


def test_lists_give_every_readable_mailbox():
    value = 'Bo <bo@kund.se>, "Ek, Lisa" <lisa@kund.se>, skräp, g: a@b.se, c@d.se; , x@y'
    found = [box.address for box in mailboxes(value)]
    assert found == ["bo@kund.se", "lisa@kund.se", "a@b.se", "c@d.se", "x@y"]
    assert len(mailboxes(value, 2)) == 2


def test_the_domain_is_what_stands_after_the_at():
    assert Mailbox("", "bo@kund.se").domain == "kund.se"
    assert domain("RÄKSMÖRGÅS.se") == "xn--rksmrgs-5wao1o.se"
    assert domain("") is None


def test_names_lose_controls_and_direction_marks():
    """S24: what goes into a header of ours holds no control character."""
    assert one_mailbox("=?utf-8?Q?Bo=0D=0AX:=E2=80=AE_Ek?= <bo@kund.se>").name == "Bo X: Ek"


@given(st.text(alphabet='ab@.<>(),;:"\\ \t[]=?é\u0430', max_size=60))
def test_whatever_comes_the_address_is_one_that_stands_in_it(value):
    """Never made up: the accepted address stands in the field, and normalises to itself."""
    box = one_mailbox(value)
    if box:
        assert normalise(box.address) == box.address
        flat = value.replace("\\", "").replace('"', "")
        assert box.address.partition("@")[0] in flat.lower()
        assert box in mailboxes(value)
    for other in mailboxes(value):
        assert normalise(other.address) == other.address
