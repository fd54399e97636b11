"""A proof holds for the mail as it was written, to this desk, about now, and once (D1)."""

import datetime as dt
import re
from dataclasses import dataclass

import dkim
import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers import date_field
from parsers.authentication import Proof, as_written, authenticate, seal
from parsers.message import read
from tests.signing import COVERED, dns, signed

DESK = "support@example.se"
WRITTEN = dt.datetime(2026, 11, 2, 9, 0, tzinfo=dt.UTC)
WITHIN = dt.timedelta(days=5)
BORDER = b"Authentication-Results: mx.example.se; dmarc=pass header.from=example.se\r\n"
MAIL = (
    b"From: Anna <anna@example.se>\r\nTo: support@example.se\r\nSubject: Sv: x\r\n"
    b"Date: Mon, 02 Nov 2026 10:00:00 +0100\r\nMessage-ID: <1@example.se>\r\n"
    b"Content-Type: text/plain\r\n\r\nKlart. [tid: 4h]\r\n"
)
TO_A_FRIEND = MAIL.replace(b"To: support@example.se", b"To: nils@annan.se")


def proof(raw: bytes, received_at: dt.datetime = WRITTEN, *, own: bool = True) -> Proof:
    """D1 for a mail; `own`: by our own check, else by the border's word."""
    message = read(raw)
    found = authenticate(
        message,
        raw,
        trusted_authserv_ids=() if own else ("mx.example.se",),
        microsoft365=False,
        dkim=own,
        dns=dns,
    )
    return as_written(
        found,
        message,
        is_desk=lambda address: address == DESK,
        received_at=received_at,
        within=WITHIN,
    )


@pytest.mark.parametrize("own", [True, False])
def test_a_mail_to_the_desk_that_has_just_been_written_proves_its_sender_D1(own):
    assert proof(BORDER + signed(MAIL), own=own).passed
    cc = TO_A_FRIEND.replace(b"Subject:", b"Cc: support@example.se\r\nSubject:")
    assert proof(BORDER + signed(cc), own=own).passed


def test_a_mail_without_a_signature_passed_the_border_by_its_server_D1():
    assert proof(BORDER + MAIL, own=False).passed


@pytest.mark.parametrize("own", [True, False])
def test_a_mail_that_she_wrote_to_somebody_else_is_no_word_to_the_desk_D1(own):
    """The attacker received it from her, and hands it to the desk as it is."""
    assert proof(BORDER + signed(TO_A_FRIEND), own=own).reason == "not_written_to_desk"


@pytest.mark.parametrize("own", [True, False])
def test_an_address_of_the_desk_in_a_cc_that_nobody_signed_counts_nothing_D1(own):
    raw = signed(TO_A_FRIEND, covering=("from", "to", "subject", "date", "content-type"))
    raw = raw.replace(b"Subject:", b"Cc: support@example.se\r\nSubject:")
    assert proof(BORDER + raw, own=own).reason == "not_written_to_desk"


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize(
    ("away", "passes"),
    [
        (dt.timedelta(days=5), True),
        (dt.timedelta(days=-5), True),
        (dt.timedelta(days=5, seconds=1), False),
        (dt.timedelta(days=-5, seconds=-1), False),
        (dt.timedelta(days=48), False),
    ],
)
def test_an_old_mail_proves_nothing_however_well_it_is_signed_D1(own, away, passes):
    """Time was booked again 48 days later."""
    found = proof(BORDER + signed(MAIL), WRITTEN + away, own=own)
    assert (found.passed, found.reason == "date_too_far") == (passes, not passes)


@pytest.mark.parametrize("date", ["", "i går", "Mon, 99 Foo 2026", "0" * 300, "1 Jan 99999999"])
def test_a_date_that_nobody_can_read_proves_nothing_D1(date):
    raw = MAIL.replace(b"Mon, 02 Nov 2026 10:00:00 +0100", date.encode())
    assert proof(BORDER + raw, own=False).reason == "date_unreadable"


