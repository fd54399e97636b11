"""Proof of the sender: what the border wrote, and our own DKIM check (D1, S01-S04)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.authentication import Proof, authenticate, read_results
from parsers.message import read
from tests import signing
from tests.signing import dns

TRUSTED = ("mx.example.se",)
BODY = (
    "From: Anna <anna@example.se>\r\nTo: support@example.se\r\nSubject: Sv: x\r\n\r\n[tid: 1h]\r\n"
)


def proof(*headers, trusted=TRUSTED, microsoft365=False, body=BODY) -> Proof:
    raw = ("".join(f"{header}\r\n" for header in headers) + body).encode()
    return authenticate(
        read(raw), raw, trusted_authserv_ids=trusted, microsoft365=microsoft365, dkim=False
    )


GOOD = "Authentication-Results: mx.example.se; dmarc=pass header.from=example.se"
PASSED = [
    GOOD,
    "Authentication-Results: MX.example.se.; dmarc=pass header.from=Example.SE",
    "Authentication-Results: mx.example.se 1; dmarc=pass header.from=example.se",
    "authentication-results: mx.example.se; dmarc = pass (p=none) header.from = example.se",
    (
        "Authentication-Results: mx.example.se;\r\n\tdkim=pass header.d=example.se header.s=s1;\r\n"
        "\tspf=pass smtp.mailfrom=anna@example.se;\r\n"
        "\tdmarc=pass (policy=reject) header.from=example.se"
    ),
    "Authentication-Results: mx.example.se; dmarc=pass (p=NONE sp=NONE) header.from=example.se",
    "Authentication-Results: mx.example.se; spf=fail; dmarc=pass header.from=example.se",
    (
        'Authentication-Results: mx.example.se; dkim=pass reason="a; dmarc=fail" header.d=x.se;'
        " dmarc=pass header.from=example.se"
    ),
    "Authentication-Results: (c (nested)) mx.example.se (v); dmarc/1=pass header.from=example.se",
    'Authentication-Results: mx.example.se; dmarc=pass header.from="example.se" policy.dmarc=none',
    "Authentication-Results: mx.example.se; arc=none; dmarc=pass header.from=anna@example.se",
]
REFUSED = [
    ("", "no_results"),
    ("Authentication-Results: mx.example.se; none", "no_dmarc_result"),
    (
        "Authentication-Results: mx.example.se; spf=pass; dkim=pass header.d=example.se",
        "no_dmarc_result",
    ),
    ("Authentication-Results: mx.example.se; dmarc=fail header.from=example.se", "dmarc_fail"),
    ("Authentication-Results: mx.example.se; dmarc=none header.from=example.se", "dmarc_none"),
    (
        "Authentication-Results: mx.example.se; dmarc=pass header.from=evil.se",
        "dmarc_of_another_domain",
    ),
    (
        "Authentication-Results: mx.example.se; dmarc=pass header.from=sub.example.se",
        "dmarc_of_another_domain",
    ),
    ("Authentication-Results: mx.example.se; dmarc=pass", "dmarc_names_no_domain"),
    (
        "Authentication-Results: mx.evil.se; dmarc=pass header.from=example.se",
        "topmost_results_not_trusted",
    ),
    ("Authentication-Results: dmarc=pass header.from=example.se", "topmost_results_not_trusted"),
    (
        "Authentication-Results: mx.example.se; (dmarc=pass header.from=example.se)",
        "no_dmarc_result",
    ),
    (
        'Authentication-Results: mx.example.se; x="; dmarc=pass header.from=example.se',
        "no_dmarc_result",
    ),
    (
        "Authentication-Results: mx.example.se; xdmarc=pass header.from=example.se",
        "no_dmarc_result",
    ),
    ("Authentication-Results: mx.example.se; dmarc=passed header.from=example.se", "dmarc_passed"),
    (
        "Authentication-Results: mx.example.se; dmarc=pass header.from=example.se; dmarc=fail",
        "several_dmarc_results",
    ),
    ("X-Authentication-Results: mx.example.se; dmarc=pass header.from=example.se", "no_results"),
    (
        "ARC-Authentication-Results: i=1; mx.example.se; dmarc=pass header.from=example.se",
        "no_results",
    ),
    (
        "Authentication-Results: mx.example.se; dmarc=pass header.from=ex\u0430mple.se",
        "dmarc_of_another_domain",
    ),
]


@pytest.mark.parametrize("header", PASSED)
def test_a_trusted_servers_dmarc_pass_for_the_from_domain_is_proof(header):
    """D1, S04."""
    assert proof(header) == Proof(True, "dmarc", "dmarc_pass")


@pytest.mark.parametrize(("header", "reason"), REFUSED)
def test_anything_else_is_no_proof_and_says_why(header, reason):
    """D1, S01, S04."""
    found = proof(*([header] if header else []))
    assert (found.passed, found.reason) == (False, reason)


@pytest.mark.parametrize(
    "above",
    [
        "Authentication-Results: mx.example.se; dmarc=fail header.from=example.se",
        "Authentication-Results: mx.other.se; dmarc=pass header.from=example.se",
        "Authentication-Results: spf=pass",
        "Authentication-Results:",
    ],
)
def test_only_the_topmost_results_count(above):
    """D1, S03: a forged header with our server's name below the border's."""
    assert not proof(above, GOOD).passed
    assert not proof(above, "Received: from x by y", GOOD).passed


def test_without_a_trusted_server_nothing_is_proof():
    """D1."""
    assert proof(GOOD, trusted=()).reason == "no_way_to_prove"


def test_two_senders_are_no_sender():
    """D1, S02, S05."""
    assert proof(GOOD, "From: evil@x.se").reason == "no_single_sender"


NAMELESS = (
    "Authentication-Results: spf=pass (sender IP is 1.2.3.4) smtp.mailfrom=example.se; dkim=pass "
    "(signature was verified) header.d=example.se;dmarc=pass action=none "
    "header.from=example.se;compauth=pass reason=100"
)
INSIDE = "Received: from A.eurprd.prod.outlook.com (::1) by B.eurprd.prod.outlook.com with HTTPS"
BORDER = "Received: from mail.example.se (1.2.3.4) by C.mail.protection.outlook.com"
FOREIGN = "Received: from laptop by mail.example.se with ESMTPSA"


def test_microsofts_nameless_form_is_believed_as_a_setting():
    """D1, S04."""
    headers = (INSIDE, NAMELESS, BORDER, FOREIGN)
    assert proof(*headers, microsoft365=True) == Proof(True, "microsoft365", "dmarc_pass")
    assert not proof(*headers, microsoft365=False).passed


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((FOREIGN, NAMELESS, BORDER), "results_below_foreign_received"),
        ((INSIDE, NAMELESS, FOREIGN), "results_below_foreign_received"),
        ((NAMELESS,), "results_below_foreign_received"),
        ((INSIDE, NAMELESS.replace("compauth=pass", "compauth=fail"), BORDER), "compauth_fail"),
        ((INSIDE, NAMELESS.replace("dmarc=pass", "dmarc=fail"), BORDER), "dmarc_fail"),
        (
            (INSIDE, NAMELESS.replace("from=example.se", "from=x.se"), BORDER),
            "dmarc_of_another_domain",
        ),
        (
            (INSIDE, "Authentication-Results: mx.evil.se; none", NAMELESS, BORDER),
            "topmost_results_not_trusted",
        ),
        (
            (INSIDE.replace("prod.outlook.com with", "outlook.com.evil.se with"), NAMELESS, BORDER),
            "results_below_foreign_received",
        ),
    ],
)
def test_microsofts_form_is_not_believed_elsewhere(headers, reason):
    """D1, S03."""
    found = proof(*headers, trusted=(), microsoft365=True)
    assert (found.passed, found.reason) == (False, reason)


@given(st.text(alphabet='abcdmarc=pass;()"\\/. \thefrom-1', max_size=200))
def test_the_reader_of_results_never_fails(value):
    results = read_results(value)
    assert all(method and result for method, result, _ in results.methods)


def test_the_reader_of_results_does_not_recurse():
    assert read_results("(" * 5000 + ")" * 5000 + "mx.x.se; dmarc=pass").methods == ()


MAIL = (
    b"From: Anna <anna@example.se>\r\nTo: support@example.se\r\nSubject: Sv: x\r\n"
    b"Date: Mon, 12 May 2025 10:32:00 +0200\r\nContent-Type: text/plain\r\n\r\nKlart. [tid: 1h]\r\n"
)
COVERED = ("from", "to", "subject", "date", "content-type")


def signed(mail=MAIL, covering=COVERED, **options):
    return signing.signed(mail, covering=covering, **options)


def own_check(raw):
    return authenticate(
        read(raw), raw, trusted_authserv_ids=(), microsoft365=False, dkim=True, dns=dns
    )


def test_an_aligned_signature_over_what_we_act_on_is_proof():
    """D1."""
    assert own_check(signed()) == Proof(True, "dkim", "dkim_pass")
    assert own_check(signed().replace(b"\r\n", b"\n")) == Proof(True, "dkim", "dkim_pass")
    assert own_check(b"Received: by x\r\n" + signed()).passed


def test_a_domain_above_the_senders_may_sign_for_it_and_one_below_may_not():
    """D1."""
    below = MAIL.replace(b"anna@example.se", b"anna@mail.example.se")
    assert own_check(signed(below)).passed
    assert own_check(signed(domain="mail.example.se")).reason == "signed_by_another_domain"
    assert own_check(signed(domain="se")).reason == "signed_by_another_domain"


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (lambda: MAIL, "no_signature"),
        (lambda: b"Subject: [tid: 9h]\r\n" + signed(), "header_repeated"),
        (lambda: b"To: x@y.se\r\n" + signed(), "header_repeated"),
        (lambda: b"From: evil@x.se\r\n" + signed(), "no_single_sender"),
        (lambda: signed(domain="evil.se"), "signed_by_another_domain"),
        (lambda: signed(length=True), "signature_limits_length"),
        (lambda: signed(length=True) + b"[tid: 9h]\r\n", "signature_limits_length"),
        (lambda: signed(covering=["from", "to", "date"]), "signature_leaves_headers_out"),
        (lambda: signed(covering=COVERED[:4]), "signature_leaves_headers_out"),
        (lambda: signed() + b"[tid: 9h]\r\n", "signature_wrong"),
        (lambda: signed().replace(b"Sv: x", b"Sv: y"), "signature_wrong"),
        (lambda: signed().replace(b" b=", b" b=x"), "signature_wrong"),
        (lambda: signed().replace(b"\r\nTo:", b"\r\nskrap\r\nTo:"), "headers_unclear"),
    ],
)
def test_every_known_trick_with_a_signature_fails(raw, reason):
    """D1, S02: second headers, appended bodies, unsigned subjects, other signers."""
    found = own_check(raw())
    assert (found.passed, found.reason) == (False, reason)


def test_a_bare_carriage_return_makes_no_field_that_was_not_signed():
    """S02."""
    mail = MAIL.replace(b"Subject: Sv: x\r\n", b"")
    raw = b"X-Note: a\rSubject: [tid: 9h]\r\n" + signed(mail)
    assert read(raw).subject == ""


def test_the_second_way_is_tried_where_the_border_proves_nothing():
    """D1."""
    raw = signed()
    found = authenticate(
        read(raw), raw, trusted_authserv_ids=TRUSTED, microsoft365=True, dkim=True, dns=dns
    )
    assert found == Proof(True, "dkim", "dkim_pass")


def test_a_broken_name_service_is_no_proof_and_no_fault():
    """D1."""

    def broken(*_, **__):
        raise OSError("no network")

    raw = signed()
    found = authenticate(
        read(raw), raw, trusted_authserv_ids=(), microsoft365=False, dkim=True, dns=broken
    )
    assert found == Proof(False, "dkim", "signature_wrong")
