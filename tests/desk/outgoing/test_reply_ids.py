"""Keyed reply ids find their ticket, and only ours do (D3)."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.desk.outgoing import reply_ids

KEY = b"k" * 32
TICKET = st.integers(1, 10**9)
UNIQUE = st.text(max_size=40)


@settings(deadline=None)
@given(ticket=TICKET, unique=UNIQUE)
def test_an_id_names_its_ticket_in_any_letter_case_d3(ticket, unique):
    made = reply_ids.make(KEY, ticket, unique, "example.se")
    for seen in (made, made.upper(), made.strip("<>"), f"  {made[:20]}\r\n {made[20:]}"):
        assert reply_ids.read(KEY, seen) == ticket
    assert made == made.lower()


@settings(deadline=None)
@given(ticket=TICKET, unique=UNIQUE)
def test_the_plus_address_carries_the_same_id_and_fits_a_local_part_d3(ticket, unique):
    made = reply_ids.make(KEY, ticket, unique, "example.se")
    address = reply_ids.address(made, "support@example.se")
    assert address == f"support+{made[1:-1]}"
    assert reply_ids.read(KEY, address) == ticket
    assert len(address.partition("@")[0]) <= 64  # RFC 5321, 4.5.3.1.1


@settings(deadline=None)
@given(
    ticket=TICKET,
    unique=UNIQUE,
    at=st.integers(0, 60),
    other=st.sampled_from(string.ascii_lowercase),
)
def test_an_id_with_any_character_changed_names_nothing_or_the_same_d3(ticket, unique, at, other):
    made = reply_ids.make(KEY, ticket, unique, "e.se")
    local = made[1:].partition("@")[0]
    at %= len(local)
    forged = f"<{local[:at]}{other}{local[at + 1 :]}@e.se>"
    assert reply_ids.read(KEY, forged) == (ticket if forged == made else None)


@settings(deadline=None)
@given(ticket=TICKET, other=TICKET, unique=UNIQUE)
def test_an_id_of_one_ticket_makes_none_of_another_d3(ticket, other, unique):
    made = reply_ids.make(KEY, ticket, unique, "e.se")
    moved = made.replace(f"<t{ticket}.", f"<t{other}.")
    assert reply_ids.read(KEY, moved) == (ticket if other == ticket else None)
    assert reply_ids.read(b"another key", made) is None


@settings(deadline=None)
@given(foreign=st.text(max_size=200))
def test_a_foreign_id_names_nothing_and_never_raises(foreign):
    assert reply_ids.read(KEY, foreign) is None


def test_a_mail_of_no_ticket_names_none():
    assert reply_ids.read(KEY, reply_ids.make(KEY, None, "close:2026-11", "example.se")) is None


def test_an_id_is_the_same_each_time_and_another_for_each_mail():
    ids = [reply_ids.make(KEY, 1042, unique, "example.se") for unique in ("a", "a", "b")]
    assert ids[0] == ids[1]
    assert ids[0] != ids[2]


def test_an_id_glued_to_more_letters_is_none_of_ours():
    made = reply_ids.make(KEY, 1042, "a", "example.se")
    assert reply_ids.read(KEY, f"x{made[1:]}") is None
    assert reply_ids.read(KEY, "<" + "x" * 5000 + made[1:]) is None


# --- return paths (E1) ----------------------------------------------------------------------------

RECIPIENT = st.emails().map(str.lower)
BASE = st.sampled_from(["support@example.se", "bounce@studs.example.se", "kundtjanst-fel@e.se"])


@settings(deadline=None)
@given(ticket=st.none() | TICKET, unique=UNIQUE, recipient=RECIPIENT, base=BASE)
def test_a_return_path_names_its_mail_and_proves_its_recipient_in_any_letter_case(
    ticket, unique, recipient, base
):
    made = reply_ids.make(KEY, ticket, unique, "example.se")
    path = reply_ids.return_path(KEY, made, recipient, base)
    assert len(path.partition("@")[0]) <= 64
    assert path.partition("@")[2] == base.partition("@")[2]
    for seen in (path, path.upper()):
        assert reply_ids.returned(KEY, seen, "example.se") == made
        everybody = ["x@y.se", recipient, "bo@acme.se"]
        assert reply_ids.proven_recipient(KEY, seen, everybody) == recipient
        assert reply_ids.proven_recipient(KEY, seen, ["somebody@else.example"]) is None
        assert reply_ids.proven_recipient(b"another key", seen, everybody) is None
    assert reply_ids.read(KEY, path) is None, "it is no reply id"


@settings(deadline=None)
@given(
    ticket=TICKET,
    unique=UNIQUE,
    recipient=RECIPIENT,
    at=st.integers(0, 60),
    other=st.sampled_from(string.ascii_lowercase + "234567"),
)
def test_a_return_path_with_any_character_changed_proves_nobody_of_its_mail(
    ticket, unique, recipient, at, other
):
    made = reply_ids.make(KEY, ticket, unique, "e.se")
    path = reply_ids.return_path(KEY, made, recipient, "s@e.se")
    token = path.removeprefix("s+").removesuffix("@e.se")
    at %= len(token)
    forged = f"s+{token[:at]}{other}{token[at + 1 :]}@e.se"
    named = reply_ids.returned(KEY, forged, "e.se")
    proven = reply_ids.proven_recipient(KEY, forged, [recipient])
    assert (named == made and proven is not None) == (forged == path)


def test_a_base_that_leaves_no_room_stays_bare():
    made = reply_ids.make(KEY, 1042, "x", "e.se")
    base = f"{'x' * 40}@e.se"
    assert reply_ids.return_path(KEY, made, "bo@acme.se", base) == base


@settings(deadline=None)
@given(foreign=st.text(max_size=200))
def test_a_foreign_address_is_no_return_path_and_never_raises(foreign):
    for address in (foreign, f"support+b{foreign}@example.se", f"+b1.{foreign}"):
        assert reply_ids.returned(KEY, address, "example.se") is None
        assert reply_ids.proven_recipient(KEY, address, ["bo@acme.se"]) is None