WEAK = [
    ("from",),
    ("from", "to", "subject"),
    ("from", "to", "date"),
    ("from", "subject", "date"),
    ("from", "from"),
]


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.parametrize("covering", WEAK)
def test_a_signature_that_leaves_a_field_open_is_no_proof_by_either_way_D1(own, covering):
    """The border says pass all the same: DMARC asks for From alone."""
    found = proof(BORDER + signed(MAIL, covering=(*covering, "content-type")), own=own)
    assert found.reason == "signature_leaves_headers_out"


@pytest.mark.parametrize("own", [True, False])
def test_a_signature_over_a_part_of_the_text_is_no_proof_by_either_way_D1(own):
    raw = signed(MAIL, length=True) + b"[tid: 9h]\r\n"
    assert proof(BORDER + raw, own=own).reason == "signature_limits_length"


@pytest.mark.parametrize(
    ("results", "passes"),
    [
        ("spf=pass smtp.mailfrom=anna@example.se;", True),
        ("spf=pass smtp.mailfrom=example.se;", True),
        ("spf=pass smtp.mailfrom=evil.se;", False),
        ("spf=pass smtp.mailfrom=evil.example.se;", False),
        ("spf=fail smtp.mailfrom=example.se;", False),
        ("spf=pass;", False),
        ("spf=pass smtp.helo=example.se;", False),
    ],
)
def test_what_its_own_server_hands_over_needs_no_signature_D1(results, passes):
    """Microsoft 365 leaves To out of its signatures, and its mail passes by SPF."""
    border = BORDER.replace(b"; dmarc", f"; {results} dmarc".encode())
    assert proof(border + signed(MAIL, covering=("from", "date")), own=False).passed == passes


def test_what_the_border_says_of_spf_in_a_field_of_its_own_counts_as_well_D1():
    spf = b"Authentication-Results: mx.example.se; spf=pass smtp.mailfrom=example.se\r\n"
    weak = signed(MAIL, covering=("from",))
    assert proof(BORDER + spf + b"Received: by mx\r\n" + weak, own=False).passed
    assert not proof(BORDER + b"Received: by mx\r\n" + spf + weak, own=False).passed
    assert not proof(BORDER + spf.replace(b"mx.example", b"mx.evil") + weak, own=False).passed


def test_a_second_signature_that_covers_all_does_not_help_a_weak_one_D1():
    """The attacker writes it himself: the border passed the weak one."""
    weak = signed(MAIL, covering=("from",))
    forged = re.sub(rb"\bb=[^;]*$", b"b=AAAA", signed(MAIL).partition(b"\r\nFrom:")[0])
    assert not proof(BORDER + forged + b"\r\n" + weak, own=False).passed


def test_a_signature_folded_out_of_sight_is_no_signature_of_somebody_else_D1():
    weak = signed(MAIL, covering=("from",)).replace(b" d=", b"\r\n " * 4000 + b" d=", 1)
    assert not proof(BORDER + weak, own=False).passed


def test_another_domains_signature_says_nothing_of_the_sender_D1():
    """A list signs what it carries."""
    by_list = signed(MAIL, domain="lists.org", covering=("from",))
    assert proof(BORDER + by_list, own=False).passed


# --- an attacker who chooses ------------------------------------------------------------------


@dataclass(frozen=True)
class Fields:
    """Header fields as the attacker hands them over; None: as she wrote them."""

    values: dict[str, str | None]

    def rewrite(self, raw: bytes) -> bytes:
        """The mail with these fields in place of hers, the signature as it is."""
        head, _, body = raw.partition(b"\r\n\r\n")
        for name, value in self.values.items():
            if value is None:
                continue
            field = rb"(?im)^%s:.*\r?$\n?" % name.encode()
            head = re.sub(field, b"", head + b"\r\n").removesuffix(b"\r\n")
            head += f"\r\n{name}: {value}".encode() if value else b""
        return head + b"\r\n\r\n" + body


REWRITTEN = st.fixed_dictionaries(
    {
        "To": st.sampled_from([None, DESK, "nils@annan.se", ""]),
        "Cc": st.sampled_from([None, DESK, "x@y.se"]),
        "Subject": st.sampled_from([None, "Sv: y [#1042]", ""]),
        "Date": st.sampled_from([None, "Mon, 02 Nov 2026 10:00:00 +0100", ""]),
        "Message-ID": st.sampled_from([None, "<2@evil.se>", ""]),
        "In-Reply-To": st.sampled_from([None, "<t-1042@example.se>"]),
        "Content-Type": st.sampled_from([None, "text/html", ""]),
        "Content-Transfer-Encoding": st.sampled_from([None, "quoted-printable"]),
        "Comments": st.sampled_from([None, "1"]),
    }
)
OLD_AND_ELSEWHERE = TO_A_FRIEND.replace(b"02 Nov 2026", b"02 Sep 2026").replace(b"Mon, ", b"")


@given(st.sets(st.sampled_from([*COVERED, "message-id"])), REWRITTEN, st.booleans())
def test_no_choice_of_signed_fields_turns_an_old_mail_to_others_into_a_word_to_the_desk_D1(
    covering, rewritten, relaxed
):
    raw = signed(OLD_AND_ELSEWHERE, covering=sorted(covering | {"from"}), relaxed=relaxed)
    replayed = Fields(rewritten).rewrite(raw)
    assert not proof(replayed, own=True).passed
    if dkim.verify(replayed, dnsfunc=dns):  # then a border says pass
        assert not proof(BORDER + replayed, own=False).passed


@given(st.sets(st.sampled_from([*COVERED, "message-id"])), REWRITTEN)
def test_whatever_is_rewritten_around_a_proven_text_its_seal_is_the_same_D1(covering, rewritten):
    """So it acts once: within the five days as well, and with another Message-ID and another Cc."""
    raw = signed(MAIL, covering=sorted(covering | {"from"}))
    replayed = Fields(rewritten).rewrite(raw)
    if proof(replayed).passed:
        assert seal(read(replayed), replayed) == seal(read(MAIL), MAIL)


@pytest.mark.parametrize(
    "other",
    [
        MAIL.replace(b"[tid: 4h]", b"[tid: 5h]"),
        MAIL.replace(b"Sv: x", b"Sv: [#1042] x"),
        MAIL.replace(b"10:00:00", b"10:00:01"),
        MAIL.replace(b"To: support", b"To: helpdesk"),
    ],
)
def test_two_texts_have_two_seals_D1(other):
    assert seal(read(other), other) != seal(read(MAIL), MAIL)


def test_white_space_and_line_ends_leave_a_seal_as_it_is_D1():
    """RFC 6376 section 3.4: a signature in relaxed form holds through all of these."""
    of_mail = seal(read(MAIL), MAIL)
    for raw in (
        MAIL.replace(b"\r\n", b"\n"),
        MAIL + b"\r\n\r\n",
        MAIL.replace(b"Klart. [", b"Klart. \t [").replace(b"]\r\n", b"]  \r\n"),
        MAIL.replace(b"To: support", b"To:\r\n  support"),
    ):
        assert seal(read(raw), raw) == of_mail


# --- dates ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "instant"),
    [
        ("Mon, 02 Nov 2026 10:00:00 +0100", WRITTEN),
        ("2 Nov 2026 09:00 GMT", WRITTEN),
        ("Mon, 02 Nov 2026 04:00:00 -0500 (EST)", WRITTEN),
        ("Mon, 02 Nov 2026 09:00:00", WRITTEN),
        ("Mon, 02 Nov 2026 09:00:00 -0000", WRITTEN),
        ("", None),
    ],
)
def test_a_date_is_an_instant(value, instant):
    assert date_field.instant(value) == instant


@given(st.text(max_size=60))
def test_any_text_is_a_date_or_none(value):
    found = date_field.instant(value)
    assert found is None or found.tzinfo is dt.UTC
